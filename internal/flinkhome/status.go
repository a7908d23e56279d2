// SPDX-License-Identifier: Apache-2.0

package flinkhome

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// States of a Flink.
const (
	Installed = "installed"
	Missing   = "missing"
	Broken    = "broken" // there is one that cannot be used
)

// Status is which Flink the local target has, and whether it can run jobs. It is the JSON of `emrflink local flink status`.
type Status struct {
	SchemaVersion int     `json:"schemaVersion"`
	State         string  `json:"state"`
	Home          Home    `json:"home"`  // its fields are empty unless it is installed
	Bytes         int64   `json:"bytes"` // of what was fetched
	Java          Program `json:"java"`
	Maven         Program `json:"maven"` // needed to fetch Flink, not to run it
	// Runs says that jobs run; Problem why they are simulated, and Next what to do about it. Both are "" when they run.
	Runs    bool   `json:"runs"`
	Problem string `json:"problem"`
	Next    string `json:"next"`
}

// System is why Flink cannot run on this system, nil where it can.
func System() error {
	if runtime.GOOS != "linux" {
		return errors.New("it runs on Linux only: elsewhere a pod cannot have a loopback address of its own")
	}
	return nil
}

// Examine is Status with the Java and the Maven of this machine in any case.
func (h Homes) Examine(ctx context.Context, getenv func(string) string) Status {
	s := h.Status(ctx, getenv)
	if s.State != Installed {
		s.Java = Java(ctx, getenv)
	}
	s.Maven = Maven(ctx)
	return s
}

// Status says what runs jobs. No program is asked for its version as long as there is no Flink.
func (h Homes) Status(ctx context.Context, getenv func(string) string) Status {
	s := Status{SchemaVersion: 1, State: Installed, Bytes: size(h.base())}
	home, err := h.Find()
	var problem *Error
	switch {
	case err == nil:
		s.Home, s.Java = home, Java(ctx, getenv)
	case errors.Is(err, ErrNotInstalled):
		s.State, s.Problem = Missing, ErrNotInstalled.Error()
	default:
		s.State, s.Problem = Broken, err.Error()
	}
	if errors.As(err, &problem) {
		s.Next = problem.Next
	}
	switch {
	case err != nil:
	case System() != nil:
		s.Problem, s.Next = System().Error(), "emrflink local flink remove"
	case s.Java.Problem != "":
		s.Problem, s.Next = s.Java.Problem, "install Java 11 or 17, or name its folder in JAVA_HOME"
	default:
		s.Runs = true
	}
	return s
}

// String says what runs jobs, in a line.
func (s Status) String() string {
	if !s.Runs {
		return "jobs are simulated: " + s.Problem
	}
	python := ""
	if s.Home.Python != "" {
		python = ", those in Python with " + PyFlink
	}
	return fmt.Sprintf("jobs run in Flink %s of %s on Java %s%s", s.Home.Version, s.Home.Dir, s.Java.Version, python)
}
