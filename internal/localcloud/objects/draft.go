// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"crypto/md5" // S3's ETag is an MD5 sum
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"emrflink/internal/localcloud/awsid"
)

// Draft is a body on its way into a bucket: what is written to it becomes an object or a part of an upload, or nothing.
type Draft struct {
	s         *Store
	name      string
	w         io.WriteCloser // nil once it is closed
	kept      bool
	size      int64
	md5, sum  hash.Hash
	algorithm Algorithm
}

// Draft begins a body. The caller discards it when it is done, kept or not.
func (s *Store) Draft(a Algorithm) (*Draft, error) {
	d := &Draft{s: s, name: awsid.Hex(32), md5: md5.New(), sum: a.New(), algorithm: a}
	w, err := s.bodies.create(d.name)
	if err != nil {
		return nil, s.unreadable(d.name, err)
	}
	d.w = w
	return d, nil
}

// Write appends to the body.
func (d *Draft) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.md5.Write(p[:n])
	d.sum.Write(p[:n])
	if d.size += int64(n); err != nil {
		err = d.s.unreadable(d.name, err)
	}
	return n, err
}

// MD5 is the sum of what was written.
func (d *Draft) MD5() []byte { return d.md5.Sum(nil) }

// Checksum is that of what was written, of the algorithm that the draft was begun with.
func (d *Draft) Checksum() Checksum { return checksumOf(d.algorithm, d.sum) }

// close ends the writing.
func (d *Draft) close() error {
	w := d.w
	if w == nil {
		return nil
	}
	d.w = nil
	if err := w.Close(); err != nil {
		return d.s.unreadable(d.name, err)
	}
	return nil
}

// Discard removes a body that did not become an object or a part.
func (d *Draft) Discard() {
	if !d.kept {
		_ = d.close()
		d.s.bodies.remove(d.name)
	}
}

// version is the object that the draft becomes.
func (d *Draft) version(bucket, key string, a Attributes) *objectVersion {
	return &objectVersion{
		Bucket: bucket, Key: key, Version: nullVersion, Size: d.size, ETag: hex.EncodeToString(d.MD5()), Attributes: a.clone(),
		Checksum: d.Checksum(), Body: d.name,
	}
}

// add copies bodies into the draft, one after the other.
func (d *Draft) add(names ...string) error {
	for _, name := range names {
		b, err := d.s.bodies.open(name)
		if err != nil {
			return d.s.unreadable(name, err)
		}
		_, err = io.Copy(d, Reader(b))
		if err = errors.Join(err, b.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Reader reads a body from its beginning.
func Reader(b Body) io.Reader { return io.NewSectionReader(b, 0, 1<<62) }
