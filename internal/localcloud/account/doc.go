// SPDX-License-Identifier: Apache-2.0

// Package account is a simulated AWS account: resources with identity, the dependency rules that AWS
// enforces on create and delete (with AWS's own error codes), the time that AWS takes, what it bills per
// hour, and what AWS creates behind the caller's back. It knows nothing of Pulumi's engine, HTTP or
// Kubernetes. What is known of a kind beside its behaviour is read from package awskind, what a change of a property does from
// package replacement, prices from package cost.
//
// Invariants:
//   - A call that returned is durable: killing the process afterwards does not lose the change.
//   - No resource refers to a resource that does not exist; deletions that would break this are refused.
//   - Waiting never holds the account's lock; a resource that is being made is visible in AWS's
//     transitional state, and an operation goes on when its caller goes away, as it does on AWS.
//   - What is not simulated is refused by name.
//
// Durations are medians measured on AWS divided by [Options.Speed]; prices are AWS list prices of
// us-west-2 in US dollars.
package account
