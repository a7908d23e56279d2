// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localtarget"
)

const (
	// ownPath is the root of what is not Amazon's; no bucket has such a name.
	ownPath = "/_emrflink/"
	// controlPath is the root of the control API; every call carries the token of
	// daemon.json, which only its owner can read.
	controlPath = ownPath + "control/"
)

func (d *Daemon) control(stop context.CancelFunc) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPath+"status", func(w http.ResponseWriter, _ *http.Request) { d.answer(w, d.status()) })
	mux.HandleFunc("GET "+controlPath+"inventory", func(w http.ResponseWriter, _ *http.Request) {
		d.answer(w, inventory(d.account))
	})
	d.faultRoutes(mux)
	mux.HandleFunc("POST "+controlPath+"try-again", func(w http.ResponseWriter, _ *http.Request) {
		d.tryAgain()
		d.answer(w, d.status())
	})
	mux.HandleFunc("POST "+controlPath+"try", d.try)
	mux.HandleFunc("POST "+controlPath+"stop", func(w http.ResponseWriter, _ *http.Request) {
		d.answer(w, d.status())
		stop()
	})
	return d.authorized(mux.ServeHTTP)
}

// authorized lets in who has the token of daemon.json.
func (d *Daemon) authorized(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := []byte(r.Header.Get("Authorization"))
		if subtle.ConstantTimeCompare(given, []byte("Bearer "+d.token)) != 1 {
			http.Error(w, "the control API needs the token of daemon.json", http.StatusUnauthorized)
			return
		}
		next(w, r)
	})
}

// nodesPath is where a control plane reaches its nodes; the cluster's name follows.
const nodesPath = ownPath + "nodes/"

// nodes answers for the kubelets of a cluster.
func (d *Daemon) nodes(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("cluster")
	d.mu.Lock()
	p := d.planes[name]
	var c *cluster
	if p != nil {
		c = p.current
	}
	d.mu.Unlock()
	if c == nil || c.kubelet == nil { // it begins or ends
		http.Error(w, fmt.Sprintf("the nodes of cluster %q are not ready", name), http.StatusServiceUnavailable)
		return
	}
	http.StripPrefix(nodesPath+name, c.kubelet.Handler()).ServeHTTP(w, r)
}

func (d *Daemon) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		d.log.Warn("answer a control call", "error", err)
	}
}

func (d *Daemon) status() localtarget.Status {
	s := localtarget.Status{
		State: localtarget.Running, PID: os.Getpid(), URL: d.url, Dir: d.opts.Dir, Region: d.opts.Region,
		AccountID: d.account.ID(), Speed: d.opts.Speed, Version: d.opts.Version, StartedAt: d.started.Format(time.RFC3339),
		Resources: len(d.account.Inventory()), Clusters: d.controlPlanes(), Faults: d.faults(),
	}
	switch {
	case d.ctx.Err() != nil:
		s.State, s.Doing = localtarget.Stopping, "stopping the control planes"
	case !d.resumed.Load():
		s.State, s.Doing = localtarget.Starting, "completing what was under way when it ended"
		for _, c := range s.Clusters {
			if c.State == localtarget.Starting {
				s.Doing = fmt.Sprintf("starting the control plane of cluster %q", c.Name)
			}
		}
	}
	return s
}

// controlPlanes describes the control planes of the account's clusters, by name.
func (d *Daemon) controlPlanes() []localtarget.Cluster {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []localtarget.Cluster{}
	for _, name := range slices.Sorted(maps.Keys(d.planes)) {
		p := d.planes[name]
		c := localtarget.Cluster{Name: name, Endpoint: p.endpoint.URL, State: p.state, Reason: p.reason}
		if p.current != nil {
			c.PID = p.current.cmd.Process.Pid
		}
		out = append(out, c)
	}
	return out
}

func inventory(a *account.Account) localtarget.Inventory {
	inv := localtarget.Inventory{SchemaVersion: localtarget.SchemaVersion, Resources: []localtarget.Resource{}}
	for _, r := range a.Inventory() {
		service, typ, _ := strings.Cut(string(r.Kind), ":")
		inv.Resources = append(inv.Resources, localtarget.Resource{
			Service: service, Type: typ, ID: r.ID, ARN: r.ARN, CreatedBy: r.CreatedBy, HourlyUSD: r.HourlyUSD,
		})
		inv.HourlyUSD += r.HourlyUSD
	}
	return inv
}
