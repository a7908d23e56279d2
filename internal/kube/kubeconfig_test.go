// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/clientcmd"
)

func access(name string) Access {
	return Access{
		ClusterName: name, ClusterARN: "arn:aws:eks:us-west-2:111122223333:cluster/" + name, Region: "us-west-2",
		Endpoint: "https://127.0.0.1:6443", CABase64: base64.StdEncoding.EncodeToString([]byte("ca")),
		Command: "/usr/local/bin/emrflink", Env: map[string]string{"B": "2", "A": "1"},
	}
}

func TestMergeKeepsWhatOthersWrote(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "config")
	requireMerged(t, access("first"), path, "")
	other := `
apiVersion: v1
kind: Config
current-context: work
clusters: [{name: work, cluster: {server: "https://work", certificate-authority: ca.pem}}]
users: [{name: me, user: {client-certificate: me.pem}}]
contexts: [{name: work, context: {cluster: work, user: me, namespace: dev}}]
`
	require.NoError(t, os.WriteFile(path, []byte(other), 0o644))
	requireMerged(t, access("ours"), path, "")

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	cfg, err := clientcmd.LoadFromFile(path)
	require.NoError(t, err)
	require.Equal(t, "dev", cfg.Contexts["work"].Namespace)
	require.Equal(t, "ca.pem", cfg.Clusters["work"].CertificateAuthority)
	require.Equal(t, "me.pem", cfg.AuthInfos["me"].ClientCertificate)
	name := access("ours").Name()
	require.Equal(t, name, cfg.CurrentContext)
	require.Equal(t, []string{"eks-token", "--cluster", "ours", "--region", "us-west-2"}, cfg.AuthInfos[name].Exec.Args)
	require.Equal(t, "A", cfg.AuthInfos[name].Exec.Env[0].Name)
	require.Empty(t, cfg.AuthInfos[name].Token)

	requireForgotten(t, path, true)
	cfg, err = clientcmd.LoadFromFile(path)
	require.NoError(t, err)
	require.NotContains(t, cfg.Clusters, name)
	require.Contains(t, cfg.Clusters, "work")
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file stays")
}

func TestAFileThatIsNoKubeconfigIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(path, []byte("{not yaml"), 0o600))
	_, err := access("ours").Merge(path, "", true)
	require.ErrorContains(t, err, path)
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "{not yaml", string(body))
}

func TestALinkedKubeconfigStaysALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "real"), filepath.Join(dir, "config")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Symlink(file, link))
	requireMerged(t, access("ours"), link, "")
	target, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, file, target)
	body, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(body), "ours")
}

func TestKubeconfigRefusesAnIncompleteEntry(t *testing.T) {
	t.Parallel()
	a := access("x")
	a.Endpoint = ""
	_, err := a.Render("")
	require.ErrorContains(t, err, "endpoint")
}

func TestExecCredentialAnswersInTheVersionAsked(t *testing.T) {
	t.Parallel()
	expires := time.Date(2026, 5, 1, 12, 0, 0, 0, time.FixedZone("x", 3600))
	for name, tc := range map[string]struct{ info, version, failure string }{
		"by hand: v1": {"", "client.authentication.k8s.io/v1", ""},
		"client-go asks for v1beta1": {`{"apiVersion":"client.authentication.k8s.io/v1beta1"}`,
			"client.authentication.k8s.io/v1beta1", ""},
		"an old protocol is refused":    {`{"apiVersion":"client.authentication.k8s.io/v1alpha1"}`, "", "v1alpha1"},
		"a broken variable is an error": {`{`, "", ExecInfoVariable},
		"client-go asks for v1, gets one": {`{"apiVersion":"client.authentication.k8s.io/v1","spec":{}}`,
			"client.authentication.k8s.io/v1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := ExecCredential("k8s-aws-v1.x", expires, tc.info)
			if tc.failure != "" {
				require.ErrorContains(t, err, tc.failure)
				return
			}
			require.NoError(t, err)
			var got struct {
				APIVersion, Kind string
				Status           struct{ Token, ExpirationTimestamp string }
			}
			require.NoError(t, json.Unmarshal(body, &got))
			require.Equal(t, tc.version, got.APIVersion)
			require.Equal(t, "ExecCredential", got.Kind)
			require.Equal(t, "k8s-aws-v1.x", got.Status.Token)
			require.Equal(t, "2026-05-01T11:00:00Z", got.Status.ExpirationTimestamp)
		})
	}
}

func requireMerged(t *testing.T, a Access, path, alias string) {
	t.Helper()
	m, err := a.Merge(path, alias, true)
	require.NoError(t, err)
	require.True(t, m.Current)
}

func requireForgotten(t *testing.T, path string, want bool) {
	t.Helper()
	found, err := Forget(path, access("ours").Name())
	require.NoError(t, err)
	require.Equal(t, want, found)
}

func TestTheCurrentContextChangesOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	m, err := access("first").Merge(path, "", false)
	require.NoError(t, err)
	require.Equal(t, Merged{access("first").Name(), true}, m, "there was none")
	m, err = access("ours").Merge(path, "dev", false)
	require.NoError(t, err)
	require.Equal(t, Merged{"dev", false}, m)
	m, err = access("ours").Merge(path, "prod", true)
	require.NoError(t, err)
	require.Equal(t, Merged{"prod", true}, m)
	cfg, err := clientcmd.LoadFromFile(path)
	require.NoError(t, err)
	require.Equal(t, access("ours").Name(), cfg.Contexts["dev"].Cluster)

	_, err = access("first").Merge(path, "dev", true)
	var taken *TakenError
	require.ErrorAs(t, err, &taken)
	require.Equal(t, 2, taken.ExitCode())

	requireForgotten(t, path, true)
	requireForgotten(t, path, false)
	cfg, err = clientcmd.LoadFromFile(path)
	require.NoError(t, err)
	require.Empty(t, cfg.CurrentContext, "it is gone")
	require.Len(t, cfg.Contexts, 1)
}

func TestAnEntryOfAnotherToolStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config")
	requireMerged(t, access("ours"), path, "")
	cfg, err := clientcmd.LoadFromFile(path)
	require.NoError(t, err)
	cfg.AuthInfos[access("ours").Name()].Exec.Args = []string{"eks", "get-token"}
	require.NoError(t, clientcmd.WriteToFile(*cfg, path))
	requireForgotten(t, path, false)
}
