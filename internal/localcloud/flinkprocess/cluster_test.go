// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"emrflink/internal/flinkhome"
	"emrflink/internal/localcloud/kubelet"
	"emrflink/internal/localcloud/podlog"
)

// installed is the Flink and the Java of this machine; the test is skipped by name when one is missing.
func installed(t *testing.T) flinkhome.Homes {
	t.Helper()
	homes := flinkhome.Homes{Folder: os.Getenv("EMRFLINK_HOME"), Env: os.Getenv(flinkhome.EnvVar)}
	if homes.Folder == "" {
		user, err := os.UserHomeDir()
		require.NoError(t, err)
		homes.Folder = filepath.Join(user, ".local", "state", "emrflink")
	}
	if java := flinkhome.Java(t.Context(), os.Getenv); java.Problem != "" {
		t.Skip("Java is not installed: " + java.Problem)
	}
	if _, err := homes.Find(); err != nil {
		t.Skip("Flink is not installed: " + err.Error())
	}
	return homes
}

// noPods is an API server without a pod, which is all that a session cluster without jobs asks for.
func noPods(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Authorization") != "Bearer a token for flink" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if q.URL.Query().Get("watch") == "true" {
			w.(http.Flusher).Flush()
			<-q.Context().Done()
			return
		}
		_, _ = io.WriteString(w, `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`)
	}))
	t.Cleanup(s.Close)
	return s
}

// The processes of a session cluster run, answer on their own addresses, listen on no other, and are gone after their end.
func TestARealClusterRuns(t *testing.T) {
	t.Parallel()
	homes := installed(t)
	api := noPods(t)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})
	r := newRuntime(t, Options{
		Homes: homes, APIServer: api.URL, Getenv: os.Getenv,
		Client: client(settingsMap("kube-root-ca.crt", map[string]string{"ca.crt": string(ca)}),
			settingsMap("flink-config-orders", map[string]string{"flink-conf.yaml": sessionSettings}),
			settingsMap("flink-config-app", map[string]string{"flink-conf.yaml": sessionSettings + applicationSettings})),
	})
	account := corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}}},
	}}}
	jm := running(t, r, job(mounted("/opt/flink/conf", configMap("flink-config-orders")), mounted(accountFolder, account)))
	config := jm.answer("/config")
	require.Equal(t, flinkhome.Version, config["flink-version"])
	jm.listensOnlyAt("6123", "6124", "8081", "9249")

	tm := running(t, r,
		job(mounted("/opt/flink/conf", configMap("flink-config-orders")), mounted(accountFolder, account), worker))
	tm.listensOnlyAt("6122", "9249")
	jm.offers("flink_jobmanager_Status_JVM_Memory_Heap_Used")
	require.NotEqual(t, int32(codeKilled), tm.end().Code)

	app := running(t, r,
		job(mounted("/opt/flink/conf", configMap("flink-config-app")), mounted(accountFolder, account), application))
	app.eventually("its job is there", func() bool {
		jobs, _ := app.answer("/jobs/overview")["jobs"].([]any)
		return len(jobs) == 1
	})
	app.listensOnlyAt("6123", "6124", "8081")
	scraped(t, "flink_jobmanager_Status_JVM_Memory_Heap_Used", jm, app)
	require.NotEqual(t, int32(codeKilled), app.end().Code)
	require.NotEqual(t, int32(codeKilled), jm.end().Code, "it ends in order")
}

// sessionSettings are those of a session cluster, as far as Flink does not start without them.
const sessionSettings = `kubernetes.cluster-id: orders
kubernetes.namespace: flink-team-a
jobmanager.rpc.address: orders.flink-team-a
blob.server.port: 6124
taskmanager.rpc.port: 6122
jobmanager.memory.process.size: 1 gb
taskmanager.memory.process.size: 1 gb
metrics.reporter.prom.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory
execution.target: kubernetes-session
`

// applicationSettings are those of an application of one of Flink's examples.
const applicationSettings = `pipeline.jars: local:///opt/flink/examples/streaming/StateMachineExample.jar
$internal.application.program-args: --checkpoint-dir;file:///tmp/checkpoints
`

// application makes the pod that of a JobManager with a job of its own.
func application(p *corev1.Pod) {
	p.UID, p.Name, p.Status.PodIP = "uid-3", "orders-app", "127.99.0.9"
	p.Spec.Containers[0].Args = []string{"bash", "-c", "kubernetes-jobmanager.sh kubernetes-application "}
}

// worker makes the pod that of a TaskManager, as a JobManager makes it for 1 GB.
func worker(p *corev1.Pod) {
	p.UID, p.Name, p.Status.PodIP = "uid-2", "orders-taskmanager-1-1", "127.99.0.8"
	p.Labels[labelPart] = string(taskManager)
	c := &p.Spec.Containers[0]
	c.Args = []string{"bash", "-c", "kubernetes-taskmanager.sh -Dtaskmanager.resource-id='orders-taskmanager-1-1' " +
		"-D taskmanager.memory.network.min=67108864b -D taskmanager.cpu.cores=1.0 -D taskmanager.memory.task.off-heap.size=0b " +
		"-D taskmanager.memory.jvm-metaspace.size=268435456b -D external-resources=none " +
		"-D taskmanager.memory.jvm-overhead.min=201326592b -D taskmanager.memory.framework.off-heap.size=134217728b " +
		"-D taskmanager.memory.network.max=67108864b -D taskmanager.memory.framework.heap.size=134217728b " +
		"-D taskmanager.memory.managed.size=241591914b -D taskmanager.memory.task.heap.size=26843542b " +
		"-D taskmanager.numberOfTaskSlots=1 -D taskmanager.memory.jvm-overhead.max=201326592b "}
	c.Env = []corev1.EnvVar{
		{Name: "FLINK_TM_JVM_MEM_OPTS", Value: "-Xmx161061270 -Xms161061270 -XX:MaxDirectMemorySize=201326592 " +
			"-XX:MaxMetaspaceSize=268435456"},
		{
			Name:      "_POD_NODE_ID",
			ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}},
		},
	}
}

// run is a pod that runs.
type run struct {
	*testing.T
	r     *Runtime
	pod   *corev1.Pod
	stop  func()
	ended chan kubelet.Exit
}

func running(t *testing.T, r *Runtime, p *corev1.Pod) *run {
	t.Helper()
	_, takes := r.Takes(p)
	require.True(t, takes)
	_, why := r.Holds(p)
	require.Empty(t, why)
	dir := t.TempDir()
	s := kubelet.Sandbox{Pod: p, Container: p.Spec.Containers[0], Dir: dir, Log: filepath.Join(dir, "0.log"), Grace: time.Minute}
	l, err := podlog.Open(s.Log)
	require.NoError(t, err)
	s.Stdout, s.Stderr = l.Stream(podlog.Stdout), l.Stream(podlog.Stderr)
	ctx, stop := context.WithCancel(context.Background())
	u := &run{T: t, r: r, pod: p, stop: stop, ended: make(chan kubelet.Exit, 1)}
	go func() { u.ended <- r.Run(ctx, s) }()
	t.Cleanup(func() {
		stop()
		_ = l.Close()
		if log, err := os.ReadFile(s.Log); t.Failed() && err == nil {
			t.Logf("%s", log)
		}
	})
	return u
}

func (u *run) pid() int {
	u.r.room.mu.Lock()
	defer u.r.room.mu.Unlock()
	return u.r.room.pods[string(u.pod.UID)].pid
}

// eventually tries until it is right; a run that ends before is a failure.
func (u *run) eventually(what string, right func() bool) {
	u.Helper()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		select {
		case e := <-u.ended:
			require.Fail(u, "it ended", "%+v", e)
		default:
		}
		if right() {
			return
		}
	}
	require.Fail(u, what)
}

// answer is that of the REST API.
func (u *run) answer(path string) (body map[string]any) {
	u.Helper()
	began := time.Now()
	u.eventually("it answers", func() bool {
		req, err := http.NewRequestWithContext(u.Context(), http.MethodGet, "http://"+u.pod.Status.PodIP+":8081"+path, nil)
		require.NoError(u, err)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK && json.NewDecoder(res.Body).Decode(&body) == nil
	})
	u.Logf("it answered after %s", time.Since(began))
	return body
}

// listensOnlyAt waits for the ports at the address of the pod; there are none at another.
func (u *run) listensOnlyAt(ports ...string) {
	u.Helper()
	var at []string
	u.eventually("it listens", func() bool {
		at = sockets(u.T, u.pid())
		return !slices.ContainsFunc(ports, func(port string) bool {
			return !slices.Contains(at, net.JoinHostPort(u.pod.Status.PodIP, port))
		})
	})
	for _, address := range at {
		host, _, err := net.SplitHostPort(address)
		require.NoError(u, err)
		require.Equal(u, u.pod.Status.PodIP, host, "all of %v", at)
	}
}

// end asks the process to end, and nothing is left of it.
func (u *run) end() kubelet.Exit {
	u.Helper()
	pid := u.pid()
	u.stop()
	e := <-u.ended
	require.NoDirExists(u, fmt.Sprintf("/proc/%d", pid))
	u.Logf("%+v", e)
	return e
}

// sockets are the addresses on which a process listens.
func sockets(t *testing.T, pid int) []string {
	t.Helper()
	own := map[string]bool{}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	require.NoError(t, err)
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil {
			own[to] = true
		}
	}
	var found []string
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open("/proc/net/" + table)
		require.NoError(t, err)
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			const listens = "0A"
			if len(fields) > 9 && fields[3] == listens && own["socket:["+fields[9]+"]"] {
				found = append(found, address(t, fields[1]))
			}
		}
		require.NoError(t, f.Close())
	}
	return found
}

// address is one of /proc/net/tcp: hexadecimal words in the order of the machine, and the port.
func address(t *testing.T, s string) string {
	t.Helper()
	host, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	require.NoError(t, err)
	for i := 0; i < len(raw); i += 4 {
		raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
	}
	var n int
	_, err = fmt.Sscanf(port, "%X", &n)
	require.NoError(t, err)
	return net.JoinHostPort(net.IP(raw).String(), fmt.Sprint(n))
}
