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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"emrflink/internal/flinkhome"
	"emrflink/internal/localcloud/kubelet"
)

// installed is the Flink and the Java of this machine; the test is skipped by name when one is missing.
func installed(t *testing.T) flinkhome.Homes {
	t.Helper()
	homes := flinkhome.Homes{Folder: os.Getenv("EMRFLINK_HOME"), Env: os.Getenv(flinkhome.EnvVar)}
	if homes.Folder == "" {
		user, err := os.UserHomeDir()
		require.NoError(t, err)
		homes.Folder = filepath.Join(user, ".emrflink")
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

// A JobManager of a session cluster runs, answers on its own address, listens on no other, and is gone after its end.
func TestARealJobManagerRuns(t *testing.T) {
	t.Parallel()
	homes := installed(t)
	api := noPods(t)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})
	p := job(
		mounted("/opt/flink/conf", configMap("flink-config-orders")),
		mounted(accountFolder, corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}}},
		}}}))
	r := newRuntime(t, Options{
		Homes: homes, APIServer: api.URL, Getenv: os.Getenv, Client: client(settingsMap("kube-root-ca.crt", map[string]string{"ca.crt": string(ca)}),
			settingsMap("flink-config-orders", map[string]string{"flink-conf.yaml": `kubernetes.cluster-id: orders
kubernetes.namespace: flink-team-a
jobmanager.rpc.address: orders.flink-team-a
blob.server.port: 6124
jobmanager.memory.process.size: 1 gb
taskmanager.memory.process.size: 1 gb
metrics.reporter.prom.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory
execution.target: kubernetes-session
`})),
	})
	_, takes := r.Takes(p)
	require.True(t, takes)
	require.Empty(t, r.Holds(p))
	dir := t.TempDir()
	s := kubelet.Sandbox{Pod: p, Container: p.Spec.Containers[0], Dir: dir, Log: filepath.Join(dir, "0.log"), Grace: 30 * time.Second}
	t.Cleanup(func() {
		if log, err := os.ReadFile(s.Log); t.Failed() && err == nil {
			t.Logf("%s", log)
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan kubelet.Exit, 1)
	go func() { ended <- r.Run(ctx, s) }()
	began := time.Now()
	config := answerOf(t, ctx, ended, "http://"+testIP+":8081/config")
	t.Logf("it answered after %s", time.Since(began))
	require.Equal(t, flinkhome.Version, config["flink-version"])

	pid := r.room.pods["uid-1"].pid
	listening := sockets(t, pid)
	for _, port := range []string{"6123", "6124", "8081", "9249"} {
		require.Contains(t, listening, net.JoinHostPort(testIP, port))
	}
	for _, address := range listening {
		host, _, err := net.SplitHostPort(address)
		require.NoError(t, err)
		require.Equal(t, testIP, host, "all of %v", listening)
	}
	stop()
	e := <-ended
	t.Logf("%+v", e)
	require.NoDirExists(t, fmt.Sprintf("/proc/%d", pid))
	require.NotEqual(t, int32(codeKilled), e.Code, "it ends in order: %+v", e)
	require.Eventually(t, func() bool {
		made, err := filepath.Glob(filepath.Join(r.o.Dir, "classes-jobmanager-*.jsa"))
		return err == nil && len(made) == 1
	}, 3*time.Minute, 100*time.Millisecond, "the class-data archive is made")
}

// answerOf asks until there is an answer; a run that ends before is a failure.
func answerOf(t *testing.T, ctx context.Context, ended chan kubelet.Exit, url string) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		select {
		case e := <-ended:
			require.Fail(t, "it ended", "%+v", e)
		default:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			continue
		}
		var body map[string]any
		err = json.NewDecoder(res.Body).Decode(&body)
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK && err == nil {
			return body
		}
	}
	require.Fail(t, "no answer")
	return nil
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
		f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
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
