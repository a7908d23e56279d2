// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/localcloud/ledger"
)

// Upload is one in parts that was begun and not completed. It is no object, does not keep its bucket from being deleted, and is
// billed until it is aborted.
type Upload struct {
	Bucket string    `json:"bucket"`
	Key    string    `json:"key"`
	ID     string    `json:"id"`
	Begun  time.Time `json:"begun"`
}

func (u Upload) storeKey() string { return ledger.Uploads.Key(u.Bucket + "/" + u.ID) }

func (s *Store) restoreUpload(raw json.RawMessage) error {
	var u Upload
	err := json.Unmarshal(raw, &u)
	s.uploads[u.ID] = u
	return err
}

// BeginUpload begins an upload in parts and returns its id. Parts are not simulated.
func (s *Store) BeginUpload(bucket, key string) (string, error) {
	u := Upload{Bucket: bucket, Key: key, ID: awsid.Hex(32)}
	err := s.ledger.Do(func(t *ledger.Tx) error {
		if b, ok := s.bucket(bucket); !ok || b.Dying {
			return NoSuchBucket(bucket)
		}
		u.Begun = t.Now
		t.Apply(func() { s.uploads[u.ID] = u }, func() { delete(s.uploads, u.ID) })
		t.Set(u.storeKey(), u)
		return nil
	})
	return u.ID, err
}

// Uploads lists the unfinished uploads of a bucket by key.
func (s *Store) Uploads(bucket string) ([]Upload, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	if _, ok := s.bucket(bucket); !ok {
		return nil, NoSuchBucket(bucket)
	}
	return s.uploadsOf(bucket), nil
}

func (s *Store) uploadsOf(bucket string) []Upload {
	out := []Upload{}
	for _, u := range s.uploads {
		if u.Bucket == bucket {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b Upload) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID)) })
	return out
}

// AbortUpload ends an unfinished upload.
func (s *Store) AbortUpload(bucket, key, id string) error {
	return s.ledger.Do(func(t *ledger.Tx) error {
		u, ok := s.uploads[id]
		if !ok || u.Bucket != bucket || u.Key != key {
			return awserror.Status(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist.")
		}
		s.abort(t, u)
		return nil
	})
}

func (s *Store) abort(t *ledger.Tx, u Upload) {
	t.Apply(func() { delete(s.uploads, u.ID) }, func() { s.uploads[u.ID] = u })
	t.Set(u.storeKey(), nil)
}
