// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"time"

	"emrflink/internal/findings"
	"emrflink/internal/flinkjob/sample"
	"emrflink/internal/iostreams"
	"emrflink/internal/localtarget"
	"emrflink/internal/runlog"
	"emrflink/internal/stack"
	"emrflink/stacks/setting"
)

// SettingsFile is a stack file whose settings are valid.
type SettingsFile struct {
	Stack, Path string // Path "" = the stack has no file
	// Hints say which values other readers of the file may take for something else than text.
	Hints []string
}

// Reference is what is known without a stack, from the tables of the binary.
type Reference struct {
	// Samples lists the jobs that come with the tool.
	Samples func() sample.List
	// Keys lists the configuration keys of a stack file.
	Keys func() []setting.Key
	// Matrix says what the local target simulates.
	Matrix func() localtarget.Matrix
	// Rules lists what previews look for in the desired graph.
	Rules func() []findings.Rule
	// Read reads and validates a stack file, "" = that of the stack.
	Read func(file string) (SettingsFile, error)
	// Schema is the JSON Schema of a stack file.
	Schema func() map[string]any
	// Value reads the value of a key as it is written in a stack file.
	Value func(key, text string) (any, error)
	// Check validates settings as a stack file would carry them.
	Check func(file string, values map[string]any) error
}

// Factory hands the commands their dependencies. Everything that costs time is a function, called when a command
// runs and never for --help or a wrong flag.
type Factory struct {
	IO        *iostreams.IOStreams
	Globals   *Globals
	Version   string
	Interrupt *Interrupt
	Now       func() time.Time

	// Log is the logging of the run. It needs the globals, so it is there only when a command runs.
	Log func() *runlog.Log
	// Info validates the settings of the stack; nothing is contacted.
	Info func() (stack.Info, error)
	// Reference is what is known without a stack.
	Reference Reference
	// Complete is what completion offers.
	Complete Complete
}
