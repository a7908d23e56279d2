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

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
)

const (
	gib     = 1 << 30
	enough  = 2 * gib // room for the state, the control plane's store and provider plugins
	minimum = gib / 4 // below this the store of the control plane stops working
)

// settings checks the stack file. Without a valid one the target is not known and its checks are left out.
func (o *Options) settings() (session.Info, result) {
	r := result{Name: "settings", State: ok}
	info, err := o.Info()
	if err != nil {
		rep := cmdutil.Describe(err)
		r.State, r.Detail = failed, strings.Join(append([]string{rep.Error, rep.Cause}, rep.Problems...), "; ")
		r.Detail = strings.ReplaceAll(strings.TrimSuffix(r.Detail, "; "), "; ; ", "; ")
		r.Fix = strings.Join(rep.Next, ", ")
		if r.Fix == "" {
			r.Fix = "correct the settings named above"
		}
		if info.Home, err = o.Home(); err != nil {
			info.Home = ""
		}
		return info, r
	}
	file := info.File
	if file == "" {
		file = "defaults, no file"
	}
	r.Detail = fmt.Sprintf("stack %s (%s), target %s, region %s, Kubernetes %s", info.Stack, file, info.Target, info.Region, info.Kubernetes)
	return info, r
}

// folder checks that the state folder can be written and has room.
func (o *Options) folder(home string) []result {
	w := result{Name: "state folder", State: ok, Detail: home + " can be written"}
	if home == "" {
		w.State, w.Detail, w.Fix = failed, "there is none", "export EMRFLINK_HOME=/path/to/folder"
		return []result{w}
	}
	dir := existing(home)
	probe, err := os.CreateTemp(dir, ".emrflink-doctor-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		w.State, w.Detail, w.Fix = failed, err.Error(), "make it writable, or set EMRFLINK_HOME to another folder"
	}
	return []result{w, o.room(dir)}
}

func (o *Options) room(dir string) result {
	r := result{Name: "free space", State: ok}
	free, err := o.Free(dir)
	if err != nil {
		r.State, r.Detail = warning, "cannot be read: "+err.Error()
		return r
	}
	r.Detail = fmt.Sprintf("%.1f GiB at %s", float64(free)/gib, dir)
	const fix = "free some space, or set EMRFLINK_HOME to a folder on another disk"
	switch {
	case free < minimum:
		r.State, r.Fix = failed, fix
	case free < enough:
		r.State, r.Fix = warning, fix
	}
	return r
}

// existing finds the nearest folder that exists: the state folder is made on first use.
func existing(path string) string {
	for {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return path
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return path
		}
		parent := filepath.Dir(path)
		if parent == path {
			return path
		}
		path = parent
	}
}

// local checks what the local target needs.
func (o *Options) local(ctx context.Context) []result {
	l, err := o.Local()
	if err != nil {
		return []result{{Name: "local target", State: failed, Detail: err.Error(), Fix: "set EMRFLINK_HOME"}}
	}
	bin := result{Name: "control plane", State: ok}
	if path, err := l.Binary(); err != nil {
		bin.State, bin.Detail, bin.Fix = failed, err.Error(), "make build, or set EMRFLINK_LOCALKUBE"
	} else {
		bin.Detail = path
	}
	_, log := l.Paths()
	run := result{Name: "local target", State: ok}
	s, err := l.Status(ctx)
	switch {
	case errors.Is(err, session.ErrNotRunning):
		run.Detail = "stopped; a deploy starts it"
		return []result{bin, run, o.port()}
	case err != nil:
		run.State, run.Detail, run.Fix = failed, err.Error(), cmdutil.Command("local", "stop")+"; its log is "+log
	default:
		run.Detail = fmt.Sprintf("process %d answers at %s", s.PID, s.URL)
	}
	return []result{bin, run}
}

// port checks the port that was asked for, if one was: any other time a free one is taken.
func (o *Options) port() result {
	r := result{Name: "port", State: ok, Detail: "any free one"}
	port := o.IO.Getenv("EMRFLINK_LOCAL_PORT")
	if port == "" {
		return r
	}
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		r.State, r.Detail, r.Fix = failed, err.Error(), "unset EMRFLINK_LOCAL_PORT, or choose another port"
		return r
	}
	r.Detail = port + " is free"
	if err := ln.Close(); err != nil {
		r.State, r.Detail = warning, err.Error()
	}
	return r
}

// credentials checks that AWS knows who asks.
func (o *Options) credentials(ctx context.Context) result {
	r := result{Name: "credentials", State: ok}
	id, err := o.Identity(ctx)
	if err != nil {
		rep := cmdutil.Describe(err)
		r.State, r.Detail, r.Fix = failed, err.Error(), strings.Join(rep.Next, ", ")
		if r.Fix == "" {
			r.Fix = "sign in to AWS, or set AWS_PROFILE"
		}
		return r
	}
	r.Detail = id.ARN + ", account " + id.Account
	return r
}

// programs checks what has to be on the PATH.
func (o *Options) programs(names []string) []result {
	var results []result
	for _, program := range names {
		r := result{Name: program, State: ok}
		if path, err := o.LookPath(program); err != nil {
			r.State, r.Detail = failed, "not on the PATH; pulumi-eks refuses to make a cluster without it"
			r.Fix = map[string]string{
				"aws":     "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
				"kubectl": "https://kubernetes.io/docs/tasks/tools/",
			}[program]
		} else {
			r.Detail = path
		}
		results = append(results, r)
	}
	return results
}
