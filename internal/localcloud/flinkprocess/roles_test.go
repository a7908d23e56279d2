// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// asked is the answer of the role server to a token.
func asked(t *testing.T, url, token string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", token)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(raw)
}

func TestAProcessHasTheRoleOfItsServiceAccount(t *testing.T) {
	t.Parallel()
	const hidden = "a-secret-key"
	credentials := func(_ context.Context, namespace, account string) (Credentials, error) {
		if account != "flink" {
			return Credentials{}, errors.New("service account " + account + " has no role")
		}
		return Credentials{Key: namespace + "/" + account, Secret: hidden, Token: "t", Expires: time.Unix(1800000000, 0)}, nil
	}
	r := newRuntime(t, Options{Client: client(), Credentials: credentials})
	b := written(t, r, job())
	vars, err := r.machineVars(b, nil)
	require.NoError(t, err)
	token, err := os.ReadFile(vars["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
	require.NoError(t, err)
	url := vars["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
	require.True(t, strings.HasPrefix(url, "http://127.0.0.1:"), url)
	status, body := asked(t, url, string(token))
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"AccessKeyId":"flink-team-a/flink","SecretAccessKey":"a-secret-key","Token":"t",
		"Expiration":"2027-01-15T08:00:00Z"}`, body)
	for name, v := range vars {
		require.NotContains(t, v, hidden, name)
	}
	require.NoError(t, filepath.WalkDir(b.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		require.NotContains(t, string(raw), hidden, path)
		return err
	}))
	status, _ = asked(t, url, "a guess")
	require.Equal(t, http.StatusUnauthorized, status)
	r.roles.dismiss("uid-1")
	status, _ = asked(t, url, string(token))
	require.Equal(t, http.StatusUnauthorized, status, "the run is over")

	other := job(func(p *corev1.Pod) { p.UID, p.Spec.ServiceAccountName = "uid-2", "" })
	b = written(t, r, other)
	file, err := r.roles.admit(b)
	require.NoError(t, err)
	token, err = os.ReadFile(file)
	require.NoError(t, err)
	status, body = asked(t, url, string(token))
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, body, "service account default has no role")
}

func TestInitContainersCopyObjects(t *testing.T) {
	t.Parallel()
	object := func(_ context.Context, namespace, account, bucket, key string) (io.ReadCloser, error) {
		if key == "denied.jar" {
			return nil, errors.New("AccessDenied")
		}
		return io.NopCloser(strings.NewReader(strings.Join([]string{namespace, account, bucket, key}, " "))), nil
	}
	r := newRuntime(t, Options{Client: client(), Object: object})
	copies := func(words ...string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.InitContainers = append(p.Spec.InitContainers, corev1.Container{Name: "fetch", Args: words,
				VolumeMounts: []corev1.VolumeMount{{Name: "volume-usrlib", MountPath: "/artifacts"}}})
		}
	}
	jars := mounted("/opt/flink/usrlib", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
	b := written(t, r, job(jars, copies("aws", "s3", "cp", "s3://jars/a/job.jar", "/artifacts/"),
		copies("bash", "-c", "aws s3 cp --quiet 's3://jars/b.jar' /opt/flink/usrlib/other.jar")))
	require.NoError(t, r.copyIn(t.Context(), b))
	require.Equal(t, "flink-team-a flink jars a/job.jar", content(t, b, "/opt/flink/usrlib/job.jar"))
	require.FileExists(t, b.in(flinkFolder, "usrlib", "job.jar"), "where Flink looks for it")
	b = written(t, r, job(jars, copies("aws", "s3", "cp", "s3://jars/denied.jar", "/artifacts/")))
	require.EqualError(t, r.copyIn(t.Context(), b), `init container "fetch": copy s3://jars/denied.jar: AccessDenied`)
	b = written(t, r, job(jars, copies("aws", "s3", "sync", "s3://jars/", "/artifacts/")))
	require.ErrorContains(t, r.copyIn(t.Context(), b), `init container "fetch" runs "aws s3 sync s3://jars/ /artifacts/"`)
}
