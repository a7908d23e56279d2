// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"emrflink/internal/flinkrest"
)

// defaultTimeout is Flink's execution.checkpointing.timeout.
const defaultTimeout = 10 * time.Minute

// running says that Flink runs the job.
func (f *facts) running() bool { return f.s.Job.Value.State == "RUNNING" }

// slowTask names the tasks that a checkpoint waited for, beside that it expired.
func slowTask(f *facts) (out []Evidence) {
	expired := slices.ContainsFunc(f.texts, func(t text) bool {
		return (t.source == Checkpoints || t.source == Exceptions) && strings.Contains(t.text, "expired before completing")
	})
	if !expired {
		return nil
	}
	for _, t := range f.s.Checkpoints.Value.Slowest {
		if t.Acknowledged < t.Of {
			out = append(out, evidence(Checkpoints, t.Vertex, f.s.Now, "%d of %d subtasks had answered", t.Acknowledged, t.Of)...)
		}
	}
	return out
}

// storageCall is how Hadoop's and Flink's file systems name what they asked S3 for.
const storageCall = `(?i)(getFileStatus|PUT \d+-byte object|initiate MultiPartUpload|upload part #?\d*|Writing Object|` +
	`Completing multipart upload|open|delete|innerMkdirs|(Head|Put|Get|List)Objects?(V2)?|CompleteMultipartUpload|UploadPart)` +
	`( on| to| of|:)? (s3[apn]?://)?\S+`

// checkpointsFail finds checkpoints that failed since the last one that was completed, with the call to S3 that did it.
func checkpointsFail(f *facts) (out []Evidence) {
	call := regexp.MustCompile(storageCall)
	for _, c := range f.s.Checkpoints.Value.History {
		if c.Savepoint || c.Status == flinkrest.InProgress {
			continue
		}
		if c.Status == flinkrest.Completed {
			break // they are the newest first
		}
		if f.s.Now.Sub(time.UnixMilli(c.Failed)) > recent && f.asWanted() || strings.Contains(c.Failure,
			"expired before completing") {
			continue
		}
		why := rootCause("\n" + c.Failure)
		if at := call.FindString(c.Failure); at != "" && strings.Contains(c.Failure, "s3") {
			why = "S3 call " + at + ": " + why
		}
		out = append(out, evidence(Checkpoints, fmt.Sprintf("checkpoint %d", c.ID), time.UnixMilli(c.Failed), "%s", why)...)
	}
	return out
}

func checkpointSlow(f *facts) []Evidence {
	const almost = 0.5
	done := f.s.Checkpoints.Value.Latest.Completed
	limit := cmp.Or(f.s.Job.Value.Timeout, defaultTimeout)
	if done == nil || !f.running() {
		return nil
	}
	took := time.Duration(done.Millis) * time.Millisecond
	if float64(took) < almost*float64(limit) {
		return nil
	}
	out := evidence(Checkpoints, fmt.Sprintf("checkpoint %d", done.ID), time.UnixMilli(done.Triggered),
		"it took %s of at most %s, "+
			"%d MiB", short(took), limit, done.Bytes>>20)
	for _, t := range f.s.Checkpoints.Value.Slowest {
		out = append(out, evidence(Checkpoints, t.Vertex, time.UnixMilli(done.Triggered), "its part took %s",
			short(time.Duration(t.Millis)*time.Millisecond))...)
	}
	return out
}

// checkpointNone finds a job that should have had a checkpoint long ago.
func checkpointNone(f *facts) []Evidence {
	j, h := f.s.Job.Value, f.s.Checkpoints.Value
	since := f.s.Graph.Value.Since
	if !f.running() || j.Interval == 0 || since.IsZero() || f.s.Checkpoints.Why != "" || h.Latest.Completed != nil {
		return nil
	}
	if runs := f.s.Now.Sub(since); runs > max(3*j.Interval, 2*time.Minute) {
		return evidence(Checkpoints, "", since, "it runs since %s with an interval of %s, and none is completed",
			short(runs), j.Interval)
	}
	return nil
}

func checkpointOff(f *facts) []Evidence {
	j := f.s.Job.Value
	if f.s.Job.Why != "" || j.SessionCluster || j.Wanted == suspended || j.Interval != 0 && j.CheckpointDir != "" {
		return nil
	}
	return evidence(Spec, "spec.flinkConfiguration", f.s.Now, "interval %s, state.checkpoints.dir %q", j.Interval,
		j.CheckpointDir)
}

// backpressured finds the vertex that others wait for: it is busy, and those in front of it are held up.
func backpressured(f *facts) (out []Evidence) {
	const held, busy = 0.5, 0.5
	byID := map[string]Load{}
	for _, v := range f.s.Graph.Value.Vertices {
		byID[v.ID] = v
	}
	for _, v := range f.s.Graph.Value.Vertices {
		if v.Back >= held { // it waits itself
			continue
		}
		for _, in := range v.Inputs {
			if from := byID[in]; from.Back >= held {
				state := fmt.Sprintf("busy %.0f%%", 100*v.Busy)
				if v.Busy < busy {
					state += ": it waits for something outside of Flink, or for the network"
				}
				out = append(out, evidence(Graph, v.Name, f.s.Now, "%s; %s in front of it is held up %.0f%% of its time",
					state, from.Name,
					100*from.Back)...)
			}
		}
	}
	return out
}

// skewed finds vertices of which one subtask has far more records than the others.
func skewed(f *facts) (out []Evidence) {
	const enough, times = 10_000, 3.0
	for _, v := range f.s.Graph.Value.Vertices {
		if len(v.Inputs) == 0 || len(v.Subtasks) < 2 {
			continue
		}
		var sum, most int64
		worst := 0
		for _, t := range v.Subtasks {
			if sum += t.In; t.In > most {
				most, worst = t.In, t.Index
			}
		}
		if rest := float64(sum-most) / float64(len(v.Subtasks)-1); sum >= enough && float64(most) >= times*math.Max(rest, 1) {
			out = append(out, evidence(Graph, v.Name, f.s.Now, "subtask %d has read %d records, the others %.0f each",
				worst, most, rest)...)
		}
	}
	return out
}

// giving is how long a source may give nothing.
const giving = 2 * time.Minute

func idleSource(f *facts) (out []Evidence) {
	if !f.running() || f.s.Now.Sub(f.s.Graph.Value.Since) < giving {
		return nil
	}
	for _, v := range f.s.Graph.Value.Vertices {
		if len(v.Inputs) > 0 || v.Status != "RUNNING" || len(v.Subtasks) == 0 {
			continue
		}
		var silent []string
		for _, t := range v.Subtasks {
			if t.Out == 0 {
				silent = append(silent, fmt.Sprint(t.Index))
			}
		}
		if len(silent) > 0 {
			out = append(out, evidence(Graph, v.Name, f.s.Graph.Value.Since, "no record since %s from %d of %d subtasks (%s)",
				short(f.s.Now.Sub(f.s.Graph.Value.Since)), len(silent), len(v.Subtasks), strings.Join(silent, ", "))...)
		}
	}
	return out
}

// watermarkHeld finds vertices of which some subtasks have a watermark and others none.
func watermarkHeld(f *facts) (out []Evidence) {
	if f.s.Now.Sub(f.s.Graph.Value.Since) < giving {
		return nil
	}
	for _, v := range f.s.Graph.Value.Vertices {
		none, some := 0, 0
		for _, t := range v.Subtasks {
			switch t.Watermark {
			case 0:
			case math.MinInt64:
				none++
			default:
				some++
			}
		}
		if none > 0 && some > 0 {
			out = append(out, evidence(Graph, v.Name, f.s.Now, "%d of %d subtasks have no watermark yet", none, none+some)...)
		}
	}
	return out
}
