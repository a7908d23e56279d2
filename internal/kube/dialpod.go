// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// DialPod connects to a port of a pod by its kubelet, as a port-forward does: unlike the API server's proxies it needs no rule of
// a network policy, because the kubelet is on the pod's node. The connection outlives ctx.
//
// It speaks the kubelet's WebSocket protocol (v4.channel.k8s.io: a frame's first byte is its channel, 0 for data and 1 for the
// error), which needs no library.
func (c *Client) DialPod(ctx context.Context, namespace, pod string, port int) (net.Conn, error) {
	ref := KindPod.Ref(namespace, pod)
	cfg := rest.CopyConfig(c.config)
	cfg.NextProtos = []string{"http/1.1"} // HTTP/2 cannot be upgraded
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("make Kubernetes client: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("make Kubernetes client: %w", err)
	}
	at := base.JoinPath("api/v1/namespaces", namespace, "pods", pod, "portforward")
	at.RawQuery = "ports=" + strconv.Itoa(port)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	var key [16]byte
	_, _ = rand.Read(key[:]) // it never fails
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": base64.StdEncoding.EncodeToString(key[:]), "Sec-WebSocket-Protocol": "v4.channel.k8s.io",
	} {
		req.Header.Set(name, value)
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return nil, wrap("connect to", ref, err)
	}
	stream, ok := res.Body.(io.ReadWriteCloser)
	if res.StatusCode != http.StatusSwitchingProtocols || !ok {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10)) // as much as there is
		_ = res.Body.Close()
		return nil, NewError("connect to", ref, reasonOf(res.StatusCode), string(said))
	}
	return &forwarded{stream: stream, frames: bufio.NewReader(stream), to: ref}, nil
}

// forwarded is a port-forward as a connection.
type forwarded struct {
	stream io.ReadWriteCloser
	frames *bufio.Reader
	to     Ref

	rest   []byte  // of a frame that was not taken yet
	begun  [2]bool // of each channel: its first frame is the port
	writes sync.Mutex
	bounds sync.Mutex
	until  *time.Timer
}

// The opcodes of WebSocket frames.
const (
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

// longestFrame is far more than a kubelet sends in one.
const longestFrame = 16 << 20

// Read implements net.Conn.
func (f *forwarded) Read(p []byte) (int, error) {
	for len(f.rest) == 0 {
		op, body, err := f.frame()
		switch {
		case err != nil:
			return 0, err
		case op == opClose:
			return 0, io.EOF
		case op == opPing:
			if err := f.send(opPong, body); err != nil {
				return 0, err
			}
			continue
		case op == opPong || len(body) == 0:
			continue
		}
		channel := body[0] & 1
		first := !f.begun[channel]
		f.begun[channel] = true
		switch {
		case first:
		case channel == 1:
			return 0, NewError("connect to", f.to, ReasonUnreachable, string(body[1:]))
		default:
			f.rest = body[1:]
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// frame reads the next frame.
func (f *forwarded) frame() (op byte, body []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(f.frames, head[:]); err != nil {
		return 0, nil, err
	}
	length := uint64(head[1] & 0x7f)
	var long [8]byte
	switch length {
	case 126:
		_, err = io.ReadFull(f.frames, long[6:])
	case 127:
		_, err = io.ReadFull(f.frames, long[:])
	}
	if err != nil {
		return 0, nil, err
	}
	if length >= 126 {
		length = binary.BigEndian.Uint64(long[:])
	}
	if length > longestFrame || head[1]&0x80 != 0 {
		return 0, nil, errors.New("the kubelet sent a frame that is none of WebSocket")
	}
	body = make([]byte, length)
	_, err = io.ReadFull(f.frames, body)
	return head[0] & 0xf, body, err
}

// Write implements net.Conn.
func (f *forwarded) Write(p []byte) (int, error) {
	const chunk = 32 << 10
	for sent := 0; sent < len(p); sent += chunk {
		part := p[sent:min(len(p), sent+chunk)]
		if err := f.send(opBinary, append([]byte{0}, part...)); err != nil {
			return sent, err
		}
	}
	return len(p), nil
}

// send writes a frame, masked as those of clients are.
func (f *forwarded) send(op byte, body []byte) error {
	head := []byte{0x80 | op}
	switch n := len(body); {
	case n < 126:
		head = append(head, 0x80|byte(n))
	default:
		head = binary.BigEndian.AppendUint16(append(head, 0x80|126), uint16(n)) //nolint:gosec // a chunk is smaller
	}
	var mask [4]byte
	_, _ = rand.Read(mask[:]) // it never fails
	out := append(head, mask[:]...)
	for i, b := range body {
		out = append(out, b^mask[i%4])
	}
	f.writes.Lock()
	defer f.writes.Unlock()
	_, err := f.stream.Write(out)
	return err
}

// Close implements net.Conn.
func (f *forwarded) Close() error { return f.stream.Close() }

// LocalAddr implements net.Conn.
func (f *forwarded) LocalAddr() net.Addr { return forwardedAddr(f.to.String()) }

// RemoteAddr implements net.Conn.
func (f *forwarded) RemoteAddr() net.Addr { return forwardedAddr(f.to.String()) }

// SetDeadline implements net.Conn: the connection is closed then.
func (f *forwarded) SetDeadline(t time.Time) error {
	f.bounds.Lock()
	defer f.bounds.Unlock()
	if f.until != nil {
		f.until.Stop()
	}
	if f.until = nil; !t.IsZero() {
		f.until = time.AfterFunc(time.Until(t), func() { _ = f.stream.Close() })
	}
	return nil
}

// SetReadDeadline implements net.Conn.
func (f *forwarded) SetReadDeadline(t time.Time) error { return f.SetDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (f *forwarded) SetWriteDeadline(t time.Time) error { return f.SetDeadline(t) }

var _ net.Conn = (*forwarded)(nil)

type forwardedAddr string

// Network implements net.Addr.
func (forwardedAddr) Network() string { return "port-forward" }

// String implements net.Addr.
func (a forwardedAddr) String() string { return string(a) }

// reasonOf is Kubernetes' word for a status.
func reasonOf(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }
