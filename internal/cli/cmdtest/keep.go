// SPDX-License-Identifier: Apache-2.0

package cmdtest

import (
	"context"
	"reflect"
)

// Keep returns the runF of a command that keeps what its flags and arguments set. The dependencies of the options
// (functions, pointers and interfaces) are left out, so that a test can compare all the rest at once.
func Keep[T any](got *any) func(context.Context, *T) error {
	return func(_ context.Context, opts *T) error {
		kept := *opts
		clearDependencies(reflect.ValueOf(&kept).Elem())
		*got = kept
		return nil
	}
}

func clearDependencies(v reflect.Value) {
	switch v.Kind() {
	case reflect.Func, reflect.Pointer, reflect.Interface:
		v.SetZero()
	case reflect.Struct:
		for i := range v.NumField() {
			clearDependencies(v.Field(i))
		}
	}
}
