// SPDX-License-Identifier: Apache-2.0

// Package iamcheck finds what IAM would refuse, or would silently not do, in a policy document: its grammar, the quotas
// on its size, actions that do not exist, resources that no action of their statement knows, and condition keys that are
// never in the context of its action. The last three are accepted by IAM and show as an AccessDenied weeks later.
//
// The facts are in actions.csv, taken from the AWS Service Authorization Reference (see the head of the file). It lists
// the actions that this project's policies name, no others: an action that is not in it is a problem until somebody has
// looked it up and added its row.
package iamcheck
