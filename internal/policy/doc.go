// SPDX-License-Identifier: Apache-2.0

// Package policy derives the least IAM policy with which somebody can do one thing with a stack: preview it, deploy it, run
// jobs on it, clean it up. The actions are those that the AWS provider needs for the types of the stack's graph
// (awskind.Kind.Calls), and those that emrflink calls itself (own.tsv), each with its reason. They are confined to the names
// and the tags of this deployment, in its account and region.
//
// Invariants: the same subject gives the same bytes; every action has a reason; no document exceeds the quota of a managed
// policy; iam.ActionTable.Check finds nothing in a document.
//
// Place: knowledge. Nothing is contacted, and no credentials are needed.
package policy
