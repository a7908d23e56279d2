// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/disk"
	"emrflink/internal/plans"
	"emrflink/internal/preview"
	"emrflink/stacks"
)

func TestAPlanIsHeldAgainstSettingsAndState(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "plan.json")
	f, _ := newApp(t, "")
	a := &app{io: f.IO, globals: f.Globals, version: "v1", interrupt: f.Interrupt, log: f.Log}
	set, err := a.readSettings()
	require.NoError(t, err)
	a.settings = func() (settings, error) { return set, nil }
	s := &onTarget{app: a, settings: set}
	plan := plans.Plan{
		Stack: "local",
		Steps: []plans.Step{{URN: "u", Type: "aws:ec2/vpc:Vpc", Name: "vpc", Op: plans.OpCreate, New: map[string]any{}}},
	}
	r, err := preview.New(plan, "us-west-2")
	require.NoError(t, err)

	require.NoError(t, s.SavePlan(t.Context(), r, disk.To(file)))
	require.NoError(t, a.checkPlan(file))
	require.NoError(t, s.Matches(t.Context(), r, file))

	plan.Steps[0].New["cidrBlock"] = "10.0.0.0/16"
	other, err := preview.New(plan, "us-west-2")
	require.NoError(t, err)
	err = s.Matches(t.Context(), other, file)
	require.ErrorContains(t, err, `create aws:ec2/vpc:Vpc "vpc" in another way`)
	require.Equal(t, 2, cmdtest.Code(err))

	set.config.Teams = stacks.NamedTeams("another")
	a.version = "v2"
	err = a.checkPlan(file)
	require.ErrorContains(t, err, "another build of this program; the settings of the stack were changed")
	d := cmdutil.Describe(err)
	require.Equal(t, "plan-moved", d.Code)
	require.Equal(t, []string{"emrflink preview --stack local --save-plan " + file}, d.Next)
	require.Contains(t, d.Error, "nothing was changed")
}

func TestABaselineIsReadBeforeAnythingIsStarted(t *testing.T) {
	t.Parallel()
	_, operations, home := newRun(t, "")
	file := filepath.Join(t.TempDir(), "baseline.json")
	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	for path, want := range map[string]string{file: "no JSON object", file + ".none": "no such file"} {
		_, err := operations.Preview.OpenBaseline(t.Context(), path)
		require.ErrorContains(t, err, want)
		d := cmdutil.Describe(err)
		require.Equal(t, 2, d.Exit)
		require.Equal(t, "baseline", d.Code)
		require.Len(t, d.Next, 1)
	}
	require.NoDirExists(t, home)
}
