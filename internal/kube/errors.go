// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"emrflink/internal/exitcode"
)

// Reasons that Kubernetes itself has no word for.
const (
	// ReasonNoKind means that the server does not serve the kind: its CRD is not installed.
	ReasonNoKind = "KindNotServed"
	// ReasonUnreachable means that no answer came from the API server.
	ReasonUnreachable = "Unreachable"
	// ReasonTimeout means that a wait of ours ended first.
	ReasonTimeout = "WaitTimeout"
)

// Error is a refused or failed request.
type Error struct {
	Op      string // what was asked: "apply", "get", "list", "delete", "wait for"
	Ref     Ref
	Reason  string // Kubernetes' reason ("Forbidden", "Invalid", ...) or one of the Reason constants
	Message string // the server's own words
	cause   error
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %s: %s", e.Op, e.Ref, e.Reason, e.Message)
}

// Unwrap gives the underlying error.
func (e *Error) Unwrap() error { return e.cause }

// Code is a stable id of the failure.
func (e *Error) Code() string { return "kubernetes." + e.Reason }

// ExitCode is 3 for refused credentials, 6 for a wait that ended, else 1.
func (e *Error) ExitCode() int {
	switch e.Reason {
	case "Unauthorized", "Forbidden":
		return exitcode.Denied
	case ReasonTimeout:
		return exitcode.Timeout
	}
	return exitcode.Failed
}

// Hint says what to look at next; empty when there is nothing better than the message.
func (e *Error) Hint() string {
	switch e.Reason {
	case "Unauthorized":
		return "the cluster does not know this identity: it needs an EKS access entry (configuration key emrflink:admins)"
	case "Forbidden":
		return "the identity has access to the cluster, but no permission for this: check its EKS access policy"
	case ReasonNoKind:
		return "its CustomResourceDefinition is not installed; a deploy installs it"
	case ReasonUnreachable:
		return "the API server did not answer: check the endpoint's allow-list (emrflink:endpointAccess) and the network"
	case "Conflict":
		return "another field manager owns the field; see which with kubectl get --show-managed-fields"
	}
	return ""
}

// ReasonOf gives the reason of the first *Error in err, or "".
func ReasonOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// IsNotFound reports whether the object is absent.
func IsNotFound(err error) bool { return ReasonOf(err) == "NotFound" }

// IsNoKind reports whether the server does not serve the kind at all.
func IsNoKind(err error) bool { return ReasonOf(err) == ReasonNoKind }

// IsUnreachable reports whether no answer came. It never means that the cluster is gone.
func IsUnreachable(err error) bool { return ReasonOf(err) == ReasonUnreachable }

// NewError makes the error that the client returns for the reason; fakes of the
// client use it.
func NewError(op string, ref Ref, reason, message string) *Error {
	return &Error{Op: op, Ref: ref, Reason: reason, Message: message}
}

func wrap(op string, ref Ref, err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s %s: %w", op, ref, err)
	}
	e := &Error{Op: op, Ref: ref, Message: err.Error(), cause: err}
	var netErr net.Error
	var urlErr *url.Error
	switch {
	case meta.IsNoMatchError(err):
		e.Reason = ReasonNoKind
	case apierrors.ReasonForError(err) != "":
		e.Reason = string(apierrors.ReasonForError(err))
	case errors.As(err, &netErr), errors.As(err, &urlErr):
		e.Reason = ReasonUnreachable
	default:
		e.Reason = "Unknown"
	}
	return e
}
