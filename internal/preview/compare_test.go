// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/disk"
	"emrflink/internal/plans"
)

const (
	vpcURN     = "urn:pulumi:dev::emrflink::aws:ec2/vpc:Vpc::vpc"
	subnetURN  = "urn:pulumi:dev::emrflink::aws:ec2/subnet:Subnet::subnet"
	routeURN   = "urn:pulumi:dev::emrflink::aws:ec2/internetGateway:InternetGateway::igw"
	regionUsed = "us-west-2"
)

// network is a VPC, a subnet that cannot leave it, and a gateway that can.
func network(cidr string) plans.Plan {
	in := func(urn, typ, name string, inputs map[string]any, from string) plans.Step {
		s := plans.Step{URN: urn, Type: typ, Name: name, Op: plans.OpCreate, New: inputs}
		if from != "" {
			s.Dependencies, s.PropertyDependencies = []string{from}, map[string][]string{"vpcId": {from}}
		}
		return s
	}
	return plans.Plan{Stack: "dev", Steps: []plans.Step{
		in(vpcURN, "aws:ec2/vpc:Vpc", "vpc", map[string]any{"cidrBlock": cidr, "enableDnsSupport": true}, ""),
		in(subnetURN, "aws:ec2/subnet:Subnet", "subnet", map[string]any{
			"vpcId": plans.Unknown, "cidrBlock": "10.0.0.0/24",
		}, vpcURN),
		in(routeURN, "aws:ec2/internetGateway:InternetGateway", "igw", map[string]any{"vpcId": plans.Unknown}, vpcURN),
	}}
}

// against compares a graph with the one of cidr 10.0.0.0/16 and returns the document's steps by name.
func against(t *testing.T, desired plans.Plan, base Baseline) (map[string]Step, int) {
	t.Helper()
	plan, skipped := Compare(desired, base, regionUsed)
	r, err := New(plan, regionUsed)
	require.NoError(t, err)
	out := map[string]Step{}
	for _, s := range r.Document.Steps {
		out[s.Name] = s
	}
	return out, skipped
}

func base() Baseline { return NewBaseline(network("10.0.0.0/16"), "emrflink", regionUsed) }

func TestTheSameGraphIsTheSame(t *testing.T) {
	t.Parallel()
	steps, skipped := against(t, network("10.0.0.0/16"), base())
	for name, s := range steps {
		require.Equal(t, "same", s.Op, name)
	}
	require.Equal(t, 2, skipped)
}

func TestAReplacementCascadesAsAPossibleOne(t *testing.T) {
	t.Parallel()
	steps, _ := against(t, network("10.1.0.0/16"), base())
	vpc, subnet, gateway := steps["vpc"], steps["subnet"], steps["igw"]
	require.Equal(t, "replace", vpc.Op)
	require.Equal(t, []string{"cidrBlock"}, vpc.ReplaceReasons)
	require.Equal(t, []Diff{
		{Path: "cidrBlock", Kind: "update-replace", Old: "10.0.0.0/16", New: "10.1.0.0/16", WaitsFor: []string{}},
	}, vpc.Diff)
	require.Contains(t, vpc.Destroys, "the cluster")

	require.Equal(t, "update", subnet.Op)
	require.True(t, subnet.MayReplace)
	require.Equal(t, []string{"vpcId"}, subnet.MayReplaceReasons)
	require.Empty(t, subnet.ReplaceReasons)
	require.Equal(t, []Diff{
		{Path: "vpcId", Kind: "update-replace", Old: plans.Unknown, New: plans.Unknown, WaitsFor: []string{vpcURN}},
	}, subnet.Diff)
	require.NotEmpty(t, subnet.Destroys)

	require.Equal(t, "update", gateway.Op)
	require.False(t, gateway.MayReplace, "a gateway moves to another VPC")
	require.Empty(t, gateway.Destroys)
}

// The engine leaves a resource as it was made: a review that knew no better would replace the whole cluster.
func TestAChangeThatTheProgramIgnoresIsNone(t *testing.T) {
	t.Parallel()
	for ignored, op := range map[string]string{"cidrBlock": "same", "cidr": "replace", "enableDnsSupport": "replace"} {
		desired := network("10.1.0.0/16")
		desired.Steps[0].Ignored = []string{ignored}
		steps, _ := against(t, desired, base())
		require.Equal(t, op, steps["vpc"].Op, ignored)
	}
	for path, want := range map[string]bool{"a.b": true, "a.b.c": true, "a.b[0]": true, "a": false, "a.bc": false} {
		require.Equal(t, want, ignored(plans.Step{Ignored: []string{"a.b"}}, path), path)
	}
}

func TestAnUpdateInPlaceGivesTheSameOutputs(t *testing.T) {
	t.Parallel()
	desired := network("10.0.0.0/16")
	desired.Steps[0].New["enableDnsSupport"] = false
	steps, _ := against(t, desired, base())
	require.Equal(t, "update", steps["vpc"].Op)
	require.Equal(t, "same", steps["subnet"].Op)
}

func TestAnotherSourceOfAnUnknownValueIsAPossibleChange(t *testing.T) {
	t.Parallel()
	desired := network("10.0.0.0/16")
	desired.Steps[1].PropertyDependencies = map[string][]string{"vpcId": {routeURN}}
	steps, _ := against(t, desired, base())
	require.True(t, steps["subnet"].MayReplace)
	require.Equal(t, "same", steps["igw"].Op)
}

func TestKnownAndUnknown(t *testing.T) {
	t.Parallel()
	literal := base()
	literal.Resources[1].Inputs = map[string]any{"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24"}
	require.Equal(t, subnetURN, literal.Resources[1].URN)

	steps, _ := against(t, network("10.0.0.0/16"), literal)
	require.True(t, steps["subnet"].MayReplace, "a literal of a saved graph became an output")

	literal.deployed = true
	steps, skipped := against(t, network("10.0.0.0/16"), literal)
	require.Equal(t, "same", steps["subnet"].Op, "a deployed value may be the one that is not known yet")
	require.Equal(t, 2, skipped)

	desired := network("10.0.0.0/16")
	desired.Steps[1].New["vpcId"] = "vpc-2"
	steps, _ = against(t, desired, base())
	require.True(t, steps["subnet"].MayReplace, "what became known may be what it was")
	literal.deployed = false
	steps, _ = against(t, desired, literal)
	require.Equal(t, "replace", steps["subnet"].Op)

	desired.Steps[1].New["vpcId"] = "prefix-" + plans.Unknown
	literal.deployed = true
	steps, _ = against(t, desired, literal)
	require.True(t, steps["subnet"].MayReplace, "the known part does not fit")
}

func TestWhatCameAndWent(t *testing.T) {
	t.Parallel()
	desired := network("10.0.0.0/16")
	desired.Steps[2].URN, desired.Steps[2].Name = routeURN+"-2", "igw-2"
	steps, _ := against(t, desired, base())
	require.Equal(t, "create", steps["igw-2"].Op)
	require.Equal(t, "delete", steps["igw"].Op)
	require.Equal(t, "the VPC has no way to the internet", steps["igw"].Destroys)
}

func TestAnotherRegionIsAnotherPlace(t *testing.T) {
	t.Parallel()
	plan, _ := Compare(network("10.0.0.0/16"), base(), "eu-west-1")
	for _, s := range plan.Steps {
		require.Equal(t, plans.OpReplace, s.Op)
		require.Contains(t, s.ReplaceReasons, "region")
	}
	require.Len(t, plan.Diagnostics, 1)
}

func TestAnExportedStateIsABaseline(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"version":3}`), 0o600))
	b, err := ReadBaseline(file, "emrflink", "dev", func(raw []byte) (plans.Exported, error) {
		require.JSONEq(t, `{"version":3}`, string(raw))
		return plans.Exported{Stack: "dev", Project: "emrflink", Resources: []plans.StateResource{{
			URN: "urn:pulumi:dev::emrflink::aws:eks/cluster:Cluster::c", Type: "aws:eks/cluster:Cluster", Name: "c",
			Custom: true, ID: "c", Inputs: map[string]any{
				"name": "c-3f0265e", "roleArn": "arn:aws:iam::444455556666:role/r", "tags": map[string]any{"a": "1"},
			},
			Outputs: map[string]any{"arn": "arn:aws:eks:us-west-2:444455556666:cluster/c"},
		}}}, nil
	})
	require.NoError(t, err)
	desired := plans.Plan{Stack: "dev", Steps: []plans.Step{
		{
			URN: "urn:pulumi:dev::emrflink::aws:eks/cluster:Cluster::c", Type: "aws:eks/cluster:Cluster", Name: "c",
			Op: plans.OpCreate, New: map[string]any{
				"name": "c-b75bec3", "roleArn": "arn:aws:iam::111122223333:role/r", "tags": map[string]any{"a": "1"},
			},
		},
		{
			URN: "urn:pulumi:dev::emrflink::pulumi:providers:kubernetes::k", Type: kubernetesProvider, Name: "k",
			Op:  plans.OpCreate,
			New: map[string]any{"clusterIdentifier": "arn:aws:eks:us-west-2:111122223333:cluster/c"},
		},
	}}
	steps, _ := against(t, desired, b)
	require.Equal(t, "same", steps["c"].Op, "the account and the random name are made up")
	desired.Steps[0].New["tags"] = map[string]any{"a": "2"}
	steps, _ = against(t, desired, b)
	require.Equal(t, "update", steps["c"].Op)
}

func noExport([]byte) (plans.Exported, error) { return plans.Exported{}, errors.New("it is no export") }

func TestAFileThatIsNoBaselineIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := filepath.Join(dir, "good.json")
	require.NoError(t, base().Save(disk.To(good)))
	for name, c := range map[string]struct{ content, project, stack, want string }{
		"corrupt":         {`{"kind":"emrflink-ba`, "emrflink", "dev", "no JSON object"},
		"of another kind": {`{"kind":"emrflink-plan"}`, "emrflink", "dev", `of kind "emrflink-plan"`},
		"newer": {`{"kind":"emrflink-baseline","schemaVersion":2}`, "emrflink", "dev",
			"schemaVersion 2; this program reads 1"},
		"edited": {`{"kind":"emrflink-baseline","schemaVersion":1,"resources":[{"urn":""}]}`, "emrflink",
			"dev", "resource 1"},
		"no export":       {`{}`, "emrflink", "dev", "no export"},
		"another stack":   {"", "emrflink", "prod", `stack "dev" of project "emrflink", and this is stack "prod"`},
		"another project": {"", "mine", "dev", `of project "mine"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := good
			if c.content != "" {
				file = filepath.Join(dir, name)
				require.NoError(t, os.WriteFile(file, []byte(c.content), 0o600))
			}
			_, err := ReadBaseline(file, c.project, c.stack, noExport)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := ReadBaseline(filepath.Join(dir, "none"), "emrflink", "dev", noExport)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestASavedGraphIsTheSameBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	require.NoError(t, base().Save(disk.To(one)))
	b, err := ReadBaseline(one, "emrflink", "dev", noExport)
	require.NoError(t, err)
	require.NoError(t, b.Save(disk.To(two)))
	first, err := os.ReadFile(one)
	require.NoError(t, err)
	second, err := os.ReadFile(two)
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 2, "no temporary file is left")
}
