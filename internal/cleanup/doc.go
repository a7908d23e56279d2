// SPDX-License-Identifier: Apache-2.0

// Package cleanup takes a deployment down in the order in which nothing is
// orphaned, and proves in the account that nothing is left.
//
// Things that controllers make inside the cluster (nodes, volumes, load
// balancers, interfaces, log groups) are in nobody's state. They are removed
// while their controller still runs; what stays behind is swept by exact tag,
// name or id, and only when the cluster itself is proven gone.
//
// Invariants: a cluster that does not answer is not a cluster that is gone; no
// sweep runs on an empty id or in another account than the one recorded at
// deploy; nothing is deleted for its name's pattern; errors do not stop later
// phases that are safe without the failed one; a second run does what is left.
package cleanup
