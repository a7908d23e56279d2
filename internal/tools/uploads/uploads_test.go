// SPDX-License-Identifier: Apache-2.0

package uploads

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob" // as the engine opens a bucket

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/localcloud/provider"
)

func TestWritesAreCountedAndReadsAreNot(t *testing.T) {
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	srv := httptest.NewServer(awswire.New(a, awswire.Options{}))
	t.Cleanup(srv.Close)
	home := t.TempDir()
	_, err = Count(t.Context(), home)
	require.ErrorContains(t, err, "find the local target")
	providers, err := provider.Serve(t.Context(), provider.Options{Account: a})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, providers.Close()) })
	raw, err := json.Marshal(map[string]any{
		"url": srv.URL, "region": "us-west-2", "ports": map[string]int{"aws": providers.AWS},
		"accessKey": account.StaticAccessKey, "secretKey": account.StaticSecretKey,
	})
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(home, "local"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(home, "local", "daemon.json"), raw, 0o600))
	count, err := Count(t.Context(), home)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, count.Close()) })

	for _, v := range count.Env {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	b, err := blob.OpenBucket(t.Context(), os.Getenv("EMRFLINK_STATE"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	require.NoError(t, b.WriteAll(t.Context(), "one", make([]byte, 10_000), nil))
	require.NoError(t, b.Copy(t.Context(), "two", "one", nil))
	two, err := b.ReadAll(t.Context(), "two")
	require.NoError(t, err)
	require.Len(t, two, 10_000)
	sent := count.Take()
	require.Equal(t, 2, sent.Requests, "a copy that S3 makes is one, too")
	require.GreaterOrEqual(t, sent.Bytes, int64(10_000))
	require.Less(t, sent.Bytes, int64(11_000))
	require.Zero(t, count.Take())
}
