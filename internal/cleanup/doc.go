// SPDX-License-Identifier: Apache-2.0

// Package cleanup deletes a deployment in an order that leaves no orphans, and checks in the account that nothing is
// left.
//
// Resources that controllers make inside the cluster (nodes, volumes, load balancers, interfaces, log groups) are in no
// state file. They are removed while their controller still runs; leftovers are swept by exact tag, name or id, and
// only when AWS has confirmed that the cluster is gone.
//
// Invariants: a cluster that does not answer does not count as gone; no sweep runs with an empty id, or in another
// account than the one that the deploy recorded; nothing is deleted because its name matches a pattern; an error does
// not stop later phases that are safe without the failed one; a second run completes what is left.
package cleanup
