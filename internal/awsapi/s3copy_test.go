// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// S3 copies at most 5 GiB at once; more goes in parts, and an upload that cannot be completed is given up.
func TestALargeObjectIsCopiedInParts(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var ranges, sources []string
	refused, aborted := "", false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		q := r.URL.Query()
		source := r.Header.Get("X-Amz-Copy-Source")
		switch {
		case r.Method == http.MethodDelete:
			aborted = true
			w.WriteHeader(http.StatusNoContent)
		case q.Has("uploads"):
			_, _ = fmt.Fprint(w, `<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>`)
		case r.Method == http.MethodPost:
			_, _ = fmt.Fprint(w, `<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>`)
		case q.Get("partNumber") == refused && refused != "":
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, `<Error><Code>AccessDenied</Code></Error>`)
		case q.Has("partNumber"):
			ranges, sources = append(ranges, r.Header.Get("X-Amz-Copy-Source-Range")), append(sources, source)
			_, _ = fmt.Fprint(w, `<CopyPartResult><ETag>"x"</ETag></CopyPartResult>`)
		default:
			sources = append(sources, source)
			_, _ = fmt.Fprint(w, `<CopyObjectResult><ETag>"x"</ETag></CopyObjectResult>`)
		}
	}))
	defer srv.Close()
	c, err := New(t.Context(), Options{Region: "us-west-2", Env: map[string]string{
		EnvEndpoint: srv.URL, EnvAccessKey: "a", EnvSecretKey: "b",
	}})
	require.NoError(t, err)
	require.NoError(t, c.CopyObject(t.Context(), "from", "a b/c+d", copyAtOnce, "to", "k"))
	require.Equal(t, []string{"from/a%20b/c%2Bd"}, sources)
	require.Empty(t, ranges)
	require.NoError(t, c.CopyObject(t.Context(), "from", "k", copyAtOnce+1, "to", "k"))
	require.Len(t, ranges, 6)
	require.Equal(t, []string{"bytes=0-1073741823", "bytes=5368709120-5368709120"}, []string{ranges[0], ranges[5]})
	refused = "3"
	err = c.CopyObject(t.Context(), "from", "k", copyAtOnce+1, "to", "k")
	require.True(t, IsCode(err, "AccessDenied"), "%v", err)
	require.True(t, aborted, "its parts would be billed")
}
