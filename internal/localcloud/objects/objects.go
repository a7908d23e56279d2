// SPDX-License-Identifier: Apache-2.0

// Package objects keeps the objects of the simulated account's S3 buckets: versions, delete markers, bodies and unfinished
// multipart uploads. Whether a bucket exists, and whether it keeps versions, it asks the account. A body is a file that is
// written and read as a stream; the state has only its name.
package objects

import (
	"cmp"
	"encoding/json"
	"io"
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

// Attributes are what a writer says of an object beside its body.
type Attributes struct {
	Metadata map[string]string `json:"meta,omitempty"`    // names without "x-amz-meta-"
	Headers  map[string]string `json:"headers,omitempty"` // Content-Type and the like
}

func (a Attributes) clone() Attributes {
	return Attributes{maps.Clone(a.Metadata), maps.Clone(a.Headers)}
}

// Object is one version of an S3 object, or a delete marker. Body is filled by Get and GetVersion only.
type Object struct {
	Key, VersionID string
	Size           int64
	ETag           string // MD5 of the body in hex, without quotes; of a multipart object of its parts' MD5, "-", their number
	LastModified   time.Time
	Attributes
	Checksum     Checksum
	Parts        []int64 // the sizes of a multipart object's parts
	Body         []byte
	DeleteMarker bool
	Latest       bool
}

// Condition refuses a change, or lets it happen, for what the key holds at that moment; nil lets everything happen.
type Condition func(current Object, exists bool) error

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
	uploads map[string]*storedUpload                  // by id
	bodies  bodies
}

// New reads the objects of a ledger.
func New(l *ledger.Ledger, bucket func(name string) (Bucket, bool)) (*Store, error) {
	s := &Store{ledger: l, bucket: bucket, bodies: &memoryBodies{m: map[string][]byte{}}}
	if l.Dir() != "" {
		dir := &dirBodies{dir: filepath.Join(l.Dir(), Dir), unsynced: map[string]bool{}}
		if err := os.MkdirAll(dir.dir, 0o700); err != nil {
			return nil, s.unreadable("", err)
		}
		s.bodies = dir
	}
	l.BeforeSync(s.bodies.sync)
	s.clear()
	if err := l.Restore(ledger.Objects, s.restore, s.reset); err != nil {
		return nil, err
	}
	if err := s.restoreUploads(); err != nil {
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
	s.buckets, s.uploads = map[string]map[string][]*objectVersion{}, map[string]*storedUpload{}
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
	Bucket   string    `json:"bucket"`
	Key      string    `json:"key"`
	Version  string    `json:"version"` // "null" in a bucket without versioning
	Size     int64     `json:"size"`
	ETag     string    `json:"etag,omitempty"`
	Modified time.Time `json:"modified"`
	Attributes
	Checksum Checksum `json:"checksum,omitzero"`
	Parts    []int64  `json:"parts,omitempty"`
	Marker   bool     `json:"marker,omitempty"`
	Body     string   `json:"body,omitempty"` // name of the body in the account's bodies
	Seq      uint64   `json:"seq"`
}

const nullVersion = "null"

func (v *objectVersion) storeKey() string {
	return ledger.Objects.Key(v.Bucket + "/" + v.Key + "\x00" + v.Version)
}

func (v *objectVersion) object(latest bool) Object {
	return Object{
		Key: v.Key, VersionID: v.Version, Size: v.Size, ETag: v.ETag, LastModified: v.Modified,
		Attributes: v.clone(), Checksum: v.Checksum, Parts: v.Parts, DeleteMarker: v.Marker, Latest: latest,
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
		s.endUpload(t, u)
	}
}

// Put stores a small object and returns its version id, "null" when the bucket keeps no versions.
func (s *Store) Put(bucket, key string, body []byte, meta map[string]string) (string, error) {
	d, err := s.Draft("")
	if err != nil {
		return "", err
	}
	defer d.Discard()
	if _, err := d.Write(body); err != nil {
		return "", err
	}
	o, err := s.Write(bucket, key, d, Attributes{Metadata: meta}, nil)
	return o.VersionID, err
}

// Write makes a draft an object.
func (s *Store) Write(bucket, key string, d *Draft, a Attributes, c Condition) (Object, error) {
	if err := d.close(); err != nil {
		return Object{}, err
	}
	v := d.version(bucket, key, a)
	err := s.ledger.Do(func(t *ledger.Tx) error { return s.insert(t, v, c) })
	if err != nil {
		return Object{}, err
	}
	d.kept = true
	return v.object(true), nil
}

// insert makes v the latest version of its key.
func (s *Store) insert(t *ledger.Tx, v *objectVersion, c Condition) error {
	if v.Key == "" || len(v.Key) > 1024 {
		return awserror.Bad("KeyTooLongError", "The key must have 1 to 1024 bytes, not %d", len(v.Key))
	}
	b, ok := s.bucket(v.Bucket)
	if !ok || b.Dying {
		return NoSuchBucket(v.Bucket)
	}
	if err := s.holds(v.Bucket, v.Key, c); err != nil {
		return err
	}
	v.Modified = t.Now
	s.makeRoom(t, b, v)
	s.put(t, v)
	return nil
}

// holds asks a condition. The caller holds the ledger's lock.
func (s *Store) holds(bucket, key string, c Condition) error {
	if c == nil {
		return nil
	}
	v, latest := s.find(bucket, key, "")
	if v == nil {
		return c(Object{}, false)
	}
	return c(v.object(latest), true)
}

// Check asks a condition beforehand, so that no body is read in vain.
func (s *Store) Check(bucket, key string, c Condition) error {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	if _, ok := s.bucket(bucket); !ok {
		return NoSuchBucket(bucket)
	}
	return s.holds(bucket, key, c)
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

// find returns a version that has a body, nil when there is none; an empty id means the latest.
func (s *Store) find(bucket, key, versionID string) (v *objectVersion, latest bool) {
	versions := s.buckets[bucket][key]
	for i, v := range slices.Backward(versions) {
		if versionID == "" || v.Version == versionID {
			if v.Marker {
				break
			}
			return v, i == len(versions)-1
		}
	}
	return nil, false
}

// Get returns the latest version of a small object with its body.
func (s *Store) Get(bucket, key string) (Object, error) { return s.GetVersion(bucket, key, "") }

// GetVersion returns a version of a small object with its body; an empty id means the latest.
func (s *Store) GetVersion(bucket, key, versionID string) (Object, error) {
	o, b, err := s.Open(bucket, key, versionID)
	if err != nil {
		return Object{}, err
	}
	defer func() { _ = b.Close() }()
	o.Body, err = io.ReadAll(Reader(b))
	return o, err
}

// Open returns a version of an object and its body, which the caller closes; an empty id means the latest.
func (s *Store) Open(bucket, key, versionID string) (Object, Body, error) {
	s.ledger.Lock()
	defer s.ledger.Unlock()
	if _, ok := s.bucket(bucket); !ok {
		return Object{}, nil, NoSuchBucket(bucket)
	}
	v, latest := s.find(bucket, key, versionID)
	if v == nil {
		if versionID != "" {
			return Object{}, nil, awserror.Status(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
		}
		return Object{}, nil, awserror.Status(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	}
	b, err := s.bodies.open(v.Body)
	if err != nil {
		return Object{}, nil, s.unreadable(v.Body, err)
	}
	return v.object(latest), b, nil
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
	var keys []string // to sort all of the bucket's would take longer than the rest of a short list
	for key := range s.buckets[bucket] {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		versions := s.buckets[bucket][key]
		for i, v := range slices.Backward(versions) {
			if latest := i == len(versions)-1; keep(v, latest) {
				out = append(out, v.object(latest))
			}
		}
	}
	return out, nil
}

// Delete is Remove without a condition and without the answer.
func (s *Store) Delete(bucket, key, versionID string) error {
	_, err := s.Remove(bucket, key, versionID, nil)
	return err
}

// Remove removes a version for good, or, with an empty version id, hides the object behind a delete marker when the bucket
// keeps versions. It returns the version that was removed, or the marker that was made. What does not exist is no error, as on
// S3.
func (s *Store) Remove(bucket, key, versionID string, c Condition) (Object, error) {
	var out Object
	err := s.ledger.Do(func(t *ledger.Tx) error {
		b, ok := s.bucket(bucket)
		if !ok {
			return NoSuchBucket(bucket)
		}
		if err := s.holds(bucket, key, c); err != nil {
			return err
		}
		versions := slices.Clone(s.buckets[bucket][key])
		if versionID != "" {
			for _, v := range versions {
				if v.Version == versionID {
					out = v.object(false)
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
			out = marker.object(true)
		}
		return nil
	})
	return out, err
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
	for _, u := range s.uploads {
		for _, p := range u.parts {
			keep[p.Body] = true
		}
	}
	return keep
}
