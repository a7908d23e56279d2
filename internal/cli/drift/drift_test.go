// SPDX-License-Identifier: Apache-2.0

package drift

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/drift"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
)

// document is what a comparison of the observed resources finds.
func document(observed ...plans.Observed) drift.Document {
	return drift.New(observed).Of(stack.Info{Stack: "local"}, "emrflink deploy --refresh --stack local")
}

func exec(t *testing.T, d drift.Document, err error, args ...string) (*cmdtest.Run, error) {
	t.Helper()
	r := cmdtest.New(t)
	detect := func(context.Context) (drift.Document, error) { return d, err }
	return r, r.Exec(t, NewCmd(r.Factory, detect, nil), args...)
}

func TestDrift(t *testing.T) {
	t.Parallel()
	missing := document(plans.Observed{Type: "aws:sqs/queue:Queue", Name: "q", ID: "i", Missing: true})
	for name, c := range map[string]struct {
		document drift.Document
		err      error
		code     int
		out      string
	}{
		"no drift": {document(), nil, 0, "stack local: no drift: 0 checked, 0 changed, 0 missing, 0 ignored, 0 unmanaged\n"},
		"drift has the command to undo": {
			missing, nil, 5, "missing aws:sqs/queue:Queue \"q\" (i)\n" +
				"stack local: drift: 1 checked, 0 changed, 1 missing, 0 ignored, 0 unmanaged\n" +
				"put it back with: emrflink deploy --refresh --stack local\n",
		},
		"a failure prints nothing": {document(), errors.New("no account"), 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := exec(t, c.document, c.err)
			require.Equal(t, c.code, cmdtest.Code(err), err)
			require.Equal(t, c.out, r.Out.String())
		})
	}
}

func TestJSONIsTheDocumentAlone(t *testing.T) {
	t.Parallel()
	d := document(plans.Observed{Diff: []plans.PropertyDiff{{Path: "p", Old: 1.0, New: 2.0}}}, plans.Observed{
		Type: "aws:eks/nodeGroup:NodeGroup", Diff: []plans.PropertyDiff{{Path: "scalingConfig.desiredSize", Old: 3.0, New: 5.0}},
	})
	d.AddUnmanaged([]drift.Unmanaged{{ID: "sg-1"}})
	r, err := exec(t, d, nil, "-o", "json")
	require.Equal(t, 5, cmdtest.Code(err))
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "stack", "target", "region", "drifted", "summary", "summary.checked",
		"summary.drifted", "summary.missing", "summary.ignored", "summary.unmanaged", "resources", "resources[].urn",
		"resources[].type", "resources[].name", "resources[].id", "resources[].kind", "resources[].diff",
		"resources[].diff[].path", "resources[].diff[].expected", "resources[].diff[].actual", "resources[].ignored",
		"resources[].ignored[].path", "resources[].ignored[].expected", "resources[].ignored[].actual",
		"resources[].ignored[].reason", "unmanaged", "unmanaged[].service", "unmanaged[].type", "unmanaged[].id",
		"unmanaged[].arn", "unmanaged[].createdBy", "repair", "simulated")
}
