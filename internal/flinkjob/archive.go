// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/pattern"
)

// LogArchive reads logs where EMR's sidecar sends them.
type LogArchive interface {
	LogEvents(ctx context.Context, group, streamPrefix string, since time.Time, limit int) ([]awsapi.LogEvent, error)
	ListObjects(ctx context.Context, bucket, prefix string) ([]awsapi.Object, error)
	GetObject(ctx context.Context, bucket, key string) ([]byte, error)
}

var _ LogArchive = (*awsapi.Client)(nil)

// The places that logs can be read from.
const (
	FromPods       = "pods"
	FromCloudWatch = "cloudwatch"
	FromS3         = "s3"
)

// LogPlaces are all of them.
func LogPlaces() []string { return []string{FromPods, FromCloudWatch, FromS3} }

// monitoring is where the spec of a cluster sends its logs.
type monitoring struct{ group, stream, bucket, prefix string }

func monitoringOf(o *unstructured.Unstructured) monitoring {
	at := func(path ...string) string {
		s, _, _ := unstructured.NestedString(o.Object, append([]string{"spec", "monitoringConfiguration"}, path...)...)
		return s
	}
	m := monitoring{
		group:  at("cloudWatchMonitoringConfiguration", "logGroupName"),
		stream: at("cloudWatchMonitoringConfiguration", "logStreamNamePrefix"),
	}
	uri := at("s3MonitoringConfiguration", "logUri")
	if _, rest, ok := strings.Cut(uri, "://"); ok {
		uri = rest
	}
	m.bucket, m.prefix, _ = strings.Cut(strings.TrimSuffix(uri, "/"), "/")
	return m
}

// NotSentError says that a job does not send its logs somewhere.
type NotSentError struct{ Job, Place string }

// Error implements error.
func (e *NotSentError) Error() string {
	return fmt.Sprintf("job %q sends no logs to %s: its spec.monitoringConfiguration does not say so", e.Job, e.Place)
}

// Code is a stable id of the failure.
func (e *NotSentError) Code() string { return "flinkjob.logs-not-sent" }

// Hint is the next command.
func (e *NotSentError) Hint() string { return "emrflink job logs " + e.Job }

// sent reads the logs of a job's pods where they were sent to, also of pods that are gone.
func (j Running) sent(ctx context.Context, d deployment, o LogOptions) ([]Entry, error) {
	if j.Runner.Sent == nil {
		return nil, errors.New("there is no access to the account")
	}
	cluster, err := j.Runner.Kube.Get(ctx, kube.KindFlinkDeployment.Ref(d.Namespace, d.cluster()))
	if err != nil {
		return nil, fmt.Errorf("read where job %q sends its logs: %w", d.Name, err)
	}
	m := monitoringOf(cluster)
	since := time.Time{}
	if o.Since > 0 {
		since = j.Runner.Clock.Now().Add(-o.Since)
	}
	var all []Entry
	switch {
	case o.From == FromCloudWatch && m.group != "":
		all, err = j.fromCloudWatch(ctx, m, d.cluster(), since)
	case o.From == FromS3 && m.bucket != "":
		all, err = j.fromS3(ctx, m, d.cluster())
	default:
		return nil, &NotSentError{Job: d.Name, Place: o.From}
	}
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e Entry) bool {
		return !podOf(d.cluster(), e.Pod) || o.Role != "" && roleOfName(e.Pod) != o.Role ||
			!since.IsZero() && !e.At.IsZero() && e.At.Before(since)
	})
	slices.SortStableFunc(all, func(a, b Entry) int { return a.At.Compare(b.At) })
	return lastOfEach(all, o.Tail), nil
}

// roleOfName is the role of a pod by its name, which is all that is left of one that is gone: Flink names TaskManagers
// CLUSTER-taskmanager-N-M.
func roleOfName(pod string) string {
	if strings.Contains(pod, "-taskmanager-") {
		return RoleTaskManager
	}
	return RoleJobManager
}

// podName is the end of the name of a TaskManager, or of a JobManager.
var podName = pattern.Lazy(`^(taskmanager-\d+-\d+|[0-9a-z]{1,10}-[0-9a-z]{5})$`)

// podOf says whether a pod is a cluster's by its name, and not that of a cluster whose name begins with this one's.
func podOf(cluster, pod string) bool {
	rest, ok := strings.CutPrefix(pod, cluster+"-")
	return ok && podName().MatchString(rest)
}

// lastOfEach keeps the last lines of each pod; 0 is all.
func lastOfEach(all []Entry, tail int) []Entry {
	if tail <= 0 {
		return all
	}
	left := map[string]int{}
	for i := len(all) - 1; i >= 0; i-- {
		if left[all[i].Pod] >= tail {
			all[i].Pod = ""
			continue
		}
		left[all[i].Pod] += len(all[i].Lines)
	}
	return slices.DeleteFunc(all, func(e Entry) bool { return e.Pod == "" })
}

// fromCloudWatch reads the streams PREFIX/POD/STREAM of the cluster's pods.
func (j Running) fromCloudWatch(ctx context.Context, m monitoring, cluster string, since time.Time) ([]Entry, error) {
	prefix := strings.TrimPrefix(strings.TrimSuffix(m.stream, "/")+"/", "/")
	events, err := j.Runner.Sent.LogEvents(ctx, m.group, prefix+cluster+"-", since, 0)
	if err != nil {
		return nil, fmt.Errorf("read log group %q: %w", m.group, err)
	}
	byStream := map[string][]awsapi.LogEvent{}
	var order []string
	for _, e := range events {
		if _, known := byStream[e.Stream]; !known {
			order = append(order, e.Stream)
		}
		byStream[e.Stream] = append(byStream[e.Stream], e)
	}
	var all []Entry
	for _, stream := range order {
		pod, _, _ := strings.Cut(strings.TrimPrefix(stream, prefix), "/")
		for _, e := range byStream[stream] {
			all = join(all, pod, e.Time, strings.TrimRight(e.Message, "\n"))
		}
	}
	return all, nil
}

// fromS3 reads the objects PREFIX/POD/STREAM*.gz of the cluster's pods.
func (j Running) fromS3(ctx context.Context, m monitoring, cluster string) ([]Entry, error) {
	prefix := strings.TrimPrefix(m.prefix+"/", "/")
	objects, err := j.Runner.Sent.ListObjects(ctx, m.bucket, prefix+cluster+"-")
	if err != nil {
		return nil, fmt.Errorf("list the logs below s3://%s/%s: %w", m.bucket, prefix, err)
	}
	var all []Entry
	for _, o := range objects {
		raw, err := j.Runner.Sent.GetObject(ctx, m.bucket, o.Key)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(o.Key, ".gz") {
			if raw, err = unzip(raw); err != nil {
				return nil, fmt.Errorf("read s3://%s/%s: %w", m.bucket, o.Key, err)
			}
		}
		pod := path.Base(path.Dir(o.Key))
		for line := range strings.Lines(string(raw)) {
			all = join(all, pod, timeOf(line), strings.TrimRight(line, "\r\n"))
		}
	}
	return all, nil
}

// unzip reads a gzip file, which may be several behind each other.
func unzip(raw []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// timeOf is the time with which log4j begins a line; zero when it does not.
func timeOf(line string) time.Time {
	const layout = "2006-01-02 15:04:05.000"
	if len(line) < len(layout) {
		return time.Time{}
	}
	at, _ := time.Parse(layout, strings.Replace(line[:len(layout)], ",", ".", 1)) // zero when it is none
	return at
}

// join adds a line to the entry that it continues, or begins a new one.
func join(all []Entry, pod string, at time.Time, line string) []Entry {
	if n := len(all) - 1; n >= 0 && all[n].Pod == pod && continues(line) {
		all[n].Lines = append(all[n].Lines, line)
		return all
	}
	if n := len(all) - 1; at.IsZero() && n >= 0 && all[n].Pod == pod {
		at = all[n].At
	}
	return append(all, Entry{At: at, Pod: pod, Lines: []string{line}})
}
