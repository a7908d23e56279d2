// SPDX-License-Identifier: Apache-2.0

package job

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/jarcheck"
)

func TestCheckJar(t *testing.T) {
	t.Parallel()
	var content bytes.Buffer
	z := zip.NewWriter(&content)
	w, err := z.Create("META-INF/MANIFEST.MF")
	require.NoError(t, err)
	_, err = w.Write([]byte("Main-Class: org.example.Job\n"))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	dir := t.TempDir()
	file, sql := filepath.Join(dir, "job.jar"), filepath.Join(dir, "a.sql")
	require.NoError(t, os.WriteFile(file, content.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(sql, []byte("CREATE TABLE t WITH ('connector' = 'kafka')"), 0o600))
	run := func(o JarOptions) (string, error) {
		ios, _, out, _ := iostreams.Test()
		o.IO = ios
		o.Fetch = func(_ context.Context, uri string) ([]byte, error) {
			if uri != "s3://b/job.jar" {
				return nil, errors.New("no such object")
			}
			return content.Bytes(), nil
		}
		err := checkJar(t.Context(), &o)
		return out.String(), err
	}
	text, err := run(JarOptions{Jar: file, SQL: sql})
	require.Equal(t, cmdutil.ExitStatus(cmdutil.ExitUsage), err)
	require.Contains(t, text, file+"!META-INF/MANIFEST.MF: error: the jar has no class org.example.Job [main]\n    then ")
	require.Contains(t, text, sql+":1: error: 'connector' = 'kafka' is neither in the jar nor in the image")
	require.Contains(t, text, file+": 0 classes, main class org.example.Job; for EMR 7.13: 2 errors, 0 warnings, 0 notes.\n")
	text, err = run(JarOptions{Jar: "s3://b/job.jar", Output: cmdutil.JSON})
	require.Equal(t, cmdutil.ExitStatus(cmdutil.ExitUsage), err)
	var r jarcheck.Result
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	require.Equal(t, int64(content.Len()), r.Bytes)

	for want, o := range map[string]JarOptions{
		"no such object": {Jar: "s3://b/other.jar"}, "no such file": {Jar: filepath.Join(dir, "none.jar")},
		"it is no jar": {Jar: sql}, "it is no file": {Jar: dir}, "no release label": {Jar: file, Release: "newest"},
	} {
		_, err := run(o)
		require.ErrorContains(t, err, want)
	}
}
