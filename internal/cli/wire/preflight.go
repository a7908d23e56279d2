// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"time"

	"emrflink/internal/check"
	"emrflink/internal/cleanup"
	"emrflink/internal/disk"
	"emrflink/internal/preflight"
	"emrflink/internal/stackconfig"
)

// Preflight looks for what would make a deploy fail: on this machine, then in the account.
func (s *onTarget) Preflight(ctx context.Context, adopt bool) ([]check.Check, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	needs := s.settings.info.Needs
	machine := preflight.Machine{
		Programs: needs.Programs, Registries: needs.Registries, LookPath: exec.LookPath, Getenv: s.app.io.Getenv, Now: s.app.now,
		Free: disk.Free, Root: os.DirFS("/"),
	}
	if mirrors := s.settings.config.Mirrors; len(needs.Registries) > 0 && mirrors.Set() {
		machine.Registries, machine.Mirrors, machine.Get = mirrors.ChartHosts(), mirrors.ImageHosts(), get(ctx)
	}
	if needs.Plugins {
		e, err := s.unchecked(ctx)
		if err != nil {
			return nil, err
		}
		machine.Plugins = func() (missing []string, dir string) {
			for _, p := range e.MissingPlugins() {
				missing = append(missing, p.String())
			}
			return missing, e.PluginHome()
		}
	}
	checks := machine.Run()
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	recorded, err := s.recorded(ctx)
	if err != nil {
		return nil, err
	}
	d := stackconfig.Needs(s.settings.config, s.settings.info, recorded)
	d.Adopt = adopt
	checks = append(checks, preflight.Account{AWS: client, Deploy: d, Now: s.app.now}.Run(ctx)...)
	checks = append(checks, s.vanished(ctx)...)
	for i := range checks {
		checks[i].Fix = s.target.Hint(checks[i].Fix)
	}
	return checks, nil
}

// get asks a registry; how long it may take is little, for a registry of nobody's.
func get(ctx context.Context) func(string) (int, error) {
	return func(url string) (int, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return 0, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
}

// FetchPlugins downloads the provider plugins that the target needs and that are not there.
func (s *onTarget) FetchPlugins(ctx context.Context) error {
	if !s.settings.info.Needs.Plugins {
		return nil
	}
	e, err := s.unchecked(ctx)
	if err != nil {
		return err
	}
	return classify(e.FetchPlugins(ctx))
}

// recorded is what the state of the stack has.
func (s *onTarget) recorded(ctx context.Context) (preflight.Recorded, error) {
	record, err := recorder{s}.Record(ctx)
	if err != nil || !record.Exists {
		return preflight.Recorded{}, classify(err)
	}
	scope, known, err := cleanup.Known(s.scope(), record)
	if err != nil {
		return preflight.Recorded{}, err
	}
	d := scope.Deployment
	r := preflight.Record(record.Resources, record.Pending, slices.Concat(d.LogGroups, d.Buckets))
	if known && len(record.Resources) > 0 {
		r.Account, r.Region, r.VPC = scope.Account, scope.Region, d.VPC
	}
	return r, nil
}
