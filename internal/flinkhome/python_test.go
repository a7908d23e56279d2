// SPDX-License-Identifier: Apache-2.0

package flinkhome

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// python makes a program that makes environments whose pip runs a script.
func python(t *testing.T, pip string) Program {
	t.Helper()
	file := filepath.Join(t.TempDir(), "python3")
	script := "#!/bin/sh\ntest \"$1 $2\" = '-m venv' || exit 9\nmkdir -p \"$3/bin\"\n" +
		"printf '%s\\n' '#!/bin/sh' 'cd \"$(dirname \"$0\")/..\"' '" + pip + "' > \"$3/bin/pip\"\nchmod +x \"$3/bin/pip\"\n"
	require.NoError(t, os.WriteFile(file, []byte(script), 0o700)) // #nosec G306 -- it is run
	return Program{Path: file, Version: "3.11"}
}

const installs = `for last; do :; done; echo "$last" > asked; mkdir -p lib/python3.11/site-packages/pyflink/opt`

func TestPyFlinkIsInstalledOnceAndFound(t *testing.T) {
	t.Parallel()
	h := Homes{Folder: t.TempDir()}
	_, err := h.withPython(Home{}).PythonJars()
	var problem *Error
	require.ErrorAs(t, err, &problem)
	require.Equal(t, "emrflink local flink install --python", problem.Hint())

	_, err = h.InstallPython(t.Context(), python(t, "echo first; echo no such package >&2; exit 3"))
	require.ErrorAs(t, err, &problem)
	require.ErrorContains(t, err, "exit status 3: no such package")
	require.Empty(t, h.withPython(Home{}).Python, "what is half is not found")

	changed, err := h.InstallPython(t.Context(), python(t, installs))
	require.NoError(t, err)
	require.True(t, changed)
	asked, err := os.ReadFile(filepath.Join(h.python(), "asked"))
	require.NoError(t, err)
	require.Equal(t, PyFlink+"\n", string(asked))
	jars, err := h.withPython(Home{}).PythonJars()
	require.NoError(t, err)
	require.DirExists(t, jars)

	changed, err = h.InstallPython(t.Context(), Program{Problem: "none"})
	require.NoError(t, err, "it is there")
	require.False(t, changed)
	require.NoError(t, os.WriteFile(filepath.Join(h.python(), pythonMark), []byte("apache-flink==1.19.0\n"), 0o600))
	_, err = h.InstallPython(t.Context(), Program{Problem: "PyFlink runs on Python 3.8 to 3.11"})
	require.ErrorContains(t, err, "PyFlink runs on Python 3.8 to 3.11", "that of another Flink is none")
	_, err = h.Remove()
	require.NoError(t, err)
	require.NoDirExists(t, h.python())
}
