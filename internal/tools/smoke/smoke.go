// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// stackName is the stack of the run, deploymentName its deployment in the account.
const (
	stackName      = "smoke"
	deploymentName = "emrflink-smoke"
)

// Exit codes beside 0: a step failed, and what was deployed is gone; or a cleanup did not come to its end.
const (
	exitFailed = 1
	exitLeft   = 7
)

// How long a cleanup may take, and how long a command that is interrupted.
const (
	cleanupLasts = time.Hour
	grace        = 5 * time.Minute
)

// Report is the JSON of a run.
type Report struct {
	SchemaVersion int       `json:"schemaVersion"`
	Target        string    `json:"target"`
	Account       string    `json:"account"`
	Region        string    `json:"region"`
	StartedAt     time.Time `json:"startedAt"`
	Seconds       float64   `json:"seconds"`
	// CapUSD is the most that the run may cost, EstimateUSD what it costs at list prices if it takes as long as it may.
	CapUSD      float64 `json:"capUSD"`
	EstimateUSD float64 `json:"estimateUSD"`
	OK          bool    `json:"ok"`
	// CleanedUp says that a cleanup came to its end, or that nothing was deployed.
	CleanedUp bool   `json:"cleanedUp"`
	ExitCode  int    `json:"exitCode"`
	Error     string `json:"error"`
	Steps     []Step `json:"steps"`
}

// Step is one command.
type Step struct {
	Command  string  `json:"command"`
	Seconds  float64 `json:"seconds"`
	ExitCode int     `json:"exitCode"`
}

// smoke is one run.
type smoke struct {
	Report

	program, home string
	out           io.Writer
}

// run goes through the steps. What it returns is in the report too.
func (s *smoke) run(ctx context.Context, lasts time.Duration) error {
	began := time.Now()
	err := s.steps(ctx, lasts)
	s.SchemaVersion, s.Seconds, s.OK = 1, time.Since(began).Seconds(), err == nil
	if err != nil {
		s.Error = err.Error()
		if s.ExitCode = exitFailed; !s.CleanedUp {
			s.ExitCode = exitLeft
		}
	}
	return err
}

func (s *smoke) steps(ctx context.Context, lasts time.Duration) (err error) {
	s.CleanedUp = true // nothing is deployed yet
	if err := s.prepare(ctx, lasts); err != nil {
		return err
	}
	s.CleanedUp = false
	defer func() { err = errors.Join(err, s.cleanup(ctx)) }()
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	for _, line := range []string{"deploy --yes", "status", "sample-job run basic", "sample-job delete basic"} {
		if _, err := s.command(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

// prepare refuses before anything is made: another account, a problem of the account, a price above the cap.
func (s *smoke) prepare(ctx context.Context, lasts time.Duration) error {
	if s.Region == "" || s.Target == "aws" && s.Account == "" {
		return errors.New("name the account and the region: make aws-smoke ACCOUNT=111122223333 REGION=eu-west-1")
	}
	if err := os.MkdirAll(s.home, 0o700); err != nil {
		return err
	}
	_, err := os.Stat(s.file())
	if errors.Is(err, os.ErrNotExist) {
		_, err = s.command(ctx, "init --target "+s.Target+" --set region="+s.Region+" --set name="+deploymentName+
			" --config-file "+s.file())
	}
	if err != nil {
		return err
	}
	if err := s.rightAccount(ctx); err != nil {
		return err
	}
	out, err := s.command(ctx, "cost --output json")
	if err != nil {
		return err
	}
	var cost struct {
		WithSampleJob struct {
			HourlyUSD struct{ To float64 } `json:"hourlyUSD"`
		} `json:"withSampleJob"`
	}
	if err := json.Unmarshal(out, &cost); err != nil {
		return fmt.Errorf("read the prices: %w", err)
	}
	s.EstimateUSD = cost.WithSampleJob.HourlyUSD.To * lasts.Hours()
	if s.EstimateUSD <= 0 || s.EstimateUSD > s.CapUSD {
		return fmt.Errorf("%s would cost up to $%.2f at list prices, the cap is $%.2f: raise it with MAX_USD", lasts,
			s.EstimateUSD, s.CapUSD)
	}
	return nil
}

// rightAccount asks the checks before a deploy who the caller is.
func (s *smoke) rightAccount(ctx context.Context) error {
	out, err := s.command(ctx, "doctor --output json")
	if err != nil {
		return err
	}
	var doctor struct {
		Checks []struct{ ID, What string }
	}
	if err := json.Unmarshal(out, &doctor); err != nil {
		return fmt.Errorf("read the checks: %w", err)
	}
	if s.Account == "" { // a rehearsal: the local target has one account, and need not run yet
		return nil
	}
	for _, c := range doctor.Checks {
		if c.ID == "account" && strings.HasPrefix(c.What, s.Account) {
			return nil
		}
	}
	return fmt.Errorf("the credentials are not of account %s: nothing was made", s.Account)
}

// cleanup removes everything, whatever has become of the run; a second try finds what AWS took its time for.
func (s *smoke) cleanup(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLasts)
	defer cancel()
	var err error
	for range 2 {
		if _, err = s.command(ctx, "cleanup --yes"); err == nil {
			s.CleanedUp = true
			return nil
		}
	}
	return fmt.Errorf("something may be left and billed; clean up again: EMRFLINK_HOME=%s emrflink cleanup --stack %s "+
		"--config-file %s: %w", s.home, stackName, s.file(), err)
}

func (s *smoke) file() string { return s.home + "/Pulumi." + stackName + ".yaml" }

// command runs one and returns its standard output, which is shown but for JSON.
func (s *smoke) command(ctx context.Context, line string) ([]byte, error) {
	args := append(strings.Fields(line), "--stack", stackName)
	if !strings.HasPrefix(line, "init ") {
		args = append(args, "--config-file", s.file())
	}
	_, _ = fmt.Fprintf(s.out, "$ emrflink %s\n", line)
	cmd := exec.CommandContext(ctx, s.program, args...) // #nosec G204 -- the program under test
	cmd.Dir, cmd.Env = s.home, append(os.Environ(), "EMRFLINK_HOME="+s.home)
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(syscall.SIGINT) }, grace
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, s.out
	began := time.Now()
	err := cmd.Run()
	if !strings.Contains(line, "json") {
		_, _ = s.out.Write(out.Bytes())
	}
	s.Steps = append(s.Steps, Step{
		Command: "emrflink " + line, Seconds: time.Since(began).Seconds(), ExitCode: cmd.ProcessState.ExitCode(),
	})
	if err != nil {
		return nil, fmt.Errorf("emrflink %s: %w", line, err)
	}
	return out.Bytes(), nil
}

func (s *smoke) write(file string) error {
	b, err := json.MarshalIndent(s.Report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o600)
}
