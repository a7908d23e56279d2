// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"os"
	"sort"
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localtarget"
)

// controlPath is the root of the control API; every call carries the token of
// daemon.json, which only its owner can read.
const controlPath = "/_emrflink/control/"

func (d *Daemon) control(stop context.CancelFunc) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPath+"status", func(w http.ResponseWriter, _ *http.Request) { d.answer(w, d.status()) })
	mux.HandleFunc("GET "+controlPath+"inventory", func(w http.ResponseWriter, _ *http.Request) {
		d.answer(w, inventory(d.account))
	})
	d.faultRoutes(mux)
	mux.HandleFunc("POST "+controlPath+"stop", func(w http.ResponseWriter, _ *http.Request) {
		d.answer(w, d.status())
		stop()
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := []byte(r.Header.Get("Authorization"))
		if subtle.ConstantTimeCompare(given, []byte("Bearer "+d.token)) != 1 {
			http.Error(w, "the control API needs the token of daemon.json", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (d *Daemon) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		d.log.Warn("answer a control call", "error", err)
	}
}

func (d *Daemon) status() localtarget.Status {
	s := localtarget.Status{
		PID: os.Getpid(), URL: d.url, Dir: d.opts.Dir, Region: d.opts.Region, AccountID: d.account.ID(), Speed: d.opts.Speed,
		Version: d.opts.Version, StartedAt: d.started.Format(time.RFC3339), Resources: len(d.account.Inventory()),
		Clusters: []localtarget.Cluster{},
		Faults:   d.faults(),
	}
	d.mu.Lock()
	for _, c := range d.clusters {
		s.Clusters = append(s.Clusters, localtarget.Cluster{Name: c.name, Endpoint: c.endpoint.URL, PID: c.cmd.Process.Pid})
	}
	d.mu.Unlock()
	sort.Slice(s.Clusters, func(i, j int) bool { return s.Clusters[i].Name < s.Clusters[j].Name })
	return s
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
