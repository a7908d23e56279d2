// SPDX-License-Identifier: Apache-2.0

// Package engine runs the Pulumi engine that is linked into this binary and turns its output into our own types.
//
// Invariants:
//   - No other program is needed: every engine operation re-executes this binary with the hidden command `pulumi`
//     (see [Main]), and works with an empty PATH.
//   - Nothing above this package sees a Pulumi API type. Secrets are replaced by [Secret], and values that are not
//     known before the deployment by [Unknown], before they leave it.
//   - The user's stack file is read and never written: the engine works on a copy below the state directory.
//   - Only the engine itself changes the state; this package repairs it (stale locks, pending operations) only when
//     the owner of the lock is known to be gone.
//
// Place: adapter. It imports Pulumi's auto and pkg, and no other package of this module.
package engine
