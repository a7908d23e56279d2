// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"cmp"
	"crypto/md5" // S3's ETag is an MD5 sum
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/localcloud/ledger"
)

// MaxParts and minPart are S3's limits of multipart uploads, in parts and bytes.
const (
	MaxParts = 10000
	minPart  = 5 << 20 // of all parts but the last
)

// Upload is an unfinished multipart upload.
type Upload struct {
	Bucket    string    `json:"bucket"`
	Key       string    `json:"key"`
	ID        string    `json:"id"`
	Initiated time.Time `json:"initiated"`
	Initiator string    `json:"initiator"` // ARN
	Attributes
	Algorithm Algorithm `json:"algorithm,omitempty"` // "" when the client stated none
	Type      string    `json:"type,omitempty"`      // of the object's checksum: Composite or FullObject
}

// Part is an uploaded part.
type Part struct {
	Number   int       `json:"number"`
	Size     int64     `json:"size"`
	ETag     string    `json:"etag"`
	Checksum Checksum  `json:"checksum"`
	Modified time.Time `json:"modified"`
}

type storedUpload struct {
	Upload
	Seq   uint64 `json:"seq"`
	parts map[int]*storedPart
}

func (u *storedUpload) storeKey() string { return ledger.Uploads.Key(u.ID) }

type storedPart struct {
	Part
	Upload string `json:"upload"`
	Body   string `json:"body"`
}

func (p *storedPart) storeKey() string {
	return ledger.Parts.Key(p.Upload + "/" + strconv.Itoa(p.Number))
}

func (s *Store) restoreUploads() error {
	err := s.ledger.Restore(ledger.Uploads, func(raw json.RawMessage) error {
		u := storedUpload{parts: map[int]*storedPart{}}
		if err := json.Unmarshal(raw, &u); err != nil {
			return err
		}
		s.uploads[u.ID] = &u
		s.ledger.Seen(u.Seq)
		return nil
	}, nil)
	if err != nil {
		return err
	}
	return s.ledger.Restore(ledger.Parts, func(raw json.RawMessage) error {
		var p storedPart
		if err := json.Unmarshal(raw, &p); err != nil {
			return err
		}
		u := s.uploads[p.Upload]
		if u == nil {
			return fmt.Errorf("part of unknown upload %q", p.Upload)
		}
		u.parts[p.Number] = &p
		return nil
	}, nil)
}

// upload finds an unfinished upload. The caller holds the ledger's lock.
func (s *Store) upload(bucket, key, id string) (*storedUpload, error) {
	if _, ok := s.bucket(bucket); !ok {
		return nil, NoSuchBucket(bucket)
	}
	if u := s.uploads[id]; u != nil && u.Bucket == bucket && u.Key == key {
		return u, nil
	}
	return nil, awserror.Status(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. "+
		"The upload ID may be invalid, or the upload may have been aborted or completed.")
}

// uploadsOf are the uploads of a bucket by key, then by age.
func (s *Store) uploadsOf(bucket string) []*storedUpload {
	return slices.SortedFunc(func(yield func(*storedUpload) bool) {
		for _, u := range s.uploads {
			if u.Bucket == bucket && !yield(u) {
				return
			}
		}
	}, func(a, b *storedUpload) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID)) })
}

// sorted are the parts by their number.
func (u *storedUpload) sorted() []*storedPart {
	return slices.SortedFunc(maps.Values(u.parts), func(a, b *storedPart) int { return cmp.Compare(a.Number, b.Number) })
}

// endUpload forgets an upload and its parts.
func (s *Store) endUpload(t *ledger.Tx, u *storedUpload) {
	t.Apply(func() { delete(s.uploads, u.ID) }, func() { s.uploads[u.ID] = u })
	t.Set(u.storeKey(), nil)
	for _, p := range u.parts {
		t.Set(p.storeKey(), nil)
		t.After(func() { s.bodies.remove(p.Body) })
	}
}

// Begin starts a multipart upload and returns it with its id. IDs sort by age, which is the order of a listing.
func (s *Store) Begin(u Upload) (Upload, error) {
	err := s.ledger.Do(func(t *ledger.Tx) error {
		if b, ok := s.bucket(u.Bucket); !ok || b.Dying {
			return NoSuchBucket(u.Bucket)
		}
		stored := &storedUpload{Seq: t.Next(), parts: map[int]*storedPart{}}
		u.ID, u.Initiated, u.Attributes = fmt.Sprintf("%016x", stored.Seq)+awsid.Hex(32), t.Now, u.clone()
		stored.Upload = u
		t.Apply(func() { s.uploads[u.ID] = stored }, func() { delete(s.uploads, u.ID) })
		t.Set(stored.storeKey(), stored)
		return nil
	})
	return u, err
}

// PutPart makes a draft a part of an upload, in place of one with the same number.
func (s *Store) PutPart(bucket, key, id string, number int, d *Draft) (Part, error) {
	if err := d.close(); err != nil {
		return Part{}, err
	}
	p := &storedPart{Upload: id, Body: d.name, Part: Part{
		Number: number, Size: d.size, ETag: hex.EncodeToString(d.MD5()), Checksum: d.Checksum(),
	}}
	err := s.ledger.Do(func(t *ledger.Tx) error {
		u, err := s.upload(bucket, key, id)
		if err != nil {
			return err
		}
		p.Modified = t.Now
		old := u.parts[number]
		t.Apply(func() { u.parts[number] = p }, func() {
			if delete(u.parts, number); old != nil {
				u.parts[number] = old
			}
		})
		if old != nil {
			t.After(func() { s.bodies.remove(old.Body) })
		}
		t.Set(p.storeKey(), p)
		return nil
	})
	d.kept = err == nil
	return p.Part, err
}

// Uploads returns the unfinished uploads of a bucket by key, then by age.
func (s *Store) Uploads(bucket string) ([]Upload, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	if _, ok := s.bucket(bucket); !ok {
		return nil, NoSuchBucket(bucket)
	}
	out := []Upload{}
	for _, u := range s.uploadsOf(bucket) {
		out = append(out, u.Upload)
	}
	return out, nil
}

// Upload returns an unfinished upload.
func (s *Store) Upload(bucket, key, id string) (Upload, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	u, err := s.upload(bucket, key, id)
	if err != nil {
		return Upload{}, err
	}
	return u.Upload, nil
}

// Parts returns an upload and its parts by their number.
func (s *Store) Parts(bucket, key, id string) (Upload, []Part, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	u, err := s.upload(bucket, key, id)
	if err != nil {
		return Upload{}, nil, err
	}
	out := []Part{}
	for _, p := range u.sorted() {
		out = append(out, p.Part)
	}
	return u.Upload, out, nil
}

// Abort ends an upload and deletes its parts.
func (s *Store) Abort(bucket, key, id string) error {
	return s.ledger.Do(func(t *ledger.Tx) error {
		u, err := s.upload(bucket, key, id)
		if err == nil {
			s.endUpload(t, u)
		}
		return err
	})
}

// Complete makes an object of the parts of an upload that claimed names, in its order. check, when not nil, sees the object
// before anybody else does, and may refuse it: then the upload stays as it is.
func (s *Store) Complete(bucket, key, id string, claimed []Part, check func(Object) error, c Condition) (Object, error) {
	u, parts, err := s.claimed(bucket, key, id, claimed)
	if err != nil {
		return Object{}, err
	}
	d, err := s.Draft(u.Algorithm)
	if err != nil {
		return Object{}, err
	}
	defer d.Discard()
	etag, sizes := md5.New(), []int64{}
	for _, p := range parts {
		if err := d.add(p.Body); err != nil {
			if errors.Is(err, fs.ErrNotExist) { // uploaded again, or the upload ended, while we read
				return Object{}, invalidPart(p.Number)
			}
			return Object{}, err
		}
		raw, _ := hex.DecodeString(p.ETag) // our own
		etag.Write(raw)
		sizes = append(sizes, p.Size)
	}
	if err := d.close(); err != nil {
		return Object{}, err
	}
	v := d.version(bucket, key, u.Attributes)
	v.ETag, v.Parts = fmt.Sprintf("%x-%d", etag.Sum(nil), len(parts)), sizes
	if u.Type == Composite {
		v.Checksum = compositeOf(u.Algorithm, parts)
	}
	if check != nil {
		if err := check(v.object(true)); err != nil {
			return Object{}, err
		}
	}
	err = s.ledger.Do(func(t *ledger.Tx) error {
		stored, err := s.upload(bucket, key, id)
		if err != nil {
			return err
		}
		if err := s.insert(t, v, c); err != nil {
			return err
		}
		s.endUpload(t, stored)
		return nil
	})
	if err != nil {
		return Object{}, err
	}
	d.kept = true
	return v.object(true), nil
}

// claimed compares what a client says of the parts with what was uploaded.
func (s *Store) claimed(bucket, key, id string, claimed []Part) (Upload, []*storedPart, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	u, err := s.upload(bucket, key, id)
	if err != nil {
		return Upload{}, nil, err
	}
	if len(claimed) == 0 || len(claimed) > MaxParts {
		return Upload{}, nil, awserror.Bad("MalformedXML", "1 to %d parts make an object, not %d", MaxParts, len(claimed))
	}
	var parts []*storedPart
	for i, c := range claimed {
		p := u.parts[c.Number]
		switch {
		case i > 0 && c.Number <= claimed[i-1].Number:
			return Upload{}, nil, awserror.Bad("InvalidPartOrder",
				"The list of parts was not in ascending order. Parts must be ordered by part number.")
		case p == nil || c.ETag != p.ETag || c.Checksum.Value != "" && c.Checksum != p.Checksum:
			return Upload{}, nil, invalidPart(c.Number)
		case u.Type == Composite && c.Checksum.Value == "":
			return Upload{}, nil, awserror.Bad("InvalidRequest", "The upload was created using a %s checksum. The complete "+
				"request must include the checksum for each part. It was missing for part %d in the request.", u.Algorithm,
				c.Number)
		}
		parts = append(parts, p)
	}
	for _, p := range parts[:len(parts)-1] {
		if p.Size < minPart {
			return Upload{}, nil, awserror.Bad("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed "+
				"size: part %d has %d bytes, and every part but the last needs %d", p.Number, p.Size, minPart)
		}
	}
	return u.Upload, parts, nil
}

func invalidPart(number int) error {
	return awserror.Bad("InvalidPart", "One or more of the specified parts could not be found. The part might not have been "+
		"uploaded, or the specified entity tag or checksum might not have matched the part's: part %d", number)
}
