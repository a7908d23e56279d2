// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/iostreams"
	"emrflink/internal/kube"
	"emrflink/internal/stack"
)

func TestACleanupTakesTheClusterOutOfEveryKubeconfig(t *testing.T) {
	t.Parallel()
	ios, _, _, errOut := iostreams.Test()
	home := t.TempDir()
	s := &onTarget{app: &app{io: ios}, settings: settings{info: stack.Info{Stack: "dev", Home: home}}}
	require.NoError(t, s.forgetEntries(), "none was written")
	e := kubeEntry{notes: s.kubeNotes(), Access: kube.Access{
		ClusterName: "c", ClusterARN: "arn:c", Endpoint: "https://c", CABase64: base64.StdEncoding.EncodeToString([]byte("ca")),
		Command: "emrflink",
	}}
	first, second := filepath.Join(home, "first file"), filepath.Join(home, "second")
	for _, path := range []string{first, second, first} {
		_, err := e.Merge(path, "", true)
		require.NoError(t, err)
	}
	require.NoError(t, os.Remove(second))
	require.NoError(t, s.forgetEntries())
	require.Equal(t, first+": the cluster arn:c is taken out\n", errOut.String())
	raw, err := os.ReadFile(first)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "arn:c")
	require.NoFileExists(t, second)
	require.NoFileExists(t, s.kubeNotes())
}
