// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/kubelet"
	"emrflink/internal/localcloud/podlog"
)

// asDaemon has the test's own program start a process and live on, until it is killed.
const asDaemon = "EMRFLINK_TEST_DAEMON"

func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) == "" {
		os.Exit(m.Run())
	}
	newStarter().run(context.Background(), process{
		path: "/bin/sleep", args: []string{"600"}, stderr: os.Stderr, started: func(pid int) { fmt.Println(pid) },
	})
}

// ran runs a shell's text to its end, which the test asks for when stop is not 0.
func ran(t *testing.T, p process, script string, stop time.Duration) (o outcome, log string) {
	t.Helper()
	log = filepath.Join(t.TempDir(), "0.log")
	l, err := podlog.Open(log)
	require.NoError(t, err)
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.path, p.args, p.stdout, p.stderr = "/bin/sh", []string{"-c", script}, l.Stream(podlog.Stdout), l.Stream(podlog.Stderr)
	p.started = func(int) {
		if stop > 0 {
			time.AfterFunc(stop, cancel)
		}
	}
	return newStarter().run(ctx, p), log
}

func TestTheEndOfAProcessIsThatOfItsContainer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script  string
		code    int32
		reason  string
		message string
	}{
		"it is done":       {"echo done", 0, "Completed", ""},
		"it fails":         {"echo 'Error: Could not find class X'; exit 1", 1, "Error", "Error: Could not find class X"},
		"it is killed":     {"echo 'Error: no file'; kill -9 $$", 137, "Error", "SIGKILL from outside ended the process"},
		"a signal ends it": {"echo 'Error: no file'; kill -ABRT $$", 134, "Error", "Error: no file"},
		"its heap is full": {"echo 'Terminating due to java.lang.OutOfMemoryError: Java heap space'; exit 3", 137, "OOMKilled",
			"java.lang.OutOfMemoryError: Java heap space"},
		"3 is another end": {"echo no; exit 3", 3, "Error", "no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, log := ran(t, process{}, c.script, 0)
			e := o.exit(log)
			require.Equal(t, c.code, e.Code)
			require.Equal(t, c.reason, e.Reason)
			require.Equal(t, c.message, e.Message)
		})
	}
	o := newStarter().run(t.Context(), process{path: "/nowhere/java"})
	require.Equal(t, reasonCannotRun, o.exit("").Reason)
}

func TestAProcessIsAskedToEndAndThenKilledWithItsGroup(t *testing.T) {
	t.Parallel()
	o, log := ran(t, process{grace: time.Minute}, "trap 'echo in order; exit 143' TERM; while :; do sleep 0.05; done",
		time.Second)
	require.Equal(t, kubelet.Exit{Code: 143, Reason: reasonError}, o.exit(log))
	said, err := endOf(log)
	require.NoError(t, err)
	require.Contains(t, said, "in order\n")
	o, log = ran(t, process{grace: 200 * time.Millisecond}, "trap '' TERM; sleep 600 & echo $!; wait; sleep 600", time.Second)
	require.Equal(t, int32(codeKilled), o.exit(log).Code)
	said, err = endOf(log)
	require.NoError(t, err)
	child, err := strconv.Atoi(strings.TrimSpace(said))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !runs(child) }, time.Minute, 10*time.Millisecond, "its child is gone too")
}

func TestAProcessAboveTheLimitOfItsPodIsKilled(t *testing.T) {
	t.Parallel()
	o, log := ran(t, process{limit: 8 << 20}, `x=$(head -c 20000000 /dev/zero | tr '\0' x); sleep 600`, 0)
	e := o.exit(log)
	require.Equal(t, int32(codeKilled), e.Code)
	require.Equal(t, reasonOOM, e.Reason)
	require.Contains(t, e.Message, "the limit of its container is 8 MB")
}

// A daemon that is killed takes its processes along: nothing else would end them.
func TestNoProcessOutlivesAKilledDaemon(t *testing.T) {
	t.Parallel()
	daemon := exec.Command(os.Args[0])
	daemon.Env = append(os.Environ(), asDaemon+"=1")
	out, err := daemon.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, daemon.Start())
	var pid int
	_, err = fmt.Fscan(out, &pid)
	require.NoError(t, err)
	require.True(t, runs(pid))
	require.NoError(t, daemon.Process.Kill())
	_ = daemon.Wait()
	require.Eventually(t, func() bool { return !runs(pid) }, time.Minute, 10*time.Millisecond)
}

// runs says whether a process is alive; one that nobody has waited for yet is not.
func runs(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(raw), ") ")
	return err == nil && !strings.HasPrefix(after, "Z")
}

func TestTheReasonIsTheLastErrorWithItsRoot(t *testing.T) {
	t.Parallel()
	for want, log := range map[string]string{
		"Could not start cluster entrypoint X.: java.io.FileNotFoundException: /a.jar": `
2026-11-28 02:30:51,452 ERROR a.b.C [] - an earlier one
2026-11-28 02:30:52,000 ERROR org.apache.flink.runtime.entrypoint.ClusterEntrypoint  [] - Could not start cluster entrypoint X.
org.apache.flink.runtime.entrypoint.ClusterEntrypointException: Failed to initialize the cluster entrypoint X.
	at a.b.C.d(C.java:1)
Caused by: java.lang.RuntimeException: no
	at a.b.C.d(C.java:1)
Caused by: java.io.FileNotFoundException: /a.jar
	... 2 more
2026-11-28 02:30:53,000 INFO  a.b.C [] - going down
2026-11-28 02:30:53,100 ERROR org.apache.pekko.remote.Remoting [] - Remoting system has been terminated abrubtly
`,
		"java.lang.IllegalStateException: bad": "Exception in thread \"main\" java.lang.IllegalStateException: bad\n\tat a.B\n",
		"the last line":                        "first\nthe last line\n\n",
		"":                                     "",
	} {
		require.Equal(t, want, reasonIn(log))
	}
	require.Len(t, reasonIn(strings.Repeat("x", 5000)), mostReason+len("..."))
}
