// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// How often the API server is asked while it starts, and how long it may take on a machine that has too much to do: one
// that is slow is waited for, since a second try would be no faster.
const (
	probeEvery   = 20 * time.Millisecond
	probeTimeout = 8 * time.Minute
)

// probe asks the API server as the administrator.
type probe struct {
	client   *http.Client
	endpoint string
	token    string
}

func newProbe(d dir, endpoint, token string) (*probe, error) {
	ca, err := d.read(caCertFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("parse %s: no certificate in it", caCertFile)
	}
	return &probe{endpoint: endpoint, token: token, client: &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
	}}, nil
}

// wait polls path until it answers 200. It gives up when a component stops, the context ends or time is over.
func (p *probe) wait(ctx context.Context, path string, stopped <-chan error) error {
	deadline := time.After(probeTimeout)
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	last := errors.New("not asked yet")
	for {
		select {
		case err := <-stopped:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("wait for %s: not ready after %s: %w", path, probeTimeout, last)
		case <-tick.C:
			if last = p.ask(ctx, path); last == nil {
				return nil
			}
		}
	}
}

func (p *probe) ask(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.endpoint+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, body)
	}
	return nil
}
