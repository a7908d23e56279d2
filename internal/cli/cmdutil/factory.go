// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"context"
	"time"

	"emrflink/internal/cli/session"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
)

// Factory hands the commands their dependencies. Everything that costs time is a function, called when a command
// runs and never for --help or a wrong flag.
type Factory struct {
	IO        *iostreams.IOStreams
	Globals   *Globals
	Version   string
	Interrupt *Interrupt
	Now       func() time.Time

	// Log is the logging of the run. It needs the globals, so it is there only when a command runs.
	Log func() *Log
	// Info validates the settings of the stack; nothing is contacted.
	Info func() (stack.Info, error)
	// Drift compares what the stack recorded with the account. It needs Info.
	Drift func(ctx context.Context) (session.Drifter, error)
	// Samples lists the jobs that come with the tool.
	Samples func() []session.Sample
	// Schema lists the configuration keys of a stack file.
	Schema func() []session.Key
	// Matrix says what the local target simulates.
	Matrix func() session.Matrix
	// Rules lists what previews look for in the desired graph.
	Rules func() []session.Rule
	// Check validates settings as a stack file would carry them.
	Check func(file string, values map[string]any) error
	// Local controls the local target of the state folder.
	Local func() (session.Local, error)
	// Faults break the local target on purpose. It needs Info.
	Faults func() (session.Faults, error)
	// Token makes a bearer token for a cluster, as a client-go exec credential.
	Token func(ctx context.Context, r session.TokenRequest) ([]byte, error)
	// Pulumi runs one of Pulumi's own commands and returns its exit code.
	Pulumi func(args []string) int
}
