// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
	"k8s.io/client-go/tools/portforward"
	clientspdy "k8s.io/client-go/transport/spdy"
)

const nodeAddress = "10.0.1.5"

// must is the value, of what cannot fail in a test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// world is an egress with a nodes program behind it.
type world struct {
	proxy *url.URL
	tls   *tls.Config // of the API server
	asked chan string // what the nodes program was asked
}

// newWorld starts one. The nodes program has one pod, default/echo with the address 100.64.0.4, which answers what it is told.
func newWorld(t *testing.T) *world {
	t.Helper()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	ca = must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey))))
	sign := func(use x509.ExtKeyUsage, ips ...net.IP) *tls.Certificate {
		key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, IPAddresses: ips,
			ExtKeyUsage: []x509.ExtKeyUsage{use}, Subject: pkix.Name{CommonName: "x"},
		}
		der := must(x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey))
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	w := &world{asked: make(chan string, 100)}
	nodes := httptest.NewServer(http.HandlerFunc(w.nodes))
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, l, Options{
			Nodes: nodes.URL + "/nodes/a", Token: "secret", Clients: pool,
			Certificate: func(address string) (*tls.Certificate, error) {
				return sign(x509.ExtKeyUsageServerAuth, net.ParseIP(address)), nil
			},
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		nodes.Close()
	})
	w.proxy = &url.URL{Scheme: "http", Host: l.Addr().String()}
	w.tls = &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{*sign(x509.ExtKeyUsageClientAuth)}}
	return w
}

// nodes is the nodes program.
func (w *world) nodes(out http.ResponseWriter, r *http.Request) {
	w.asked <- r.Header.Get("Authorization") + " " + r.URL.Path
	query := r.URL.Query()
	switch {
	case strings.HasPrefix(r.URL.Path, "/nodes/a/containerLogs/"):
		_, _ = fmt.Fprintf(out, "a line, tail %s\n", query.Get("tailLines"))
		_ = http.NewResponseController(out).Flush()
		<-r.Context().Done()
	case query.Get("pod") == "default/echo" && query.Get("port") == "8081", query.Get("address") == "100.64.0.4:8081",
		query.Get("address") == "100.64.0.4:10250":
		conn, buf, err := http.NewResponseController(out).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
		line, _ := buf.ReadString('\n')
		_, _ = fmt.Fprintf(conn, "you said %s", line)
	default:
		http.Error(out, "connection refused", http.StatusBadGateway)
	}
}

// client asks through the proxy as the API server does.
func (w *world) client() *http.Client {
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(w.proxy), TLSClientConfig: w.tls}}
}

func TestAKubeletAnswersThroughTheNodesProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res, err := w.client().Get("https://" + nodeAddress + ":10250/containerLogs/default/echo/main?follow=true&tailLines=3")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "a line, tail 3\n" {
		t.Errorf("%q, %v", line, err)
	}
	if asked := <-w.asked; asked != "Bearer secret /nodes/a/containerLogs/default/echo/main" {
		t.Errorf("asked %q", asked)
	}
}

func TestAKubeletKnowsItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tls.Certificates = nil
	if res, err := w.client().Get("https://" + nodeAddress + ":10250/containerLogs/default/echo/main"); err == nil {
		_ = res.Body.Close()
		t.Error("a client without a certificate is answered")
	}
	if len(w.asked) > 0 {
		t.Errorf("asked %q", <-w.asked)
	}
}

// forward is the port-forward of client-go.
func (w *world) forward(t *testing.T, port string) (*portforward.PortForwarder, *bytes.Buffer) {
	t.Helper()
	upgrader := must(spdy.NewRoundTripperWithConfig(spdy.RoundTripperConfig{TLS: w.tls, Proxier: http.ProxyURL(w.proxy)}))
	at := &url.URL{Scheme: "https", Host: nodeAddress + ":10250", Path: "/portForward/default/echo"}
	dialer := clientspdy.NewDialer(upgrader, &http.Client{Transport: upgrader}, http.MethodPost, at)
	stop, ready, said := make(chan struct{}), make(chan struct{}), &bytes.Buffer{}
	f := must(portforward.New(dialer, []string{"0:" + port}, stop, ready, io.Discard, said))
	ended := make(chan error, 1)
	go func() { ended <- f.ForwardPorts() }()
	t.Cleanup(func() { close(stop); <-ended })
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	return f, said
}

func TestAPortOfAPodIsForwarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f, _ := w.forward(t, "8081")
	for _, word := range []string{"hello", "again"} {
		conn := must(net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", must(f.GetPorts())[0].Local)))
		if _, err := fmt.Fprintln(conn, word); err != nil {
			t.Fatal(err)
		}
		if answer := must(io.ReadAll(conn)); string(answer) != "you said "+word+"\n" {
			t.Errorf("%q", answer)
		}
		_ = conn.Close()
	}
}

func TestAPortThatNobodyListensOnIsNotForwarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f, _ := w.forward(t, "9999")
	conn := must(net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", must(f.GetPorts())[0].Local)))
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if answer, err := io.ReadAll(conn); len(answer) > 0 {
		t.Errorf("%q, %v", answer, err)
	}
}

func TestAPodIsReachedByItsAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for address, want := range map[string]string{
		"100.64.0.4:8081":  "HTTP/1.1 200 OK\r\n\r\nyou said hello\n",
		"100.64.0.4:10250": "HTTP/1.1 200 OK\r\n\r\nyou said hello\n", // the port of a kubelet, at the address of a pod
		"100.64.0.9:8081":  "HTTP/1.1 502 Bad Gateway\r\n",
		"172.20.0.10:443":  "HTTP/1.1 502 Bad Gateway\r\n",
	} {
		conn := must(net.Dial("tcp", w.proxy.Host))
		if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", address); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		first := must(r.ReadString('\n'))
		if strings.Contains(first, "200") {
			_, _ = fmt.Fprintln(conn, "hello")
			first += string(must(io.ReadAll(r)))
		}
		if first != want {
			t.Errorf("%s: %q", address, first)
		}
		_ = conn.Close()
	}
}
