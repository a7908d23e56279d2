// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/iostreams"
	"emrflink/internal/plans"
	"emrflink/internal/preview"
)

// lossPlan replaces a bucket and deletes a node group and a log group.
func lossPlan(t *testing.T) preview.Report {
	t.Helper()
	r, err := preview.New(plans.Plan{Stack: "local", Summary: plans.Summary{Replace: 1, Delete: 2}, Steps: []plans.Step{
		{URN: "1", Op: plans.OpReplace, Type: "aws:s3/bucketV2:BucketV2", Name: "bucket", ReplaceReasons: []string{"bucket"}},
		{URN: "2", Op: plans.OpDelete, Type: "aws:eks/nodeGroup:NodeGroup", Name: "nodes"},
		{URN: "3", Op: plans.OpDelete, Type: "aws:cloudwatch/logGroup:LogGroup", Name: "logs"},
	}}, "us-west-2")
	require.NoError(t, err)
	return r
}

func TestWhatIsLostIsShownAndNeedsMoreThanAYes(t *testing.T) {
	t.Parallel()
	const bucket, nodes = "aws:s3/bucketV2:BucketV2", "aws:eks/nodeGroup:NodeGroup"
	for name, c := range map[string]struct {
		yes    bool
		allow  []string
		answer string
		code   int
	}{
		"a yes is not enough":                     {yes: true, code: 2},
		"one of two is not enough":                {yes: true, allow: []string{bucket}, code: 2},
		"by type and by name":                     {yes: true, allow: []string{bucket, "nodes"}},
		"the answer yes is not the name":          {answer: "yes\n", code: 130},
		"the name of the stack":                   {answer: "local\n"},
		"what is named needs only a yes":          {answer: "y\n", allow: []string{bucket, nodes}},
		"what is named needs a yes all the same":  {answer: "n\n", allow: []string{bucket, nodes}, code: 130},
		"the name of a part does not do for both": {answer: "bucket\n", code: 130},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{plan: lossPlan(t)}
			f.grave = f.plan.Grave()
			require.Len(t, f.grave, 2, "a log group is no reason to ask")
			r, opts := setup(t, f)
			r.Factory.IO.SetTTY(true, false, true)
			r.In.WriteString(c.answer)
			opts.Yes, opts.AllowReplace = c.yes, c.allow
			err := run(t.Context(), opts)
			require.Equal(t, c.code, cmdtest.Code(err), "%v", err)
			require.Equal(t, c.code == 0, f.deployed)
			require.Contains(t, r.Err.String(), `REPLACE aws:s3/bucketV2:BucketV2 "bucket", forced by bucket`)
			require.Contains(t, r.Err.String(), "lost: checkpoints and savepoints in it are lost")
			require.Contains(t, r.Err.String(), `DELETE aws:cloudwatch/logGroup:LogGroup "logs"`)
		})
	}
}

func TestARefusedLossNamesEachAndTheFlags(t *testing.T) {
	t.Parallel()
	f := &fake{plan: lossPlan(t)}
	f.grave = f.plan.Grave()
	_, opts := setup(t, f)
	opts.Yes = true
	r := cmdutil.Describe(run(t.Context(), opts))
	require.Equal(t, `deploy stack "local": nothing was changed, --yes does not answer for 2 losses`, r.Error)
	require.Equal(t, []string{
		`delete aws:eks/nodeGroup:NodeGroup "nodes": its nodes are drained; ` +
			"what runs on them restarts elsewhere or waits for new nodes",
		`replace aws:s3/bucketV2:BucketV2 "bucket": checkpoints and savepoints in it are lost; jobs cannot be restored from them`,
	}, r.Problems)
	require.Equal(t, []string{
		"emrflink preview --stack local", "emrflink deploy --stack local --yes --allow-replace aws:eks/nodeGroup:NodeGroup " +
			"--allow-replace aws:s3/bucketV2:BucketV2   # loses what is listed",
	}, r.Next)
	require.False(t, f.deployed)
}

func TestAStackThatIsAnotherDeploymentIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := &fake{plan: bucketPlan(), origin: &cmdutil.Error{What: "another", Cause: errors.New("name"), Exit: cmdutil.ExitUsage}}
	_, opts := setup(t, f)
	opts.Yes, opts.Rename = true, true
	err := run(t.Context(), opts)
	require.Equal(t, 2, cmdtest.Code(err))
	require.ErrorContains(t, err, "nothing was changed: another")
	require.True(t, f.rename)
	require.False(t, f.deployed)
	var noPrompt *iostreams.NoPromptError
	require.NotErrorAs(t, err, &noPrompt)
}
