// SPDX-License-Identifier: Apache-2.0

// Package awswire is the HTTP API of the simulated AWS account: one handler
// that speaks Amazon's wire protocols, so that Amazon's own SDKs and the
// unmodified Karpenter controller can use the account.
//
// A request is routed by the service in its SigV4 credential scope and by
// X-Amz-Target, Action or path; its signature is recomputed and compared; what its
// row in Operations says that it needs is asked of the account, with the resource
// ARNs and condition keys that AWS uses. Operations that are not simulated
// answer 501 with the operation's name, never an invented result.
//
// Answers must be complete where clients read a field without checking that it is
// there: Karpenter ends its process when TerminateInstances lacks currentState.
package awswire
