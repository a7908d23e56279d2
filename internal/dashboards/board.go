// SPDX-License-Identifier: Apache-2.0

package dashboards

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"emrflink/observability"
)

// Source is what a board shows.
type Source struct {
	// Title names it.
	Title string
	// Cluster has the pods, Targets say which of them offer metrics.
	Cluster Cluster
	Targets []observability.Target
	// Alerts are those that are evaluated.
	Alerts []observability.Alert
	// Dir is where Prometheus keeps its data.
	Dir string
	// Simulated says what the numbers are not of.
	Simulated []string
}

// Board is a Prometheus that collects, and the page of what it has.
type Board struct {
	title      string
	simulated  []string
	since      time.Duration
	prometheus *prometheus
	listener   net.Listener
	server     *http.Server
	served     chan error
	now        func() time.Time
}

// Open starts to collect, and serves the page on l, which it takes over. It fails with ErrNoPrometheus when there is none.
func Open(ctx context.Context, s Source, l net.Listener, since time.Duration) (*Board, error) {
	b := &Board{title: s.Title, simulated: s.Simulated, since: since, listener: l, served: make(chan error, 1), now: time.Now}
	c := newCollector(s.Cluster, s.Targets)
	mux := http.NewServeMux()
	c.routes(mux)
	const quiet = 30 * time.Second
	b.server = &http.Server{Handler: b.onlyHere(mux), ReadHeaderTimeout: quiet}
	go func() { b.served <- b.server.Serve(l) }() // before Prometheus, which asks for its targets at once
	var err error
	b.prometheus, err = begin(ctx, s.Dir,
		func(rules string) ([]byte, error) { return c.config(l.Addr().String(), rules) }, observability.RulesFile(s.Alerts))
	if err != nil {
		return nil, errors.Join(err, b.server.Close())
	}
	mux.HandleFunc("GET /{$}", b.serve)
	return b, nil
}

// Info is where a board is.
type Info struct {
	// URL is that of the page.
	URL string `json:"url,omitempty"`
	// Prometheus is the address of its API.
	Prometheus string `json:"prometheus,omitempty"`
	// Simulated says what the numbers are not of.
	Simulated []string `json:"simulated"`
}

// Info tells where the board is.
func (b *Board) Info() Info {
	const scheme = "http://"
	return Info{scheme + b.listener.Addr().String() + "/", scheme + b.prometheus.address, append([]string{}, b.simulated...)}
}

// Wait returns when ctx ends, or with the reason why nothing is collected any more.
func (b *Board) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-b.served:
		return err
	case <-b.prometheus.ended:
		return b.prometheus.failed(errors.New("prometheus ended"))
	}
}

// Close ends Prometheus, and then what it asks.
func (b *Board) Close() error {
	b.prometheus.stop()
	return b.server.Close()
}

// onlyHere refuses a name that another site lets point here.
func (b *Board) onlyHere(next http.Handler) http.Handler {
	host := b.listener.Addr().String()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != host && r.Host != strings.Replace(host, "127.0.0.1", "localhost", 1) {
			http.Error(w, "this is the page of dashboards at "+host, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (b *Board) serve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v := View{Job: q.Get("job"), Namespace: q.Get("namespace"), Since: b.since, Live: true}
	if since, err := time.ParseDuration(q.Get("since")); err == nil && since >= time.Minute && since <= 24*time.Hour {
		v.Since = since
	}
	raw, err := b.Page(r.Context(), v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(raw) // nobody is left to tell
}
