// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
)

// SchemaVersion is that of every JSON result; fields are only added.
const SchemaVersion = 1

// Checkpoint is one completed checkpoint in the bucket.
type Checkpoint struct {
	URI   string    `json:"uri"`   // s3:// prefix of the checkpoint
	Bytes int64     `json:"bytes"` // of all objects below it; shared state of incremental checkpoints is not counted
	At    time.Time `json:"at"`    // when its metadata was written
}

// NodeUse is a node that runs pods of the job.
type NodeUse struct {
	Name         string   `json:"name"`
	InstanceType string   `json:"instanceType"`
	CapacityType string   `json:"capacityType"`
	NodePool     string   `json:"nodePool"`
	Roles        []string `json:"roles"` // "jobmanager", "taskmanager"; sorted
}

// RunResult is the JSON of `sample-job run`.
type RunResult struct {
	SchemaVersion  int        `json:"schemaVersion"`
	Job            string     `json:"job"`
	Namespace      string     `json:"namespace"`
	State          string     `json:"state"`
	Checkpoint     Checkpoint `json:"checkpoint,omitzero"` // absent for a job that keeps none
	Nodes          []NodeUse  `json:"nodes"`
	ElapsedSeconds float64    `json:"elapsedSeconds"`
	// SessionCluster says that it has no job of its own: State is then the operator's word for the cluster.
	SessionCluster bool `json:"sessionCluster,omitempty"`
	// Jobs are the results of all, when several were run.
	Jobs []RunResult `json:"jobs,omitempty"`
}

// checkpoints finds the completed checkpoints below a state.checkpoints.dir, in
// the order in which their metadata was written. A checkpoint is complete when
// its _metadata object exists: Flink writes it last.
func (r Runner) checkpoints(ctx context.Context, dir string) ([]Checkpoint, error) {
	bucket, prefix, err := splitURI(dir)
	if err != nil {
		return nil, fmt.Errorf("read state.checkpoints.dir: %w", err)
	}
	objs, err := r.Objects.ListObjects(ctx, bucket, prefix+"/")
	if err != nil {
		return nil, fmt.Errorf("list checkpoints below %q: %w", dir, err)
	}
	return completed(bucket, objs), nil
}

func completed(bucket string, objs []awsapi.Object) []Checkpoint {
	size := map[string]int64{}
	at := map[string]time.Time{}
	for _, o := range objs {
		parts := strings.Split(o.Key, "/")
		for i, part := range parts[:len(parts)-1] {
			if n, ok := strings.CutPrefix(part, "chk-"); !ok || !isNumber(n) {
				continue
			}
			dir := strings.Join(parts[:i+1], "/")
			size[dir] += o.Size
			if parts[len(parts)-1] == "_metadata" && o.Size > 0 {
				at[dir] = o.LastModified
			}
		}
	}
	out := make([]Checkpoint, 0, len(at))
	for dir, t := range at {
		out = append(out, Checkpoint{URI: "s3://" + bucket + "/" + dir, Bytes: size[dir], At: t.UTC().Truncate(time.Second)})
	}
	sort.Slice(out, func(i, j int) bool {
		if !out[i].At.Equal(out[j].At) {
			return out[i].At.Before(out[j].At)
		}
		return out[i].URI < out[j].URI
	})
	return out
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 63)
	return err == nil
}

// fresh returns the newest checkpoint that was not there before: a job that runs
// already, or an earlier job of the same name, proves nothing about this run.
// The clocks of bucket and client are never compared.
func fresh(all []Checkpoint, before map[string]time.Time) *Checkpoint {
	for i := len(all) - 1; i >= 0; i-- {
		if old, seen := before[all[i].URI]; !seen || all[i].At.After(old) {
			return &all[i]
		}
	}
	return nil
}

// nodesOf joins pods with the nodes that they run on.
func (r Runner) nodesOf(ctx context.Context, pods []kube.Pod) ([]NodeUse, error) {
	nodes, err := r.Kube.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	roles := map[string]map[string]bool{}
	for _, p := range pods {
		if p.Node == "" || p.Deleting {
			continue
		}
		if roles[p.Node] == nil {
			roles[p.Node] = map[string]bool{}
		}
		roles[p.Node][roleOfPod(p)] = true
	}
	out := make([]NodeUse, 0, len(roles))
	for _, n := range nodes {
		if roles[n.Name] == nil {
			continue
		}
		u := NodeUse{
			Name: n.Name, InstanceType: n.InstanceType, CapacityType: n.CapacityType, NodePool: orElse(n.NodePool, n.NodeGroup),
		}
		for role := range roles[n.Name] {
			u.Roles = append(u.Roles, role)
		}
		sort.Strings(u.Roles)
		out = append(out, u)
	}
	return out, nil
}
