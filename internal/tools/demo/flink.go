// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	// counting is the sample that proves what it counts.
	counting = "counting"
	// checkpoints is how many the demo waits for, and patience for how long.
	checkpoints = 3
	patience    = 3 * time.Minute
)

// count runs a job in Flink that counts: checkpoints, Flink's own API through the API server, a savepoint and an upgrade that
// goes on from it.
func (d demo) count(ctx context.Context) error {
	if err := d.command(ctx, "sample-job", "run", counting); err != nil {
		return err
	}
	api, err := d.api(ctx)
	if err != nil {
		return fmt.Errorf("reach the API server: %w", err)
	}
	if err := api.show(ctx, func(s statistics) bool { return s.Counts.Completed >= checkpoints }); err != nil {
		return err
	}
	// Another parallelism is an upgrade: the operator stops the job with a savepoint, and starts it again from that.
	for _, line := range []string{
		"sample-job verify counting", "sample-job run counting --parallelism 1 --yes",
	} {
		if err := d.command(ctx, strings.Fields(line)...); err != nil {
			return err
		}
	}
	upgraded := func(s statistics) bool { return s.Latest.Restored.IsSavepoint && s.Counts.Completed > 0 }
	if err := api.show(ctx, upgraded); err != nil {
		return err
	}
	for _, line := range []string{"sample-job verify counting", "sample-job delete counting"} {
		if err := d.command(ctx, strings.Fields(line)...); err != nil {
			return err
		}
	}
	return nil
}

// apiServer is the cluster's, as its kubeconfig has it.
type apiServer struct {
	http.Client
	url, token string
}

// api reads a kubeconfig as kubectl does.
func (d demo) api(ctx context.Context) (*apiServer, error) {
	file := filepath.Join(d.work, "kubeconfig")
	if err := d.command(ctx, "kubeconfig", "--file", file); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(file) // #nosec G304 -- the demo's own
	if err != nil {
		return nil, err
	}
	value := func(key string) string {
		m := regexp.MustCompile(key + `:? ?(\S+)`).FindSubmatch(raw)
		if m == nil {
			return ""
		}
		return string(m[1])
	}
	ca, err := base64.StdEncoding.DecodeString(value("certificate-authority-data"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	arg := func(flag string) string { return value("- " + flag + "\n +-") }
	out, err := d.cmd(ctx, "eks-token", "--target", "local", "--cluster", arg("--cluster"), "--region", arg("--region")).Output()
	if err != nil {
		return nil, fmt.Errorf("emrflink eks-token: %w", err)
	}
	var credential struct{ Status struct{ Token string } }
	if err := json.Unmarshal(out, &credential); err != nil {
		return nil, err
	}
	return &apiServer{
		Client: http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
		}},
		url: value("server"), token: credential.Status.Token,
	}, nil
}

// statistics are Flink's of the checkpoints of a job.
type statistics struct {
	Counts struct{ Completed int }
	Latest struct {
		Restored struct {
			IsSavepoint  bool   `json:"is_savepoint"`
			ExternalPath string `json:"external_path"`
		}
	}
}

// show prints what Flink's UI asks for of its JobManager, once it is as it should be.
func (a *apiServer) show(ctx context.Context, enough func(statistics) bool) error {
	const ui = "/api/v1/namespaces/flink-team-a/services/" + counting + "-rest:rest/proxy"
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var jobs struct{ Jobs []struct{ JID string } }
		var now statistics
		overview, err := a.get(ctx, ui+"/jobs/overview", &jobs)
		if err == nil && len(jobs.Jobs) == 1 {
			_, err = a.get(ctx, ui+"/jobs/"+jobs.Jobs[0].JID+"/checkpoints", &now)
		}
		if err == nil && enough(now) {
			fmt.Printf("\nGET %s/jobs/overview\n%s\ncompleted checkpoints of this job: %d\n", ui, overview, now.Counts.Completed)
			if now.Latest.Restored.IsSavepoint {
				fmt.Println("its state is that of the savepoint", now.Latest.Restored.ExternalPath)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for checkpoints of job %q: %w", counting, errors.Join(ctx.Err(), err))
		case <-time.After(time.Second):
		}
	}
}

func (a *apiServer) get(ctx context.Context, path string, into any) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	res, err := a.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() // it was only read
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, body)
	}
	if err != nil {
		return nil, err
	}
	return body, json.Unmarshal(body, into)
}

// ports are where the local target listens.
func (d demo) ports(ctx context.Context) ([]string, error) {
	out, err := d.cmd(ctx, "local", "status", "--output", "json").Output()
	var status struct {
		URL      string
		Clusters []struct{ Endpoint string }
	}
	if err == nil {
		err = json.Unmarshal(out, &status)
	}
	if err != nil {
		return nil, fmt.Errorf("emrflink local status: %w", err)
	}
	all := []string{strings.TrimPrefix(status.URL, "http://")}
	for _, c := range status.Clusters {
		all = append(all, strings.TrimPrefix(c.Endpoint, "https://"))
	}
	return all, nil
}

// gone fails when a process, a port or a file of the demo is left.
func gone(root string, ports []string) error {
	var left []string
	processes, _ := filepath.Glob("/proc/[0-9]*") // there are none where there is no /proc
	for _, p := range processes {
		for _, file := range []string{"cmdline", "environ"} {
			if raw, err := os.ReadFile(filepath.Join(p, file)); err == nil && strings.Contains(string(raw), root) {
				left = append(left, "process "+filepath.Base(p))
			}
		}
	}
	for _, at := range ports {
		if c, err := net.DialTimeout("tcp", at, time.Second); err == nil {
			left = append(left, "port "+at)
			_ = c.Close()
		}
	}
	if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
		left = append(left, "folder "+root)
	}
	if len(left) > 0 {
		return fmt.Errorf("the demo has left %s", strings.Join(left, ", "))
	}
	return nil
}
