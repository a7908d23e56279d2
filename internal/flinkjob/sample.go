// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"fmt"
	"strings"

	"emrflink/internal/exitcode"
)

// Sample is a job that comes with the tool.
type Sample struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	JarURI      string `json:"jarURI"`
}

// List returns the samples, simplest first.
func List() []Sample {
	return []Sample{{
		Name:  "basic",
		Title: "StateMachineExample: generated events, keyed state, checkpoints",
		Description: "The state machine example of Flink's own distribution. It needs no connector and no upload: the jar is in the EMR image. " +
			"It generates events, keeps state per key and checkpoints to the team's prefix in the bucket; it runs until it is deleted.",
		JarURI: "local:///opt/flink/examples/streaming/StateMachineExample.jar",
	}}
}

// UnknownNameError says that a name is not among the known ones.
type UnknownNameError struct {
	What  string // "sample job", "team", "node pool"
	Name  string
	Known []string
}

// Error implements error.
func (e *UnknownNameError) Error() string {
	return fmt.Sprintf("unknown %s %q (known: %s)", e.What, e.Name, strings.Join(e.Known, ", "))
}

// Code is a stable id of the failure.
func (e *UnknownNameError) Code() string { return "flinkjob.unknown-name" }

// ExitCode is 2: the argument is wrong, nothing was contacted for it.
func (e *UnknownNameError) ExitCode() int { return exitcode.Usage }

func findSample(name string) (Sample, error) {
	var known []string
	for _, s := range List() {
		if s.Name == name {
			return s, nil
		}
		known = append(known, s.Name)
	}
	return Sample{}, &UnknownNameError{What: "sample job", Name: name, Known: known}
}
