// SPDX-License-Identifier: Apache-2.0

// Package command is localkube's command line: it runs the package of a subcommand and turns an error into an exit code
// (0 done, 1 failed, 2 bad flags).
package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// Streams are the standard streams of the process.
type Streams struct {
	In  *os.File
	Out io.Writer
	Err io.Writer
}

// Exit codes of every subcommand.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `localkube: the local Kubernetes control plane of emrflink

Usage:
  localkube serve --dir DIR --issuer URL --token-webhook URL [flags]   serve a control plane until SIGTERM
  localkube karpenter [--exit-on-stdin-eof] [karpenter flags]          run the Karpenter controller for AWS
  localkube crds [karpenter]                                           print Karpenter's CRDs as a YAML stream
  localkube version                                                    print the versions inside this binary
`

// usageError marks an error in the arguments: exit code 2, and nothing has been touched.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// Run executes one subcommand and returns the exit code of the process.
func Run(args []string, s Streams) int {
	err := dispatch(args, s)
	var bad usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitDone
	case errors.As(err, &bad):
		fmt.Fprintf(s.Err, "error: %v\nnext: localkube help\n", err)
		return exitUsage
	default:
		fmt.Fprintf(s.Err, "error: %v\n", err)
		return exitFailed
	}
}

func dispatch(args []string, s Streams) error {
	if len(args) == 0 {
		return usageError{errors.New("a subcommand is missing: serve, karpenter, crds or version")}
	}
	name, rest := args[0], args[1:]
	switch name {
	case "serve":
		return serve(rest, s)
	case "karpenter":
		return runKarpenter(rest, s)
	case "crds":
		return crds(rest, s)
	case "version":
		return printVersion(rest, s)
	case "help", "-h", "--help":
		_, err := io.WriteString(s.Out, usage)
		return err
	default:
		return usageError{fmt.Errorf("unknown subcommand %q: serve, karpenter, crds or version", name)}
	}
}
