// SPDX-License-Identifier: Apache-2.0

// Package types has the shapes of package ssm.
package types

// Parameter is a parameter of the store, as far as Karpenter reads it.
type Parameter struct {
	Name, Value *string
}
