// SPDX-License-Identifier: Apache-2.0

// Package iam reads IAM policy documents: identity policies, trust policies and the policies of buckets, queues and
// keys. It parses them (Parse), decides requests with them (Evaluate), and finds what IAM would refuse or silently
// ignore (ActionTable.Check).
//
// The grammar is strict: an unknown element or a misspelt condition operator is an error that names it, because
// ignoring a statement would make every decision meaningless.
//
// Check finds grammar errors, exceeded size quotas, actions that do not exist, resources that no action of their
// statement takes, and condition keys that are never in the context of its action. IAM accepts the last three, and they
// show weeks later as an AccessDenied. The facts are in actions.csv, taken from the AWS Service Authorization Reference
// (see the head of the file). It lists the actions that this project's policies name, and those that work only on the
// resource "*". An action of ours that is not in it is reported until somebody looks it up and adds its row.
//
// Place: domain. It knows no account: the findings of a preview, the check of a job's role and the simulated account
// all use it. Package components/iamdoc writes policies; its Statement is the type that is read here.
package iam
