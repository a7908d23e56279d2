// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"emrflink/internal/check"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkhome"
	"emrflink/internal/localtarget"
	"emrflink/internal/stack"
)

const (
	gib     = 1 << 30
	enough  = 2 * gib // room for the state, the control plane's store and provider plugins
	minimum = gib / 4 // below this the store of the control plane stops working
)

func ok(id, format string, args ...any) check.Check {
	return check.Check{ID: id, Status: check.OK, What: fmt.Sprintf(format, args...)}
}

func failed(id, what string, err error, fix string) check.Check {
	return check.Check{ID: id, Status: check.Error, What: what, Why: err.Error(), Fix: fix}
}

// settings checks the stack file. Without a valid one the target is not known and its checks are left out.
func (o *Options) settings() (stack.Info, check.Check) {
	const id = "settings"
	info, err := o.Info()
	if err != nil {
		rep := cmdutil.Describe(err)
		why := rep.Problems
		if len(why) == 0 {
			why = []string{rep.Cause}
		}
		if rep.Cause == "" && len(rep.Problems) == 0 {
			rep.Error, why = "the settings cannot be read", []string{rep.Error}
		}
		c := check.Check{
			ID: id, Status: check.Error, What: rep.Error, Why: strings.Join(why, "; "), Fix: strings.Join(rep.Next, "\n"),
		}
		if c.Fix == "" {
			c.Fix = "correct the settings named above"
		}
		if info.Home, err = o.Home(); err != nil {
			info.Home = ""
		}
		return info, c
	}
	file := info.File
	if file == "" {
		file = "defaults, no file"
	}
	return info, ok(id, "stack %s (%s), target %s, region %s, Kubernetes %s", info.Stack, file, info.Target, info.Region,
		info.Kubernetes)
}

// folder checks that the state folder can be written and has room.
func (o *Options) folder(home string) []check.Check {
	const id = "state-folder"
	if home == "" {
		return []check.Check{
			failed(id, "there is no folder for the state", errors.New("neither EMRFLINK_HOME nor HOME is set"),
				"export EMRFLINK_HOME=/path/to/folder"),
		}
	}
	dir := existing(home)
	folders := []string{dir}
	if dir == home {
		for _, name := range []string{"backend", "backend/.pulumi", "local", "logs", "pulumi", "run", "work"} {
			if sub := filepath.Join(home, name); exists(sub) {
				folders = append(folders, sub)
			}
		}
	}
	for _, folder := range folders {
		if err := writable(folder); err != nil {
			return []check.Check{
				failed(id, folder+" cannot be written", err, "make it writable, or set EMRFLINK_HOME to another folder"),
				o.room(dir),
			}
		}
	}
	return []check.Check{ok(id, "%s can be written", home), o.room(dir)}
}

// writable writes a file into a folder, and removes it: the permissions alone do not tell.
func writable(folder string) error {
	probe, err := os.CreateTemp(folder, ".emrflink-doctor-*")
	if err != nil {
		return err
	}
	_, err = probe.WriteString("emrflink doctor")
	return errors.Join(err, probe.Close(), os.Remove(probe.Name()))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// backend checks the folder of a state that is kept elsewhere than in the state folder.
func backend(info stack.Info) []check.Check {
	const id = "state-backend"
	folder, local := strings.CutPrefix(info.State, "file://")
	if !local || strings.HasPrefix(folder, "~") {
		return nil
	}
	folder, _, _ = strings.Cut(folder, "?")
	if err := writable(existing(folder)); err != nil {
		return []check.Check{failed(id, folder+" cannot be written", err, "make it writable, or choose another one with --state")}
	}
	return []check.Check{ok(id, "%s can be written", folder)}
}

func (o *Options) room(dir string) check.Check {
	const id = "free-space"
	free, err := o.Free(dir)
	if err != nil {
		return check.Check{
			ID:     id,
			Status: check.Warning,
			What:   "free space of " + dir + ": could not check",
			Why:    err.Error(),
			Fix:    "df -h " + dir,
		}
	}
	c := ok(id, "%.1f GiB at %s", float64(free)/gib, dir)
	if free >= enough {
		return c
	}
	c.Status, c.Why = check.Warning, "the state, the control plane's store and provider plugins grow"
	c.Fix = "free some space, or set EMRFLINK_HOME to a folder on another disk"
	if free < minimum {
		c.Status, c.Why = check.Error, "the store of the control plane stops when the disk is full"
	}
	return c
}

// existing finds the nearest thing that exists: the state folder is made on first use. A file in its place is no folder.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path
		}
		parent := filepath.Dir(path)
		if parent == path {
			return path
		}
		path = parent
	}
}

// local checks what the local target needs. running says whether it can be asked about its account.
func (o *Options) local(ctx context.Context) (checks []check.Check, running bool) {
	const binary, daemon = "control-plane", "local-target"
	l, err := o.Local()
	if err != nil {
		return []check.Check{failed(daemon, "the local target has no folder", err, "export EMRFLINK_HOME=/path/to/folder")}, false
	}
	if path, err := l.Binary(); err != nil {
		checks = append(checks, failed(binary, "the binary of the control plane is missing", err, "make build"))
	} else {
		checks = append(checks, ok(binary, "%s", path))
	}
	_, log := l.Paths()
	s, err := l.Status(ctx)
	switch {
	case errors.Is(err, localtarget.ErrNotRunning):
		return append(checks, ok(daemon, "stopped; a deploy starts it"), o.port()), false
	case err != nil:
		c := failed(daemon, "the local target does not answer", err, cmdutil.Command("local", "stop"))
		c.Why += "; its log is " + log
		return append(checks, c), false
	}
	checks = append(checks, ok(daemon, "process %d answers at %s", s.PID, s.URL))
	for _, c := range s.Clusters {
		if c.State != localtarget.Running {
			checks = append(checks, notServing(c))
		}
	}
	return checks, true
}

// notServing is the problem of a cluster whose control plane does not run. One that is being started may just need time.
func notServing(c localtarget.Cluster) check.Check {
	out := check.Check{
		ID: "cluster", Status: check.Warning, What: "the control plane of cluster " + c.Name + " is being started", Why: c.Reason,
		Fix: cmdutil.Command("local", "status"),
	}
	if out.Why == "" {
		out.Why = "its start is not finished"
	}
	if c.State == localtarget.Failed {
		out.Status, out.What = check.Error, "the control plane of cluster "+c.Name+" cannot be started"
		out.Fix = "settle the cause, then start it again: " + cmdutil.Command("deploy") + "\n" +
			"a store that is spoilt for good goes with the simulated account: " + cmdutil.Command("local", "reset")
	}
	return out
}

// port checks the port that was asked for, if one was: any other time a free one is taken.
func (o *Options) port() check.Check {
	const id = "port"
	port := o.IO.Getenv("EMRFLINK_LOCAL_PORT")
	if port == "" {
		return ok(id, "any free one")
	}
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err == nil {
		err = ln.Close()
	}
	if err != nil {
		return failed(id, "port "+port+" cannot be used", err, "unset EMRFLINK_LOCAL_PORT")
	}
	return ok(id, "%s is free", port)
}

// flink says whether jobs run or are simulated. Neither is an error: a deploy needs no Flink.
func (o *Options) flink(ctx context.Context) check.Check {
	const id = "flink"
	s, err := o.Flink(ctx)
	if err != nil {
		return check.Check{ID: id, Status: check.Skipped, What: "Flink is not looked for", Why: err.Error()}
	}
	c := check.Check{ID: id, Status: check.Warning, What: "jobs are simulated", Why: s.Problem, Fix: s.Next}
	switch {
	case s.Runs:
		return ok(id, "%s", s)
	case s.State == flinkhome.Missing:
		c.Status = check.Skipped
		for _, p := range []flinkhome.Program{s.Java, s.Maven} {
			if p.Problem != "" {
				c.Why += "; " + p.Problem
			}
		}
	}
	return c
}

// account runs the checks that a deploy runs too.
func (o *Options) account(ctx context.Context, info stack.Info, reachable bool) []check.Check {
	const id = "aws-account"
	if !reachable {
		return []check.Check{{
			ID: id, Status: check.Skipped, What: "the account is not asked",
			Why: "the local target does not run, and doctor does not start it",
			Fix: cmdutil.Command("deploy", "--stack", info.Stack),
		}}
	}
	checks, err := o.Preflight(ctx)
	if err != nil {
		return []check.Check{problem(id, info, err)}
	}
	return checks
}

// recorded checks the recorded state, without which nothing can be compared with the account.
func (o *Options) recorded(ctx context.Context, info stack.Info, reachable bool) []check.Check {
	if err := o.State(ctx); err != nil {
		return []check.Check{problem("state", info, err)}
	}
	return o.account(ctx, info, reachable)
}

// problem is the check that an error ended.
func problem(id string, info stack.Info, err error) check.Check {
	rep := cmdutil.Describe(err)
	c := check.Check{
		ID: id, Status: check.Error, What: rep.Error, Why: rep.Cause, Fix: strings.Join(rep.Next, "\n"),
		Denied: rep.Exit == cmdutil.ExitDenied,
	}
	if c.Why == "" {
		c.What, c.Why = "the stack cannot be looked at", rep.Error
	}
	if c.Fix == "" {
		c.Fix = cmdutil.Command("doctor", "--stack", info.Stack, "--verbose")
	}
	return c
}

// endpoint warns of a Kubernetes API without a public endpoint: half of a deploy talks to it, and from outside of the
// VPC that half waits for an answer that cannot come.
func endpoint(info stack.Info) []check.Check {
	if !info.PrivateAPI {
		return nil
	}
	return []check.Check{{
		ID: "kubernetes-api", Status: check.Warning, What: "the Kubernetes API has no public endpoint",
		Why: "endpointAccess.public is false: deploy, sample-job and cleanup reach the API only from inside the VPC (a machine " +
			"there, a VPN, Direct Connect or a peered network that resolves its private DNS name)",
		Fix: "run emrflink inside the VPC, or allow one range: " +
			"endpointAccess {\"public\":true,\"private\":true,\"publicCidrs\":[\"YOUR.ADDRESS/32\"]}",
	}}
}
