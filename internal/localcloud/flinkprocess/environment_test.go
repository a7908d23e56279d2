// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/flinkhome"
	"emrflink/internal/localcloud/flinkconf"
)

// TestAJobInPythonHasThePythonThatIsInstalled: Flink starts the python that is first on the PATH.
func TestAJobInPythonHasThePythonThatIsInstalled(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Options{Client: client()})
	b := written(t, r, job())
	b.settings.values = map[string]string{flinkconf.MainClass: pythonDriver}
	_, err := r.machineVars(b, nil)
	var missing *flinkhome.Error
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "emrflink local flink install --python", missing.Hint())

	b.home.Python = t.TempDir()
	opt := filepath.Join(b.home.Python, "lib", "python3.11", "site-packages", "pyflink", "opt")
	require.NoError(t, os.MkdirAll(opt, 0o700))
	vars, err := r.machineVars(b, nil)
	require.NoError(t, err)
	require.Equal(t, opt, vars["FLINK_OPT_DIR"])
	require.Equal(t, b.home.Python+"/bin:/usr/local/bin:/usr/bin:/bin", vars["PATH"])
}
