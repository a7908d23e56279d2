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
)

// controlPath is the root of the control API; every call carries the token of
// daemon.json, which only its owner can read.
const controlPath = "/_emrflink/control/"

// Status is the daemon's answer to `local status`.
type Status struct {
	PID       int             `json:"pid"`
	URL       string          `json:"url"`
	Dir       string          `json:"dir"`
	Region    string          `json:"region"`
	AccountID string          `json:"accountId"`
	Speed     float64         `json:"speed"`
	Version   string          `json:"version"`
	StartedAt time.Time       `json:"startedAt"`
	Resources int             `json:"resources"`
	Clusters  []ClusterStatus `json:"clusters"`
	Faults    []Fault         `json:"faults"`
}

// ClusterStatus is one control plane that runs.
type ClusterStatus struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"`
	PID      int    `json:"pid"`
}

// Inventory is everything in the simulated account and what it would bill.
type Inventory struct {
	SchemaVersion int                 `json:"schemaVersion"`
	Resources     []InventoryResource `json:"resources"`
	HourlyUSD     float64             `json:"hourlyUSD"` // US dollars per hour, usage not included
}

// InventoryResource is one resource of the account.
type InventoryResource struct {
	Service   string  `json:"service"`
	Type      string  `json:"type"`
	ID        string  `json:"id"`
	ARN       string  `json:"arn"`
	CreatedBy string  `json:"createdBy"`
	HourlyUSD float64 `json:"hourlyUSD"`
}

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

func (d *Daemon) status() Status {
	s := Status{
		PID: os.Getpid(), URL: d.url, Dir: d.opts.Dir, Region: d.opts.Region, AccountID: d.account.ID(), Speed: d.opts.Speed,
		Version: d.opts.Version, StartedAt: d.started, Resources: len(d.account.Inventory()), Clusters: []ClusterStatus{},
		Faults: faultsOf(d.account),
	}
	d.mu.Lock()
	for _, c := range d.clusters {
		s.Clusters = append(s.Clusters, ClusterStatus{Name: c.name, Endpoint: c.endpoint.URL, PID: c.cmd.Process.Pid})
	}
	d.mu.Unlock()
	sort.Slice(s.Clusters, func(i, j int) bool { return s.Clusters[i].Name < s.Clusters[j].Name })
	return s
}

func inventory(a *account.Account) Inventory {
	inv := Inventory{SchemaVersion: 1, Resources: []InventoryResource{}}
	for _, r := range a.Inventory() {
		service, typ, _ := strings.Cut(string(r.Kind), ":")
		inv.Resources = append(inv.Resources, InventoryResource{
			Service: service, Type: typ, ID: r.ID, ARN: r.ARN, CreatedBy: r.CreatedBy, HourlyUSD: r.HourlyUSD,
		})
		inv.HourlyUSD += r.HourlyUSD
	}
	return inv
}
