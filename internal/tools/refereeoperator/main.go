// SPDX-License-Identifier: Apache-2.0

// Command refereeoperator takes the real Flink Kubernetes operator and the stand-in of the local target through the scenarios of
// internal/localcloud/flinkoperator/scenario, one after the other, on one local target with the same Flink, and compares every
// status, event and object. It writes what it saw into recorded.json and docs/operator-scenarios.md, prints the differences, and
// fails when nobody has explained one. It needs Java, Maven and a jar of the operator that the developer built:
// flink-kubernetes-operator-1.10.0-shaded.jar, with okhttp, okio and kotlin-stdlib beside it on the class path.
//
// With -webhook it compares something else: what the API server, and the operator's own webhook behind it, say about the job
// files that people wrote. It writes a table into docs/job-files.md. The class path has the jar of flink-kubernetes-webhook too.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/flinkhome"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/daemon"
	"emrflink/internal/localcloud/flinkoperator/scenario"
	"emrflink/internal/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t := tool{}
	var only string
	flag.StringVar(&t.jar, "jar", "", "class path of the real operator (make referee-operator OPERATOR_JAR=...)")
	flag.StringVar(&t.webhook, "webhook", "", "class path of the operator's webhook: compare job files")
	flag.StringVar(&t.files, "files", casesFolder, "job files to compare; other ones than these are written nowhere")
	flag.StringVar(&t.bin, "bin", "bin", "folder of the programs")
	flag.StringVar(&t.page, "page", "docs/operator-scenarios.md", "page to write")
	flag.StringVar(&t.recording, "recording", "internal/localcloud/flinkoperator/scenario/recorded.json", "file to write")
	flag.StringVar(&t.home, "home", "", "state folder to use and to leave running (default: a temporary one)")
	flag.StringVar(&only, "only", "", "chains of scenarios, with commas between them; what was seen in others stays")
	flag.StringVar(&t.who, "operator", "", "real or stand-in: look at this one alone; what was seen of the other stays")
	flag.Parse()
	t.only = strings.FieldsFunc(only, func(r rune) bool { return r == ',' })
	err := t.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

type tool struct {
	jar, bin, page, recording, home, who string
	webhook, files                       string
	only                                 []string

	info       daemon.Info
	flink      flinkhome.Status
	kubeconfig string
	watch      func(context.Context, *scenario.Recorder)
	cluster    *kube.Client
	aws        *awsapi.Client
	recorder   *scenario.Recorder
	world      scenario.World
	seen       scenario.Recording
}

func (t *tool) run(ctx context.Context) (err error) {
	release, err := release(t.jar + t.webhook) // one of them
	if err != nil {
		return err
	}
	if release != version {
		return fmt.Errorf("the jar is operator %s: the stand-in is of %s (git checkout release-%s)", release, version, version)
	}
	if t.bin, err = filepath.Abs(t.bin); err != nil {
		return err
	}
	if t.home == "" {
		if t.home, err = os.MkdirTemp("", "refereeoperator"); err != nil {
			return err
		}
		defer func() {
			_, stopped := t.command(context.WithoutCancel(ctx), "local", "stop")
			err = errors.Join(err, stopped, os.RemoveAll(t.home))
		}()
	}
	if t.webhook != "" {
		return t.compareFiles(ctx)
	}
	return t.compareOperators(ctx)
}

// compareOperators takes both operators through the scenarios.
func (t *tool) compareOperators(ctx context.Context) error {
	raw, err := os.ReadFile(t.recording)
	if err == nil {
		err = json.Unmarshal(raw, &t.seen)
	}
	if err != nil {
		return fmt.Errorf("read what was seen before: %w", err)
	}
	t.seen.Operator, t.seen.Flink = version, flinkhome.Version
	if err := t.prepare(ctx); err != nil {
		return err
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	t.recorder = scenario.NewRecorder()
	t.watch(watching, t.recorder)
	if t.who != "real" {
		if err := t.look(ctx, scenario.StandIn, &t.seen.StandIn); err != nil {
			return err
		}
	}
	if t.who != "stand-in" {
		if err := t.lookAtReal(ctx); err != nil {
			return err
		}
	}
	return t.report()
}

// lookAtReal puts the real operator into the place of the stand-in.
func (t *tool) lookAtReal(ctx context.Context) (err error) {
	if err := t.standIn(ctx, 0); err != nil {
		return err
	}
	r, err := t.startOperator(ctx)
	if r != nil {
		defer func() { err = errors.Join(err, r.stop(), t.standIn(context.WithoutCancel(ctx), 1)) }()
	}
	if err != nil {
		return err
	}
	// It is built with another Flink than the jobs run in, whose S3 it cannot load: it reads the jar of session jobs from a file.
	t.world.Jar = "file://" + t.exampleJar()
	return t.look(ctx, scenario.Real, &t.seen.Real)
}

// prepare makes a stack with Flink, and reads what the scenarios need of it.
func (t *tool) prepare(ctx context.Context) error {
	if _, err := t.command(ctx, "local", "flink", "install"); err != nil {
		return err
	}
	if err := t.deploy(ctx); err != nil {
		return err
	}
	if !t.flink.Runs {
		return fmt.Errorf("jobs do not run in Flink: %s", t.flink.Problem)
	}
	return errors.Join(t.permitSnapshots(ctx), t.makeWorld(ctx))
}

// deploy makes a stack and connects to it.
func (t *tool) deploy(ctx context.Context) error {
	if _, err := t.command(ctx, "deploy", "--yes"); err != nil {
		return err
	}
	out, err := t.command(ctx, "local", "flink", "status", "--output", "json")
	if err == nil {
		err = json.Unmarshal(out, &t.flink)
	}
	if err != nil {
		return err
	}
	return t.connect(ctx)
}

// report compares, writes and prints.
func (t *tool) report() error {
	if err := os.WriteFile(t.page, []byte(scenario.Page(t.seen)), 0o600); err != nil {
		return err
	}
	planted, err := scenario.Plant(t.seen)
	if err != nil {
		return err
	}
	fmt.Printf("%d planted differences, all reported\n", planted)
	all := scenario.Differences(t.seen)
	for _, d := range all {
		fmt.Printf("%s: only %s: %s\n", d.Scenario, d.Only, d.What)
		if d.Why != "" {
			fmt.Println("   explained:", d.Why)
		}
	}
	equal, compared := scenario.Equal(t.seen)
	fmt.Printf("%d of %d scenarios equal, %d differences, %d of them not explained\n", equal, compared, len(all),
		len(scenario.Unexplained(all)))
	if n := len(scenario.Unexplained(all)); n > 0 {
		return fmt.Errorf("%d differences are not explained: mend the stand-in, or say why in compare.go", n)
	}
	return nil
}

// save writes what was seen so far.
func (t *tool) save() error {
	raw, err := json.MarshalIndent(t.seen, "", " ")
	return errors.Join(err, os.WriteFile(t.recording, append(raw, '\n'), 0o600))
}

// command runs emrflink, and returns what it prints.
func (t *tool) command(ctx context.Context, words ...string) ([]byte, error) {
	return program.Program{Bin: t.bin, Home: t.home}.Output(ctx, words...)
}

// chosen says whether a chain is looked at.
func (t *tool) chosen(chain string) bool { return len(t.only) == 0 || slices.Contains(t.only, chain) }

// patience is how long a scenario may take to its end.
const patience = 150 * time.Second
