// SPDX-License-Identifier: Apache-2.0

package version

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	require.NoError(t, r.Exec(t, NewCmd(r.Factory, nil)))
	require.Regexp(t, `^emrflink v1\.2\.3 \(go[^ ]+, [a-z]+/[a-z0-9]+.*\)\n$`, r.Out.String())
	require.Empty(t, r.Err.String())

	r = cmdtest.New(t)
	require.NoError(t, r.Exec(t, NewCmd(r.Factory, nil), "--output", "json"))
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "version", "commit", "go", "pulumi", "os", "arch")
}
