// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/exitcode"
)

// Blocker says why an object that is being deleted is still there.
type Blocker struct {
	Ref        Ref
	Deleting   bool          // a deletion has been asked for
	Since      time.Duration // how long ago
	Finalizers []string      // what has to be taken off first, sorted
	Message    string        // the message of a condition that is not True, if the object has one
}

// String is one line for a progress display.
func (b Blocker) String() string {
	if !b.Deleting {
		return b.Ref.String() + " has not been deleted"
	}
	s := b.Ref.String()
	if len(b.Finalizers) == 0 {
		s += " is terminating (grace period)"
	} else {
		s += " waits for finalizer " + strings.Join(b.Finalizers, ", ")
	}
	if b.Message != "" {
		s += " (" + b.Message + ")"
	}
	return s
}

// BlockerOf reads why obj is still there.
func BlockerOf(obj *unstructured.Unstructured, now time.Time) Blocker {
	b := Blocker{Ref: RefOf(obj), Finalizers: append([]string(nil), obj.GetFinalizers()...)}
	sort.Strings(b.Finalizers)
	if t := obj.GetDeletionTimestamp(); t != nil {
		b.Deleting, b.Since = true, now.Sub(t.Time)
	}
	for _, cond := range Conditions(obj) {
		if cond.Status != "True" && cond.Message != "" {
			b.Message = cond.Type + ": " + cond.Message
		}
	}
	return b
}

// StillThereError says that a wait for a deletion ended before the object did.
type StillThereError struct{ Blocker Blocker }

// Error implements error.
func (e *StillThereError) Error() string { return "wait for deletion: " + e.Blocker.String() }

// Code is a stable id of the failure.
func (e *StillThereError) Code() string { return "kubernetes.still-there" }

// ExitCode is 6: timed out waiting.
func (e *StillThereError) ExitCode() int { return exitcode.Timeout }

// Hint names the object to look at.
func (e *StillThereError) Hint() string {
	r := e.Blocker.Ref
	ns := ""
	if r.Namespace != "" {
		ns = " --namespace " + r.Namespace
	}
	return fmt.Sprintf("kubectl describe %s %s%s", strings.ToLower(r.Kind.Kind), r.Name, ns)
}

// WaitGone returns when the object is gone. Until then it calls each (may be
// nil) with the reason at every look; at the end of timeout it returns a
// *StillThereError with the last reason.
func (c *Client) WaitGone(ctx context.Context, ref Ref, timeout time.Duration, each func(Blocker)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	last := Blocker{Ref: ref}
	for {
		obj, err := c.Get(ctx, ref)
		switch {
		case IsNotFound(err), IsNoKind(err):
			return nil
		case err != nil && ctx.Err() == nil && !IsUnreachable(err):
			return err
		case err == nil:
			last = BlockerOf(obj, c.now())
			if each != nil {
				each(last)
			}
		}
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				return &StillThereError{Blocker: last}
			}
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

const pollEvery = 500 * time.Millisecond
