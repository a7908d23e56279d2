// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// frameTo writes a frame as a kubelet does, unmasked.
func frameTo(w io.Writer, op byte, body string) {
	head := []byte{0x80 | op, byte(len(body))}
	switch n := len(body); {
	case n > 0xffff:
		head = binary.BigEndian.AppendUint64([]byte{0x80 | op, 127}, uint64(n))
	case n > 125:
		head = binary.BigEndian.AppendUint16([]byte{0x80 | op, 126}, uint16(n))
	}
	_, _ = w.Write(append(head, body...))
}

// frameFrom reads a masked frame of a client.
func frameFrom(r io.Reader) (op byte, body string) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return opClose, ""
	}
	n := int(head[1] & 0x7f)
	if n == 126 {
		var long [2]byte
		_, _ = io.ReadFull(r, long[:])
		n = int(binary.BigEndian.Uint16(long[:]))
	}
	raw := make([]byte, 4+n)
	_, _ = io.ReadFull(r, raw)
	for i := range raw[4:] {
		raw[4+i] ^= raw[i%4]
	}
	return head[0] & 0xf, string(raw[4:])
}

// portForward lets the API server of a test forward ports to serve, as a kubelet does.
func (s *apiServer) portForward(t *testing.T, serve func(conn io.Writer, r *bufio.Reader)) {
	t.Helper()
	s.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/namespaces/team/pods/jm/portforward" {
			return false
		}
		if r.Header.Get("Sec-WebSocket-Protocol") != "v4.channel.k8s.io" || r.URL.RawQuery != "ports=8081" {
			writeStatus(w, http.StatusBadRequest, "BadRequest", "no port-forward")
			return true
		}
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		go func() {
			defer conn.Close()
			for _, channel := range []string{"\x00", "\x01"} { // the port, on both channels
				frameTo(conn, opBinary, channel+"\x91\x1f")
			}
			serve(conn, buf.Reader)
		}()
		return true
	})
}

func TestAPortOfAPodIsReached(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	c, err := Connect(t.Context(), s.source(constant("good")))
	require.NoError(t, err)
	s.portForward(t, func(conn io.Writer, r *bufio.Reader) {
		frameTo(conn, opPing, "are you there")
		for {
			op, body := frameFrom(r)
			switch {
			case op == opClose:
				return
			case op == opPong:
				frameTo(conn, opBinary, "\x00pong:"+body+"\n")
			case len(body) > 0 && body[0] == 0:
				frameTo(conn, opBinary, "\x00you said "+body[1:])
			}
		}
	})
	conn, err := c.DialPod(t.Context(), "team", "jm", 8081)
	require.NoError(t, err)
	defer conn.Close()
	lines := bufio.NewReader(conn)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "pong:are you there\n", line)
	go func() { _, _ = fmt.Fprintf(conn, "%s\n", strings.Repeat("x", 300)) }()
	line, err = lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "you said "+strings.Repeat("x", 300)+"\n", line, "frames longer than 125 bytes, both ways")

	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = lines.ReadString('\n')
	require.Error(t, err, "a deadline ends it")
}

func TestAPortThatNobodyListensOnIsAnError(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	c, err := Connect(t.Context(), s.source(constant("good")))
	require.NoError(t, err)
	s.portForward(t, func(conn io.Writer, _ *bufio.Reader) { frameTo(conn, opBinary, "\x01connection refused") })
	conn, err := c.DialPod(t.Context(), "team", "jm", 8081)
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	require.ErrorContains(t, err, "connection refused")
	require.True(t, IsUnreachable(err))

	_, err = c.DialPod(t.Context(), "team", "nobody", 8081)
	require.ErrorContains(t, err, "not found")
	require.True(t, IsNotFound(err))
}
