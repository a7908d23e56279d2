// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubelet/pkg/cri/streaming/portforward"
)

// A kubelet's own limits of port-forward.
const (
	idleTime   = 4 * time.Hour
	streamTime = 30 * time.Second
)

// kubelet is the API of all kubelets: port-forward, and what the nodes program answers.
func (s *server) kubelet() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/portForward/{namespace}/{pod}", s.portForward)
	mux.HandleFunc("/portForward/{namespace}/{pod}/{uid}", s.portForward)
	nodes, err := url.Parse(s.o.Nodes)
	mux.Handle("/", &httputil.ReverseProxy{
		FlushInterval: -1, // a log that is followed
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(nodes)
			p.Out.Header.Del("Upgrade") // it is refused
			s.authorize(p.Out)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "ask the program that simulates the nodes: "+err.Error(), http.StatusBadGateway)
		},
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.o.Nodes == "" || err != nil {
			http.Error(w, errNoNodes.Error(), http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *server) portForward(w http.ResponseWriter, r *http.Request) {
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, forwarder{s}, r.PathValue("namespace")+"/"+r.PathValue("pod"),
		types.UID(r.PathValue("uid")), options, idleTime, streamTime, portforward.SupportedProtocols)
}

type forwarder struct{ *server }

var _ portforward.PortForwarder = forwarder{}

// PortForward implements portforward.PortForwarder for a pod NAMESPACE/NAME.
func (f forwarder) PortForward(ctx context.Context, pod string, _ types.UID, port int32, stream io.ReadWriteCloser) error {
	there, err := f.dial(ctx, url.Values{"pod": {pod}, "port": {strconv.Itoa(int(port))}})
	if err != nil {
		return fmt.Errorf("connect to the pod: %w", err)
	}
	defer there.Close()
	join(stream, there)
	return nil
}
