// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

func TestWhatAWSDoesNotAnswerForIsNotGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail["inventory"] = &awsapi.InventoryError{Parts: []awsapi.UnknownPart{
		{What: "load balancers", Err: errors.New("elasticloadbalancing:DescribeLoadBalancers: AccessDenied")},
	}}
	report, err := w.run(t)
	var incomplete *IncompleteError
	require.ErrorAs(t, err, &incomplete)
	require.Equal(t, 7, incomplete.ExitCode())
	require.ErrorContains(t, err, "AWS did not say whether there are load balancers")
	require.Equal(t, 1, w.engine.runs, "what is known goes")
	require.False(t, report.Verified)
	require.Empty(t, report.Unexpected)
	require.Empty(t, cmp.Diff([]Unknown{
		{What: "load balancers", Why: "elasticloadbalancing:DescribeLoadBalancers: AccessDenied"},
	}, report.NotChecked))
	require.NotContains(t, ids(report.Deleted), "vpc-1", "nobody said that it is gone")
}

func TestAClusterThatCannotBeLookedUpAtTheEndIsNotSaidToExist(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(awsapi.Resource{Service: "ec2", Type: awsapi.TypeVolume, ID: "vol-1", State: "available", CreatedBy: "kubernetes",
		Tags: map[string]string{"kubernetes.io/cluster/" + cluster: "owned"}})
	w.engine.after = func() { w.fail["describe"] = errors.New("eks:DescribeCluster: AccessDenied") }
	_, err := w.run(t)
	require.ErrorContains(t, err, `whether cluster "`+cluster+`" still exists is not known: eks:DescribeCluster: AccessDenied`)
	require.NotContains(t, err.Error(), "still exists: nothing")
}

func TestWithoutItsClusterNodesAreSweptFromTheAWSSide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.c.Scope.WithoutCluster, w.engine.holds = true, 12
	w.c.Connect = func(context.Context, awsapi.Cluster) (Cluster, error) { return nil, errors.New("refused") }
	report, err := w.run(t)
	require.NoError(t, err)
	require.Contains(t, w.journal, "sweep i-node")
	require.Contains(t, ids(report.Deleted), "i-node")
	require.True(t, w.engine.forgot, "no provider can delete what is in it")
	require.Equal(t, 12, report.Forgotten)
	var skipped []string
	for _, s := range report.Skipped {
		skipped = append(skipped, s.Phase)
		require.Contains(t, s.Why, "asked to continue without it: refused")
	}
	require.Equal(t, []string{PhaseJobs, PhaseBalancers, PhaseVolumes, PhaseNodePools, PhaseClasses}, skipped)
}

// A provider tries for a quarter of an hour to delete a subnet that a node is in.
func TestNodesEndAsSoonAsTheClusterIsGoneAndNotAfterTheEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.c.Scope.WithoutCluster = true
	w.c.Connect = func(context.Context, awsapi.Cluster) (Cluster, error) { return nil, errors.New("refused") }
	w.engine.first, w.engine.slow, w.engine.block = 5*time.Minute, 5*time.Minute, "i-node"
	report, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, 1, w.engine.runs, "nothing was in its way")
	require.Contains(t, ids(report.Deleted), "i-node")
	require.Less(t, slices.Index(w.journal, "engine"), slices.Index(w.journal, "sweep i-node"), "its controllers have ended")
}

func TestRetainedDataStaysAndSaysWhatItCosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.c.Scope.RetainData = true
	w.c.Price = func(r awsapi.Resource) float64 { return map[bool]float64{true: 0.01}[r.Type == awsapi.TypeVolume] }
	w.kube.Put(kubetest.Object(kube.KindPV, "", "pv-1", map[string]any{
		"spec": map[string]any{"persistentVolumeReclaimPolicy": "Delete"}}))
	w.add(awsapi.Resource{Service: "ec2", Type: awsapi.TypeVolume, ID: "vol-1", State: "available", CreatedBy: "kubernetes",
		Tags: map[string]string{"kubernetes.io/cluster/" + cluster: "owned"}})
	plan, err := w.c.Plan(t.Context())
	require.NoError(t, err)
	require.Empty(t, plan.DataLoss)
	require.Contains(t, plan.Warnings, "bucket our-bucket is retained")
	report, err := w.run(t)
	require.NoError(t, err)
	require.NotContains(t, w.journal, "empty our-bucket")
	require.NotContains(t, w.journal, "gone PersistentVolumeClaim data")
	require.NotContains(t, w.journal, "sweep vol-1")
	require.Contains(t, w.engine.forgotten, "aws:kms/key:Key")
	require.Contains(t, w.engine.forgotten, "aws:s3/bucketV2:BucketV2")
	pv, err := w.kube.Get(t.Context(), kube.KindPV.Ref("", "pv-1"))
	require.NoError(t, err)
	policy, _, _ := unstructured.NestedString(pv.Object, "spec", "persistentVolumeReclaimPolicy")
	require.Equal(t, "Retain", policy)
	require.Equal(t, []string{"our-bucket", "vol-1"}, ids(report.ExpectedResidue))
	for _, i := range report.ExpectedResidue {
		require.NotEmpty(t, i.Command)
		if i.ID == "vol-1" {
			require.Equal(t, "it was asked to be retained; it costs 7.30 USD a month", i.Reason)
		}
	}
	require.Zero(t, w.resources["vpc-1"])
}

// A controller that is gone, or that can never read what it should delete, holds nothing in AWS that the sweep does not find.
func TestWhatItsControllerNeverLetsGoIsReleased(t *testing.T) {
	t.Parallel()
	for k, finalizer := range map[kube.Kind]string{
		kube.KindFlinkDeployment:    "flinkdeployments.flink.apache.org/finalizer",
		kube.KindFlinkSessionJob:    "flinksessionjobs.flink.apache.org/finalizer",
		kube.KindFlinkStateSnapshot: "flinkstatesnapshots.flink.apache.org/finalizer",
		kube.KindEC2NodeClass:       "karpenter.k8s.aws/termination",
	} {
		t.Run(k.Kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.kube = kubetest.New(kubetest.Object(k, "", "basic",
				map[string]any{"metadata": map[string]any{"finalizers": []any{finalizer}}}))
			report, err := w.run(t)
			require.NoError(t, err)
			require.Contains(t, strings.Join(report.Warnings, "\n"),
				`"basic": nobody answered to `+finalizer+`, so it was taken away`)
			left, err := w.kube.List(t.Context(), k, kube.ListOptions{})
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// stuckIn is an engine's error about resources of one package.
type stuckIn string

func (s stuckIn) Error() string          { return "could not delete the namespace" }
func (s stuckIn) OnlyIn(pkg string) bool { return pkg == string(s) }

func TestObjectsThatTheClusterDoesNotLetGoGoWithIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failure error
		held    bool // a node is left
		forgot  bool
	}{
		"objects of the cluster":        {stuckIn("kubernetes"), false, true},
		"objects, and a node is left":   {stuckIn("kubernetes"), true, false},
		"the account refuses":           {errors.New("AccessDenied: eks:DeleteCluster"), false, false},
		"something in AWS is stuck":     {stuckIn("aws"), false, false},
		"it is not known what is stuck": {stuckIn(""), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.held {
				w.kube = kubetest.New() // nobody takes the node away
			}
			w.engine.err = c.failure
			w.engine.afterForget = func() { w.engine.err = nil }
			report, err := w.run(t)
			require.Equal(t, c.forgot, w.engine.forgot)
			if c.forgot {
				require.NoError(t, err)
				require.Contains(t, strings.Join(report.Warnings, "\n"), c.failure.Error())
				return
			}
			require.ErrorContains(t, err, c.failure.Error())
			if c.held {
				require.ErrorContains(t, err, "the cluster is needed to delete instance i-node")
			}
		})
	}
}
