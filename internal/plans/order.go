// SPDX-License-Identifier: Apache-2.0

package plans

// Order is what a deletion need not wait for, by Pulumi types. The engine deletes in waves: what depends on nothing goes last,
// and no wave begins before all of the wave before is gone. A resource that takes minutes to delete makes everything behind its
// wave wait for it, also what AWS would delete meanwhile.
type Order struct {
	// Apart are pairs of types of which the first needs not be deleted before the second, on which it depends.
	Apart [][2]string
	// Beside has types that are to be in the wave of another one.
	Beside map[string]string
	// With has types that AWS deletes with another one: nobody asks for them.
	With map[string]string
	// Kubernetes says that what is in the cluster goes with it, and is not deleted object by object.
	Kubernetes bool
}
