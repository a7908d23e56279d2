// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A bucket of three pages of versions. No batch is answered before a second one has come, unless it is refused.
func TestABucketIsEmptiedInSeveralBatchesAtOnce(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]bool{"all go": false, "a batch is refused": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			batches, aborted := 0, 0
			two := make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				query := r.URL.Query()
				switch {
				case query.Has("versions"):
					page := 0
					_, _ = fmt.Sscanf(query.Get("key-marker"), "k%d", &page)
					_, _ = fmt.Fprintf(w, `<ListVersionsResult><IsTruncated>%t</IsTruncated><NextKeyMarker>k%d</NextKeyMarker>`+
						`<NextVersionIdMarker>v</NextVersionIdMarker><Version><Key>k%d</Key><VersionId>v</VersionId></Version>`+
						`<DeleteMarker><Key>m%d</Key><VersionId>v</VersionId></DeleteMarker></ListVersionsResult>`,
						page < 2, page+1, page, page)
				case query.Has("delete"):
					body, _ := io.ReadAll(r.Body)
					mu.Lock()
					if batches++; batches == 2 {
						close(two)
					}
					mu.Unlock()
					<-two
					if refused && strings.Contains(string(body), "k1") {
						_, _ = fmt.Fprint(w, `<DeleteResult><Error><Key>k1</Key><Code>AccessDenied</Code></Error></DeleteResult>`)
						return
					}
					_, _ = fmt.Fprint(w, `<DeleteResult/>`)
				case query.Has("uploads"):
					_, _ = fmt.Fprint(w, `<ListMultipartUploadsResult><Upload><Key>u</Key><UploadId>1</UploadId></Upload>`+
						`</ListMultipartUploadsResult>`)
				case r.Method == http.MethodDelete:
					aborted++
					w.WriteHeader(http.StatusNoContent)
				}
			}))
			defer srv.Close()
			c, err := New(t.Context(), Options{Region: "us-west-2", Env: map[string]string{
				EnvEndpoint: srv.URL, EnvAccessKey: "a", EnvSecretKey: "b",
			}})
			require.NoError(t, err)
			var told []int
			var last Emptied
			n, err := c.EmptyBucket(t.Context(), "data", func(e Emptied) {
				require.LessOrEqual(t, e.Deleted, e.Listed)
				told, last = append(told, e.Deleted), e
			})
			if refused {
				require.ErrorContains(t, err, "AccessDenied")
				require.Less(t, n, 6)
				require.Zero(t, aborted)
				return
			}
			require.NoError(t, err)
			require.Equal(t, 6, n)
			require.Equal(t, []int{2, 4, 6}, slices.Compact(told), "a page that is listed is told, too")
			require.Equal(t, Emptied{Deleted: 6, Listed: 6, Counted: true}, last)
			require.Equal(t, 1, aborted)
		})
	}
}
