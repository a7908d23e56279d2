// SPDX-License-Identifier: Apache-2.0

package karpenter_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	karpv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning/scheduling"
)

// place is where a pod must land: a pool, and what the node is.
type place struct {
	pool, arch string
	families   []string
	cheapest   string // capacity type of the cheapest offering, which is the one that is launched
}

// placement is a row: a pod, and where it lands or why it does not.
type placement struct {
	name   string
	pod    func(*world) *corev1.Pod
	want   place
	refuse []string // parts of the reason; set when the pod must stay pending
}

func compute(pool, cheapest string) place {
	return place{pool: pool, arch: "amd64", families: []string{"c5d", "c6id"}, cheapest: cheapest}
}

func graviton(pool, cheapest string) place {
	return place{pool: pool, arch: "arm64", families: []string{"r6gd", "r7gd"}, cheapest: cheapest}
}

const spot, onDemand = karpv1.CapacityTypeSpot, karpv1.CapacityTypeOnDemand

func sample(pool, role string, change func(*corev1.Pod)) func(*world) *corev1.Pod {
	return func(w *world) *corev1.Pod {
		p := w.pod(pool, role, "p")
		if change != nil {
			change(p)
		}
		return p
	}
}

func selecting(labels ...string) func(*world) *corev1.Pod {
	return func(*world) *corev1.Pod {
		selector := map[string]string{}
		for i := 0; i < len(labels); i += 2 {
			selector[labels[i]] = labels[i+1]
		}
		return bare("p", selector)
	}
}

func placements() []placement {
	set := func(key, value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Spec.NodeSelector[key] = value }
	}
	size := func(cpu, memory string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { request(p, cpu, memory) }
	}
	return []placement{
		{
			name: "the JobManager of the amd64 job", pod: sample(computePool, "jobmanager", nil),
			want: compute(computePool+"-jobmanager", onDemand),
		},
		{
			name: "the JobManager of the arm64 job", pod: sample(gravitonPool, "jobmanager", nil),
			want: graviton(gravitonPool+"-jobmanager", onDemand),
		},
		{name: "a TaskManager of the amd64 job", pod: sample(computePool, "taskmanager", nil), want: compute(computePool, spot)},
		{
			name: "a TaskManager of the arm64 job", pod: sample(gravitonPool, "taskmanager", nil),
			want: graviton(gravitonPool, spot),
		},
		{
			name: "a TaskManager that wants on demand",
			pod:  sample(computePool, "taskmanager", set(karpv1.CapacityTypeLabelKey, onDemand)),
			want: compute(computePool, onDemand),
		},
		{name: "a job of the old blueprint, compute", pod: selecting("NodeGroupType", "FlinkComputeOptimized"),
			want: compute(computePool, spot)},
		{name: "a job of the old blueprint, Graviton", pod: selecting("NodeGroupType", "FlinkGravitonMemoryOptimized"),
			want: graviton(gravitonPool, spot)},
		{
			name: "a job of the old blueprint that pins a family",
			pod:  selecting("NodeGroupType", "FlinkComputeOptimized", "karpenter.k8s.aws/instance-family", "c5d"),
			want: place{pool: computePool, arch: "amd64", families: []string{"c5d"}, cheapest: spot},
		},
		{name: "a pod that selects nothing gets amd64", pod: selecting(), want: compute(computePool, spot)},
		{name: "a pod that only wants arm64", pod: selecting("kubernetes.io/arch", "arm64"), want: graviton(gravitonPool, spot)},
		{name: "a TaskManager that fills the largest node", pod: sample(gravitonPool, "taskmanager", size("40", "300Gi")),
			want: graviton(gravitonPool, spot)},
		{
			name:   "an amd64 image on the Graviton pool",
			pod:    sample(gravitonPool, "taskmanager", set("kubernetes.io/arch", "amd64")),
			refuse: []string{"kubernetes.io/arch"},
		},
		{
			name:   "a JobManager without its toleration",
			pod:    sample(computePool, "jobmanager", func(p *corev1.Pod) { p.Spec.Tolerations = nil }),
			refuse: []string{"did not tolerate taint", "FlinkRole=jobmanager:NoSchedule"},
		},
		{
			name: "a JobManager that wants spot", pod: sample(computePool, "jobmanager", set(karpv1.CapacityTypeLabelKey, spot)),
			refuse: []string{"karpenter.sh/capacity-type"},
		},
		{
			name: "a TaskManager larger than the largest node", pod: sample(computePool, "taskmanager", size("60", "8Gi")),
			refuse: []string{"no instance type has enough resources"},
		},
		{
			name: "a JobManager larger than its pool's nodes", pod: sample(computePool, "jobmanager", size("10", "8Gi")),
			refuse: []string{"no instance type has enough resources"},
		},
		{
			name:   "a zone in which the cluster has no subnet",
			pod:    sample(computePool, "taskmanager", set(corev1.LabelTopologyZone, "us-west-2d")),
			refuse: []string{"topology.kubernetes.io/zone"},
		},
		{
			name: "a pool that does not exist", pod: selecting("NodeGroupType", "FlinkGpu"),
			refuse: []string{"NodeGroupType In [FlinkGpu] not in NodeGroupType"},
		},
		{
			name: "a bare-metal type", pod: selecting("node.kubernetes.io/instance-type", "c5d.metal"),
			refuse: []string{"no instance type met"},
		},
		{
			name: "the instance families of the core nodes", pod: selecting("karpenter.k8s.aws/instance-family", "m5"),
			refuse: []string{"karpenter.k8s.aws/instance-family"},
		},
	}
}

func TestPodsLandWhereTheyMust(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, row := range placements() {
		t.Run(row.name, func(t *testing.T) {
			pod := row.pod(w)
			results := w.solve(t, pod)
			if len(row.refuse) > 0 {
				refused(t, results, pod, row.refuse)
				return
			}
			if err := results.PodErrors[pod]; err != nil || len(results.NewNodeClaims) != 1 {
				t.Fatalf("%d nodes, %v", len(results.NewNodeClaims), err)
			}
			landed(t, results.NewNodeClaims[0], row.want)
		})
	}
}

func refused(t *testing.T, results scheduling.Results, pod *corev1.Pod, parts []string) {
	t.Helper()
	err := results.PodErrors[pod]
	if err == nil {
		t.Fatalf("the pod is placed on %v", results.NewNodeClaims[0].NodePoolName)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("reason %q does not name %q", err, part)
		}
	}
	t.Logf("stays pending: %.180s", err.Error())
}

func landed(t *testing.T, claim *scheduling.NodeClaim, want place) {
	t.Helper()
	if claim.NodePoolName != want.pool {
		t.Fatalf("on pool %q, want %q", claim.NodePoolName, want.pool)
	}
	if got := claim.Requirements.Get(corev1.LabelArchStable).Values(); !slices.Equal(got, []string{want.arch}) {
		t.Errorf("architecture %v, want %q", got, want.arch)
	}
	families := map[string]bool{}
	for _, it := range claim.InstanceTypeOptions {
		families[strings.SplitN(it.Name, ".", 2)[0]] = true
	}
	if len(families) != len(want.families) {
		t.Errorf("families %v, want %v", families, want.families)
	}
	for _, f := range want.families {
		if !families[f] {
			t.Errorf("no type of family %q among %v", f, families)
		}
	}
	cheapest := claim.InstanceTypeOptions.OrderByPrice(claim.Requirements)[0]
	capacity := cheapest.Offerings.Compatible(claim.Requirements).Cheapest().CapacityType()
	if capacity != want.cheapest {
		t.Errorf("launched as %s, want %s", capacity, want.cheapest)
	}
	t.Logf("lands on %s: %s, %s", claim.NodePoolName, cheapest.Name, capacity)
}

// TestAJobsPodsAreKeptApart: one batch holds the pods of a whole job, and JobManager and TaskManagers do not share a
// node, in either order. With one pool for both, Karpenter narrows the first node to on demand and packs all on it.
func TestAJobsPodsAreKeptApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, pool := range []string{computePool, gravitonPool} {
		pods := []*corev1.Pod{
			w.pod(pool, "jobmanager", "jm"), w.pod(pool, "taskmanager", "tm-1"), w.pod(pool, "taskmanager", "tm-2"),
		}
		for range 2 {
			slices.Reverse(pods)
			results := w.solve(t, pods...)
			if len(results.PodErrors) > 0 || len(results.NewNodeClaims) != 2 {
				t.Fatalf("%s: %d nodes, %v", pool, len(results.NewNodeClaims), results.PodErrors)
			}
			for _, claim := range results.NewNodeClaims {
				for _, p := range claim.Pods {
					if isMaster := p.Name == "jm"; isMaster != strings.HasSuffix(claim.NodePoolName, "-jobmanager") {
						t.Errorf("%s is on %s", p.Name, claim.NodePoolName)
					}
				}
			}
		}
	}
}

// TestPoolsPassKarpentersOwnValidation: what the CRD's rules cannot say, Karpenter checks at run time.
func TestPoolsPassKarpentersOwnValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if len(w.NodePools) != 4 {
		t.Fatalf("%d pools, want 4", len(w.NodePools))
	}
	for _, np := range w.NodePools {
		if err := np.RuntimeValidate(testContext(t)); err != nil {
			t.Errorf("%s: %v", np.Name, err)
		}
	}
	broken := w.NodePools[0].DeepCopy()
	broken.Spec.Template.Labels["karpenter.sh/capacity"] = "spot"
	if err := broken.RuntimeValidate(testContext(t)); err == nil {
		t.Error("a label in Karpenter's own domain is accepted")
	}
}
