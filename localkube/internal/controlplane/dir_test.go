// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"os"
	"testing"
)

func TestWhatAKilledProcessWasWritingIsRemoved(t *testing.T) {
	t.Parallel()
	d := dir(t.TempDir())
	for _, name := range []string{caKeyFile + tempMark + "1", caKeyFile} {
		if err := os.WriteFile(d.path(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, lock, err := openDir(string(d))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if d.exists(caKeyFile+tempMark+"1") || !d.exists(caKeyFile) {
		t.Error("want the temporary file gone and the other one kept")
	}
}
