// SPDX-License-Identifier: Apache-2.0

package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ErrNoPrometheus says that no Prometheus is installed.
var ErrNoPrometheus = errors.New("no prometheus is on the PATH")

// prometheus is one that runs.
type prometheus struct {
	address string
	log     string
	ended   chan struct{} // closed when it has
	stop    func()
}

// retention is how long data are kept: the page is for looking at what happens now.
const retention = "1d"

// begin starts a Prometheus that keeps its data in dir.
func begin(ctx context.Context, dir string, config func(rules string) ([]byte, error), rules string) (*prometheus, error) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		return nil, ErrNoPrometheus
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	raw, err := config(at("rules.json"))
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.WriteFile(at("rules.json"), []byte(rules), 0o600), os.WriteFile(at("prometheus.json"), raw, 0o600))
	if err != nil {
		return nil, err
	}
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &prometheus{address: free.Addr().String(), log: at("prometheus.log"), ended: make(chan struct{})}
	if err := free.Close(); err != nil {
		return nil, err
	}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own handle
	cmd := exec.Command(program, "--config.file="+at("prometheus.json"), "--storage.tsdb.path="+at("data"),
		"--storage.tsdb.retention.time="+retention, "--web.listen-address="+p.address)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // failed has what it logged
		close(p.ended)
	}()
	p.stop = func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-p.ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-p.ended
		}
	}
	if err := p.ready(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// patience is how long Prometheus has to start, and to end.
const patience = 20 * time.Second

func (p *prometheus) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if _, err := p.get(ctx, "/-/ready", nil); err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return p.failed(errors.New("prometheus ended"))
		case <-ctx.Done():
			return p.failed(fmt.Errorf("prometheus does not answer: %w", ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// failed adds the end of Prometheus' log to an error.
func (p *prometheus) failed(err error) error {
	raw, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return fmt.Errorf("%w: %s", err, lines[len(lines)-1])
}

// get asks Prometheus' API. Prometheus says in the body what is wrong with a query.
func (p *prometheus) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	at := url.URL{Scheme: "http", Host: p.address, Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("prometheus: %s: %s", res.Status, raw[:min(len(raw), 200)])
	}
	return raw, err
}

// ask decodes the data of an answer of Prometheus' API.
func (p *prometheus) ask(ctx context.Context, path string, query url.Values, data any) error {
	raw, err := p.get(ctx, path, query)
	if err != nil {
		return err
	}
	var answer struct{ Data json.RawMessage }
	if err := json.Unmarshal(raw, &answer); err != nil {
		return err
	}
	return json.Unmarshal(answer.Data, data)
}

// point is a value at a time.
type point struct {
	at    time.Time
	value float64
}

// UnmarshalJSON reads [SECONDS, "VALUE"].
func (p *point) UnmarshalJSON(raw []byte) error {
	var at float64
	var value string
	if err := json.Unmarshal(raw, &[]any{&at, &value}); err != nil {
		return err
	}
	var err error
	p.at = time.UnixMilli(int64(math.Round(at * 1000)))
	p.value, err = strconv.ParseFloat(value, 64)
	return err
}

// series is what a query found for one set of labels.
type series struct {
	Metric map[string]string
	Values []point
}

// query evaluates an expression at each step.
func (p *prometheus) query(ctx context.Context, expr string, s span) ([]series, error) {
	var found struct{ Result []series }
	err := p.ask(ctx, "/api/v1/query_range", url.Values{
		"query": {expr}, "start": {unix(s.from)}, "end": {unix(s.to)}, "step": {s.step.String()},
	}, &found)
	return found.Result, err
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// span is the time that is looked at.
type span struct {
	from, to time.Time
	step     time.Duration
}

// values are those of a label.
func (p *prometheus) values(ctx context.Context, label, metric string) ([]string, error) {
	var found []string
	err := p.ask(ctx, "/api/v1/label/"+label+"/values", url.Values{"match[]": {metric}}, &found)
	return found, err
}

// alert is one that its rule has raised.
type alert struct {
	Labels, Annotations map[string]string
	State               string // firing; pending while it has not lasted long enough
}

func (p *prometheus) alerts(ctx context.Context) ([]alert, error) {
	var found struct{ Alerts []alert }
	return found.Alerts, p.ask(ctx, "/api/v1/alerts", nil, &found)
}
