// SPDX-License-Identifier: Apache-2.0

// Package iam reads IAM policy documents: identity policies, trust policies and the policies of buckets, queues and keys.
// It parses them (Parse), decides requests by them (Evaluate), and finds what IAM would refuse, or would silently not do
// (ActionTable.Check).
//
// The grammar is strict: an unknown element or a misspelt condition operator is an error that names it, because a
// statement that is silently ignored would make every decision meaningless.
//
// What Check finds: grammar, the quotas on the size, actions that do not exist, resources that no action of their
// statement knows, and condition keys that are never in the context of its action. The last three are accepted by IAM and
// show as an AccessDenied weeks later. The facts are in actions.csv, taken from the AWS Service Authorization Reference
// (see the head of the file). It lists the actions that this project's policies name, and those that work only on the
// resource "*": an action of ours that is not in it is a problem until somebody has looked it up and added its row.
//
// Place: domain. It knows no account: the findings of a preview, the check of a job's role and the simulated account all
// ask here. Policies are written by components/iamdoc, whose Statement is the type that is read here.
package iam
