// SPDX-License-Identifier: Apache-2.0

// Command panels evaluates every query of the dashboards and alerts with a real Prometheus, over the metrics of real Flink jobs
// on the local target, each of which was made to be in one trouble, and writes what it saw to docs/panels.md. It fails when a
// query is empty that should not be, or an alert does not see its trouble. It needs Java with javac, Maven, a prometheus on the
// PATH and, for the job that reads Kafka, the jars of make samples and the broker of make kafka.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"emrflink/internal/program"
)

//go:embed job/Observed.java
var source []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	t := tool{}
	flag.StringVar(&t.bin, "bin", "bin", "folder of the programs and the samples' jars")
	flag.StringVar(&t.page, "page", "docs/panels.md", "page to write")
	flag.StringVar(&t.names, "names", "observability/testdata", "folder of the lists of names that were seen")
	flag.StringVar(&t.brokers, "brokers", "127.0.0.1:9092", "the broker for the job that reads Kafka")
	flag.StringVar(&t.home, "home", "", "state folder to use and to leave, with its jobs (default: a temporary one)")
	flag.StringVar(&t.pictures, "pictures", "docs/images", "folder of the pictures of the page, if there is a Chromium")
	flag.DurationVar(&t.watch, "watch", 5*time.Minute, "how long Prometheus looks at the jobs")
	flag.Parse()
	if err := t.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

type tool struct {
	bin, page, names, brokers, home, pictures string
	watch                                     time.Duration
	dir                                       string // of what is made on the way
}

// scenario is a job and its trouble.
type scenario struct {
	name, trouble string
	args          []string
	settings      map[string]string
	// alert is the one that must see it, "" for none.
	alert string
}

// kafka is the sample job that reads Kafka.
const kafka = "kafka"

func scenarios() []scenario {
	again := map[string]string{"restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "100000"}
	return []scenario{
		{name: "steady", trouble: "none", args: []string{"--rate", "50"}},
		{name: "restarts", trouble: "fails every half minute", args: []string{"--fail", "20"}, alert: "FlinkJobRestarting",
			settings: again},
		{name: "pressed", trouble: "a vertex takes 20 events a second, 200 come", alert: "FlinkBackpressure",
			args: []string{"--rate", "200", "--slow", "50"}},
		{name: "refuses", trouble: "refuses every checkpoint, and restarts for it", args: []string{"--refuse", "1"},
			settings: again, alert: "FlinkCheckpointFailing"},
		{name: "late", trouble: "its events are ten minutes old", args: []string{"--late", "600"}, alert: "FlinkEventsLate"},
		{name: kafka, trouble: "none: the sample that reads and writes a topic"},
	}
}

func (t *tool) run(ctx context.Context) (err error) {
	if _, err := exec.LookPath("prometheus"); err != nil {
		return errors.New("no prometheus on the PATH (Debian: apt-get install prometheus)")
	}
	if t.bin, err = filepath.Abs(t.bin); err != nil {
		return err
	}
	if t.dir, err = os.MkdirTemp("", "panels"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(t.dir)) }()
	if t.home == "" {
		t.home = filepath.Join(t.dir, "home")
		defer func() {
			_, stopped := t.command(context.WithoutCancel(ctx), "local", "stop")
			err = errors.Join(err, stopped)
		}()
		if err := t.deploy(ctx); err != nil {
			return err
		}
	}
	p, err := t.scrape(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	fmt.Printf("Prometheus looks at the jobs for %s\n", t.watch)
	select {
	case <-time.After(t.watch):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := p.shoot(ctx, t.pictures); err != nil {
		return p.failed(err)
	}
	if err := p.writeNames(ctx, t.names); err != nil {
		return p.failed(err)
	}
	s, err := p.evaluate(ctx)
	if err != nil {
		return p.failed(err)
	}
	return errors.Join(os.WriteFile(t.page, []byte(s.page()), 0o600), s.problems())
}

// deploy makes a stack with the jobs.
func (t *tool) deploy(ctx context.Context) error {
	for _, words := range []string{"local flink install", "deploy --yes"} {
		if _, err := t.command(ctx, strings.Fields(words)...); err != nil {
			return err
		}
	}
	jar, err := t.compile(ctx)
	if err != nil {
		return err
	}
	basic, err := t.command(ctx, "sample-job", "render", "basic")
	if err != nil {
		return err
	}
	for _, s := range scenarios() {
		words := []string{"sample-job", "run", kafka, "--set", "brokers=" + t.brokers, "--set", "iam=false"}
		if s.name == kafka {
			c, err := net.DialTimeout("tcp", t.brokers, time.Second)
			if err != nil {
				fmt.Println("without the job that reads Kafka: no broker (make kafka)")
				continue
			}
			_ = c.Close() // nothing was sent
		} else {
			file := filepath.Join(t.dir, s.name+".yaml")
			if err := s.write(file, basic); err != nil {
				return err
			}
			words = []string{"job", "run", "--file", file, "--jar", jar}
			if s.alert == "FlinkCheckpointFailing" {
				words = append(words, "--timeout", "1m") // there is no first checkpoint to wait for
			}
		}
		if _, err := t.command(ctx, words...); err != nil && s.alert != "FlinkCheckpointFailing" {
			return err
		}
	}
	return nil
}

// compile makes the jar of the job with Flink's own jars.
func (t *tool) compile(ctx context.Context) (string, error) {
	in := func(name string) string { return filepath.Join(t.dir, name) }
	file, classes, jar := in("Observed.java"), in("classes"), in("observed.jar")
	if err := os.WriteFile(file, source, 0o600); err != nil {
		return "", err
	}
	homes, _ := filepath.Glob(filepath.Join(t.home, "flink", "*", "lib"))
	if len(homes) == 0 {
		return "", errors.New("no Flink is installed")
	}
	for _, line := range [][]string{
		{"javac", "--release", "11", "-d", classes, "-cp", homes[0] + "/*", file},
		{"jar", "cfe", jar, "Observed", "-C", classes, "."},
	} {
		if out, err := exec.CommandContext(ctx, line[0], line[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", line[0], err, out)
		}
	}
	return jar, nil
}

// write makes the job's file of that of the sample basic.
func (s scenario) write(file, basic string) error {
	var doc map[string]any
	own := strings.NewReplacer("/basic", "/"+s.name, "name: basic", "name: "+s.name).Replace(basic)
	if err := yaml.Unmarshal([]byte(own), &doc); err != nil {
		return err
	}
	spec := doc["spec"].(map[string]any)
	job, conf := spec["job"].(map[string]any), spec["flinkConfiguration"].(map[string]any)
	job["args"], job["parallelism"] = s.args, 1
	conf["execution.checkpointing.interval"] = "5s"
	for k, v := range s.settings {
		conf[k] = v
	}
	masters := spec["jobManager"].(map[string]any)
	masters["highAvailabilityEnabled"], masters["replicas"] = false, 1
	delete(masters, "storageDir")
	for _, role := range []string{"jobManager", "taskManager"} {
		spec[role].(map[string]any)["resource"] = map[string]any{"cpu": 0.5, "memory": "1280m"}
	}
	raw, err := yaml.Marshal(doc)
	if err != nil {
		return err
	}
	return os.WriteFile(file, raw, 0o600)
}

func (t *tool) emrflink(ctx context.Context, words ...string) *exec.Cmd {
	return program.Program{Bin: t.bin, Home: t.home, Dir: t.dir}.Command(ctx, words...)
}

// command runs one of emrflink's and returns its standard output.
func (t *tool) command(ctx context.Context, words ...string) (string, error) {
	start := time.Now()
	cmd := t.emrflink(ctx, words...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	fmt.Printf("emrflink %s: %s\n", strings.Join(words, " "), time.Since(start).Round(time.Second))
	if err != nil {
		return "", fmt.Errorf("emrflink %s: %w\n%s", strings.Join(words, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// decode reads JSON that must be what into is.
func decode(raw []byte, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: %s", err, raw[:min(len(raw), 200)])
	}
	return nil
}
