// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"emrflink/internal/dashboards"
)

// prometheus is the one that `local dashboards` runs.
type prometheus struct {
	cmd     *exec.Cmd
	page    string // where the dashboards are
	address string
	log     *bytes.Buffer
}

// scrape has the command collect the metrics of the jobs, by the same rules as on AWS.
func (t *tool) scrape(ctx context.Context) (*prometheus, error) {
	p := &prometheus{log: &bytes.Buffer{}, cmd: t.emrflink(ctx, "local", "dashboards", "--port", "0", "--output", "json")}
	p.cmd.Stderr = p.log
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	var doc dashboards.Info
	if err := json.NewDecoder(out).Decode(&doc); err != nil {
		return nil, p.failed(errors.Join(err, p.cmd.Wait()))
	}
	p.page, p.address = doc.URL, doc.Prometheus
	return p, nil
}

// failed adds what the command said to an error.
func (p *prometheus) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\n%s", err, p.log)
}

func (p *prometheus) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait() // it ends so
}

func get(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// series is one result of a query.
type series struct {
	Metric map[string]string
	Value  [2]any
}

// query evaluates an expression as it was so long ago.
func (p *prometheus) query(ctx context.Context, expr string, ago time.Duration) ([]series, error) {
	for _, choice := range []string{"$namespace", "$job"} {
		expr = strings.ReplaceAll(expr, choice, ".*")
	}
	raw, err := get(ctx, p.address+"/api/v1/query?query="+url.QueryEscape(expr)+
		fmt.Sprintf("&time=%d", time.Now().Add(-ago).Unix()))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error string
		Data  struct{ Result []series }
	}
	if err := decode(raw, &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", expr, answer.Error)
	}
	return answer.Data.Result, nil
}

// writeNames writes the names of the metrics that Prometheus has seen, a file for each process that offers them.
func (p *prometheus) writeNames(ctx context.Context, dir string) error {
	raw, err := get(ctx, p.address+"/api/v1/label/__name__/values")
	if err != nil {
		return err
	}
	var answer struct{ Data []string }
	if err := decode(raw, &answer); err != nil {
		return err
	}
	files := map[string]string{
		"flink":     "Flink 1.20.1, at port 9249 of JobManagers and TaskManagers",
		"karpenter": "Karpenter, at the port of its metrics",
		kafka:       "Flink 1.20.1 with Kafka's connector, beside those of every job",
	}
	collectors := regexp.MustCompile(`_GarbageCollector_(Copy|MarkSweepCompact|G1)|_bucket$|_sum$`)
	part := func(metric string) bool { // of a histogram or a summary
		base, counts := strings.CutSuffix(metric, "_count")
		return collectors.MatchString(metric) || counts && slices.Contains(answer.Data, base+"_sum")
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var seen []string
		for _, metric := range answer.Data {
			of := strings.SplitN(metric, "_", 2)[0]
			if of == "flink" && regexp.MustCompile(`Kafka|[cC]ommitt|pendingRecords$|currentSendTime$`).MatchString(metric) {
				of = kafka
			}
			if of == name && !part(metric) {
				seen = append(seen, metric)
			}
		}
		if len(seen) == 0 {
			continue // the job did not run: what was seen before stays
		}
		text := "# Seen on the local target by make panels: " + files[name] + ".\n" + strings.Join(seen, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(dir, name+".txt"), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
