// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/diagnose"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

const askedID = "0123456789abcdef0123456789abcdef"

// jobManager answers as Flink 1.20 does: a path that is not in the map is not there.
type jobManager map[string]string

func (m jobManager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := m[r.URL.Path]
	if !ok {
		http.Error(w, `{"errors":["not found"]}`, http.StatusNotFound)
		return
	}
	_, _ = io.WriteString(w, body)
}

// dialer reaches a JobManager in this process, whatever the pod.
type dialer struct{ address string }

func (d dialer) DialPod(ctx context.Context, _, _ string, port int) (net.Conn, error) {
	if port != restPort {
		return nil, errors.New("connection refused")
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", d.address)
}

func wellJobManager() jobManager {
	vertex := func(id, name string) string {
		return fmt.Sprintf(`{"id":%q,"name":%q,"status":"RUNNING","parallelism":2}`, id, name)
	}
	at := time.Now().UnixMilli()
	m := jobManager{
		"/taskmanagers":    `{"taskmanagers":[{"id":"basic-taskmanager-1-1","slotsNumber":2,"freeSlots":0}]}`,
		"/jobs/" + askedID: fmt.Sprintf(`{"state":"RUNNING","timestamps":{"RUNNING":%d},"vertices":[%s,%s],"plan":{"nodes":[{"id":"b","inputs":[{"id":"a"}]},{"id":"a"}]}}`, at, vertex("a", "Source: orders"), vertex("b", "window")), //nolint:lll // a document of Flink's
		"/taskmanagers/basic-taskmanager-1-1": `{"id":"basic-taskmanager-1-1","metrics":{"heapUsed":98,"heapMax":100,` +
			`"garbageCollectors":[{"time":1}]}}`,
		"/jobs/" + askedID + "/exceptions": `{"root-exception":null,"exceptionHistory":{"entries":[]}}`,
		"/jobs/" + askedID + "/checkpoints": fmt.Sprintf(`{"counts":{"completed":3},"latest":{"completed":{"id":3,`+
			`"status":"COMPLETED",`+
			`"trigger_timestamp":%d,"end_to_end_duration":90}},`+
			`"history":[{"id":3,"status":"COMPLETED","end_to_end_duration":90}]}`, at),
	}
	for id, records := range map[string][2]int{"a": {0, 700}, "b": {700, 0}} {
		base := "/jobs/" + askedID + "/vertices/" + id
		m[base] = fmt.Sprintf(`{"id":%q,"subtasks":[{"subtask":0,"metrics":{"read-records":%d,"write-records":%d}},{"subtask":1,`+
			`"metrics":{"read-records":%d,"write-records":%d}}]}`, id, records[0], records[1], records[0], records[1])
		m[base+"/backpressure"] = `{"status":"ok","subtasks":[{"subtask":0,"ratio":0.1,"idleRatio":0.5,"busyRatio":0.4},` +
			`{"subtask":1,` +
			`"ratio":0.0,"idleRatio":0.7,"busyRatio":"NaN"}]}`
		m[base+"/watermarks"] = `[{"id":"0.currentInputWatermark","value":"-9223372036854775808"}]`
	}
	return m
}

// silent has no logs.
type silent struct{ text string }

func (s silent) PodLogs(context.Context, string, string, kube.LogOptions) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(s.text)), nil
}

// diagnosed is a job that is well, in a cluster in which everything can be read.
func diagnosed(t *testing.T) (Running, *kubetest.Store, jobManager) {
	t.Helper()
	job := flink(basic, "savepoint", stable)
	conf := job.Object["spec"].(obj)["flinkConfiguration"].(obj)
	conf["execution.checkpointing.interval"], conf["high-availability.type"] = "10 s", "kubernetes"
	s := healthyCluster()
	s.Put(job)
	s.Put(pod("basic-7868fb4584-rx692", RoleJobManager, "n1", running))
	s.Put(pod("basic-taskmanager-1-1", RoleTaskManager, "n2", running))
	for _, n := range []string{"n1", "n2"} {
		_, err := s.Patch(t.Context(), kube.KindNode.Ref("", n), "status", conditions("Ready", "True", ""))
		require.NoError(t, err)
	}
	s.Put(kubetest.Object(kube.KindConfigMap, basic.Namespace, "basic-cluster-config-map", obj{"metadata": obj{"annotations": obj{
		leaderAnnotation: fmt.Sprintf(`{"holderIdentity":"x","leaseDuration":15.0,"renewTime":%q,"leaderTransitions":1}`,
			time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00")),
	}}}))
	s.Put(kubetest.Object(kube.KindResourceQuota, basic.Namespace, "team", obj{"status": obj{
		"hard": obj{"requests.cpu": "8", "pods": "0"}, "used": obj{"requests.cpu": "7500m", "pods": "0"},
	}}))
	m := wellJobManager()
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	r := Runner{Kube: s, Objects: &bucket{}, Logs: silent{}, Dial: dialer{server.Listener.Addr().String()}}.withDefaults()
	return Running{Runner: r, Ref: basic}, s, m
}

func TestAJobThatIsWellIsDiagnosedAsHealthy(t *testing.T) {
	t.Parallel()
	j, _, _ := diagnosed(t)
	d, err := j.Diagnose(t.Context())
	require.NoError(t, err)
	require.Equal(t, diagnose.Healthy, d.Verdict, "%+v", d)
	require.Equal(t, "RUNNING", d.State)
	all, err := j.Runner.DiagnoseAll(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, diagnose.Healthy, all[0].Verdict)
}

// TestEachSourceIsRead changes one thing in the cluster, in Flink or in S3, and wants the finding that hangs on it.
func TestEachSourceIsRead(t *testing.T) {
	t.Parallel()
	patch := func(t *testing.T, s *kubetest.Store, ref kube.Ref, change obj) {
		t.Helper()
		_, err := s.Patch(t.Context(), ref, "status", change)
		require.NoError(t, err)
	}
	operator := kube.KindDeployment.Ref("flink-kubernetes-operator", operatorDeployment)
	worker := kube.KindPod.Ref("flink-team-a", "basic-taskmanager-1-1")
	for id, inject := range map[string]func(*testing.T, *Running, *kubetest.Store, jobManager){
		"operator-down": func(t *testing.T, _ *Running, s *kubetest.Store, _ jobManager) {
			patch(t, s, operator, obj{"spec": obj{"replicas": int64(0)}})
		},
		"webhook-down": func(_ *testing.T, _ *Running, s *kubetest.Store, _ jobManager) {
			s.Put(kubetest.Object(kube.KindValidatingWebhook, "", "flink", obj{"webhooks": []any{obj{
				"name": "v", "failurePolicy": "Fail", "clientConfig": obj{"service": obj{"namespace": "o", "name": "w"}},
				"rules": []any{obj{"apiGroups": []any{"flink.apache.org"}}},
			}}}))
			s.Put(kubetest.Object(kube.KindEndpointSlice, "o", "w-1", obj{
				"metadata":  obj{"labels": obj{"kubernetes.io/service-name": "w"}},
				"endpoints": []any{obj{"conditions": obj{"ready": false}}},
			}))
		},
		"lease": func(t *testing.T, _ *Running, s *kubetest.Store, _ jobManager) {
			patch(t, s, kube.KindConfigMap.Ref("flink-team-a", "basic-cluster-config-map"),
				obj{"metadata": obj{"annotations": obj{
					leaderAnnotation: `{"leaseDuration":15.0,"renewTime":"2020-01-01T00:00:00.000000Z"}`,
				}}})
		},
		"oom-container": func(t *testing.T, _ *Running, s *kubetest.Store, _ jobManager) {
			patch(t, s, worker, obj{"status": obj{"containerStatuses": []any{obj{
				"name": "flink-main-container", "restartCount": int64(1), "lastState": obj{"terminated": obj{
					"exitCode": int64(137), "reason": "OOMKilled", "finishedAt": time.Now().UTC().Format(time.RFC3339),
				}},
			}}}})
		},
		"node-lost": func(t *testing.T, _ *Running, s *kubetest.Store, _ jobManager) {
			patch(t, s, kube.KindNode.Ref("", "n2"), conditions("Ready", "Unknown", ""))
		},
		"image": func(_ *testing.T, _ *Running, s *kubetest.Store, _ jobManager) {
			s.Put(kubetest.Object(kube.KindEvent, "flink-team-a", "1", obj{
				"type": "Warning", "reason": "Failed", "message": "Failed to pull image \"x\": not found",
				"lastTimestamp":  time.Now().UTC().Format(time.RFC3339),
				"involvedObject": obj{"kind": "Pod", "namespace": "flink-team-a", "name": "basic-taskmanager-1-1"},
			}))
		},
		"quota": func(t *testing.T, _ *Running, s *kubetest.Store, _ jobManager) {
			patch(t, s, basic, obj{"status": obj{"jobStatus": obj{"state": "CREATED"}}})
			patch(t, s, kube.KindResourceQuota.Ref("flink-team-a", "team"),
				obj{"status": obj{"used": obj{"requests.cpu": "8000m"}}})
		},
		"snapshot-failed": func(_ *testing.T, _ *Running, s *kubetest.Store, _ jobManager) {
			s.Put(kubetest.Object(kube.KindFlinkStateSnapshot, "flink-team-a", "sp", obj{
				"spec": obj{"jobReference": obj{"kind": "FlinkDeployment", "name": "basic"}, "savepoint": obj{}},
				"status": obj{"state": "FAILED", "error": "it timed out",
					"resultTimestamp": time.Now().UTC().Format(time.RFC3339)},
			}))
		},
		"failed": func(_ *testing.T, _ *Running, _ *kubetest.Store, m jobManager) {
			m["/jobs/"+askedID+"/exceptions"] = fmt.Sprintf(`{"exceptionHistory":{"entries":[`+
				`{"exceptionName":"my.Own","stacktrace":`+
				`"my.Own: bad\n\tat a.B","timestamp":%d,"taskName":"window (1/2)"}]}}`, time.Now().UnixMilli())
		},
		"checkpoint-timeout": func(_ *testing.T, _ *Running, _ *kubetest.Store, m jobManager) {
			m["/jobs/"+askedID+"/checkpoints"] = fmt.Sprintf(`{"history":[{"id":4,"status":"FAILED","failure_timestamp":%d,`+
				`"failure_message":"Checkpoint expired before completing."}]}`, time.Now().UnixMilli())
			m["/jobs/"+askedID+"/checkpoints/details/4"] = `{"tasks":{"b":{"num_acknowledged_subtasks":1,"num_subtasks":2}}}`
		},
		"backpressure": func(_ *testing.T, _ *Running, _ *kubetest.Store, m jobManager) {
			m["/jobs/"+askedID+"/vertices/a/backpressure"] = `{"subtasks":[{"subtask":0,"ratio":0.95,` +
				`"idleRatio":0,"busyRatio":0.05}]}`
		},
		"heap-full": func(_ *testing.T, j *Running, s *kubetest.Store, m jobManager) {
			o, err := s.Get(context.Background(), worker)
			if err == nil {
				o.Object["metadata"].(obj)["creationTimestamp"] = time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
				s.Put(o)
			}
			m["/taskmanagers/basic-taskmanager-1-1"] = `{"id":"basic-taskmanager-1-1","metrics":{"heapUsed":98,"heapMax":100,` +
				`"garbageCollectors":[{"time":20000},{"time":30000}]}}`
		},
		"oom-metaspace": func(_ *testing.T, j *Running, _ *kubetest.Store, _ jobManager) {
			j.Runner.Logs = silent{time.Now().UTC().Format(time.RFC3339Nano) + " ERROR java.lang.OutOfMemoryError: Metaspace\n"}
		},
	} {
		j, s, m := diagnosed(t)
		inject(t, &j, s, m)
		d, err := j.Diagnose(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, d.Findings, "%s: %+v", id, d.Report)
		require.Equal(t, id, d.Findings[0].ID, "%+v", d.Findings)
		require.Empty(t, d.NotAssessed, id)
	}
}

func TestWhatMayNotBeReadIsNotAssessed(t *testing.T) {
	t.Parallel()
	flinks := []diagnose.Source{diagnose.Exceptions, diagnose.Checkpoints, diagnose.Graph, diagnose.Workers}
	for kind, want := range map[string][]diagnose.Source{
		"FlinkDeployment": {diagnose.Spec, diagnose.Exceptions, diagnose.Checkpoints, diagnose.Graph},
		"Deployment":      {diagnose.Spec, diagnose.Operator}, "ValidatingWebhookConfiguration": {diagnose.Webhooks},
		"ConfigMap": {diagnose.HA}, "Node": {diagnose.Nodes}, "NodeClaim": {diagnose.Claims}, "Event": {diagnose.Events},
		"ResourceQuota": {diagnose.Quota}, "FlinkStateSnapshot": {diagnose.Snapshots},
		"Pod": append([]diagnose.Source{diagnose.Pods, diagnose.Logs}, flinks...),
		"S3":  {diagnose.Bucket}, "log": {diagnose.Logs}, "Flink": flinks,
	} {
		j, s, _ := diagnosed(t)
		for _, verb := range []string{"get", "list"} { // as the API server refuses without a permission
			s.Fail(verb+" "+kind, kube.NewError(verb, kube.Ref{}, "Forbidden", "no permission"))
		}
		switch kind {
		case "S3":
			j.Runner.Objects = denied{}
		case "log":
			j.Runner.Logs = nil
		case "Flink":
			j.Runner.Dial = nil
		}
		d, err := j.Diagnose(t.Context())
		require.NoError(t, err)
		require.Equal(t, diagnose.Unknown, d.Verdict, "%s: %+v", kind, d.Findings)
		var got []diagnose.Source
		for _, n := range d.NotAssessed {
			got = append(got, n.Source)
			require.NotEmpty(t, n.Why)
		}
		require.ElementsMatch(t, want, got, kind)
	}
}

func TestWhatTheAutoscalerDecidedIsSaid(t *testing.T) {
	t.Parallel()
	j, s, _ := diagnosed(t)
	_, err := s.Patch(t.Context(), basic, "", obj{"spec": obj{"flinkConfiguration": obj{"job.autoscaler.enabled": "true"}}})
	require.NoError(t, err)
	_, err = s.Patch(t.Context(), basic, "status", obj{"status": obj{"observedGeneration": int64(2)}})
	require.NoError(t, err)
	d, err := j.Diagnose(t.Context())
	require.NoError(t, err)
	require.Equal(t, "autoscaler-held", d.Findings[0].ID)
	require.Contains(t, d.Autoscaler[1], "it has kept nothing of this job yet")

	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = fmt.Fprintf(w, "---\nb:\n  \"%s\":\n    currentParallelism: 2\n    newParallelism: 6\n    metrics: {}\n",
		time.Now().Add(-time.Minute).UTC().Format(time.RFC3339Nano))
	require.NoError(t, w.Close())
	s.Put(kubetest.Object(kube.KindConfigMap, basic.Namespace, "autoscaler-basic", obj{"data": obj{
		"scalingHistory": base64.StdEncoding.EncodeToString(zipped.Bytes()),
	}}))
	s.Put(kubetest.Object(kube.KindEvent, basic.Namespace, "2", obj{
		"reason": "IneffectiveScaling", "message": "Ineffective scaling detected for b", "lastTimestamp": "2126-01-01T00:01:00Z",
		"involvedObject": obj{"kind": "FlinkDeployment", "namespace": basic.Namespace, "name": "basic"},
	}))
	d, err = j.Diagnose(t.Context())
	require.NoError(t, err)
	require.Len(t, d.Autoscaler, 2)
	require.Regexp(t, `^1m\d+s ago: window from 2 to 6$`, d.Autoscaler[0])
	require.Equal(t, "Ineffective scaling detected for b", d.Autoscaler[1])
}

// archive is CloudWatch and S3.
type archive struct{ zipped []byte }

func (a archive) LogEvents(_ context.Context, group, prefix string, _ time.Time, _ int) ([]awsapi.LogEvent, error) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return []awsapi.LogEvent{
		{Time: at, Stream: "basic/basic-7868fb4584-rx692/STDOUT", Message: group + " " + prefix},
		{Time: at.Add(time.Second), Stream: "basic/basic-taskmanager-1-1/STDOUT", Message: "2026 ERROR it failed"},
		{Time: at.Add(time.Second), Stream: "basic/basic-taskmanager-1-1/STDOUT", Message: "\tat a.B"},
		{Time: at, Stream: "basic/basic-eu-7868fb4584-rx692/STDOUT", Message: "of another job"},
	}, nil
}

func (a archive) ListObjects(_ context.Context, bucket, prefix string) ([]awsapi.Object, error) {
	return []awsapi.Object{{Key: prefix + "taskmanager-1-1/stdout.gz"}, {Key: prefix + "eu-taskmanager-1-1/stdout.gz"}}, nil
}

func (a archive) GetObject(context.Context, string, string) ([]byte, error) { return a.zipped, nil }

func TestLogsOfPodsThatAreGoneAreReadWhereTheyWereSent(t *testing.T) {
	t.Parallel()
	j, s, _ := diagnosed(t)
	j.Runner.Sent = archive{}
	read := func(o LogOptions) (out []string, err error) {
		err = j.Logs(t.Context(), o, func(e Entry) error {
			out = append(out, e.Pod+": "+strings.Join(e.Lines, "|"))
			return nil
		})
		return out, err
	}
	_, err := read(LogOptions{From: FromCloudWatch})
	var unsent *NotSentError
	require.ErrorAs(t, err, &unsent)

	_, err = s.Patch(t.Context(), basic, "", obj{"spec": obj{"monitoringConfiguration": obj{
		"cloudWatchMonitoringConfiguration": obj{"logGroupName": "/g", "logStreamNamePrefix": "basic"},
		"s3MonitoringConfiguration":         obj{"logUri": "b/logs"},
	}}})
	require.NoError(t, err)
	got, err := read(LogOptions{From: FromCloudWatch})
	require.NoError(t, err)
	require.Equal(t, []string{
		"basic-7868fb4584-rx692: /g basic/basic-", "basic-taskmanager-1-1: 2026 ERROR it failed|\tat a.B",
	}, got)
	got, err = read(LogOptions{From: FromCloudWatch, Role: RoleTaskManager, Tail: 1})
	require.NoError(t, err)
	require.Len(t, got, 1)

	var zipped bytes.Buffer
	for _, part := range []string{"2026-01-01 00:00:01,500 INFO a\n", "2026-01-01 00:00:02,000 ERROR b\n\tat c\n"} {
		w := gzip.NewWriter(&zipped)
		_, _ = io.WriteString(w, part)
		require.NoError(t, w.Close())
	}
	j.Runner.Sent = archive{zipped.Bytes()}
	got, err = read(LogOptions{From: FromS3})
	require.NoError(t, err)
	require.Equal(t, []string{
		"basic-taskmanager-1-1: 2026-01-01 00:00:01,500 INFO a", "basic-taskmanager-1-1: 2026-01-01 00:00:02,000 ERROR b|\tat c",
	}, got)
}
