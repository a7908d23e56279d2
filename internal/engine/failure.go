// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"emrflink/internal/exitcode"
	"emrflink/internal/plans"
)

// Codes of a Failure that this package gives itself. Beside these, Code is AWS's own error code
// (`DependencyViolation`) or the reason that the Kubernetes API gives (`Forbidden`).
const (
	CodeCancelled     = "Cancelled"
	CodeKilled        = "Killed"     // on request
	CodeDied          = "EngineDied" // by somebody else, by the system, or of a crash
	CodeLocked        = "StackLocked"
	CodePending       = "PendingOperations"
	CodeForeign       = "ForeignResource"
	CodeStateCorrupt  = "StateCorrupt"
	CodeStateLost     = "StateLost"
	CodeStateWhole    = "StateWhole" // where a lost one was to be rebuilt
	CodeNoSpace       = "NoSpace"    // before anything was done
	CodeDiskFull      = "DiskFull"   // while it was done
	CodePassphrase    = "WrongPassphrase"
	CodeNoPassphrase  = "NoPassphrase"
	CodeBucketRegion  = "BucketRegion"
	CodeConfig        = "InvalidConfig"
	CodeStateHidden   = "StateHidden"
	CodeStackName     = "InvalidStackName"
	CodeProgram       = "ProgramFailed"
	CodePlugin        = "PluginMissing"
	CodeProvider      = "ProviderGone"
	CodeStackNotEmpty = "StackNotEmpty"
	CodeNotReady      = "NotReady" // made, and did not come to run in the time that it has
	CodeUnreachable   = "Unreachable"
	CodeEngine        = "EngineFailed"
)

// ErrNoStack is returned for a stack that was never deployed.
var ErrNoStack = errors.New("no such stack")

// Failure is an error of an engine operation, cut down to the resource and the words that matter.
type Failure struct {
	// Op, URN, Type and Name are those of the failing resource; empty when no single resource failed.
	Op              plans.Op
	URN, Type, Name string
	// Message is the cause, as Pulumi, AWS or Kubernetes reported it.
	Message string
	// Code is stable: one of the Code constants, an AWS error code, or a Kubernetes reason.
	Code string
	// RequestID is AWS's, for support cases; empty when there is none.
	RequestID string
	// Holder is who works on the stack, of a Failure with CodeLocked.
	Holder string
	// Hint is what to do next, one sentence or command; may be empty.
	Hint string
	// Also are further resources that failed in the same run.
	Also []Failure
	// Raw is the engine's unabridged output, for the log file.
	Raw string

	cause error
}

var _ error = (*Failure)(nil)

// Error names the resource, the code and the cause.
func (f *Failure) Error() string {
	var b strings.Builder
	if f.URN != "" {
		op := f.Op
		if op == "" {
			op = "deploy"
		}
		b.WriteString(string(op) + " " + f.Type + " \"" + f.Name + "\": ")
	}
	if f.Code != "" && !strings.Contains(f.Message, f.Code) {
		b.WriteString(f.Code + ": ")
	}
	b.WriteString(f.Message)
	return b.String()
}

// Unwrap returns the context's error for a cancelled operation, and ErrNoStack for an unknown stack.
func (f *Failure) Unwrap() error { return f.cause }

// OnlyIn reports whether every resource that failed is of one Pulumi package, "kubernetes"; false when none is named.
func (f *Failure) OnlyIn(pkg string) bool {
	return strings.HasPrefix(f.Type, pkg+":") &&
		!slices.ContainsFunc(f.Also, func(a Failure) bool { return !strings.HasPrefix(a.Type, pkg+":") })
}

// ExitCode is the exit code of a command that ends with this failure.
func (f *Failure) ExitCode() int {
	switch f.Code {
	case CodeCancelled, CodeKilled:
		return exitcode.Interrupted
	case CodeConfig, CodeNotBuilt, CodeStackName, CodeNoPassphrase, CodeBucketRegion, CodeStateCorrupt, CodeStateLost,
		CodeStateWhole, CodeNoSpace:
		return exitcode.Usage
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "ExpiredToken", "ExpiredTokenException",
		"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "NoCredentials",
		"Forbidden", "Unauthorized", CodePassphrase:
		return exitcode.Denied
	}
	if f.Code == CodeStateHidden {
		if errors.Is(f.cause, fs.ErrPermission) {
			return exitcode.Denied
		}
		return exitcode.Usage
	}
	if errors.Is(f.cause, ErrNoStack) {
		return exitcode.NotFound
	}
	return exitcode.Failed
}

// cancelled describes an operation that the caller's context ended.
func cancelled(ctx context.Context, op, raw string) *Failure {
	return &Failure{
		Code: CodeCancelled, Message: op + " was stopped; what was done so far is in the state", Raw: raw,
		Hint: "run the same command again to continue", cause: context.Cause(ctx),
	}
}
