// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"emrflink/internal/localcloud/podlog"
)

// Handler is the HTTP API of the kubelets of all nodes, as far as it is simulated: logs, and a way to the ports of pods, which
// localkube makes port-forward and the proxies of the API server of. All else is refused by name. Who may ask is for the caller
// to decide.
func (k *Kubelet) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.serveLogs)
	mux.HandleFunc("GET /connect", k.serveConnect)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.URL.Path+" is not simulated", http.StatusNotImplemented)
	})
	return mux
}

// refuse answers about a log with a status of which the API server passes the text on.
func refuse(w http.ResponseWriter, err error) { http.Error(w, err.Error(), http.StatusBadRequest) }

// serveLogs answers as the endpoint of that name of a kubelet does.
func (k *Kubelet) serveLogs(w http.ResponseWriter, r *http.Request) {
	container, query := r.PathValue("container"), r.URL.Query()
	pod, err := k.podNamed(r.PathValue("namespace") + "/" + r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	options, err := logOptions(query)
	if err != nil {
		refuse(w, err)
		return
	}
	path, live, err := k.logFile(pod, container, query.Get("previous") == "true")
	if err != nil {
		refuse(w, err)
		return
	}
	if query.Get("follow") == "true" {
		options.Running = live
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusOK)
	if err := podlog.Copy(r.Context(), flushing{w, http.NewResponseController(w)}, path, options); err != nil {
		k.log.Debug("a log was not read to its end", "pod", podKey(pod), "error", err)
	}
}

// flushing flushes an answer that goes on.
type flushing struct {
	io.Writer
	c *http.ResponseController
}

// Flush sends what was written. The next write tells when the client is gone.
func (f flushing) Flush() { _ = f.c.Flush() }

// logOptions reads the query that the API server makes of the options of a log.
func logOptions(query url.Values) (o podlog.Options, err error) {
	number := func(name string) (n *int64) {
		if text := query.Get(name); text != "" && err == nil {
			n = new(int64)
			if *n, err = strconv.ParseInt(text, 10, 64); err != nil || *n < 0 {
				err = fmt.Errorf("%s %q is not a number", name, text)
			}
		}
		return n
	}
	o.Tail, o.Limit, o.Timestamps = number("tailLines"), number("limitBytes"), query.Get("timestamps") == "true"
	if seconds := number("sinceSeconds"); seconds != nil {
		o.Since = time.Now().Add(-time.Duration(*seconds) * time.Second)
	}
	if at := query.Get("sinceTime"); at != "" && err == nil {
		o.Since, err = time.Parse(time.RFC3339, at)
	}
	if stream := strings.ToLower(query.Get("stream")); stream != "all" {
		o.Stream = stream
	}
	return o, err
}

// serveConnect turns the connection into one to a port of a pod, which is named by "address", or by "pod" and "port".
func (k *Kubelet) serveConnect(w http.ResponseWriter, r *http.Request) {
	address := r.URL.Query().Get("address")
	if name := r.URL.Query().Get("pod"); name != "" {
		pod, err := k.podNamed(name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		address = net.JoinHostPort(pod.Status.PodIP, r.URL.Query().Get("port"))
	}
	there, err := k.Dial(r.Context(), "tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer here.Close()
	const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
	if _, err := io.WriteString(here, switched); err != nil {
		return
	}
	join(here, buffered, there)
}

// halfOpen is how long the answer of a pod is waited for after the last word of its client, when the pod cannot be told that it
// was the last.
const halfOpen = 5 * time.Second

// halfCloser is a connection of which one direction can be ended.
type halfCloser interface{ CloseWrite() error }

// join carries what both sides say until both have ended; sent is what here says.
func join(here net.Conn, sent io.Reader, there net.Conn) {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = io.Copy(here, there) // either side may end at any time
		_ = here.Close()
	}()
	_, _ = io.Copy(there, sent) // as above
	if c, is := there.(halfCloser); is {
		_ = c.CloseWrite()
	} else {
		select {
		case <-answered:
		case <-time.After(halfOpen):
		}
		_ = there.Close()
	}
	<-answered
}

// podNamed is a pod by NAMESPACE/NAME.
func (k *Kubelet) podNamed(key string) (*corev1.Pod, error) {
	o, ok, err := k.pods.GetStore().GetByKey(key)
	if err != nil {
		return nil, err
	}
	pod, is := o.(*corev1.Pod)
	if !ok || !is {
		return nil, fmt.Errorf("pod %q not found", key)
	}
	return pod, nil
}
