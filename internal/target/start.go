// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"emrflink/internal/exitcode"
	"emrflink/internal/localcloud/daemon"
	"emrflink/internal/localtarget"
)

const (
	// startPoll is the pause between two looks at a daemon that starts.
	startPoll = 20 * time.Millisecond
	// silence is how long a command that only looks waits for a process to answer, and hangs how long one that needs it
	// does. A process that answers that it is starting is waited for without an end.
	silence = 5 * time.Second
	hangs   = 3 * time.Minute
	// maxSpawns bounds how often a process that dies without a word is started again.
	maxSpawns = 3
	// A wait is told when it has lasted for quiet, and then from time to time.
	quiet     = 3 * time.Second
	retelling = 15 * time.Second
)

// child is a daemon that this process has started.
type child struct {
	pid    int
	exited chan struct{}
}

// starting is one start of the daemon: what it waits for, and what it has tried.
type starting struct {
	o        Options
	dir      string
	began    time.Time
	told     time.Time // when the user was told last
	answered time.Time // when the process last answered
	child    *child    // nil: none of ours runs
	spawns   int
}

// start connects to the daemon and starts one when none serves the folder, a crashed one included: the kernel frees a
// dead process's lock. It returns when the daemon says that it is ready. One that is starting for another command is waited
// for, and so is the end of one that is stopping.
func start(ctx context.Context, o Options) (*daemon.Client, error) {
	now := time.Now()
	s := &starting{o: o, dir: localDir(o.Home), began: now, answered: now}
	for {
		c, status, err := daemon.Connect(ctx, s.dir)
		if err == nil && status.State == localtarget.Running {
			s.dismiss(c.Info().PID)
			return c, nil
		}
		if err = s.advance(status, err); err == nil {
			err = sleep(ctx, startPoll)
		}
		if err != nil {
			return nil, err
		}
	}
}

// advance does what the start needs next: nothing, a process, or an end.
func (s *starting) advance(status localtarget.Status, err error) error {
	switch {
	case err == nil:
		s.answered = time.Now()
		s.tell(status.Doing)
		return nil
	case silent(err):
		return s.patient(err)
	case !errors.Is(err, localtarget.ErrNotRunning):
		return err
	}
	if s.child != nil {
		select {
		case <-s.child.exited:
			// It found the folder served, by another new process or one that was about to end; or it was killed.
			if err := readFailure(s.dir, s.child.pid); err != nil {
				return err
			}
			s.child = nil
		default:
			return s.patient(fmt.Errorf("its process %d has not begun to serve: %w", s.child.pid, err))
		}
	}
	if s.spawns == maxSpawns {
		return &failure{Message: "it stopped at once; its log is " + daemon.LogPath(s.dir), Code: exitcode.Failed}
	}
	if err := portFree(); err != nil {
		return err
	}
	if s.child, err = spawn(s.o, s.dir); err != nil {
		return fmt.Errorf("start the local target: %w", err)
	}
	s.spawns++
	return nil
}

// dismiss ends the process that this start began when another one serves. One that has not come so far as to see that
// would serve the folder as soon as the other one is stopped.
func (s *starting) dismiss(serving int) {
	if s.child != nil && s.child.pid != serving {
		_ = syscall.Kill(s.child.pid, syscall.SIGKILL)
		<-s.child.exited
	}
}

// patient waits for a process to answer, but not for ever.
func (s *starting) patient(err error) error {
	if time.Since(s.answered) > hangs {
		return err
	}
	s.tell("its process has not answered yet")
	return nil
}

// tell says what is waited for.
func (s *starting) tell(what string) { tellWait(s.o, s.began, &s.told, "the local target: "+what) }

func tellWait(o Options, began time.Time, told *time.Time, what string) {
	if waited := time.Since(began); o.Waiting != nil && waited > quiet && time.Since(*told) > retelling {
		*told = time.Now()
		o.Waiting(fmt.Sprintf("waiting for %s (%s)", what, waited.Round(time.Second)))
	}
}

func silent(err error) bool {
	var s *daemon.SilentError
	return errors.As(err, &s)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for the local target: %w", ctx.Err())
	case <-time.After(d):
		return nil
	}
}

// downError says that the control plane of a cluster does not run and cannot be started.
type downError struct{ cluster, reason string }

func (e *downError) Error() string {
	return fmt.Sprintf("the control plane of cluster %q does not run: %s", e.cluster, e.reason)
}

// Hint is the command that looks at what a start needs.
func (e *downError) Hint() string { return "emrflink doctor" }

// Code is a stable id of the failure.
func (e *downError) Code() string { return "local.control-plane" }

// planes says how control planes are, and tries once more to start those that have failed.
type planes interface {
	Status(ctx context.Context) (localtarget.Status, error)
	TryAgain(ctx context.Context) error
}

var _ planes = (*daemon.Client)(nil)

// awaitControlPlane returns when the control plane of a cluster serves. One that had failed is tried once more: what was
// in its way may be gone. A cluster that the account does not have needs none.
func awaitControlPlane(ctx context.Context, o Options, c planes, cluster string) error {
	var told time.Time
	tried := false
	for began := time.Now(); ; {
		s, err := c.Status(ctx)
		if err != nil {
			return err
		}
		p := controlPlane(s, cluster)
		switch {
		case p == nil || p.State == localtarget.Running && (listens(p.Endpoint) || time.Since(began) > silence):
			return nil
		case p.State == localtarget.Failed && tried:
			return &downError{cluster: cluster, reason: p.Reason}
		case p.State == localtarget.Failed:
			tried = true
			if err := c.TryAgain(ctx); err != nil {
				return err
			}
		}
		what := fmt.Sprintf("the control plane of cluster %q to start", cluster)
		if p.Reason != "" {
			what += "; the last time " + p.Reason
		}
		tellWait(o, began, &told, what)
		if err := sleep(ctx, startPoll); err != nil {
			return err
		}
	}
}

// listens says whether somebody answers at an endpoint. A process that was killed just now does not, though its port may still
// be open, and its daemon may not have seen that yet.
func listens(endpoint string) bool {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: silence}, "tcp", strings.TrimPrefix(endpoint, "https://"),
		&tls.Config{InsecureSkipVerify: true}) // #nosec G402 -- nothing is said to it
	if err == nil {
		err = conn.Close()
	}
	return err == nil
}

func controlPlane(s localtarget.Status, cluster string) *localtarget.Cluster {
	for i := range s.Clusters {
		if s.Clusters[i].Name == cluster {
			return &s.Clusters[i]
		}
	}
	return nil
}
