// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"crypto/sha1" //nolint:gosec // one of S3's checksums
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"slices"
	"strings"
	"sync"
)

// Algorithm is one of S3's checksums, by its name in AWS's API.
type Algorithm string

// The algorithms.
const (
	CRC32     Algorithm = "CRC32"
	CRC32C    Algorithm = "CRC32C"
	CRC64NVME Algorithm = "CRC64NVME"
	SHA1      Algorithm = "SHA1"
	SHA256    Algorithm = "SHA256"
)

// Algorithms are all that S3 has.
func Algorithms() []Algorithm { return []Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256} }

// Known reports whether S3 has the algorithm.
func (a Algorithm) Known() bool { return slices.Contains(Algorithms(), a) }

// nvme is the polynomial of CRC-64/NVME, bits reversed as hash/crc64 wants it. A table costs more than a small checksum.
var nvme = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(0x9a6c9329ac4bc9b5) })

// New returns a hash of the algorithm; S3 itself takes CRC64NVME for whoever states none.
func (a Algorithm) New() hash.Hash {
	switch a {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case SHA1:
		return sha1.New() //nolint:gosec // see the import
	case SHA256:
		return sha256.New()
	}
	return crc64.New(nvme())
}

// Checksum is that of an object, or of a part of an upload.
type Checksum struct {
	Algorithm Algorithm `json:"algorithm"`
	Value     string    `json:"value"` // base64; of a multipart object's parts: "-" and their number after it
}

// Type is S3's word for what the checksum is of.
func (c Checksum) Type() string {
	if strings.Contains(c.Value, "-") {
		return Composite
	}
	return FullObject
}

// S3's words for what a checksum is of.
const (
	Composite  = "COMPOSITE"   // the checksums of the parts
	FullObject = "FULL_OBJECT" // the bytes
)

func checksumOf(a Algorithm, h hash.Hash) Checksum {
	if !a.Known() {
		a = CRC64NVME
	}
	return Checksum{Algorithm: a, Value: base64.StdEncoding.EncodeToString(h.Sum(nil))}
}

// compositeOf is the checksum of the checksums of parts.
func compositeOf(a Algorithm, parts []*storedPart) Checksum {
	h := a.New()
	for _, p := range parts {
		raw, _ := base64.StdEncoding.DecodeString(p.Checksum.Value) // our own
		h.Write(raw)
	}
	c := checksumOf(a, h)
	c.Value = fmt.Sprintf("%s-%d", c.Value, len(parts))
	return c
}
