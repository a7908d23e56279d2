// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// metricsPort is that of Flink's Prometheus reporter, unless it is told another.
const metricsPort = "9249"

func (u *run) metricsAddress() string { return net.JoinHostPort(u.pod.Status.PodIP, metricsPort) }

// offers waits until a metric is in what the pod's Prometheus reporter serves, in the text format.
func (u *run) offers(metric string) {
	u.Helper()
	u.eventually("it offers "+metric, func() bool {
		req, err := http.NewRequestWithContext(u.Context(), http.MethodGet, "http://"+u.metricsAddress()+"/metrics", nil)
		require.NoError(u, err)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return err == nil && strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") &&
			strings.Contains(string(body), "# TYPE "+metric+" gauge\n"+metric+"{")
	})
}

// scraped lets a real Prometheus scrape the pods, where there is one.
func scraped(t *testing.T, metric string, pods ...*run) {
	t.Helper()
	t.Run("a real Prometheus scrapes the pods", func(t *testing.T) {
		path, err := exec.LookPath("prometheus")
		if err != nil {
			t.Skip("no prometheus is on the PATH")
		}
		var targets []string
		for _, u := range pods {
			targets = append(targets, u.metricsAddress())
		}
		dir := t.TempDir()
		config := filepath.Join(dir, "prometheus.yml")
		raw, err := json.Marshal(map[string]any{"scrape_configs": []any{map[string]any{ // JSON is YAML
			"job_name": "flink", "scrape_interval": "1s", "static_configs": []any{map[string]any{"targets": targets}},
		}}})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(config, raw, 0o600))
		free, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		address := free.Addr().String()
		require.NoError(t, free.Close())
		cmd := exec.CommandContext(t.Context(), path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
			"--web.listen-address="+address)
		require.NoError(t, cmd.Start())
		defer func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
		}()
		ask := func(path string) string {
			res, err := http.Get("http://" + address + path)
			if err != nil {
				return "" // it is not up yet
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body) // as above
			return string(body)
		}
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
			var answer struct{ Data struct{ Result []any } }
			if json.Unmarshal([]byte(ask("/api/v1/query?query="+url.QueryEscape(metric))), &answer) == nil &&
				len(answer.Data.Result) == len(pods) {
				return
			}
		}
		require.Fail(t, "it does not know the pods", ask("/api/v1/targets"))
	})
}
