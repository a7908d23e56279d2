// SPDX-License-Identifier: Apache-2.0

// Package kube has all access of the domain packages to a Kubernetes API server: a small client over client-go's
// dynamic client, a bearer token that is renewed before it expires, and the kubeconfig that other tools use.
//
// Invariants: no static token is ever written to a file or kept longer than it is valid; every write is a server-side
// apply by the field manager "emrflink" with strict field validation, so a misspelt field is refused and not dropped;
// every error is an *Error with the reason that Kubernetes gave.
package kube
