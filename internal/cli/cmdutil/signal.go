// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"emrflink/internal/iostreams"
)

// SignalError is the cause of a context that a signal cancelled.
type SignalError struct{ Signal os.Signal }

// Error names the signal.
func (e *SignalError) Error() string {
	if e.Signal == syscall.SIGTERM {
		return "terminated"
	}
	return "interrupted"
}

// ExitCode is 128 plus the signal's number.
func (e *SignalError) ExitCode() int {
	if e.Signal == syscall.SIGTERM {
		return ExitTerminated
	}
	return ExitInterrupted
}

// Code is the stable identifier.
func (e *SignalError) Code() string { return e.Error() }

// Interrupt tells the user, on the first signal, what is being stopped, and long operations, on the second, to end
// at once.
type Interrupt struct {
	mu   sync.Mutex
	text string
	kill chan struct{}
}

// NewInterrupt returns an Interrupt that nothing has signalled.
func NewInterrupt() *Interrupt { return &Interrupt{kill: make(chan struct{})} }

// Kill is closed by the second signal.
func (i *Interrupt) Kill() <-chan struct{} { return i.kill }

// Say sets what the first signal prints: what is stopping and how to resume. "" goes back to the default.
func (i *Interrupt) Say(text string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.text = text
}

func (i *Interrupt) current() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.text == "" {
		return "stopping; press Ctrl-C again to stop at once"
	}
	return i.text
}

// killGrace is how long a second signal gives an operation to end its children before the process is gone.
const killGrace = 3 * time.Second

// WithSignals returns a context that the first SIGINT or SIGTERM cancels, with a *SignalError as its cause. The second
// one closes Kill; the handlers are released then, and the signal takes its ordinary effect after a moment, or at once
// when it comes again. The returned function ends the handling.
func WithSignals(ctx context.Context, ios *iostreams.IOStreams) (context.Context, *Interrupt, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	i := NewInterrupt()
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case sig := <-ch:
			ios.ReleaseTerminal()
			_, _ = fmt.Fprintf(ios.ErrOut, "\n%s\n", i.current())
			cancel(&SignalError{Signal: sig})
		case <-done:
			return
		}
		select {
		case sig := <-ch:
			signal.Stop(ch)
			close(i.kill)
			end(sig, done)
		case <-done:
		}
	}()
	var once sync.Once
	return ctx, i, func() {
		once.Do(func() {
			signal.Stop(ch)
			close(done)
			cancel(nil)
		})
	}
}

// end lets a signal take its ordinary effect, unless the process is done before.
func end(sig os.Signal, done <-chan struct{}) {
	select {
	case <-done:
	case <-time.After(killGrace):
		if s, ok := sig.(syscall.Signal); ok {
			_ = syscall.Kill(os.Getpid(), s)
		}
	}
}
