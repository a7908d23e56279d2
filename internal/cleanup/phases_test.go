// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

func TestEachPhaseIsExpectedAndLimitedInTime(t *testing.T) {
	t.Parallel()
	got := []string{}
	for _, p := range Phases(Choices{}) {
		got = append(got, fmt.Sprint(p.Name, " ", p.Expected, " ", p.Timeout))
	}
	require.Equal(t, []string{
		"check 10s 5m0s", "flink-jobs 30s 5m0s", "load-balancers 30s 5m0s", "volumes 20s 5m0s", "node-pools 2m0s 20m0s",
		"node-classes 10s 2m0s", "interfaces 5s 2m0s", "bucket-contents 30s 30m0s", "engine 13m0s 1h0m0s", "sweep 20s 15m0s",
		"verify 10s 5m0s",
	}, got)
}

func TestWhatIsNotSetHasADefault(t *testing.T) {
	t.Parallel()
	want := [3]time.Duration{time.Second, 10 * time.Second, 15 * time.Second}
	for _, unset := range []time.Duration{0, -1} {
		c := Cleanup{Poll: unset, Settle: unset, Heartbeat: unset}.withDefaults()
		require.Equal(t, want, [3]time.Duration{c.Poll, c.Settle, c.Heartbeat})
		require.Zero(t, c.Price(awsapi.Resource{}))
	}
	c := Cleanup{Poll: 1, Settle: 2, Heartbeat: 3, Price: func(awsapi.Resource) float64 { return 4 }}.withDefaults()
	require.Equal(t, [3]time.Duration{1, 2, 3}, [3]time.Duration{c.Poll, c.Settle, c.Heartbeat})
	require.InDelta(t, 4, c.Price(awsapi.Resource{}), 0)
}

func TestEachPhaseIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.run(t)
	require.NoError(t, err)
	var started []int
	for _, p := range w.said {
		require.Equal(t, 11, p.Count)
		if p.State == StateStart {
			started = append(started, p.Index)
		}
	}
	// The eighth begins beside the third, and the ninth waits for it.
	jobs, buckets, engine := slices.Index(started, 2), slices.Index(started, 8), slices.Index(started, 9)
	require.Less(t, jobs, buckets)
	require.Less(t, buckets, engine)
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 9, 10, 11}, slices.Delete(slices.Clone(started), buckets, buckets+1))
}

// An inventory is twenty calls of AWS: only the phases that decide by it ask for it.
func TestTheAccountIsLookedAtWhereItDecides(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		balancer bool
		want     []string
	}{
		"no load balancer": {false, []string{PhaseCheck, PhaseInterfaces, PhaseSweep, PhaseSweep, PhaseVerify}},
		"a load balancer that goes after two seconds": {true, []string{PhaseCheck, PhaseBalancers, PhaseBalancers,
			PhaseBalancers, PhaseInterfaces, PhaseSweep, PhaseSweep, PhaseVerify}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.balancer {
				w.add(awsapi.Resource{Type: awsapi.TypeLoadBalancer, ID: "lb-1", CreatedBy: "kubernetes", Tags: mine()})
			}
			var looked []string
			waits := 0
			w.look = func(phase string) {
				looked = append(looked, phase)
				if phase == PhaseBalancers {
					if waits++; waits == 3 {
						delete(w.resources, "lb-1")
					}
				}
			}
			_, err := w.run(t)
			require.NoError(t, err)
			buckets := slices.Index(looked, PhaseBuckets) // which begins when the jobs are gone, beside the others
			require.Positive(t, buckets)
			require.Less(t, buckets, slices.Index(looked, PhaseSweep))
			require.Equal(t, c.want, slices.Delete(looked, buckets, buckets+1))
			said := strings.Contains(strings.Join(w.causes(PhaseBalancers), "\n"), "load balancer lb-1 is still there")
			require.Equal(t, c.balancer, said)
		})
	}
}

func TestALoadBalancerThatStaysTakesItsPhasesTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(awsapi.Resource{Type: awsapi.TypeLoadBalancer, ID: "lb-1", CreatedBy: "kubernetes", Tags: mine(), State: "deleting"})
	report, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, []string{"phase load-balancers: timed out after 5m0s: context deadline exceeded"}, report.Warnings)
	w = newWorld(t)
	w.add(awsapi.Resource{Type: awsapi.TypeLoadBalancer, ID: "lb-1", CreatedBy: "kubernetes", Tags: mine()})
	w.look = func(phase string) {
		w.fail["inventory"] = map[string]error{PhaseBalancers: errors.New("no answer")}[phase]
	}
	report, _ = w.run(t)
	require.Equal(t, "phase load-balancers: no answer", report.Warnings[0])
}

// volume is a persistent volume that goes with its claim.
func volume(w *world) {
	w.kube.Put(kubetest.Object(kube.KindPV, "", "pv-1", map[string]any{
		"metadata": map[string]any{"finalizers": []any{"kubernetes.io/pv-protection"}},
		"spec":     map[string]any{"persistentVolumeReclaimPolicy": "Delete"}}))
}

func TestVolumesAreWaitedForUntilTheyAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	volume(w)
	synctest.Test(t, func(t *testing.T) {
		defer w.controlling.Wait()
		w.controlling.Go(func() {
			time.Sleep(90 * time.Second)
			ref := kube.KindPV.Ref("", "pv-1")
			_ = w.kube.Delete(t.Context(), ref, kube.Background)
			_, _ = w.kube.Patch(context.Background(), ref, "", map[string]any{"metadata": map[string]any{"finalizers": nil}})
		})
		report, err := w.c.Run(t.Context(), func(p Progress) { w.said = append(w.said, p) })
		require.NoError(t, err)
		require.Empty(t, report.Warnings)
	})
	require.Contains(t, strings.Join(w.causes(PhaseVolumes), "\n"), "pv-1")
	require.Greater(t, w.took(PhaseVolumes), time.Minute)

	w = newWorld(t)
	volume(w)
	report, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, []string{"phase volumes: timed out after 5m0s: context deadline exceeded"}, report.Warnings)
}

func TestDataThatCannotBeKeptIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call string
		err  error
		want []string
	}{
		"a volume that is refused":    {"patch PersistentVolume", errors.New("forbidden"), []string{"keep ", "forbidden"}},
		"volumes that are not listed": {"list PersistentVolume", errors.New("no answer"), []string{"no answer"}},
		"a volume that is gone meanwhile": {
			"patch PersistentVolume", kube.NewError("patch", kube.Ref{}, "NotFound", "gone"), nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.c.Scope.RetainData = true
			volume(w)
			w.kube.Fail(c.call, c.err)
			report, err := w.run(t)
			require.NoError(t, err)
			if c.want == nil {
				require.Empty(t, report.Warnings)
			}
			for _, want := range c.want {
				require.Contains(t, report.Warnings[0], want)
			}
		})
	}
}

func TestAClusterThatComesOrGoesIsNotAsked(t *testing.T) {
	t.Parallel()
	for status, asked := range map[string]bool{
		"ACTIVE": true, "UPDATING": true, "CREATING": false, "DELETING": false, "FAILED": false,
	} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.account.status = status
			report, err := w.run(t)
			require.NoError(t, err)
			require.Empty(t, report.Warnings)
			require.Equal(t, asked, len(w.kube.Calls()) > 0)
			said := strings.Contains(strings.Join(w.causes(PhaseJobs), "\n"), `cluster "`+cluster+`" is `+status)
			require.Equal(t, !asked, said)
			require.False(t, w.engine.forgot, "it exists")
		})
	}
}

func TestAWaitNamesWhatItIsFor(t *testing.T) {
	t.Parallel()
	stuck := map[string]any{"metadata": map[string]any{"finalizers": []any{"stuck/here"}}}
	for name, c := range map[string]struct {
		objects []string // names of NodeClaims beside the class
		failing error    // of the list of NodeClaims
		want    string
	}{
		"one object":                         {nil, nil, `EC2NodeClass "flink" waits for finalizer`},
		"an object that others explain":      {[]string{"a"}, nil, `NodeClaim "a"`},
		"several of these":                   {[]string{"a", "b"}, nil, `2 NodeClaims; NodeClaim "a"`},
		"others that are not answered about": {[]string{"a"}, errors.New("no answer"), `EC2NodeClass "flink" waits`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.kube = kubetest.New(kubetest.Object(kube.KindEC2NodeClass, "", "flink", stuck))
			for _, n := range c.objects {
				w.kube.Put(kubetest.Object(kube.KindNodeClaim, "", n, stuck))
			}
			w.kube.Fail("list NodeClaim", c.failing)
			synctest.Test(t, func(t *testing.T) {
				r := newRun(w.c, func(p Progress) { w.said = append(w.said, p) })
				r.cluster = w.kube
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err := r.deleteAll(ctx, PhaseClasses, steps(Choices{})[5].batches[0])
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
			require.True(t, strings.HasPrefix(w.said[len(w.said)-1].Cause, c.want), w.said[len(w.said)-1].Cause)
		})
	}
}

// A call that has a deadline of its own says nothing about that of its phase.
func TestOnlyAPhaseWhoseTimeIsOverHasTimedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kube.Fail("list PersistentVolumeClaim", fmt.Errorf("list claims: %w", context.DeadlineExceeded))
	report, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, []string{"phase volumes: list claims: context deadline exceeded"}, report.Warnings)
}
