// SPDX-License-Identifier: Apache-2.0

// Package egress is the API server's way into the cluster: an HTTP CONNECT proxy behind which are the kubelets of all nodes and
// the ports of pods. Both are simulated by another program, the nodes program, which is
// asked over HTTP; no address is dialled here.
//
// The kubelets' side of the connection is a kubelet's: TLS with a certificate for the node's address, for the API server's
// client certificate only. The SPDY of port-forward ends here, because this program contains the code for it anyway.
package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Options say where the nodes program is, and how a kubelet proves who it is.
type Options struct {
	Nodes string // URL; "": there are no nodes, and nothing is reached
	Token string // that it wants to see
	// Certificate is that of the kubelet at an address.
	Certificate func(address string) (*tls.Certificate, error)
	Clients     *x509.CertPool // who may ask a kubelet
}

// kubeletPort is that of all kubelets.
const kubeletPort = "10250"

// podRange has the addresses of all pods; the kubelets are at those of their nodes.
var podRange = netip.MustParsePrefix("100.64.0.0/10") //nolint:gochecknoglobals // a constant

// Serve answers the API server on l until ctx ends.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	kubelets := &queue{conns: make(chan net.Conn), done: ctx.Done(), at: l.Addr()}
	s := &server{o: o, kubelets: kubelets}
	quiet := 30 * time.Second
	node := &http.Server{Handler: s.kubelet(), ReadHeaderTimeout: quiet}
	proxy := &http.Server{Handler: http.HandlerFunc(s.connect), ReadHeaderTimeout: quiet}
	stop := context.AfterFunc(ctx, func() { _, _ = proxy.Close(), node.Close() })
	defer stop()
	go func() { _ = node.Serve(kubelets) }() // ends with the queue
	if err := proxy.Serve(l); ctx.Err() == nil {
		return fmt.Errorf("serve the API server's way to nodes: %w", err)
	}
	return nil
}

type server struct {
	o        Options
	kubelets *queue
}

// connect answers CONNECT.
func (s *server) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "this is a proxy that knows CONNECT only", http.StatusMethodNotAllowed)
		return
	}
	host, port, err := net.SplitHostPort(r.URL.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var there net.Conn
	ip, err := netip.ParseAddr(host)
	node := port == kubeletPort && (err != nil || !podRange.Contains(ip))
	if !node {
		if there, err = s.dial(r.Context(), url.Values{"address": {r.URL.Host}}); err != nil {
			w.WriteHeader(http.StatusBadGateway) // the API server shows no more of it
			return
		}
		defer there.Close()
	}
	here, _, err := http.NewResponseController(w).Hijack() // nothing is said before the answer
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if _, err := io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		_ = here.Close()
		return
	}
	if node {
		s.kubelets.add(tls.Server(here, s.tlsOf(host)))
		return
	}
	defer here.Close()
	join(here, there)
}

// tlsOf is the TLS of the kubelet at an address.
func (s *server) tlsOf(host string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: s.o.Clients,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.o.Certificate(host) },
	}
}

// errNoNodes is why nothing is reached.
var errNoNodes = errors.New("no nodes are simulated")

// dial connects to a port of a pod by way of the nodes program.
func (s *server) dial(ctx context.Context, to url.Values) (net.Conn, error) {
	if s.o.Nodes == "" {
		return nil, errNoNodes
	}
	at, err := url.Parse(s.o.Nodes)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", at.Host)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	reader, err := s.upgrade(conn, at.JoinPath("connect"), to)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &buffered{conn, reader}, nil
}

// upgrade makes a connection to the nodes program one to the port of a pod.
func (s *server) upgrade(conn net.Conn, at *url.URL, to url.Values) (*bufio.Reader, error) {
	at.RawQuery = to.Encode()
	req, err := http.NewRequest(http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "tcp")
	s.authorize(req)
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		why, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10)) // the status tells too
		return nil, fmt.Errorf("%s", strings.TrimSpace(res.Status+": "+string(why)))
	}
	return reader, nil
}

func (s *server) authorize(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.o.Token) }

// buffered is a connection of which a part was read already.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

// Read implements net.Conn.
func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// CloseWrite ends what is said to the pod.
func (b *buffered) CloseWrite() error {
	if c, is := b.Conn.(*net.TCPConn); is {
		return c.CloseWrite()
	}
	return b.Close()
}

// join carries what both sides say until the pod has said all.
func join(here io.ReadWriter, there net.Conn) {
	go func() {
		_, _ = io.Copy(there, here) // either side may end at any time
		if c, is := there.(*buffered); is {
			_ = c.CloseWrite()
		}
	}()
	_, _ = io.Copy(here, there) // as above
}

// queue is a listener of connections that came by another way.
type queue struct {
	conns chan net.Conn
	done  <-chan struct{}
	at    net.Addr
}

func (q *queue) add(c net.Conn) {
	select {
	case q.conns <- c:
	case <-q.done:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (q *queue) Close() error { return nil }

// Addr implements net.Listener.
func (q *queue) Addr() net.Addr { return q.at }
