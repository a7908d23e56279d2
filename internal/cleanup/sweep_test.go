// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube/kubetest"
)

const logGroup = "/aws/eks/" + cluster + "/cluster"

// mine are the marks of what controllers in the cluster make.
func mine() map[string]string { return map[string]string{"kubernetes.io/cluster/" + cluster: "owned"} }

// sweepLooks runs f at the start of the n-th look of the sweep.
func (w *world) sweepLooks(n int, f func()) {
	w.look = func(phase string) {
		if phase == PhaseSweep {
			if n--; n == 0 {
				f()
			}
		}
	}
}

func TestTheSweepEndsWithTheSecondLookInARowThatFindsNothing(t *testing.T) {
	t.Parallel()
	group := awsapi.Resource{Service: "logs", Type: awsapi.TypeLogGroup, ID: logGroup, CreatedBy: "eks"}
	for name, c := range map[string]struct {
		comes int // the look at which the group is there
		took  time.Duration
	}{
		"nothing comes": {0, time.Second},
		"it comes after a look that found nothing": {2, 3 * time.Second},
		"it comes first": {1, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sweepLooks(c.comes, func() { w.add(group) })
			_, err := w.run(t)
			require.NoError(t, err)
			require.Equal(t, c.took, w.took(PhaseSweep), "half of what AWS takes, between two looks")
			require.NotContains(t, w.resources, logGroup)
		})
	}
}

func TestALookAtWhichADeletionFailedIsNotClean(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(awsapi.Resource{
		Service: "ec2", Type: awsapi.TypeVolume, ID: "vol-1", State: "available", Tags: mine(), CreatedBy: "kubernetes",
	})
	w.fail["delete vol-1"] = errors.New("VolumeInUse")
	_, err := w.run(t)
	require.ErrorContains(t, err, `delete volume "vol-1": VolumeInUse`)
	require.Equal(t, 6, w.count("sweep vol-1"))
	require.Equal(t, 6*time.Second, w.took(PhaseSweep))
}

func TestAnInventoryThatFailsInTheSweepIsNoCleanLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sweepLooks(1, func() { w.fail["inventory"] = errors.New("RequestLimitExceeded") })
	_, err := w.run(t)
	require.ErrorContains(t, err, "phase sweep: RequestLimitExceeded")
	require.Equal(t, 6*time.Second, w.took(PhaseSweep))
}

func TestWhatHangsOnAnInstanceWaitsUntilItIsTerminated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(
		awsapi.Resource{
			Service: "ec2", Type: awsapi.TypeInstance, ID: "i-leaked", State: "running", Tags: mine(), CreatedBy: "karpenter",
		},
		awsapi.Resource{
			Service: "ec2", Type: awsapi.TypeVolume, ID: "vol-1", State: "available", Tags: mine(), CreatedBy: "kubernetes",
		},
	)
	_, err := w.run(t)
	require.NoError(t, err)
	w.inOrder(t, "sweep i-leaked", "terminated [i-leaked]", "sweep vol-1")
	require.Equal(t, 1, strings.Count(strings.Join(w.journal, "\n"), "terminated"), "only where there was an instance")
	require.Equal(t, 10*time.Minute, w.limit)
	require.Contains(t, w.causes(PhaseSweep), "waiting until 1 instances are terminated")
}

func TestASweptBucketIsEmptiedFirst(t *testing.T) {
	t.Parallel()
	for _, refusal := range []error{nil, errors.New("AccessDenied: s3:DeleteObjectVersion")} {
		w := newWorld(t)
		w.resources["our-bucket"] = awsapi.Resource{Service: "s3", Type: awsapi.TypeBucket, ID: "our-bucket", Tags: ours()}
		w.add(awsapi.Resource{
			Service: "ec2", Type: awsapi.TypeVolume, ID: "vol-1", State: "available", Tags: mine(), CreatedBy: "kubernetes",
		})
		w.sweepLooks(1, func() { w.fail["empty"] = refusal })
		_, err := w.run(t)
		require.Zero(t, w.count("empty vol-1"))
		if refusal != nil {
			require.ErrorContains(t, err, `empty bucket "our-bucket": AccessDenied`)
			require.NotContains(t, w.journal, "sweep our-bucket")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, 2, w.count("empty our-bucket"), "its contents were a phase of their own before the engine")
		w.inOrder(t, "engine", "sweep our-bucket")
	}
}

func TestTheEngineHasNoSecondTurnWhenNothingWasInItsWay(t *testing.T) {
	t.Parallel()
	for name, node := range map[string]bool{"a node was left": true, "nothing was left": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.account.cluster, w.engine.err = false, errors.New("DependencyViolation")
			if !node {
				delete(w.resources, "i-node")
			}
			_, err := w.run(t)
			require.ErrorContains(t, err, "DependencyViolation")
			const said = "1 leftovers of controllers blocked the deletion; the engine tries again"
			if node {
				require.Equal(t, 2, w.engine.runs)
				require.Contains(t, w.causes(PhaseEngine), said)
				return
			}
			require.Equal(t, 1, w.engine.runs)
			require.NotContains(t, strings.Join(w.causes(PhaseEngine), "\n"), "leftovers")
		})
	}
}

func TestOnlyWhatAControllerHoldsNeedsTheCluster(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		left awsapi.Resource
		held string
	}{
		"a volume of a claim":  {awsapi.Resource{Type: awsapi.TypeVolume, CreatedBy: "kubernetes"}, "volume x"},
		"a node of Karpenter":  {awsapi.Resource{Type: awsapi.TypeInstance, CreatedBy: "karpenter"}, "instance x"},
		"a load balancer":      {awsapi.Resource{Type: awsapi.TypeLoadBalancer, CreatedBy: "kubernetes"}, "loadbalancer x"},
		"a node of the engine": {awsapi.Resource{Type: awsapi.TypeInstance, CreatedBy: "eks"}, ""},
		"a volume that goes":   {awsapi.Resource{Type: awsapi.TypeVolume, CreatedBy: "kubernetes", State: "deleting"}, ""},
		"an interface":         {awsapi.Resource{Type: awsapi.TypeNetworkInterface, CreatedBy: "kubernetes"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.kube = kubetest.New()
			c.left.ID = "x"
			w.resources = map[string]awsapi.Resource{"x": c.left}
			held, err := newRun(w.c, nil).heldByControllers(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.held, held)
		})
	}
	w := newWorld(t)
	w.fail["inventory"] = &awsapi.InventoryError{Parts: []awsapi.UnknownPart{{What: "volumes", Err: errors.New("denied")}}}
	_, err := newRun(w.c, nil).heldByControllers(t.Context())
	require.EqualError(t, err, "what controllers hold is not known: volumes: denied")
	w.fail["inventory"] = errors.New("no answer")
	_, err = newRun(w.c, nil).heldByControllers(t.Context())
	require.EqualError(t, err, "no answer")
}

func TestWhatIsDroppedFromTheStateIsSaid(t *testing.T) {
	t.Parallel()
	for holds, said := range map[int]bool{4: true, 0: false} {
		w := newWorld(t)
		w.account.cluster, w.engine.holds = false, holds
		_, err := w.run(t)
		require.NoError(t, err)
		const text = "4 Kubernetes objects were dropped from the state: they go with the cluster"
		require.Equal(t, said, strings.Contains(strings.Join(w.causes(PhaseEngine), "\n"), text))
		require.Equal(t, said, strings.Contains(strings.Join(w.causes(PhaseEngine), "\n"), "were dropped"))
	}
}

// Interfaces of an instance that lives are not pulled away: when it is not known which do, none is.
func TestInterfacesStayWhenItIsNotKnownWhichInstancesLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(awsapi.Resource{
		Service: "ec2", Type: awsapi.TypeNetworkInterface, ID: "eni-lost", State: "available", CreatedBy: "kubernetes",
		Tags: map[string]string{"cluster.k8s.amazonaws.com/name": cluster, "node.k8s.amazonaws.com/instance_id": "i-gone"},
	})
	r := newRun(w.c, nil)
	w.fail["inventory"] = &awsapi.InventoryError{Parts: []awsapi.UnknownPart{{What: "instances", Err: errors.New("denied")}}}
	require.EqualError(t, r.interfaces(t.Context()), "which instances live is not known: denied")
	require.Empty(t, w.journal)
	w.fail["inventory"] = nil
	require.NoError(t, r.interfaces(t.Context()))
	require.Equal(t, []string{"sweep eni-lost"}, w.journal)
}
