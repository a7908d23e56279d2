// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/check"
	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/deploy"
	"emrflink/internal/preflight"
)

func checks() []check.Check {
	return []check.Check{
		{ID: "account", Status: check.OK, What: "1"},
		{ID: "spot-role", Status: check.Warning, What: "no role", Why: "AuthFailure", Fix: "aws iam"},
		{
			ID: "quota-vpc", Status: check.Error, What: "need 1, have 5, limit 5", Why: "VpcLimitExceeded",
			Fix: "aws service-quotas",
		},
		{
			ID: "quota-eip", Status: check.Error, What: "need 3, have 3, limit 5", Why: "AddressLimitExceeded",
			Fix: "aws service-quotas",
		},
	}
}

// refused deploys with checks that end it, and returns the error.
func refused(t *testing.T, c []check.Check) (*cmdtest.Run, cmdutil.Report) {
	t.Helper()
	f := &fake{plan: bucketPlan(), checks: c}
	r, opts := setup(t, f)
	opts.Yes = true
	err := run(t.Context(), opts)
	require.Error(t, err)
	require.False(t, f.deployed)
	require.True(t, f.closed)
	require.NotContains(t, r.Err.String(), "plan:", "not even a plan is made")
	cmdutil.PrintError(r.Factory.IO, err, cmdtest.Code(err), false, "")
	return r, cmdutil.Describe(err)
}

func TestProblemsEndADeployBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	r, report := refused(t, checks())
	require.Equal(t, 2, report.Exit)
	require.Equal(t, "preflight", report.Code)
	require.Equal(t, []string{"emrflink doctor --stack local"}, report.Next)
	for _, s := range []string{
		`deploy stack "local": nothing was touched, 2 problems would make it fail`,
		"quota-vpc: need 1, have 5, limit 5", "why: VpcLimitExceeded", "fix: aws service-quotas",
		"quota-eip: need 3, have 3, limit 5",
		"! warning  spot-role: no role",
	} {
		require.Contains(t, r.Err.String(), s)
	}
	c := checks()
	c[2].Denied = true
	_, report = refused(t, c)
	require.Equal(t, 3, report.Exit, "credentials")
}

func TestAWarningIsShownAndInTheResult(t *testing.T) {
	t.Parallel()
	f := &fake{plan: bucketPlan(), checks: checks()[:2]}
	r, opts := setup(t, f)
	opts.Yes, opts.Output = true, cmdutil.JSON
	require.NoError(t, run(t.Context(), opts))
	require.True(t, f.deployed)
	var doc deploy.Document
	require.NoError(t, json.Unmarshal(r.Out.Bytes(), &doc))
	require.Len(t, doc.Warnings, 1)
	require.Equal(t, "spot-role", doc.Warnings[0].ID)

	r, opts = setup(t, f)
	opts.Yes = true
	require.NoError(t, run(t.Context(), opts))
	require.Contains(t, r.Err.String(), "! warning  spot-role: no role\n           why: AuthFailure\n           fix: aws iam\n")
	require.NotContains(t, r.Err.String(), "account: 1", "what is well is not shown")
}

func TestChecksCanBeSkippedByName(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	var got any
	want := Options{SkipChecks: []string{"quota-vpc", "quota-eip"}}
	cmd := NewCmd(r.Factory, Operations{}, cmdtest.Keep[Options](&got))
	require.NoError(t, r.Exec(t, cmd, "--skip-checks", "quota-vpc,quota-eip"))
	require.Equal(t, want, got)

	f := &fake{plan: bucketPlan(), checks: checks()}
	_, opts := setup(t, f)
	opts.Yes, opts.SkipChecks = true, want.SkipChecks
	require.NoError(t, run(t.Context(), opts))
	require.True(t, f.deployed)

	f = &fake{plan: bucketPlan(), checks: checks()}
	_, opts = setup(t, f)
	opts.Yes, opts.SkipChecks = true, []string{"quota-vcp"}
	err := run(t.Context(), opts)
	require.ErrorContains(t, err,
		"--skip-checks quota-vcp: there is no such check; there are account, spot-role, quota-vpc, quota-eip")
	require.Equal(t, 2, cmdtest.Code(err))
	require.False(t, f.deployed)
}

type unreachable struct{ *fake }

func (unreachable) Preflight(context.Context, bool) ([]check.Check, error) {
	return nil, errors.New("no state")
}

func TestChecksThatCannotBeMadeEndTheDeploy(t *testing.T) {
	t.Parallel()
	f := &fake{plan: bucketPlan()}
	_, opts := setup(t, f)
	opts.Yes = true
	opts.Open = func(context.Context) (Stack, error) { return unreachable{f}, nil }
	require.EqualError(t, run(t.Context(), opts), `deploy stack "local": no state`)
	require.False(t, f.deployed)
}

// A session that is shorter than the phases of a deploy is what the checks warn of.
func TestADeployLastsAsLongAsItsPhases(t *testing.T) {
	t.Parallel()
	var sum time.Duration
	for _, s := range deploy.Phases() {
		sum += s.Expected
	}
	require.GreaterOrEqual(t, preflight.DeployLasts, sum)
	require.Less(t, preflight.DeployLasts, sum+5*time.Minute)
}
