// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
	"emrflink/internal/replacement"
)

func TestALossIsNamedForWhatIsDeletedAndReplaced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		op        plans.Op
		typ, name string
		may       bool
		want      string
	}{
		{plans.OpDelete, "aws:s3/bucketV2:BucketV2", "b", false,
			"checkpoints and savepoints in it are lost; jobs cannot be restored from them"},
		{plans.OpReplace, "aws:iam/role:Role", "r", false,
			"pods, nodes or services that use it lose their AWS permissions until it is back"},
		{plans.OpDelete, "aws:iam/role:Role", "r", false, "pods, nodes or services that use it lose their AWS permissions"},
		{plans.OpUpdate, "aws:iam/role:Role", "r", false, ""},
		{plans.OpUpdate, "aws:iam/role:Role", "r", true,
			"pods, nodes or services that use it lose their AWS permissions until it is back"},
		{plans.OpDelete, "kubernetes:core/v1:Namespace", "team-a-namespace", false,
			"the team's running jobs stop and everything in its namespace is deleted; checkpoints in S3 stay"},
		{plans.OpDelete, "kubernetes:core/v1:Namespace", "metrics-namespace", false,
			"everything in the namespace is deleted, running pods too"},
		{plans.OpDelete, "kubernetes:helm.sh/v3:Release", "karpenter-crds", false,
			"all NodePools, NodeClaims and EC2NodeClasses are deleted with their definitions: every node of a job is drained"},
		{plans.OpDelete, "kubernetes:core/v1:LimitRange", "l", false, nothingLost},
		{plans.OpDelete, "aws:x/y:Z", "z", false, notInTable},
		{plans.OpCreate, "aws:s3/bucketV2:BucketV2", "b", false, ""},
		{plans.OpDelete, "pulumi:providers:aws", "p", false, ""},
	} {
		require.Equal(t, c.want, destroys(plans.Step{Op: c.op, Type: c.typ, Name: c.name}, c.may), c.typ+" "+c.name)
	}
	require.Empty(t, destroys(plans.Step{Op: plans.OpDelete, Type: "emrflink:team:Team", Component: true}, false),
		"a component holds nothing")
}

func TestAnUpdateThatDisturbsSaysSo(t *testing.T) {
	t.Parallel()
	of := func(typ, path string) row {
		return row{Step: Step{Type: typ, Op: "update", Diff: []Diff{{Path: path}}}}
	}
	require.Contains(t, disturbs(of("aws:eks/nodeGroup:NodeGroup", "launchTemplate.version")), "one after another")
	require.Empty(t, disturbs(of("aws:eks/nodeGroup:NodeGroup", "scalingConfig.desiredSize")))
	require.Contains(t, disturbs(of("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", "spec.tags.a")), "drifted")
	require.Contains(t,
		disturbs(of("kubernetes:karpenter.sh/v1:NodePool", "spec.template.spec.requirements[0].values[1]")), "drifted")
	require.Empty(t, disturbs(of("kubernetes:karpenter.sh/v1:NodePool", "spec.limits.cpu")))
}

func TestEveryTypeOfTheBlueprintSaysWhatIsLost(t *testing.T) {
	t.Parallel()
	graph, err := os.ReadFile("../../stacks/testdata/default.golden")
	require.NoError(t, err)
	types := slices.DeleteFunc(replacement.Types(), func(typ string) bool { return !strings.HasPrefix(typ, "aws:") })
	for _, m := range regexp.MustCompile(`(?m)^  type: ((?:aws|eks|kubernetes):\S+)$`).FindAllStringSubmatch(string(graph), -1) {
		types = append(types, m[1])
	}
	require.Greater(t, len(types), 100)
	for _, typ := range types {
		require.NotEqual(t, notInTable, destroys(plans.Step{Type: typ, Op: plans.OpDelete}, false), typ)
	}
}

func TestGraveTypesAreInTheTable(t *testing.T) {
	t.Parallel()
	for typ, text := range losses() {
		require.NotEmpty(t, text, typ)
	}
	require.Less(t, typeGravity("aws:s3/bucketV2:BucketV2"), typeGravity("aws:iam/role:Role"))
	require.Negative(t, typeGravity("aws:ec2/route:Route"))
}
