// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// serveKeys answers as KMS with one key a page and one tag a page. The key "denied" does not tell its tags, "gone" went away
// in between, "dying" is about to be deleted.
func serveKeys(t *testing.T, ids []string, tags map[string][]string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			KeyID  string `json:"KeyId"`
			Marker string
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		page := 0
		_, _ = fmt.Sscan(in.Marker, &page)
		operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
		switch {
		case operation == "ListKeys":
			_, _ = fmt.Fprintf(w, `{"Keys":[{"KeyId":%q}],"NextMarker":"%d","Truncated":%t}`,
				ids[page], page+1, page+1 < len(ids))
		case in.KeyID == "denied":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"no"}`)
		case in.KeyID == "gone":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"__type":"NotFoundException","message":"gone"}`)
		case operation == "ListResourceTags":
			all := tags[in.KeyID]
			tag, value, _ := strings.Cut(all[page], "=")
			_, _ = fmt.Fprintf(w, `{"Tags":[{"TagKey":%q,"TagValue":%q}],"NextMarker":"%d","Truncated":%t}`,
				tag, value, page+1, page+1 < len(all))
		case in.KeyID == "dying":
			_, _ = fmt.Fprint(w, `{"KeyMetadata":{"KeyId":"dying","KeyState":"PendingDeletion","DeletionDate":1800000000}}`)
		default:
			_, _ = fmt.Fprintf(w, `{"KeyMetadata":{"KeyId":%q,"KeyState":"Enabled"}}`, in.KeyID)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestAKeyIsFoundByAllItsTags(t *testing.T) {
	t.Parallel()
	both := []string{"of=demo", "by=us"}
	tags := map[string][]string{"mine": both, "dying": both, "half": {"of=demo"}, "other": {"of=demo2", "by=us"}}
	wanted := map[string]string{"of": "demo", "by": "us"}
	for name, c := range map[string]struct {
		ids   []string
		found []string
		fails bool
	}{
		"among others":                         {[]string{"half", "other", "gone", "mine", "dying"}, []string{"mine"}, false},
		"none":                                 {[]string{"half", "other", "gone", "dying"}, nil, false},
		"one that is not told, and another is": {[]string{"denied", "mine"}, []string{"mine"}, false},
		"one that is not told may be it":       {[]string{"half", "denied"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rs, err := client(t, serveKeys(t, c.ids, tags)).TaggedKeys(t.Context(), wanted)
			require.Equal(t, c.fails, IsDenied(err), "%v", err)
			require.Equal(t, c.fails, err != nil, "%v", err)
			var ids []string
			for _, r := range rs {
				ids = append(ids, r.ID)
				require.Equal(t, wanted, r.Tags)
			}
			require.Equal(t, c.found, ids)
		})
	}
}
