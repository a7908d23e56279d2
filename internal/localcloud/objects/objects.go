// SPDX-License-Identifier: Apache-2.0

// Package objects keeps the objects of the simulated account's S3 buckets: versions, delete markers and bodies. Whether a bucket
// exists, and whether it keeps versions, it asks the account.
package objects

import (
	"cmp"
	"crypto/md5" // S3's ETag is an MD5 sum
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/localcloud/ledger"
)

// Dir is the folder of the bodies in the directory of the state.
const Dir = "objects"

// Object is one version of an S3 object, or a delete marker. Body is filled by Get and GetVersion only.
type Object struct {
	Key, VersionID string
	Size           int64
	ETag           string // MD5 of the body in hex, without quotes
	LastModified   time.Time
	Metadata       map[string]string
	Body           []byte
	DeleteMarker   bool
	Latest         bool
}

// Bucket is what the objects need to know of their bucket.
type Bucket struct {
	Versioning string // S3's word, "Enabled" or "Suspended"; empty when it was never on
	Dying      bool
}

// Store holds the objects of all buckets. It is safe for concurrent use.
type Store struct {
	ledger  *ledger.Ledger
	bucket  func(name string) (b Bucket, exists bool) // called with the ledger's lock held
	buckets map[string]map[string][]*objectVersion    // bucket, key, versions oldest first
	uploads map[string]Upload                         // by id
	bodies  bodies
}

// New reads the objects of a ledger.
func New(l *ledger.Ledger, bucket func(name string) (Bucket, bool)) (*Store, error) {
	s := &Store{ledger: l, bucket: bucket, bodies: &memoryBodies{m: map[string][]byte{}}}
	if l.Dir() != "" {
		s.bodies = dirBodies(filepath.Join(l.Dir(), Dir))
		if err := os.MkdirAll(string(s.bodies.(dirBodies)), 0o700); err != nil {
			return nil, s.unreadable("", err)
		}
	}
	s.clear()
	if err := l.Restore(ledger.Objects, s.restore, s.reset); err != nil {
		return nil, err
	}
	if err := l.Restore(ledger.Uploads, s.restoreUpload, nil); err != nil {
		return nil, err
	}
	for _, bucket := range s.buckets {
		for _, versions := range bucket {
			sortVersions(versions)
		}
	}
	return s, s.bodies.sweep(s.keptBodies())
}

func (s *Store) clear() {
	s.buckets, s.uploads = map[string]map[string][]*objectVersion{}, map[string]Upload{}
}

// reset leaves bodies that cannot be removed to the next start.
func (s *Store) reset() {
	s.clear()
	_ = s.bodies.sweep(nil)
}

func (s *Store) unreadable(body string, err error) error {
	return &ledger.StateError{File: filepath.Join(s.ledger.Dir(), Dir, body), Err: err}
}

// objectVersion is a stored version of an object or a delete marker.
type objectVersion struct {
	Bucket   string            `json:"bucket"`
	Key      string            `json:"key"`
	Version  string            `json:"version"` // "null" in a bucket without versioning
	Size     int64             `json:"size"`
	ETag     string            `json:"etag,omitempty"`
	Modified time.Time         `json:"modified"`
	Meta     map[string]string `json:"meta,omitempty"`
	Marker   bool              `json:"marker,omitempty"`
	Body     string            `json:"body,omitempty"` // name of the body in the account's bodies
	Seq      uint64            `json:"seq"`
}

const nullVersion = "null"

func (v *objectVersion) storeKey() string {
	return ledger.Objects.Key(v.Bucket + "/" + v.Key + "\x00" + v.Version)
}

func (v *objectVersion) object(latest bool) Object {
	return Object{
		Key: v.Key, VersionID: v.Version, Size: v.Size, ETag: v.ETag, LastModified: v.Modified,
		Metadata: maps.Clone(v.Meta), DeleteMarker: v.Marker, Latest: latest,
	}
}

func (s *Store) restore(raw json.RawMessage) error {
	var v objectVersion
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	s.add(&v)
	s.ledger.Seen(v.Seq)
	return nil
}

func (s *Store) add(v *objectVersion) {
	bucket := s.buckets[v.Bucket]
	if bucket == nil {
		bucket = map[string][]*objectVersion{}
		s.buckets[v.Bucket] = bucket
	}
	bucket[v.Key] = append(bucket[v.Key], v)
}

func (s *Store) drop(v *objectVersion) {
	bucket := s.buckets[v.Bucket]
	bucket[v.Key] = slices.DeleteFunc(slices.Clone(bucket[v.Key]), func(x *objectVersion) bool { return x == v })
	if len(bucket[v.Key]) == 0 {
		delete(bucket, v.Key)
	}
	if len(bucket) == 0 {
		delete(s.buckets, v.Bucket)
	}
}

func (s *Store) put(t *ledger.Tx, v *objectVersion) {
	v.Seq = t.Next()
	t.Apply(func() { s.add(v) }, func() { s.drop(v) })
	t.Set(v.storeKey(), v)
}

func (s *Store) remove(t *ledger.Tx, v *objectVersion) {
	t.Apply(func() { s.drop(v) }, func() {
		s.add(v)
		sortVersions(s.buckets[v.Bucket][v.Key])
	})
	t.Set(v.storeKey(), nil)
	if v.Body != "" {
		t.After(func() { s.bodies.remove(v.Body) })
	}
}

func sortVersions(list []*objectVersion) {
	slices.SortFunc(list, func(x, y *objectVersion) int { return cmp.Compare(x.Seq, y.Seq) })
}

// NoSuchBucket is S3's answer for a bucket that does not exist.
func NoSuchBucket(string) *awserror.Error {
	return awserror.Status(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
}

// Holds reports whether a bucket has any version or delete marker. The caller holds the ledger's lock.
func (s *Store) Holds(bucket string) bool { return len(s.buckets[bucket]) > 0 }

// Empty removes everything from a bucket, unfinished uploads too.
func (s *Store) Empty(t *ledger.Tx, bucket string) {
	for _, key := range slices.Collect(maps.Keys(s.buckets[bucket])) {
		for _, v := range slices.Clone(s.buckets[bucket][key]) {
			s.remove(t, v)
		}
	}
	for _, u := range s.uploadsOf(bucket) {
		s.abort(t, u)
	}
}

// Put stores an object and returns its version id, "null" when the bucket keeps no versions.
func (s *Store) Put(bucket, key string, body []byte, meta map[string]string) (string, error) {
	if key == "" || len(key) > 1024 {
		return "", awserror.Bad("KeyTooLongError", "The key must have 1 to 1024 bytes, not %d", len(key))
	}
	sum := md5.Sum(body)
	v := &objectVersion{
		Bucket: bucket, Key: key, Size: int64(len(body)), ETag: hex.EncodeToString(sum[:]), Meta: maps.Clone(meta),
		Version: nullVersion, Body: awsid.Hex(32),
	}
	if !s.exists(bucket) {
		return "", NoSuchBucket(bucket)
	}
	if err := s.bodies.put(v.Body, body); err != nil {
		return "", s.unreadable(v.Body, err)
	}
	err := s.ledger.Do(func(t *ledger.Tx) error {
		b, ok := s.bucket(bucket)
		if !ok || b.Dying {
			return NoSuchBucket(bucket)
		}
		v.Modified = t.Now
		s.makeRoom(t, b, v)
		s.put(t, v)
		return nil
	})
	if err != nil {
		s.bodies.remove(v.Body)
		return "", err
	}
	return v.Version, nil
}

// makeRoom gives a new version its id: a fresh one when versioning is on, else "null", which replaces the
// version of that id.
func (s *Store) makeRoom(t *ledger.Tx, b Bucket, v *objectVersion) {
	if b.Versioning == "Enabled" {
		v.Version = awsid.Hex(32)
		return
	}
	for _, old := range slices.Clone(s.buckets[v.Bucket][v.Key]) {
		if old.Version == nullVersion {
			s.remove(t, old)
		}
	}
}

func (s *Store) exists(bucket string) bool {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	_, ok := s.bucket(bucket)
	return ok
}

// Get returns the latest version of an object with its body.
func (s *Store) Get(bucket, key string) (Object, error) {
	return s.GetVersion(bucket, key, "")
}

// GetVersion returns a version of an object with its body; an empty id means the latest.
func (s *Store) GetVersion(bucket, key, versionID string) (Object, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	if _, ok := s.bucket(bucket); !ok {
		return Object{}, NoSuchBucket(bucket)
	}
	versions := s.buckets[bucket][key]
	for i, v := range slices.Backward(versions) {
		if versionID != "" && v.Version != versionID {
			continue
		}
		if v.Marker {
			break
		}
		body, err := s.bodies.get(v.Body)
		if err != nil {
			return Object{}, s.unreadable(v.Body, err)
		}
		out := v.object(i == len(versions)-1)
		out.Body = body
		return out, nil
	}
	if versionID != "" {
		return Object{}, awserror.Status(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
	}
	return Object{}, awserror.Status(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

// List returns the latest versions of the objects with a prefix, without bodies, sorted by key.
func (s *Store) List(bucket, prefix string) ([]Object, error) {
	return s.list(bucket, prefix, func(v *objectVersion, latest bool) bool { return latest && !v.Marker })
}

// ListVersions returns all versions and delete markers with a prefix, without bodies, sorted by key,
// the newest version first.
func (s *Store) ListVersions(bucket, prefix string) ([]Object, error) {
	return s.list(bucket, prefix, func(*objectVersion, bool) bool { return true })
}

func (s *Store) list(bucket, prefix string, keep func(v *objectVersion, latest bool) bool) ([]Object, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	if _, ok := s.bucket(bucket); !ok {
		return nil, NoSuchBucket(bucket)
	}
	out := []Object{}
	for _, key := range slices.Sorted(maps.Keys(s.buckets[bucket])) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		versions := s.buckets[bucket][key]
		for i, v := range slices.Backward(versions) {
			if latest := i == len(versions)-1; keep(v, latest) {
				out = append(out, v.object(latest))
			}
		}
	}
	return out, nil
}

// Delete removes a version for good, or, with an empty version id, hides the object behind a delete
// marker when the bucket keeps versions. What does not exist is no error, as on S3.
func (s *Store) Delete(bucket, key, versionID string) error {
	return s.ledger.Do(func(t *ledger.Tx) error {
		b, ok := s.bucket(bucket)
		if !ok {
			return NoSuchBucket(bucket)
		}
		versions := slices.Clone(s.buckets[bucket][key])
		if versionID != "" {
			for _, v := range versions {
				if v.Version == versionID {
					s.remove(t, v)
				}
			}
			return nil
		}
		if len(versions) == 0 && b.Versioning == "" {
			return nil
		}
		marker := &objectVersion{Bucket: bucket, Key: key, Version: nullVersion, Modified: t.Now, Marker: true}
		s.makeRoom(t, b, marker)
		if b.Versioning != "" {
			s.put(t, marker)
		}
		return nil
	})
}

func (s *Store) keptBodies() map[string]bool {
	keep := map[string]bool{}
	for _, bucket := range s.buckets {
		for _, versions := range bucket {
			for _, v := range versions {
				keep[v.Body] = true
			}
		}
	}
	return keep
}
