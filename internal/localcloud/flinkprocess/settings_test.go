// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// configured is the settings that Flink reads when its pod mounts these files.
func configured(t *testing.T, part role, o Options, files map[string]string) (*box, map[string]string) {
	t.Helper()
	b := boxOf(t, job(mounted("/opt/flink/conf", configMap("conf"))))
	o.Client = client(settingsMap("conf", files))
	r := newRuntime(t, o)
	require.NoError(t, b.clean())
	_, err := r.writeVolumes(t.Context(), b)
	require.NoError(t, err)
	require.NoError(t, b.mount(b.Container))
	b.launch.role = part
	b.settings, err = b.configure(r.o)
	require.NoError(t, err)
	read, err := readSettings(b.in(confFolder))
	require.NoError(t, err)
	require.Equal(t, b.settings.values, read, "what is written is what was meant")
	require.NoFileExists(t, b.in(confFolder, configFile))
	return b, read
}

func TestBothFormsOfTheConfigurationAreRead(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"a.b": "1073741824", "a.c": "on", "list": "x;y",
		"jobmanager.bind-host": testIP, "rest.bind-address": testIP, "rest.address": testIP,
	}
	for name, files := range map[string]map[string]string{
		"flat":               {"flink-conf.yaml": "# a comment\na.b: 1073741824 # one\na.c: on\nlist: x;y\nnot a setting\n"},
		"nested":             {"config.yaml": "a:\n  b: 1073741824\n  c: on\nlist: [x, y]\nnothing:\n"},
		"flat before nested": {"config.yaml": "z: 1\n", "flink-conf.yaml": "a.b: 1073741824\na.c: on\nlist: x;y\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := configured(t, jobManager, Options{}, files)
			require.Equal(t, want, withoutStart(got))
		})
	}
}

// withoutStart leaves out the time for the start, which all processes have.
func withoutStart(values map[string]string) map[string]string {
	delete(values, startTimeout)
	delete(values, artifactsDir)
	return values
}

func TestASlowMachineHasTimeToStart(t *testing.T) {
	t.Parallel()
	_, got := configured(t, taskManager, Options{}, map[string]string{"flink-conf.yaml": ""})
	require.Equal(t, slowStart, got[startTimeout])
	_, got = configured(t, taskManager, Options{}, map[string]string{"flink-conf.yaml": startTimeout + ": 3 s"})
	require.Equal(t, "3 s", got[startTimeout], "the user's own")
}

func TestFlinkListensOnTheAddressOfItsPod(t *testing.T) {
	t.Parallel()
	_, got := configured(t, taskManager, Options{}, map[string]string{"flink-conf.yaml": "taskmanager.bind-host: 0.0.0.0\n"})
	require.Equal(t, map[string]string{"taskmanager.bind-host": testIP, "taskmanager.host": testIP}, withoutStart(got))
	_, got = configured(t, jobManager, Options{}, map[string]string{"flink-conf.yaml": "rest.bind-address: 0.0.0.0\n"})
	require.Equal(t, testIP, got["rest.bind-address"])
}

func TestS3IsThatOfTheAccount(t *testing.T) {
	t.Parallel()
	_, got := configured(t, jobManager, Options{S3Endpoint: "http://127.0.0.1:4566", Region: "us-west-2"}, map[string]string{
		"flink-conf.yaml": "s3.endpoint: https://s3.us-west-2.amazonaws.com\ns3a.path-style-access: false\n" +
			"fs.s3a.connection.maximum: 9\n" +
			"s3.aws.credentials.provider: com.amazonaws.auth.WebIdentityTokenCredentialsProvider\n",
	})
	require.Equal(t, map[string]string{
		"fs.s3a.endpoint": "http://127.0.0.1:4566", "fs.s3a.path.style.access": "true", "fs.s3a.endpoint.region": "us-west-2",
		"fs.s3a.aws.credentials.provider": containerCredentials, "fs.s3a.connection.maximum": "9",
		"jobmanager.bind-host": testIP, "rest.bind-address": testIP, "rest.address": testIP,
	}, withoutStart(got))
}

func TestPathsInSettingsAreOfThisMachine(t *testing.T) {
	t.Parallel()
	b, got := configured(t, jobManager, Options{}, map[string]string{"flink-conf.yaml": `
state.checkpoints.dir: s3p://bucket/checkpoints
pipeline.jars: local:///usr/lib/flink/examples/streaming/StateMachineExample.jar
io.tmp.dirs: /scratch
state.backend.rocksdb.localdir: /tmp/rocks
kubernetes.flink.conf.dir: /opt/flink/conf
kubernetes.pod-template-file.taskmanager: /opt/flink/pod-template/taskmanager-pod-template.yaml
containerized.taskmanager.env.X: /opt/flink/lib
`})
	for key, want := range map[string]string{
		"state.checkpoints.dir":                    "s3://bucket/checkpoints",
		"pipeline.jars":                            "local://" + b.in("flink/examples/streaming/StateMachineExample.jar"),
		"io.tmp.dirs":                              b.in("rootfs/scratch"),
		"state.backend.rocksdb.localdir":           b.in("tmp/rocks"),
		artifactsDir:                               b.in("flink/artifacts"), // its default, too
		"kubernetes.flink.conf.dir":                "/opt/flink/conf",       // of the pods that it makes
		"kubernetes.pod-template-file.taskmanager": b.in("flink/pod-template/taskmanager-pod-template.yaml"),
		"containerized.taskmanager.env.X":          "/opt/flink/lib",
	} {
		require.Equal(t, want, got[key], key)
	}
	require.Len(t, b.settings.said, 1)
	require.Contains(t, b.settings.said[0], "s3p://")
}

func TestAPodWithoutALogConfigurationGetsOne(t *testing.T) {
	t.Parallel()
	b, _ := configured(t, jobManager, Options{}, map[string]string{"flink-conf.yaml": ""})
	got, err := os.ReadFile(b.in(confFolder, log4jFile))
	require.NoError(t, err)
	require.Equal(t, log4jDefault, got)
	b, _ = configured(t, jobManager, Options{}, map[string]string{"flink-conf.yaml": "", log4jFile: "rootLogger.level=DEBUG"})
	got, err = os.ReadFile(b.in(confFolder, log4jFile))
	require.NoError(t, err)
	require.Equal(t, "rootLogger.level=DEBUG", string(got))
}

func TestAPodWithoutSettingsIsRefused(t *testing.T) {
	t.Parallel()
	_, err := readSettings(t.TempDir())
	require.ErrorContains(t, err, "the pod mounts neither flink-conf.yaml nor config.yaml")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, configFile), []byte("a: [{b: 1}]"), 0o600))
	_, err = readSettings(dir)
	require.ErrorContains(t, err, "setting a of config.yaml is a list of more than values")
}
