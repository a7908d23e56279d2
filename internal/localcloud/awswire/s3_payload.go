// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"bufio"
	"bytes"
	"crypto/md5" // S3 takes Content-MD5
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/localcloud/objects"
)

const (
	// maxObject is the most that one S3 request may send.
	maxObject = 5 << 30

	chunksSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	chunksSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	chunksUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// payload is the body of an S3 request as its sender meant it. Its end is reached only when every proof was right.
type payload struct {
	io.Reader
	length  int64             // as declared; negative when it is not
	trailer map[string]string // filled at the end, by lower-case name
}

// newPayload decodes a body by what the signed header x-amz-content-sha256 says of it.
func newPayload(r *http.Request, sig signature, secret, stated string) (*payload, error) {
	p := &payload{length: r.ContentLength, trailer: map[string]string{}}
	body := &wholeBody{Reader: r.Body}
	switch stated {
	case unsignedPayload:
		p.Reader = body
	case chunksSigned, chunksSignedTrailer, chunksUnsignedTrailer:
		n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil || n < 0 {
			return nil, refuse(http.StatusLengthRequired, "MissingContentLength",
				"You must provide the X-Amz-Decoded-Content-Length HTTP header.")
		}
		c := &chunks{
			in: bufio.NewReaderSize(body, 64<<10), total: n, sum: sha256.New(), trailer: p.trailer,
			trailing: stated != chunksSigned,
		}
		if stated != chunksUnsignedTrailer {
			last := sig.value
			c.prove = func(value, algorithm string, lines ...string) error {
				err := sig.proves(secret, value, algorithm, append([]string{last}, lines...)...)
				last = value
				return err
			}
		}
		p.Reader, p.length = c, n
	default:
		if raw, err := hex.DecodeString(stated); err != nil || len(raw) != sha256.Size {
			return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the payload encoding %s is not simulated", stated)
		}
		p.Reader = &hashed{Reader: body, sum: sha256.New(), want: stated}
	}
	return p, nil
}

// drain reads the rest of a body that was refused: a client that is still sending would see a broken connection instead of the
// answer. One that waits for "100 Continue" sends nothing.
func drain(r *http.Request) {
	if r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, maxBody)
	}
}

func incompleteBody(format string, args ...any) error {
	return invalid("IncompleteBody", "The request body terminated unexpectedly: "+format, args...)
}

// wholeBody tells a body that was cut off from one that ended.
type wholeBody struct{ io.Reader }

// Read reads the body.
func (b *wholeBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = incompleteBody("%v", err)
	}
	return n, err
}

// hashed compares the SHA-256 of a body with the stated one.
type hashed struct {
	io.Reader
	sum  hash.Hash
	want string
}

// Read reads the body.
func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	h.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(h.sum.Sum(nil)) != h.want {
		err = hashMismatch()
	}
	return n, err
}

// chunks takes a body out of aws-chunked framing. What Read returns is proved only when the end is reached: each chunk's
// signature comes before its bytes and is compared after them.
type chunks struct {
	in       *bufio.Reader
	total    int64 // bytes of body still to come, by X-Amz-Decoded-Content-Length
	left     int64 // of the present chunk
	open     bool  // a chunk is being read
	sum      hash.Hash
	value    string                                               // of the present chunk's signature
	prove    func(value, algorithm string, lines ...string) error // nil when chunks are not signed
	trailing bool
	trailer  map[string]string
	err      error // sticks
}

// Read reads the body.
func (c *chunks) Read(p []byte) (int, error) {
	for c.err == nil && c.left == 0 {
		c.err = c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.sum.Write(p[:n])
	c.left -= int64(n)
	if c.total -= int64(n); err != nil {
		c.err = c.cut(err)
	}
	return n, c.err
}

func (c *chunks) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return incompleteBody("the last chunk is missing")
	}
	return err
}

// next ends the present chunk and begins the one that follows. After the last one it is io.EOF.
func (c *chunks) next() error {
	if c.open {
		if line, err := c.line(); err != nil || line != "" {
			return errors.Join(err, incompleteBody("a chunk is longer than it says"))
		}
		if err := c.endChunk(); err != nil {
			return err
		}
	}
	head, err := c.line()
	if err != nil {
		return c.cut(err)
	}
	size, extension, _ := strings.Cut(head, ";")
	c.value = strings.TrimPrefix(extension, "chunk-signature=")
	c.left, err = strconv.ParseInt(size, 16, 64)
	if err != nil || c.left < 0 || c.left > c.total {
		return incompleteBody("%q is no size of a chunk where %d bytes are to come", size, c.total)
	}
	if c.open = c.left > 0; c.open {
		return nil
	}
	if c.total > 0 {
		return incompleteBody("%d bytes are missing", c.total)
	}
	if err := c.endChunk(); err != nil {
		return err
	}
	return c.end()
}

// endChunk compares the signature of a chunk that was read.
func (c *chunks) endChunk() error {
	sum := hex.EncodeToString(c.sum.Sum(nil))
	c.sum.Reset()
	if c.prove == nil {
		return nil
	}
	return c.prove(c.value, sigAlgorithm+"-PAYLOAD", hexSHA256(nil), sum)
}

// end reads the trailer. It returns io.EOF.
func (c *chunks) end() error {
	var signed bytes.Buffer
	for {
		line, err := c.line()
		if errors.Is(err, io.EOF) || err == nil && line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if err != nil || !ok || !c.trailing {
			return errors.Join(err, invalid("MalformedTrailerError", "The trailing data is not well-formed: %q", line))
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name != "x-amz-trailer-signature" {
			signed.WriteString(name + ":" + value + "\n")
		}
		c.trailer[name] = value
	}
	if c.prove != nil && c.trailing {
		if err := c.prove(c.trailer["x-amz-trailer-signature"], sigAlgorithm+"-TRAILER", hexSHA256(signed.Bytes())); err != nil {
			return err
		}
	}
	return io.EOF
}

// line reads a line without its end.
func (c *chunks) line() (string, error) {
	b, err := c.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		err = incompleteBody("the head of a chunk has no end")
	}
	return strings.TrimRight(string(b), "\r\n"), err
}

// claims are the checksums that a sender states of a body.
type claims struct {
	md5      string            // base64; "" when it is not stated
	checksum objects.Checksum  // without a value when the trailer has it
	trailer  map[string]string // nil when the value is in a header
}

func checksumHeader(a objects.Algorithm) string {
	return "x-amz-checksum-" + strings.ToLower(string(a))
}

// claims reads what the headers state, and where the trailer is to state it.
func (q *request) claims() (claims, error) {
	h := q.http.Header
	c := claims{md5: h.Get("Content-Md5")}
	if raw, err := base64.StdEncoding.DecodeString(c.md5); err != nil || c.md5 != "" && len(raw) != md5.Size {
		return c, invalid("InvalidDigest", "The Content-MD5 you specified was invalid.")
	}
	trailers := strings.FieldsFunc(strings.ToLower(h.Get("X-Amz-Trailer")), func(r rune) bool { return r == ',' || r == ' ' })
	for _, a := range objects.Algorithms() {
		name := checksumHeader(a)
		value, trailing := h.Get(name), slices.Contains(trailers, name)
		if value == "" && !trailing {
			continue
		}
		if c.checksum.Algorithm != "" || value != "" && trailing {
			return c, invalid("InvalidRequest",
				"Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		c.checksum = objects.Checksum{Algorithm: a, Value: value}
		if trailing {
			c.trailer = q.payload.trailer
		}
	}
	return c, nil
}

// verify compares what was stated with the sums of what came; the payload has been read to its end.
func (c claims) verify(sum []byte, got objects.Checksum) error {
	if c.md5 != "" && c.md5 != base64.StdEncoding.EncodeToString(sum) {
		return invalid("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return c.verifyChecksum(got)
}

func (c claims) verifyChecksum(got objects.Checksum) error {
	a := c.checksum.Algorithm
	if a == "" {
		return nil
	}
	name, want := checksumHeader(a), c.checksum.Value
	if c.trailer != nil {
		if want = c.trailer[name]; want == "" {
			return invalid("MalformedTrailerError", "The trailer has no %s, which x-amz-trailer names", name)
		}
	}
	value, _, _ := strings.Cut(want, "-") // of a multipart object, the number of parts follows
	if raw, err := base64.StdEncoding.DecodeString(value); err != nil || len(raw) != a.New().Size() {
		return invalid("InvalidRequest", "Value for %s header is invalid.", name)
	}
	if want != got.Value {
		return invalid("BadDigest", "The %s you specified did not match the calculated checksum.", a)
	}
	return nil
}

// readPayload reads the body of an operation that does not stream into memory, and verifies it.
func (q *request) readPayload(w http.ResponseWriter) error {
	if err := q.read(http.MaxBytesReader(w, io.NopCloser(q.payload), maxBody)); err != nil {
		return err
	}
	if q.op == "CompleteMultipartUpload" {
		return nil // its checksum is the object's
	}
	c, err := q.claims()
	if err != nil {
		return err
	}
	h := c.checksum.Algorithm.New()
	h.Write(q.body)
	sum := md5.Sum(q.body)
	return c.verify(sum[:], objects.Checksum{Value: base64.StdEncoding.EncodeToString(h.Sum(nil))})
}

// receive reads the body into a draft, which the caller discards, and verifies it. a is the algorithm to compute where the
// client states none.
func (q *request) receive(a objects.Algorithm) (*objects.Draft, error) {
	c, err := q.claims()
	switch {
	case err != nil:
		return nil, err
	case q.payload.length < 0:
		return nil, refuse(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	case q.payload.length > maxObject:
		return nil, invalid("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size: %d bytes", int64(maxObject))
	case c.checksum.Algorithm != "" && a != "" && c.checksum.Algorithm != a:
		return nil, invalid("InvalidRequest",
			"Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", a, c.checksum.Algorithm)
	case c.checksum.Algorithm != "":
		a = c.checksum.Algorithm
	}
	d, err := q.account.Objects.Draft(a)
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(d, q.payload); err == nil {
		err = c.verify(d.MD5(), d.Checksum())
	}
	if err != nil {
		d.Discard()
		return nil, err
	}
	return d, nil
}
