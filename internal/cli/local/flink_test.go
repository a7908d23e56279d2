// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkhome"
)

// distribution is a folder that looks like an official one.
func distribution(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"lib/flink-dist-" + version + ".jar", "opt/flink-s3-fs-hadoop-" + version + ".jar"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), nil, 0o600))
	}
	return dir
}

func execFlink(t *testing.T, homes flinkhome.Homes, args ...string) (*cmdtest.Run, error) {
	t.Helper()
	r := cmdtest.New(t)
	r.Factory.IO.SetEnv(func(name string) string { return map[string]string{"JAVA_HOME": "/nowhere"}[name] })
	o := Operations{Flink: func() (flinkhome.Homes, error) { return homes, nil }}
	cmd := map[string]func(*cmdutil.Factory, Operations, func(context.Context, *FlinkOptions) error) *cobra.Command{
		"install": NewFlinkInstallCmd, "status": NewFlinkStatusCmd, "remove": NewFlinkRemoveCmd,
	}[args[0]]
	return r, r.Exec(t, cmd(r.Factory, o, nil), args[1:]...)
}

func TestADistributionIsUsedAndForgotten(t *testing.T) {
	t.Parallel()
	homes, dir := flinkhome.Homes{Folder: t.TempDir()}, distribution(t, "1.20.3")
	r, err := execFlink(t, homes, "install", "--home", dir)
	require.NoError(t, err)
	require.Contains(t, r.Out.String(), "Flink 1.20.3 is installed\njobs are simulated: ", "there is no Java")
	r, err = execFlink(t, homes, "status")
	require.NoError(t, err)
	require.Contains(t, r.Out.String(), "next:    install Java 11 or 17, or name its folder in JAVA_HOME\n")
	r, err = execFlink(t, homes, "remove")
	require.NoError(t, err)
	require.Contains(t, r.Out.String(), "Flink is removed")
	require.FileExists(t, filepath.Join(dir, "lib", "flink-dist-1.20.3.jar"))
	r, err = execFlink(t, homes, "remove")
	require.NoError(t, err)
	require.Equal(t, "no Flink was installed\n", r.Out.String())
	r, err = execFlink(t, homes, "status")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(r.Out.String(), "jobs are simulated: no Flink is installed for the local target\n"), r.Out)
	require.Contains(t, r.Out.String(), "next:    emrflink local flink install\n")
}

func TestADistributionOfAnotherLineIsRefused(t *testing.T) {
	t.Parallel()
	_, err := execFlink(t, flinkhome.Homes{Folder: t.TempDir()}, "install", "--home", distribution(t, "1.19.1"))
	require.Equal(t, 1, cmdtest.Code(err))
	require.ErrorContains(t, err, "it is Flink 1.19.1, while EMR's releases have Flink 1.20")
}

func TestTheDocumentsOfFlinkHaveTheAgreedFields(t *testing.T) {
	t.Parallel()
	status := []string{
		"schemaVersion", "state", "home", "home.dir", "home.version", "home.fetched", "home.python", "bytes", "java", "java.path",
		"java.version", "java.problem", "maven", "maven.path", "maven.version", "maven.problem", "runs", "problem", "next",
	}
	homes := flinkhome.Homes{Folder: t.TempDir()}
	r, err := execFlink(t, homes, "install", "--home", distribution(t, "1.20.1"), "-o", "json")
	require.NoError(t, err)
	cmdtest.Fields(t, r.Out.Bytes(), append([]string{"changed"}, status...)...)
	r, err = execFlink(t, homes, "status", "-o", "json")
	require.NoError(t, err)
	cmdtest.Fields(t, r.Out.Bytes(), status...)
	r, err = execFlink(t, homes, "remove", "-o", "json")
	require.NoError(t, err)
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "freedBytes")
}

func TestProgressSaysHowMuchIsLeft(t *testing.T) {
	t.Parallel()
	all := flinkhome.FetchedBytes()
	require.Equal(t, "fetching, 0 of 60 jars, 0 of "+mb(all), howFar(flinkhome.Progress{Of: 60, Doing: "fetching"}, time.Second))
	require.Contains(t, howFar(flinkhome.Progress{Jars: 9, Of: 60, Bytes: all / 4, Doing: "fetching"}, 5*time.Second),
		"9 of 60 jars, 54 of 217 MB, about 15s left")
	require.NotContains(t, howFar(flinkhome.Progress{Jars: 60, Of: 60, Bytes: all, Doing: "checking"}, time.Second), "left")
}
