// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/mask"
)

// What an upgrade starts the new job from.
const (
	FromSavepoint  = "savepoint"  // that the job is stopped with
	FromCheckpoint = "checkpoint" // or an older savepoint: the newest that is there
	FromNothing    = "nothing"
)

// SpecChange is one field that differs.
type SpecChange struct {
	Path string `json:"path"`
	Old  string `json:"old"` // as JSON, "" for none
	New  string `json:"new"`
}

// UpgradePlan says what an upgrade would do. It is the JSON of `job upgrade --dry-run`.
type UpgradePlan struct {
	SchemaVersion int          `json:"schemaVersion"`
	Job           string       `json:"job"`
	Namespace     string       `json:"namespace"`
	Changes       []SpecChange `json:"changes"`
	UpgradeMode   string       `json:"upgradeMode"` // that the spec asks for
	From          string       `json:"from"`        // what acts: savepoint, checkpoint, nothing
	// State is what the job starts from, "" for a savepoint that is taken when it is stopped; At is when it was written.
	State string    `json:"state"`
	At    time.Time `json:"at,omitzero"`
	// Jar says that the jar has new bytes under its old name; "" when it has not, or that is not known.
	Jar string `json:"jar"`
	// StandStill is what is known of the time in which nothing runs.
	StandStill string `json:"standStill"`
	// HourlyUSD and NewHourlyUSD are the shares of the on-demand prices of nodes, of the types that the job has now, that the old
	// and the new spec ask for; nil where that is not known.
	HourlyUSD    *float64 `json:"hourlyUSD,omitempty"`
	NewHourlyUSD *float64 `json:"newHourlyUSD,omitempty"`
	// NotAssessed is what only the start of the job shows.
	NotAssessed []string `json:"notAssessed"`

	patch, back map[string]any // of the spec, and what takes it back
	was         deployment
	start       State
}

// Upgrade is what a job is to become.
type Upgrade struct {
	Spec    map[string]any // the new spec, whole
	Jar     Jar            // uploaded first; the zero value is none
	From    string         // a state to start from, by name or URI, in the place of a savepoint
	Discard bool           // start from nothing where the upgrade mode is stateless, or no state is there
	// Rollback goes back to the old spec and its state when the new one does not become healthy.
	Rollback bool
}

// PlanUpgrade says what an upgrade would do, and refuses what would lose state. Nothing is changed.
func (s Store) PlanUpgrade(ctx context.Context, u Upgrade) (UpgradePlan, error) {
	if s.Running == nil {
		return UpgradePlan{}, joinErr(fmt.Errorf("job %q: %w", s.Job, ErrNoJob), s.Absent)
	}
	j := *s.Running
	o, err := j.Runner.Kube.Get(ctx, j.Ref)
	if err != nil {
		return UpgradePlan{}, fmt.Errorf("read job %q: %w", s.Job, err)
	}
	old, _, _ := unstructured.NestedMap(o.Object, "spec")
	d := deploymentOf(o)
	p := UpgradePlan{
		SchemaVersion: SchemaVersion, Job: s.Job, Namespace: s.Namespace, UpgradeMode: d.UpgradeMode, was: d,
		NotAssessed: []string{
			"whether every operator of the new job finds its state: the metadata has the hashes of uids, and the new job's are " +
				"known when it starts; Flink then refuses state that nobody takes",
			"whether the serializers of the new job read the state",
		},
		StandStill: "from the stop of the job until the new one is RUNNING",
	}
	if u.Spec == nil {
		return p, errors.New("upgrade: no spec")
	}
	spec := normalJSON(u.Spec)
	keepOwn(old, spec)
	followRelease(old, spec)
	p.patch, _ = difference(old, spec).(map[string]any)
	p.back, _ = difference(spec, old).(map[string]any)
	p.Changes = changesOf(old, spec)
	if p.Jar, err = j.otherBytes(ctx, spec); err != nil || len(p.Changes) == 0 {
		return p, err
	}
	costs := j.Runner.specCosts(ctx, d, normalJSON(old), spec)
	p.HourlyUSD, p.NewHourlyUSD = costs[0], costs[1]
	if m, _, _ := unstructured.NestedString(spec, "job", "upgradeMode"); m != "" {
		p.UpgradeMode = m
	}
	if err := s.chooseStart(ctx, u, &p); err != nil {
		return p, err
	}
	parallelism, _, _ := unstructured.NestedFieldNoCopy(spec, "job", "parallelism")
	n, _ := parallelism.(float64)
	return p, j.takes(int64(n), p.start)
}

// keepOwn keeps what a new spec does not say and what is not its author's: whether the job runs, and the nonces that acted on it.
func keepOwn(old, spec map[string]any) {
	job, ok := spec["job"].(map[string]any)
	if !ok {
		return
	}
	was, _ := old["job"].(map[string]any)
	for _, k := range []string{"state", "savepointTriggerNonce", "checkpointTriggerNonce", "savepointRedeployNonce",
		"initialSavepointPath"} {
		delete(job, k)
		if v, had := was[k]; had {
			job[k] = v
		}
	}
	if v, had := old["restartNonce"]; had {
		spec["restartNonce"] = v
	}
}

// normalJSON is a copy as JSON has it: numbers are of one type.
func normalJSON(v map[string]any) map[string]any {
	raw, err := json.Marshal(v)
	out := map[string]any{}
	if err != nil || json.Unmarshal(raw, &out) != nil {
		return v
	}
	return out
}

// difference is the merge patch that makes one value of another, nil when they are equal.
func difference(from, to any) any {
	a, isMap := from.(map[string]any)
	b, both := to.(map[string]any)
	if !isMap || !both {
		return to
	}
	patch := map[string]any{}
	for k := range a {
		if _, stays := b[k]; !stays {
			patch[k] = nil
		}
	}
	for k, v := range b {
		if have, had := a[k]; !had || !sameJSON(have, v) {
			patch[k] = difference(a[k], v)
		}
	}
	return patch
}

func sameJSON(a, b any) bool {
	rawA, errA := json.Marshal(a)
	rawB, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(rawA, rawB)
}

// changesOf are the fields that differ, by path. A secret is not shown.
func changesOf(old, spec map[string]any) []SpecChange {
	before, after := map[string]string{}, map[string]string{}
	flattenSpec(before, "spec", old)
	flattenSpec(after, "spec", spec)
	paths := maps.Clone(before)
	maps.Copy(paths, after)
	var out []SpecChange
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if before[path] == after[path] {
			continue
		}
		c := SpecChange{Path: path, Old: before[path], New: after[path]}
		if _, key := cutLast(path, "."); mask.Key(key) {
			c.Old, c.New = hidden(c.Old), hidden(c.New)
		}
		out = append(out, c)
	}
	return out
}

func hidden(text string) string {
	if text == "" {
		return ""
	}
	return "[secret]"
}

func flattenSpec(out map[string]string, path string, v any) {
	if m, ok := v.(map[string]any); ok && len(m) > 0 {
		for k, inner := range m {
			flattenSpec(out, path+"."+k, inner)
		}
		return
	}
	raw, err := json.Marshal(v)
	if err == nil {
		out[path] = string(raw)
	}
}

// releases says whether the changes bring another Flink.
func (p UpgradePlan) releases() bool {
	return slices.ContainsFunc(p.Changes, func(c SpecChange) bool {
		return c.Path == "spec.emrReleaseLabel" || c.Path == "spec.flinkVersion" || c.Path == "spec.image"
	})
}

// chooseStart finds what the job starts from, or refuses.
func (s Store) chooseStart(ctx context.Context, u Upgrade, p *UpgradePlan) error {
	j, d := *s.Running, p.was
	refuse := func(why, next string) error { return j.refusal("upgrade", why, next) }
	command := func(words ...string) string { return "emrflink job " + strings.Join(append(words, s.Job), " ") }
	switch {
	case d.SessionCluster:
		return refuse("it is a session cluster: its jobs are FlinkSessionJobs", "emrflink job list")
	case d.Deleting:
		return refuse("it is being deleted", command("status"))
	case u.From != "":
		return s.startFrom(ctx, u, p, u.From)
	case p.UpgradeMode == "stateless" && !u.Discard:
		return refuse("its upgradeMode is stateless: it would start again from nothing",
			command("savepoint")+"   # keeps its state; then upgrade with --from, or with --discard-state")
	case p.UpgradeMode == "stateless":
		p.From = FromNothing
		return nil
	case d.Wanted == suspended:
		return s.startOfSuspended(ctx, u, p)
	case d.State == "RUNNING" && (d.JobManager == "READY" || d.Cluster != ""):
		p.From = FromSavepoint
		return nil
	}
	return s.startOfBroken(ctx, u, p)
}

// startOfSuspended is the start of a job that was stopped.
func (s Store) startOfSuspended(ctx context.Context, u Upgrade, p *UpgradePlan) error {
	switch {
	case p.was.Lifecycle != "SUSPENDED":
		return s.Running.refusal("upgrade", "it is being suspended", "emrflink job wait "+s.Job+" --for suspended")
	case strings.Contains(p.was.Savepoint, "://"):
		return s.startFrom(ctx, u, p, p.was.Savepoint)
	case p.releases():
		return s.Running.refusal("upgrade", "it was suspended with its last checkpoint, and another release is not sure to read "+
			"that: a savepoint is needed", "emrflink job resume "+s.Job+"\nemrflink job upgrade "+s.Job)
	}
	return s.startFrom(ctx, u, p, "")
}

// startOfBroken is the start of a job of which no savepoint can be taken: one that fails starts from the newest state that is
// there. One on its way may be RUNNING in a moment.
func (s Store) startOfBroken(ctx context.Context, u Upgrade, p *UpgradePlan) error {
	d := p.was
	broken := d.State == "FAILED" || d.State == "RESTARTING" || d.State == "FAILING" || d.Error != "" || d.JobManager == "ERROR"
	err := s.startFrom(ctx, u, p, "")
	if broken || err != nil {
		return err
	}
	state := p.start
	p.From, p.start, p.State = "", State{}, ""
	why := fmt.Sprintf("it is %s and its JobManager %s: no savepoint can be taken of it yet, and the operator would go back to "+
		"the last checkpoint without a word", orElse(d.State, "not started"), orElse(d.JobManager, "not reported"))
	return s.Running.refusal("upgrade", why, fmt.Sprintf("emrflink job wait %s --for healthy\nemrflink job upgrade %s --from %s"+
		"   # of %s: what came later is lost", s.Job, s.Job, state.Name, state.At.Format(time.RFC3339)))
}

// startFrom takes a state that is there, "" = the newest.
func (s Store) startFrom(ctx context.Context, u Upgrade, p *UpgradePlan, name string) error {
	st, err := s.Get(ctx, name)
	var none *NoStateError
	switch {
	case errors.As(err, &none) && u.Discard && name == "":
		p.From = FromNothing
		return nil
	case errors.As(err, &none):
		return s.Running.refusal("upgrade", "there is no state to start from: "+none.Error(),
			"emrflink job state list "+s.Job+"\nemrflink job upgrade "+s.Job+" --discard-state   # it starts again from nothing")
	case err != nil:
		return err
	case st.Kind == "checkpoint" && p.releases():
		return s.Running.refusal("upgrade", fmt.Sprintf("it would start from checkpoint %s with another release, which is not "+
			"sure to read it: a savepoint is needed", st.URI),
			"emrflink job wait "+s.Job+" --for healthy\nemrflink job savepoint "+s.Job)
	}
	p.From, p.start, p.State, p.At = FromCheckpoint, st, st.URI, st.At
	return nil
}
