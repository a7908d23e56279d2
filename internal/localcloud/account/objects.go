// SPDX-License-Identifier: Apache-2.0

package account

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
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

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
	return keyObject + v.Bucket + "/" + v.Key + "\x00" + v.Version
}

func (v *objectVersion) object(latest bool) Object {
	return Object{
		Key: v.Key, VersionID: v.Version, Size: v.Size, ETag: v.ETag, LastModified: v.Modified,
		Metadata: maps.Clone(v.Meta), DeleteMarker: v.Marker, Latest: latest,
	}
}

func (a *Account) restoreObject(raw json.RawMessage) error {
	var v objectVersion
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	a.addVersion(&v)
	a.seq = max(a.seq, v.Seq)
	return nil
}

func (a *Account) addVersion(v *objectVersion) {
	bucket := a.buckets[v.Bucket]
	if bucket == nil {
		bucket = map[string][]*objectVersion{}
		a.buckets[v.Bucket] = bucket
	}
	bucket[v.Key] = append(bucket[v.Key], v)
}

func (a *Account) dropVersion(v *objectVersion) {
	bucket := a.buckets[v.Bucket]
	bucket[v.Key] = slices.DeleteFunc(slices.Clone(bucket[v.Key]), func(x *objectVersion) bool { return x == v })
	if len(bucket[v.Key]) == 0 {
		delete(bucket, v.Key)
	}
	if len(bucket) == 0 {
		delete(a.buckets, v.Bucket)
	}
}

func (t *tx) putVersion(v *objectVersion) {
	a := t.a
	a.seq++
	v.Seq = a.seq
	t.apply(func() { a.addVersion(v) }, func() { a.dropVersion(v) })
	t.set(v.storeKey(), v)
}

func (t *tx) removeVersion(v *objectVersion) {
	a := t.a
	t.apply(func() { a.dropVersion(v) }, func() {
		a.addVersion(v)
		sortVersions(a.buckets[v.Bucket][v.Key])
	})
	t.set(v.storeKey(), nil)
	if v.Body != "" {
		t.after = append(t.after, func() { a.bodies.remove(v.Body) })
	}
}

func sortVersions(list []*objectVersion) {
	slices.SortFunc(list, func(x, y *objectVersion) int { return cmp.Compare(x.Seq, y.Seq) })
}

func (t *tx) emptyBucket(name string) {
	for _, key := range slices.Collect(maps.Keys(t.a.buckets[name])) {
		for _, v := range slices.Clone(t.a.buckets[name][key]) {
			t.removeVersion(v)
		}
	}
}

// PutObject stores an object and returns its version id, "null" when the bucket keeps no versions.
func (a *Account) PutObject(bucket, key string, body []byte, meta map[string]string) (string, error) {
	if key == "" || len(key) > 1024 {
		return "", errBad("KeyTooLongError", "The key must have 1 to 1024 bytes, not %d", len(key))
	}
	sum := md5.Sum(body)
	v := &objectVersion{
		Bucket: bucket, Key: key, Size: int64(len(body)), ETag: hex.EncodeToString(sum[:]), Meta: maps.Clone(meta),
		Version: nullVersion, Body: randomHex(32),
	}
	if _, ok := a.Get(KindBucket, bucket); !ok {
		return "", noSuchBucket(bucket)
	}
	if err := a.bodies.put(v.Body, body); err != nil {
		return "", &StateError{File: filepath.Join(a.opts.Dir, objectsDir, v.Body), Err: err}
	}
	err := a.do(Caller{}, func(t *tx) error {
		if t.usable(KindBucket, bucket) == nil {
			return noSuchBucket(bucket)
		}
		v.Modified = t.now
		t.makeRoom(v)
		t.putVersion(v)
		return nil
	})
	if err != nil {
		a.bodies.remove(v.Body)
		return "", err
	}
	return v.Version, nil
}

// makeRoom gives a new version its id: a fresh one when versioning is on, else "null", which replaces the
// version of that id.
func (t *tx) makeRoom(v *objectVersion) {
	if t.versioning(v.Bucket) == "Enabled" {
		v.Version = randomHex(32)
		return
	}
	for _, old := range slices.Clone(t.a.buckets[v.Bucket][v.Key]) {
		if old.Version == nullVersion {
			t.removeVersion(old)
		}
	}
}

// GetObject returns the latest version of an object with its body.
func (a *Account) GetObject(bucket, key string) (Object, error) {
	return a.GetObjectVersion(bucket, key, "")
}

// GetObjectVersion returns a version of an object with its body; an empty id means the latest.
func (a *Account) GetObjectVersion(bucket, key, versionID string) (Object, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lookup(resKey{KindBucket, bucket}) == nil {
		return Object{}, noSuchBucket(bucket)
	}
	versions := a.buckets[bucket][key]
	for i, v := range slices.Backward(versions) {
		if versionID != "" && v.Version != versionID {
			continue
		}
		if v.Marker {
			break
		}
		body, err := a.bodies.get(v.Body)
		if err != nil {
			return Object{}, &StateError{File: filepath.Join(a.opts.Dir, objectsDir, v.Body), Err: err}
		}
		out := v.object(i == len(versions)-1)
		out.Body = body
		return out, nil
	}
	if versionID != "" {
		return Object{}, errStatus(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
	}
	return Object{}, errStatus(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

// ListObjects returns the latest versions of the objects with a prefix, without bodies, sorted by key.
func (a *Account) ListObjects(bucket, prefix string) ([]Object, error) {
	return a.list(bucket, prefix, func(v *objectVersion, latest bool) bool { return latest && !v.Marker })
}

// ListObjectVersions returns all versions and delete markers with a prefix, without bodies, sorted by key,
// the newest version first.
func (a *Account) ListObjectVersions(bucket, prefix string) ([]Object, error) {
	return a.list(bucket, prefix, func(*objectVersion, bool) bool { return true })
}

func (a *Account) list(bucket, prefix string, keep func(v *objectVersion, latest bool) bool) ([]Object, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lookup(resKey{KindBucket, bucket}) == nil {
		return nil, noSuchBucket(bucket)
	}
	out := []Object{}
	for _, key := range slices.Sorted(maps.Keys(a.buckets[bucket])) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		versions := a.buckets[bucket][key]
		for i, v := range slices.Backward(versions) {
			if latest := i == len(versions)-1; keep(v, latest) {
				out = append(out, v.object(latest))
			}
		}
	}
	return out, nil
}

// DeleteObject removes a version for good, or, with an empty version id, hides the object behind a delete
// marker when the bucket keeps versions. What does not exist is no error, as on S3.
func (a *Account) DeleteObject(bucket, key, versionID string) error {
	return a.do(Caller{}, func(t *tx) error {
		if t.get(KindBucket, bucket) == nil {
			return noSuchBucket(bucket)
		}
		versions := slices.Clone(a.buckets[bucket][key])
		if versionID != "" {
			for _, v := range versions {
				if v.Version == versionID {
					t.removeVersion(v)
				}
			}
			return nil
		}
		if len(versions) == 0 && !t.versioned(bucket) {
			return nil
		}
		marker := &objectVersion{Bucket: bucket, Key: key, Version: nullVersion, Modified: t.now, Marker: true}
		t.makeRoom(marker)
		if t.versioned(bucket) {
			t.putVersion(marker)
		}
		return nil
	})
}

// bodies keep the content of objects apart from the account's state.
type bodies interface {
	put(name string, b []byte) error
	get(name string) ([]byte, error)
	remove(name string)
	// sweep removes the bodies that are not to be kept.
	sweep(keep map[string]bool) error
}

func newBodies(dir string) bodies {
	if dir == "" {
		return &memoryBodies{m: map[string][]byte{}}
	}
	return dirBodies(filepath.Join(dir, objectsDir))
}

func (a *Account) keptBodies() map[string]bool {
	keep := map[string]bool{}
	for _, bucket := range a.buckets {
		for _, versions := range bucket {
			for _, v := range versions {
				keep[v.Body] = true
			}
		}
	}
	return keep
}

type memoryBodies struct {
	mu sync.Mutex
	m  map[string][]byte
}

var _ bodies = (*memoryBodies)(nil)

func (b *memoryBodies) put(name string, body []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.m[name] = slices.Clone(body)
	return nil
}

func (b *memoryBodies) get(name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, ok := b.m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(body), nil
}

func (b *memoryBodies) remove(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.m, name)
}

func (b *memoryBodies) sweep(keep map[string]bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.m, func(name string, _ []byte) bool { return !keep[name] })
	return nil
}

// dirBodies is a directory with one file per body.
type dirBodies string

var _ bodies = dirBodies("")

func (d dirBodies) put(name string, body []byte) error {
	file := filepath.Join(string(d), name)
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

func (d dirBodies) get(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(d), name))
}

// remove leaves a file that cannot be removed to the next sweep.
func (d dirBodies) remove(name string) { _ = os.Remove(filepath.Join(string(d), name)) }

func (d dirBodies) sweep(keep map[string]bool) error {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return fmt.Errorf("read object bodies: %w", err)
	}
	for _, e := range entries {
		if !keep[e.Name()] {
			d.remove(e.Name())
		}
	}
	return nil
}
