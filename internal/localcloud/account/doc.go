// SPDX-License-Identifier: Apache-2.0

// Package account is a simulated AWS account: resources with identity, the dependency rules that AWS enforces on create
// and delete (with AWS's own error codes), the time that AWS takes, what it bills per hour, and what AWS creates
// without being asked. It knows nothing of Pulumi's engine, HTTP or Kubernetes. Apart from the behaviour of a kind, it
// reads everything from other packages: facts about a kind from awskind, the effect of changing a property from
// replacement, prices from cost.
//
// Invariants:
//   - A call that returned is durable: killing the process afterwards does not lose the change.
//   - No resource refers to a resource that does not exist; deletions that would break this are refused.
//   - Waiting never holds the account's lock; a resource that is being made is visible in AWS's
//     transitional state, and an operation continues if its caller is gone, as it does on AWS.
//   - What is not simulated is refused by name.
//
// Durations are medians measured on AWS divided by [Options.Speed]; prices are AWS list prices of
// us-west-2 in US dollars.
package account
