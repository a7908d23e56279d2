// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"emrflink/internal/localcloud/kubelet"
)

// starter starts all processes from one thread that lives as long as this program. Linux ends a process that asked for it when
// the thread ends that started it, which for another thread may be at any time.
type starter struct{ work chan func() }

func newStarter() *starter {
	s := &starter{work: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *starter) start(cmd *exec.Cmd) error {
	done := make(chan error)
	s.work <- func() { done <- cmd.Start() }
	return <-done
}

// process is what is run.
type process struct {
	path      string
	args, env []string
	dir       string
	stdout    io.Writer
	stderr    io.Writer
	grace     time.Duration
	limit     int64 // bytes of memory; 0: none
	started   func(pid int)
}

// outcome is how it ended.
type outcome struct {
	err    error // it did not start
	state  *os.ProcessState
	tooBig int64 // bytes, when it was ended for its memory
	limit  int64
	asked  bool // to end: what it said last is no reason
}

// lastWords is how long is read what the children of a process that has ended print.
const lastWords = time.Second

// memoryEvery is how often the memory of a process is compared with the limit of its pod.
const memoryEvery = 500 * time.Millisecond

// run runs the process to its end. When ctx ends it is asked to end, and killed after its grace. Nothing of its group is left.
func (s *starter) run(ctx context.Context, p process) outcome {
	cmd := exec.Command(p.path, p.args...) //nolint:gosec // the user's own Java
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.env, p.dir, p.stdout, p.stderr, ownGroup()
	cmd.WaitDelay = lastWords
	if err := s.start(cmd); err != nil {
		return outcome{err: fmt.Errorf("start %s: %w", p.path, err)}
	}
	pid := cmd.Process.Pid
	p.started(pid)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the state tells
	}()
	out := outcome{limit: p.limit}
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	stopping, kill := ctx.Done(), (<-chan time.Time)(nil)
	for over := false; !over; {
		select {
		case <-ended:
			over = true
		case <-stopping:
			signalGroup(pid, syscall.SIGTERM)
			stopping, kill = nil, time.After(p.grace)
		case <-kill:
			signalGroup(pid, syscall.SIGKILL)
		case <-tick.C:
			if used := anonymous(pid); p.limit > 0 && used > p.limit {
				out.tooBig = used
				signalGroup(pid, syscall.SIGKILL)
			}
		}
	}
	signalGroup(pid, syscall.SIGKILL)
	out.state, out.asked = cmd.ProcessState, stopping == nil
	return out
}

// signalGroup signals all processes of a group; one that is gone needs none.
func signalGroup(pid int, sig syscall.Signal) { _ = syscall.Kill(-pid, sig) }

// Exit codes and reasons as a container runtime gives them.
const (
	codeKilled       = 137
	codeSignal       = 128
	codeOutOfMemory  = 3 // of a JVM with -XX:+ExitOnOutOfMemoryError
	reasonOOM        = "OOMKilled"
	reasonError      = "Error"
	reasonCompleted  = "Completed"
	outOfMemoryError = "java.lang.OutOfMemoryError"
)

// exit is what the pod's status tells.
func (o outcome) exit(log string) kubelet.Exit {
	if o.err != nil {
		return cannotRun(o.err)
	}
	if o.tooBig > 0 {
		return kubelet.Exit{Code: codeKilled, Reason: reasonOOM, Message: fmt.Sprintf(
			"the process had %d MB of memory, and the limit of its container is %d MB", o.tooBig>>20, o.limit>>20)}
	}
	code := o.state.ExitCode()
	status, ok := o.state.Sys().(syscall.WaitStatus)
	signaled := ok && status.Signaled()
	if signaled {
		code = codeSignal + int(status.Signal())
	}
	switch {
	case code == 0:
		return kubelet.Exit{Reason: reasonCompleted}
	case o.asked:
		return kubelet.Exit{Code: int32(code), Reason: reasonError} //nolint:gosec // at most 255
	}
	if signaled && status.Signal() == syscall.SIGKILL { // what it had last complained of is not why
		return kubelet.Exit{Code: codeKilled, Reason: reasonError, Message: "SIGKILL from outside ended the process"}
	}
	said, err := endOf(log)
	e := kubelet.Exit{Code: int32(code), Reason: reasonError, Message: reasonIn(said)} //nolint:gosec // at most 255
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		e.Message = err.Error()
	}
	if code == codeOutOfMemory && outOfMemoryIn(said) != "" {
		e.Code, e.Reason, e.Message = codeKilled, reasonOOM, outOfMemoryIn(said)
	}
	return e
}
