// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/disk"
)

func saved(t *testing.T) SavedPlan {
	t.Helper()
	r, err := New(changed(), regionUsed)
	require.NoError(t, err)
	return r.Plan(Basis{
		Project: "emrflink", Stack: "dev", Target: "local", Region: regionUsed, Program: "v1 abc", Configuration: "c", State: "s",
	})
}

func TestAPlanIsReadAsItWasSaved(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "plan.json")
	p := saved(t)
	require.NoError(t, p.Save(disk.To(file)))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	got, err := ReadPlan(file)
	require.NoError(t, err)
	require.Empty(t, got.Differences(p))
	require.Empty(t, p.Differences(got))
	require.Empty(t, got.Basis.Changes(p.Basis, false))
}

func TestWhatMovedIsSaid(t *testing.T) {
	t.Parallel()
	was := saved(t).Basis
	for want, move := range map[string]func(*Basis){
		`the plan is for stack "dev", this is stack "prod"`:              func(b *Basis) { b.Stack = "prod" },
		`the plan is for target "local", this is target "aws"`:           func(b *Basis) { b.Target = "aws" },
		`the plan is for region "us-west-2", this is region "eu-west-1"`: func(b *Basis) { b.Region = "eu-west-1" },
		`the plan is for project "emrflink", this is project "mine"`:     func(b *Basis) { b.Project = "mine" },
		"the plan was made by another build of this program":             func(b *Basis) { b.Program = "v1 def" },
		"the settings of the stack were changed":                         func(b *Basis) { b.Configuration = "d" },
		"the deployed stack was changed":                                 func(b *Basis) { b.State = "t" },
	} {
		now := was
		move(&now)
		require.Equal(t, []string{want}, was.Changes(now, false))
	}
	now := was
	now.State = ""
	require.Empty(t, was.Changes(now, true))
}

func TestStepsThatDifferAreSaid(t *testing.T) {
	t.Parallel()
	now := saved(t)
	now.Steps = append([]Step{}, now.Steps...)
	now.Steps[0].Op = "delete"
	now.Steps[2].Diff = append([]Diff{{Path: "path", Kind: "add", New: "/x/"}}, now.Steps[2].Diff...)
	now.Steps = now.Steps[:4]
	require.Equal(t, []string{
		`it would now delete aws:eks/cluster:Cluster "demo"`,
		`it would now update aws:iam/role:Role "operator" in another way`,
		`it would no longer delete aws:ec2/eip:Eip "old-ip"`,
	}, saved(t).Differences(now))
}

func TestAFileThatIsNoPlanIsRefused(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		`{"kind":"emrflink-pl`:                       "damaged",
		`{"kind":"emrflink-baseline"}`:               `of kind "emrflink-baseline"`,
		`{"kind":"emrflink-plan","schemaVersion":7}`: "schemaVersion 7; this program reads 1",
	} {
		file := filepath.Join(t.TempDir(), "plan.json")
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		_, err := ReadPlan(file)
		require.ErrorContains(t, err, want)
	}
}
