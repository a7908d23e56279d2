// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/golden"
	"emrflink/internal/kube"
)

// recorder notes what an operator shows of a job: each status tuple and each event that is another one than the last.
type recorder struct {
	w        *world
	statuses []string
	events   []string
}

func record(w *world) *recorder {
	r := &recorder{w: w}
	w.React(func(verb string, o *unstructured.Unstructured) {
		switch o.GetKind() {
		case "FlinkDeployment":
			r.status(o)
		case "Event":
			m, _, _ := unstructured.NestedString(o.Object, "message")
			reason, _, _ := unstructured.NestedString(o.Object, "reason")
			r.events = append(r.events, reason+": "+m)
		}
	})
	return r
}

func (r *recorder) status(o *unstructured.Unstructured) {
	var parts []string
	for _, path := range [][]string{
		{"lifecycleState"}, {"jobStatus", "state"}, {"jobManagerDeploymentStatus"}, {"reconciliationStatus", "state"},
	} {
		s, _, _ := unstructured.NestedString(o.Object, append([]string{"status"}, path...)...)
		if s == "" {
			s = "None"
		}
		parts = append(parts, s)
	}
	now := strings.Join(parts, " ")
	if n := len(r.statuses); n == 0 || r.statuses[n-1] != now {
		r.statuses = append(r.statuses, now)
	}
}

// The states that the real operator showed, as lifecycle, job, JobManager and reconciliation.
const (
	announced  = "UPGRADING None MISSING UPGRADING"
	stopped    = "UPGRADING FINISHED READY UPGRADING"
	deleted    = "UPGRADING FINISHED MISSING UPGRADING"
	deploying  = "DEPLOYED RECONCILING DEPLOYING DEPLOYED"
	notReady   = "DEPLOYED RECONCILING DEPLOYED_NOT_READY DEPLOYED"
	notFound   = "DEPLOYED RECONCILING READY DEPLOYED"
	restoring  = "DEPLOYED INITIALIZING READY DEPLOYED"
	created    = "DEPLOYED CREATED READY DEPLOYED"
	stable     = "STABLE RUNNING READY DEPLOYED"
	triggered  = "DEPLOYED RUNNING READY DEPLOYED"
	eventBegun = "Submit: Starting deployment"
	eventEnded = "Suspended: Suspending existing deployment."
	eventSpec  = "SpecChanged"
	toCreated  = "JobStatusChanged: Job status changed from RECONCILING to CREATED"
	toRestored = "JobStatusChanged: Job status changed from RECONCILING to INITIALIZING"
	created2   = "JobStatusChanged: Job status changed from INITIALIZING to CREATED"
	toRunning  = "JobStatusChanged: Job status changed from CREATED to RUNNING"
	restarted  = "JobStatusChanged: Job status changed from RESTARTING to CREATED"
)

// Why the stand-in shows less than the real operator did.
const (
	readsNothing = "the simulated JobManager reads no state: the job is CREATED at once"
	oneStep      = "the simulated JobManager starts a job again in one step, and the status has Flink's cause until then"
	noGap        = "the simulated JobManager has its job as soon as it answers"
)

// scenario is one of the real operator's (Apache Flink Kubernetes operator 1.10.0 with Flink 1.20.1): what was done to a job, and
// what it then showed, in this order. The job of one goes on in the next. only is what the stand-in leaves out, and why, instead
// are its events in that place.
type scenario struct {
	name, action     string
	do               func(w *world)
	statuses, events []string
	only             map[string]string
	instead          []string
}

func scenarios() []scenario {
	job := func(fields object) func(w *world) { return func(w *world) { w.spec(object{"job": fields}) } }
	initializing := map[string]string{restoring: readsNothing, toRestored: readsNothing, created2: readsNothing}
	again := []string{deploying, notReady, created, stable}
	from := func(first ...string) []string { return append(first, again...) }
	upgraded := []string{eventSpec, eventEnded, eventBegun, toCreated, toRunning}
	return []scenario{
		{"create", "a FlinkDeployment with high availability", func(w *world) { w.Put(flink(nil)) },
			from(announced), []string{eventBegun, toCreated, toRunning}, nil, nil},
		{"savepoint upgrade", "`job.parallelism`", job(object{"parallelism": 1}),
			[]string{stopped, deleted, deploying, notReady, restoring, created, stable},
			[]string{eventSpec, eventEnded, eventBegun, toRestored, created2, toRunning}, initializing, []string{toCreated}},
		{"TaskManager lost", "DELETE of its pod", func(w *world) {
			workers := kube.ListOptions{Namespace: team, Labels: "component=" + componentWorker}
			list, err := w.List(w.t.Context(), kube.KindPod, workers)
			require.NoError(w.t, err)
			require.NoError(w.t, w.Delete(w.t.Context(), kube.RefOf(&list[0]), kube.Background))
		}, []string{"STABLE RESTARTING READY DEPLOYED", "STABLE CREATED READY DEPLOYED", stable}, []string{
			"JobStatusChanged: Job status changed from RUNNING to RESTARTING",
			restarted, toRunning,
		}, map[string]string{"STABLE CREATED READY DEPLOYED": oneStep, restarted: oneStep, toRunning: oneStep},
			[]string{"JobStatusChanged: Job status changed from RESTARTING to RUNNING", "Error"}},
		{"last-state upgrade", "`job.upgradeMode: last-state` and a setting",
			func(w *world) {
				w.spec(object{"job": object{"upgradeMode": "last-state"}, "flinkConfiguration": object{"a": "b"}})
			}, from(deleted), upgraded, nil, nil},
		{"suspend, last-state", "`job.state: suspended`", job(object{"state": "suspended"}),
			[]string{"SUSPENDED FINISHED MISSING DEPLOYED"}, []string{eventSpec, eventEnded}, nil, nil},
		{"resume, last-state", "`job.state: running`", job(object{"state": "running"}),
			from("UPGRADING RECONCILING MISSING UPGRADING"), []string{eventSpec, eventBegun, toCreated, toRunning}, nil, nil},
		{"suspend, savepoint", "`job.state: suspended`, `job.upgradeMode: savepoint`",
			job(object{"state": "suspended", "upgradeMode": "savepoint"}),
			[]string{"SUSPENDED FINISHED READY DEPLOYED"}, []string{eventSpec, eventEnded}, nil, nil},
		{"resume, savepoint", "`job.state: running`", job(object{"state": "running"}),
			[]string{stopped, deleted, deploying, notReady, notFound, created, stable},
			[]string{eventSpec, eventBegun, "Missing: Job Not Found", toCreated, toRunning},
			map[string]string{notFound: noGap, "Missing: Job Not Found": noGap}, nil},
		{"savepoint by nonce", "`job.savepointTriggerNonce`", job(object{"savepointTriggerNonce": 7}),
			[]string{triggered, stable}, nil, nil, nil},
		{"checkpoint by nonce", "`job.checkpointTriggerNonce`", job(object{"checkpointTriggerNonce": 7}),
			[]string{triggered, stable}, nil, nil, nil},
		{"stateless upgrade", "`job.upgradeMode: stateless`, `job.parallelism`",
			job(object{"upgradeMode": "stateless", "parallelism": 2}), from(deleted), upgraded, nil, nil},
		{"delete", "DELETE", func(w *world) { require.NoError(w.t, w.Delete(w.t.Context(), jobRef, kube.Background)) },
			nil, []string{"Cleanup: Cleaning up FlinkDeployment"}, nil, nil},
		{"create from a savepoint", "`job.initialSavepointPath` of another job", func(w *world) {
			w.Put(flink(object{"job": object{"initialSavepointPath": "s3://" + w.s3.keys("/_metadata")[0]}}))
		}, []string{announced, deploying, notReady, restoring, created, stable},
			[]string{eventBegun, toRestored, created2, toRunning}, initializing, []string{toCreated}},
		{"another path", "`job.initialSavepointPath`, without its nonce", job(object{"initialSavepointPath": "s3://none/x"}), nil,
			nil, nil, nil},
		{"redeploy", "`job.savepointRedeployNonce`, with a path that is there", func(w *world) {
			w.spec(object{"job": object{
				"initialSavepointPath": "s3://" + w.s3.keys("/_metadata")[0], "savepointRedeployNonce": 2,
			}})
		}, []string{"STABLE FINISHED MISSING DEPLOYED", "STABLE RECONCILING DEPLOYING DEPLOYED",
			"STABLE RECONCILING DEPLOYED_NOT_READY DEPLOYED", "STABLE CREATED READY DEPLOYED", stable},
			[]string{eventSpec, eventBegun, toCreated, toRunning}, nil, nil},
		{"session cluster", "a FlinkDeployment without a job", func(w *world) {
			require.NoError(w.t, w.Delete(w.t.Context(), jobRef, kube.Background))
			w.pass(6)
			w.Put(flink(object{"job": nil}))
		}, []string{announced, "DEPLOYED None DEPLOYING DEPLOYED", "DEPLOYED None DEPLOYED_NOT_READY DEPLOYED",
			"STABLE None READY DEPLOYED"}, nil, nil, nil},
	}
}

// without leaves out what is explained.
func without(list []string, only map[string]string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return only[s] != "" })
}

// TestTheStandInShowsWhatTheRealOperatorDid compares scenario by scenario, and writes the table of the documentation.
func TestTheStandInShowsWhatTheRealOperatorDid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.late = 2
	r := record(w)
	all := scenarios()
	var rows strings.Builder
	equal := 0
	for _, s := range all {
		r.statuses, r.events = r.statuses[max(0, len(r.statuses)-1):], nil
		first := len(r.statuses)
		s.do(w)
		w.pass(16)
		got := r.statuses[first:]
		if i := slices.Index(got, "None None None None"); i >= 0 {
			got = got[i+1:] // as it is created
		}
		events := slices.DeleteFunc(slices.Clone(r.events), func(e string) bool {
			return s.name == "session cluster" && strings.HasPrefix(e, "Cleanup") // of the job before it
		})
		for i, e := range events {
			if reason, _, _ := strings.Cut(e, ":"); reason == eventSpec || reason == "Error" {
				events[i] = reason
			}
		}
		verdict := "equal"
		if len(s.only) == 0 {
			equal++
		} else {
			why := slices.Sorted(maps.Values(s.only))
			verdict = "equal but for: " + strings.Join(slices.Compact(why), "; ")
		}
		slices.Sort(events)
		want := without(s.events, s.only)
		want = append(want, s.instead...)
		slices.Sort(want) // the operator's threads make them in an order of their own
		require.Empty(t, cmp.Diff(without(s.statuses, s.only), got, cmpopts.EquateEmpty()), s.name)
		require.Empty(t, cmp.Diff(want, events, cmpopts.EquateEmpty()), s.name)
		fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s |\n", s.name, s.action, cell(s.statuses, s.only), cell(s.events, s.only),
			verdict)
	}
	golden.Equal(t, "../../../docs/operator-scenarios.md", fmt.Sprintf(page, len(all), equal, len(all)-equal)+rows.String())
}

// cell lists, and puts into brackets what the stand-in leaves out.
func cell(list []string, only map[string]string) string {
	var out []string
	for _, s := range list {
		text := strings.ReplaceAll(strings.TrimPrefix(s, "JobStatusChanged: Job status changed "), " ", "&nbsp;")
		if only[s] != "" {
			text = "[" + text + "]"
		}
		out = append(out, text)
	}
	return strings.Join(out, "<br>")
}

const page = `# The operator of the local target beside the real one

EMR's operator is closed. The open-source one that it is made of, release 1.10.0 with Flink 1.20.1, was run and watched; each row
has what it showed then: every change of lifecycle, state of the job, JobManager and reconciliation, and its events (their order
differs from run to run). A test does the same to the stand-in of the local target and fails when it shows anything else. What
only the real operator showed is in [brackets], with the reason.

%d scenarios: %d equal, %d equal but for what a simulated JobManager is too quick for. Not compared: rollback,
upgrades of a job that does not run, session jobs, and lost high-availability data.

| scenario | what was done | statuses | events | the stand-in |
|---|---|---|---|---|
`
