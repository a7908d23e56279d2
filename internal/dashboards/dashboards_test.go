// SPDX-License-Identifier: Apache-2.0

package dashboards

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/observability"
)

const (
	team    = "flink-team-a"
	offered = `# TYPE flink_jobmanager_job_uptime gauge
flink_jobmanager_job_uptime{job_name="Counts"} 45000
# TYPE flink_jobmanager_numRunningJobs gauge
flink_jobmanager_numRunningJobs 1
# TYPE flink_jobmanager_numRegisteredTaskManagers gauge
flink_jobmanager_numRegisteredTaskManagers 2
# TYPE flink_jobmanager_numPendingTaskManagers gauge
flink_jobmanager_numPendingTaskManagers 0
`
)

// cluster has a JobManager that offers metrics, and a pod that is none of a job.
type cluster struct{}

func pod(name, app string, containers ...string) unstructured.Unstructured {
	var list []any
	for _, c := range containers {
		list = append(list, map[string]any{"name": c})
	}
	return unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": name, "namespace": team, "labels": map[string]any{
			"type": "flink-native-kubernetes", "app": app, "component": "jobmanager", "app.kubernetes.io/name": app,
		}},
		"spec": map[string]any{"containers": list}, "status": map[string]any{"phase": "Running", "podIP": "100.64.0.9"},
	}}
}

func (*cluster) List(_ context.Context, k kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error) {
	if k != kube.KindPod || o.Namespace != team {
		return nil, errors.New("it is not asked for")
	}
	return []unstructured.Unstructured{
		pod("counts-1.a", "counts", "flink-main-container", "fluentd"), pod("other", "x", "web"),
	}, nil
}

func (*cluster) DialPod(_ context.Context, namespace, name string, port int) (net.Conn, error) {
	if namespace != team || name != "counts-1.a" || port != observability.JobPort {
		return nil, errors.New("nothing listens there")
	}
	here, there := net.Pipe()
	l := &once{conn: there, closed: make(chan struct{})}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/metrics" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = io.WriteString(w, offered)
		}))
	}()
	return here, nil
}

// once is a listener with one connection.
type once struct {
	conn   net.Conn
	closed chan struct{}
}

func (l *once) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}
func (l *once) Close() error { return nil }
func (*once) Addr() net.Addr { return &net.TCPAddr{} }

func source(t *testing.T) Source {
	t.Helper()
	return Source{
		Title: "Stack <local>", Cluster: &cluster{}, Dir: t.TempDir(), Alerts: observability.Alerts(),
		Targets: observability.Targets([]string{team}, team, team)[:1], Simulated: []string{"all of it"},
	}
}

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

func get(t *testing.T, url, host string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if host != "" {
		req.Host = host
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(raw)
}

// A real Prometheus finds the pod, reads its metrics through the API server, evaluates the panels and raises the alert.
func TestTheBoardShowsWhatAPodOffers(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("prometheus"); err != nil {
		_, err := Open(t.Context(), source(t), listener(t), time.Minute)
		require.ErrorIs(t, err, ErrNoPrometheus)
		t.Skip("no prometheus on the PATH: nothing collects")
	}
	b, err := Open(t.Context(), source(t), listener(t), 5*time.Minute)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	var page string
	require.Eventually(t, func() bool {
		var code int
		code, page = get(t, b.Info().URL+"?job=counts&namespace="+team+"&since=6m", "")
		require.Equal(t, http.StatusOK, code, page)
		return strings.Contains(page, "registered</span><b>2</b>") && strings.Contains(page, `<option selected>counts</option>`)
	}, time.Minute, 200*time.Millisecond)
	for _, want := range []string{
		"<h1>Stack &lt;local&gt;</h1>", "simulated: all of it", `<span title="counts">counts</span><b class="red">45 s</b>`,
		"no data: only for jobs that read Kafka", `<option value="6m" selected>6m</option>`, "emrflink job status counts",
		"asked for</span><b>0</b>", // the threshold is not of the second query
		`<option selected>` + team, `http-equiv="refresh"`,
	} {
		require.Contains(t, page, want)
	}
	_, page = get(t, b.Info().URL+"?job=another", "")
	require.NotContains(t, page, "registered</span>")
	for url, code := range map[string]int{
		"": http.StatusMisdirectedRequest, "metrics/flink-jobs/kube-system/counts-1.a": http.StatusNotFound,
		"metrics/none/" + team + "/counts-1.a":  http.StatusNotFound,
		"metrics/flink-jobs/" + team + "/other": http.StatusBadGateway, "targets/none": http.StatusNotFound,
	} {
		host := ""
		if url == "" {
			host = "somebody.example"
		}
		got, text := get(t, b.Info().URL+url, host)
		require.Equal(t, code, got, "%s: %s", url, text)
	}
	raw, err := b.Page(t.Context(), View{Since: time.Minute})
	require.NoError(t, err)
	require.NotContains(t, string(raw), "http-equiv", "a file stays as it is")
	_, targets := get(t, b.Info().Prometheus+"/api/v1/targets?state=active", "")
	require.Contains(t, targets, `"instance":"counts-1.a"`, "it is the same one after another start")
	b.prometheus.stop()
	require.ErrorContains(t, b.Wait(t.Context()), "prometheus ended")
	_, err = b.Page(t.Context(), View{Since: time.Minute})
	require.Error(t, err)
}

func TestAPrometheusThatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skip("no prometheus on the PATH")
	}
	s := source(t)
	s.Alerts = []observability.Alert{{Name: "Wrong", Expr: "sum by ("}}
	_, err := Open(t.Context(), s, listener(t), time.Minute)
	require.ErrorContains(t, err, "prometheus ended: ")
}

func TestAPodHasATargetForEachContainer(t *testing.T) {
	t.Parallel()
	p := pod("counts-1.a", "counts", "flink-main-container", "fluentd")
	groups := discovered(&p)
	require.Len(t, groups, 2)
	require.Equal(t, []string{"counts-1.a." + team}, groups[0].Targets)
	require.Equal(t, map[string]string{
		"__meta_kubernetes_namespace": team, "__meta_kubernetes_pod_name": "counts-1.a", "__meta_kubernetes_pod_ip": "100.64.0.9",
		"__meta_kubernetes_pod_phase": "Running", "__meta_kubernetes_pod_container_name": "flink-main-container",
		"__meta_kubernetes_pod_label_app": "counts", "__meta_kubernetes_pod_label_component": "jobmanager",
		"__meta_kubernetes_pod_label_type":                   "flink-native-kubernetes",
		"__meta_kubernetes_pod_label_app_kubernetes_io_name": "counts",
	}, groups[0].Labels)
}

func TestValuesAreWrittenWithTheirUnits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value float64
		unit  observability.Unit
		want  string
	}{
		{0.5, observability.Share, "50 %"}, {1536, observability.Bytes, "1.5 KiB"}, {204800, observability.Bytes, "200 KiB"},
		{0.204, observability.Seconds, "204 ms"}, {103, observability.Seconds, "103 s"}, {300, observability.Seconds, "5 min"},
		{7200, observability.Seconds, "2 h"}, {200000, observability.Seconds, "2.31 d"}, {0, observability.Seconds, "0 s"},
		{2040, observability.PerSecond, "2.04k/s"}, {123456, observability.Count, "123k"}, {12, observability.Count, "12"},
		{1.25, observability.USD, "$1.25"}, {math.NaN(), observability.Count, "-"},
	} {
		require.Equal(t, c.want, write(c.value, c.unit))
	}
}

func TestScalesAreRoundAndHoldTheValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ low, high float64 }{
		{0, 0}, {0, 1}, {0, 0.37}, {0, 99}, {0, 12345}, {-3, 7}, {0, 1e9}, {0, 0.00021},
	} {
		for _, unit := range []observability.Unit{observability.Count, observability.Bytes, observability.Seconds} {
			ticks := scale(c.low, c.high, unit)
			require.LessOrEqual(t, ticks[0], c.low)
			require.GreaterOrEqual(t, ticks[len(ticks)-1], c.high)
			require.True(t, len(ticks) >= 3 && len(ticks) <= 8, "%v: %v", c, ticks)
		}
	}
}

func TestALineIsBrokenWhereThereIsNoValue(t *testing.T) {
	t.Parallel()
	began := time.Unix(1000, 0)
	at := func(n int, v float64) point { return point{began.Add(time.Duration(n) * time.Second), v} }
	x := func(t time.Time) float64 { return t.Sub(began).Seconds() }
	y := func(v float64) float64 { return v }
	points := []point{at(0, 1), at(1, 2), at(2, math.NaN()), at(3, 4), at(9, 5), at(10, 6)}
	require.Equal(t, "M0.0 1.0h.1L1.0 2.0M3.0 4.0h.1M9.0 5.0h.1L10.0 6.0", outline(points, time.Second, x, y))
}

func TestWhatIsChosenIsNoPartOfAnExpression(t *testing.T) {
	t.Parallel()
	const expr = `max (x{namespace=~"$namespace", flink_deployment=~"$job"})`
	for job, want := range map[string]string{
		"": ".*", "counts": "counts", "a.b": "a[.]b", `"} or vector(1)`: ".*", ".*|x": ".*",
	} {
		require.Equal(t, `max (x{namespace=~".*", flink_deployment=~"`+want+`"})`, View{Job: job}.fill(expr))
	}
}

func TestALegendIsMadeOfLabels(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"__name__": "x", "a": "1", "b": "2"}
	require.Equal(t, "1 of 2", name("{{a}} of {{ b }}", labels))
	require.Equal(t, "a=1, b=2", name("{{none}}", labels))
}
