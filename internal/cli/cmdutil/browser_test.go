// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEachSystemHasItsBrowser(t *testing.T) {
	t.Parallel()
	for system, want := range map[string]string{"linux": "xdg-open", "darwin": "open", "windows": "rundll32"} {
		got, _ := browser(system)
		require.Equal(t, want, got)
	}
}
