// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// kubernetesVersion is the version in go.mod; the binary refuses to serve when it was linked with another one.
const kubernetesVersion = "v1.35.3"

// binary is the built program where EMRFLINK_BIN says where it is, and is built once per test run where not: the process
// under test is the real one, not a copy inside the test.
var binary string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	if built := os.Getenv("EMRFLINK_BIN"); built != "" {
		binary = filepath.Join(built, "localkube")
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "localkube-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a directory:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "localkube")
	build := exec.Command("go", "build", "-o", binary, "-ldflags",
		"-s -w -X k8s.io/component-base/version.gitVersion="+kubernetesVersion, ".")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build localkube:", err)
		return 1
	}
	return m.Run()
}

// instance is a running `localkube serve`.
type instance struct {
	Endpoint, CAFile, Kubeconfig string
	dir                          string
	cmd                          *exec.Cmd
	stdin                        interface{ Close() error }
	config                       *rest.Config
	client                       *kubernetes.Clientset
	dynamic                      *dynamic.DynamicClient
	exited                       chan error
}

const webhookToken = "k8s-aws-v1.test"

// startWebhook answers TokenReviews: webhookToken is the user `arn:...` with one group, all others are nobody.
func startWebhook(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review authv1.TokenReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if review.Spec.Token == webhookToken {
			review.Status.Authenticated = true
			review.Status.User = authv1.UserInfo{Username: "arn:aws:iam::111122223333:user/dev", Groups: []string{"viewers"}}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func start(t *testing.T, dir, listen string, more ...string) *instance {
	t.Helper()
	i := &instance{dir: dir, exited: make(chan error, 1)}
	args := append([]string{"serve", "--dir", dir, "--issuer", "https://oidc.example.test/id/A",
		"--token-webhook", startWebhook(t), "--listen", listen, "--exit-on-stdin-eof"}, more...)
	i.cmd = exec.Command(binary, args...)
	stderr := &strings.Builder{}
	i.cmd.Stderr = stderr
	stdin, err := i.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	i.stdin = stdin
	stdout, err := i.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := i.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(stdout).ReadBytes('\n')
	go func() { i.exited <- i.cmd.Wait() }()
	t.Cleanup(func() { i.stop(t, syscall.SIGKILL) })
	if readErr != nil {
		<-time.After(time.Second)
		t.Fatalf("no ready line: %v\n%s\n%s", readErr, stderr, logOf(dir))
	}
	if err := json.Unmarshal(line, i); err != nil {
		t.Fatalf("ready line %s: %v", line, err)
	}
	i.config, err = clientcmd.BuildConfigFromFlags("", i.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	i.client = kubernetes.NewForConfigOrDie(i.config)
	i.dynamic = dynamic.NewForConfigOrDie(i.config)
	return i
}

// stop sends a signal and waits until the process is gone; it returns how long that took.
func (i *instance) stop(t *testing.T, s os.Signal) time.Duration {
	t.Helper()
	begin := time.Now()
	if i.cmd.ProcessState != nil {
		return 0
	}
	_ = i.cmd.Process.Signal(s)
	i.waitExit(t)
	return time.Since(begin)
}

func (i *instance) waitExit(t *testing.T) {
	t.Helper()
	select {
	case err := <-i.exited:
		i.exited <- err
	case <-time.After(20 * time.Second):
		_ = i.cmd.Process.Kill()
		t.Fatalf("localkube did not stop\n%s", logOf(i.dir))
	}
}

// as returns a client with another bearer token.
func (i *instance) as(token string) *kubernetes.Clientset {
	c := rest.AnonymousClientConfig(i.config)
	c.BearerToken = token
	return kubernetes.NewForConfigOrDie(c)
}

func logOf(dir string) string {
	body, _ := os.ReadFile(filepath.Join(dir, "localkube.log"))
	return string(body)
}

// eventually polls until check returns true and fails the test after 30 s with the last detail.
func eventually(t *testing.T, what string, check func(context.Context) (bool, string)) {
	t.Helper()
	detail := ""
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 30*time.Second, true,
		func(ctx context.Context) (ok bool, err error) {
			ok, detail = check(ctx)
			return ok, nil
		})
	if err != nil {
		t.Fatalf("%s: %v (last: %s)", what, err, detail)
	}
}
