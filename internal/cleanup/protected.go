// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"strings"

	"emrflink/internal/exitcode"
)

// ProtectedError says that somebody protected the deployment. Nothing was touched.
type ProtectedError struct {
	// By is what protects it, Next the command that ends the protection and the one that goes on.
	By   []string
	Next string
}

// Error implements error.
func (e *ProtectedError) Error() string {
	return "the deployment is protected, so nothing was touched: " + protectedBy(e.By)
}

// Code is a stable id of the failure.
func (e *ProtectedError) Code() string { return "cleanup.protected" }

// ExitCode is 2: nothing was touched.
func (e *ProtectedError) ExitCode() int { return exitcode.Usage }

// Hint is how the protection is ended.
func (e *ProtectedError) Hint() string { return e.Next }

func protectedBy(by []string) string { return strings.Join(by, ", ") }

// unprotected returns nil when neither the settings, nor the state, nor EKS protects the deployment.
func (r *run) unprotected(byEKS bool) error {
	cluster, by := r.Scope.Deployment.Cluster, r.Protected
	if byEKS {
		by = append(by[:len(by):len(by)], "deletion protection of EKS cluster "+cluster)
	}
	if len(by) == 0 {
		return nil
	}
	e := &ProtectedError{By: by, Next: "set emrflink:protect to false, then: emrflink deploy --stack " + r.Scope.Stack}
	if len(r.Protected) == 0 { // somebody did it by hand
		e.Next = "aws eks update-cluster-config --name " + cluster + " --no-deletion-protection --region " + r.Scope.Region
	}
	return e
}
