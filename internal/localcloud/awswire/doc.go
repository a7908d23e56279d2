// SPDX-License-Identifier: Apache-2.0

// Package awswire is the HTTP API of the simulated AWS account: one handler for Amazon's wire protocols, so that
// Amazon's own SDKs and the unmodified Karpenter controller can use the account.
//
// A request is routed by the service in its SigV4 credential scope and by X-Amz-Target, Action or path. Its signature
// is computed again and compared. The account is then asked for the permissions that its row in Operations lists, with
// the resource ARNs and condition keys that AWS uses. An operation that is not simulated gets the answer 501 with its
// name, never an invented result.
//
// A request of S3 is authenticated by its headers alone. Its body is then read as a stream, and what the headers, chunk
// signatures and trailers state of it is compared at its end: objects of any size pass through, and nothing is kept that is not
// what its sender said.
//
// Answers must be complete where clients read a field without checking that it is there: Karpenter ends its process if
// the answer of TerminateInstances has no currentState.
package awswire
