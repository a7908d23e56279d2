// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
)

// Whatever fails on the way, the engine has its turn, no failure is lost, and a
// clean account is a success while anything left is not.
func TestFailuresAreJoinedAndNeverStopTheRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.c.Timeouts = map[string]time.Duration{PhaseJobs: 30 * time.Second, PhaseNodePools: 30 * time.Second}
		calls := []string{"delete FlinkSessionJob", "delete FlinkDeployment", "list Ingress", "delete Service",
			"list PersistentVolume", "delete NodePool", "delete EC2NodeClass"}
		failing := rapid.SliceOfDistinct(rapid.SampledFrom(calls), rapid.ID[string]).Draw(rt, "failing")
		for _, c := range failing {
			w.kube.Fail(c, errors.New("boom "+c))
		}
		engineFails := rapid.Bool().Draw(rt, "engine fails")
		if engineFails {
			w.engine.err = errors.New("boom engine")
		}
		report, err := w.run(t)
		if w.engine.runs == 0 {
			rt.Fatal("the engine had no turn")
		}
		text := strings.Join(report.Warnings, "\n")
		if err != nil {
			text += err.Error()
		}
		for _, c := range failing {
			if !strings.Contains(text, "boom "+c) {
				rt.Fatalf("failure of %q is lost in %q", c, text)
			}
		}
		if engineFails != (err != nil) {
			rt.Fatalf("engine failed: %v, error: %v", engineFails, err)
		}
		if (len(report.Unexpected) > 0) != engineFails {
			rt.Fatalf("unexpected: %v", report.Unexpected)
		}
	})
}

// However tags are drawn, only whole keys with whole values make a resource ours.
func TestOwnershipNeedsAnExactMark(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		r := newRun(w.c.withDefaults(), nil)
		keys := []string{"kubernetes.io/cluster/" + cluster, "kubernetes.io/cluster/" + cluster + "x", "eks:eks-cluster-name",
			"emrflink:deployment",
			"Name", "karpenter.sh/nodepool", "elbv2.k8s.aws/cluster", "kubernetes.io/cluster/"}
		values := []string{"owned", "shared", "Owned", cluster, cluster + "-2", "", "x" + cluster, strings.ToUpper(cluster)}
		tags := rapid.MapOf(rapid.SampledFrom(keys), rapid.SampledFrom(values)).Draw(rt, "tags")
		typ := rapid.SampledFrom(awskind.Swept()).Draw(rt, "type")
		got := r.owned(awsapi.Resource{Type: typ, ID: "id-" + cluster, ARN: "arn:" + cluster, Name: cluster, Tags: tags})
		byTag := tags["kubernetes.io/cluster/"+cluster] == "owned" || tags["eks:eks-cluster-name"] == cluster ||
			tags["elbv2.k8s.aws/cluster"] == cluster || tags["emrflink:deployment"] == cluster
		named := slices.Contains([]string{awsapi.TypeBucket, awsapi.TypeLogGroup, awsapi.TypeInstanceProfile}, typ)
		if want := byTag && !named; got != want {
			rt.Fatalf("%s with %v: owned %v, want %v", typ, tags, got, want)
		}
	})
}

// A name that the deployment had and gave back can be another's, and so can what is in it.
func TestANameThatPassedToAnotherIsNotOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := &w.c.Scope.Deployment
	d.LogGroups, d.InstanceProfiles, d.Buckets, d.Queues = []string{"n"}, []string{"n"}, []string{"n"}, []string{"n"}
	r := newRun(w.c.withDefaults(), nil)
	for _, typ := range []string{awsapi.TypeBucket, awsapi.TypeLogGroup, awsapi.TypeInstanceProfile, awsapi.TypeQueue} {
		named := awsapi.Resource{Type: typ, ID: "n", Name: "n"}
		if got := r.owned(named); got != (typ != awsapi.TypeBucket) {
			t.Errorf("%s without tags: owned %v; the contents of a bucket need proof", typ, got)
		}
		named.Tags = ours()
		if !r.owned(named) {
			t.Errorf("%s with our tags is not owned", typ)
		}
		named.Tags = map[string]string{"emrflink:deployment": cluster + "-2"}
		if r.owned(named) {
			t.Errorf("%s with another deployment's tags is owned", typ)
		}
	}
}
