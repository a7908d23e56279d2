// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"emrflink/internal/plans"
)

// ForeignError is an AdoptFunc's answer that something of the wanted name exists and is somebody else's: it is neither
// taken over nor deleted.
type ForeignError struct {
	What, ID string // "role", "demo-node"
	// Tags are what it has, Wanted what marks the resources of the deployment.
	Tags, Wanted map[string]string
	// Show is the command that shows it.
	Show string
}

var _ error = (*ForeignError)(nil)

// Error names the resource, its tags and those that it lacks.
func (e *ForeignError) Error() string {
	has := "it has no tags"
	if len(e.Tags) > 0 {
		has = "its tags are " + listed(e.Tags)
	}
	return fmt.Sprintf("the %s %q exists and is not of this deployment: %s, and not %s", e.What, e.ID, has, listed(e.Wanted))
}

func listed(tags map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, k+"="+tags[k])
	}
	return strings.Join(out, ", ")
}

// BrokenError is an AdoptFunc's answer that the resource exists and that AWS could not make it well: nothing can be built on
// it, and AWS does not try again. It is deleted, and made anew by a deployment.
type BrokenError struct{ ID, State string }

var _ error = (*BrokenError)(nil)

// Error has AWS's word for its state.
func (e *BrokenError) Error() string { return e.ID + " is " + e.State }

// foreign explains a ForeignError to who wants to create the resource; nil for any other error.
func foreign(err error, p PendingCreate) *Failure {
	var e *ForeignError
	if !errors.As(err, &e) {
		return nil
	}
	return &Failure{
		Op: plans.OpCreate, URN: p.URN, Type: p.Type, Name: p.Name, Code: CodeForeign, Message: e.Error(), cause: err,
		Hint: "delete it when nobody needs it, or give the deployment another name; see whose it is: " + e.Show,
	}
}
