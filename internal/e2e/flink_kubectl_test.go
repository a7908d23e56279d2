// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
)

// kubectl runs kubectl as the user has it.
type kubectl struct {
	u      *user
	path   string
	config string
}

// kubectl writes a kubeconfig; ok is false where no kubectl is on the PATH.
func (u *user) kubectl() (k kubectl, ok bool) {
	path, err := exec.LookPath("kubectl")
	if err != nil {
		u.t.Log("no kubectl on the PATH: its logs, port-forward and proxies were not tried")
		return k, false
	}
	k = kubectl{u, path, filepath.Join(u.work, "kubeconfig")}
	u.ok("kubeconfig --file " + k.config)
	return k, true
}

func (k kubectl) cmd(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, k.path, append([]string{"--kubeconfig", k.config, "--namespace", "flink-team-a"}, args...)...)
	cmd.Env = append(k.u.env, "PATH="+filepath.Dir(binary(k.u.t, "emrflink")))
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func (k kubectl) ok(args ...string) string {
	k.u.t.Helper()
	var said strings.Builder
	cmd := k.cmd(k.u.t.Context(), args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoErrorf(k.u.t, err, "kubectl %v: %s%s", args, out, said.String())
	return string(out)
}

func (k kubectl) refused(args ...string) string {
	k.u.t.Helper()
	out, err := k.cmd(k.u.t.Context(), args...).CombinedOutput()
	require.Errorf(k.u.t, err, "kubectl %v: %s", args, out)
	return string(out)
}

// begin starts a command that goes on, and returns what it prints.
func (k kubectl) begin(args ...string) (*bufio.Scanner, context.CancelFunc) {
	k.u.t.Helper()
	ctx, cancel := context.WithTimeout(k.u.t.Context(), 2*time.Minute)
	cmd := k.cmd(ctx, args...)
	out, err := cmd.StdoutPipe()
	require.NoError(k.u.t, err)
	require.NoError(k.u.t, cmd.Start())
	return bufio.NewScanner(out), func() {
		cancel()
		_ = cmd.Wait() // it was ended
	}
}

// waitLine reads until a line with the pattern and returns its last group.
func waitLine(t *testing.T, lines *bufio.Scanner, pattern string) string {
	t.Helper()
	p := regexp.MustCompile(pattern)
	for lines.Scan() {
		if m := p.FindStringSubmatch(lines.Text()); m != nil {
			return m[len(m)-1]
		}
	}
	require.Fail(t, "no line has "+pattern)
	return ""
}

const completed = "Completed checkpoint"

// leader is the JobManager that runs the job; the other one is its standby.
func (k kubectl) leader(t *testing.T) string {
	t.Helper()
	names := k.ok("get", "pods", "-l", "app=basic,component=jobmanager", "-o", "jsonpath={.items[*].metadata.name}")
	for name := range strings.FieldsSeq(names) {
		if strings.Contains(k.ok("logs", name), completed) {
			return name
		}
	}
	require.Fail(t, "no JobManager tells of a checkpoint", names)
	return ""
}

// checkFlinkByKubectl looks at the job as kubectl does on EKS.
func checkFlinkByKubectl(t *testing.T, k kubectl) {
	t.Helper()
	pod := k.leader(t)
	t.Run("logs", func(t *testing.T) {
		lines := strings.Split(strings.TrimSpace(k.ok("logs", "--tail=2", "--timestamps", "--since=10m", pod)), "\n")
		require.Len(t, lines, 2)
		at, _, _ := strings.Cut(lines[0], " ")
		_, err := time.Parse(time.RFC3339Nano, at)
		require.NoError(t, err)
		followed, end := k.begin("logs", "-f", "--tail=1", pod)
		defer end()
		waitLine(t, followed, completed)
		require.Contains(t, k.refused("logs", "--previous", pod), "previous terminated container")
		require.Contains(t, k.refused("logs", "-c", "fluentd", pod), "simulated")
	})
	t.Run("port-forward", func(t *testing.T) {
		lines, end := k.begin("port-forward", "service/basic-rest", ":8081")
		defer end()
		port := waitLine(t, lines, `^Forwarding from 127\.0\.0\.1:(\d+)`)
		for range 2 {
			requireRunning(t, get(t, "http://127.0.0.1:"+port+"/jobs/overview"))
		}
	})
	t.Run("the proxies of the API server", func(t *testing.T) {
		for _, at := range []string{"services/basic-rest:rest", "services/basic-rest:8081", "pods/" + pod + ":8081"} {
			requireRunning(t, k.ok("get", "--raw", "/api/v1/namespaces/flink-team-a/"+at+"/proxy/jobs/overview"))
		}
	})
	t.Run("top", func(t *testing.T) {
		require.Eventually(t, func() bool { // metrics-server has measured twice
			out, err := k.cmd(t.Context(), "top", "pod", "--no-headers", "-l", "app=basic").Output()
			return err == nil && regexp.MustCompile(`(?m)^`+pod+` +\d+m +\d{2,}Mi`).Match(out)
		}, time.Minute, time.Second)
		require.Regexp(t, `(?m)^ip-\S+ +\d+m +\d+% +\d{2,}Mi`, k.ok("top", "node"))
	})
	t.Run("exec and attach are refused", func(t *testing.T) {
		require.Contains(t, k.refused("exec", pod, "--", "ls"), "exec is not possible on the local target")
		require.Contains(t, k.refused("attach", pod, "-i"), "attach is not possible on the local target")
	})
}

func requireRunning(t *testing.T, overview string) {
	t.Helper()
	var jobs struct{ Jobs []struct{ State string } }
	require.NoError(t, json.Unmarshal([]byte(overview), &jobs), overview)
	require.Len(t, jobs.Jobs, 1)
	require.Equal(t, "RUNNING", jobs.Jobs[0].State)
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body)
}

// aws is the AWS API of the simulated account, as Amazon's SDK finds it.
func (u *user) aws() *awsapi.Client {
	u.t.Helper()
	raw, err := os.ReadFile(filepath.Join(u.home, "local", "daemon.json"))
	require.NoError(u.t, err)
	var d struct{ URL, Region, AccessKey, SecretKey string }
	require.NoError(u.t, json.Unmarshal(raw, &d))
	c, err := awsapi.New(u.t.Context(), awsapi.Options{Region: d.Region, Env: map[string]string{
		"AWS_ENDPOINT_URL": d.URL, "AWS_ACCESS_KEY_ID": d.AccessKey, "AWS_SECRET_ACCESS_KEY": d.SecretKey,
	}})
	require.NoError(u.t, err)
	return c
}

// checkSidecar looks for the log of the JobManager where EMR puts it.
func checkSidecar(t *testing.T, u *user) {
	t.Helper()
	var out struct {
		Outputs struct {
			Teams map[string]struct{ LogGroup, LogURI string }
		}
	}
	u.json("outputs", &out)
	team := out.Outputs.Teams["flink-team-a"]
	bucket, folder, _ := strings.Cut(strings.TrimPrefix(team.LogURI, "s3://"), "/")
	aws := u.aws()
	events, err := aws.LogEvents(t.Context(), team.LogGroup, "basic/basic-", time.Time{}, 0)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(events), completed)
	require.Regexp(t, `^basic/basic-\w+-\w+/STDOUT$`, events[0].Stream)
	objects, err := aws.ListObjects(t.Context(), bucket, folder)
	require.NoError(t, err)
	for _, o := range objects {
		if strings.HasSuffix(o.Key, "/stdout.gz") && !strings.Contains(o.Key, "taskmanager") {
			raw, err := aws.GetObject(t.Context(), bucket, o.Key)
			require.NoError(t, err)
			z, err := gzip.NewReader(strings.NewReader(string(raw)))
			require.NoError(t, err)
			log, err := io.ReadAll(z)
			require.NoError(t, err)
			require.Contains(t, string(log), "KubernetesApplicationClusterEntrypoint")
			return
		}
	}
	require.Fail(t, "the bucket has no log", "%v", objects)
}
