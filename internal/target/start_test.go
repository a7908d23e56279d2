// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/engine/enginetest"
	"emrflink/internal/localcloud/daemon"
	"emrflink/internal/localtarget"
)

// The test binary is the daemon's process, too, and stands for the control plane's binary, which an empty account needs
// none of.
func TestMain(m *testing.M) {
	self, err := os.Executable()
	if err == nil {
		err = os.Setenv("EMRFLINK_LOCALKUBE", self)
	}
	if err == nil && slices.Equal(os.Args[1:min(3, len(os.Args))], []string{"local", "serve"}) {
		err = serveInTest(os.Getenv("EMRFLINK_HOME"))
	} else if err == nil {
		os.Exit(enginetest.Main(m))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveInTest is the daemon. A file in its home makes it slow to begin, on a machine that has too much to do.
func serveInTest(home string) error {
	if _, err := os.Stat(filepath.Join(home, "slow")); err == nil {
		time.Sleep(quiet + 500*time.Millisecond)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	o := ServeOptions{Home: home, Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil))}
	o.Region = "us-west-2"
	return Serve(ctx, o)
}

// home is the options of a new state folder, whose daemon is ended with the test.
func home(t *testing.T) Options {
	t.Helper()
	o := Options{Kind: Local, Home: t.TempDir(), Region: "us-west-2"}
	t.Cleanup(func() { _ = OpenLocal(o).Stop(context.Background()) })
	return o
}

// started starts the daemon and makes sure that it works: a command asks its providers first.
func started(t *testing.T, o Options) daemon.Info {
	t.Helper()
	c, err := start(t.Context(), o)
	require.NoError(t, err)
	i := c.Info()
	for _, port := range []int{i.Ports.AWS, i.Ports.EKS, i.Ports.Kubernetes} {
		conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		require.NoError(t, err, "a provider of the daemon")
		require.NoError(t, conn.Close())
	}
	return i
}

func TestADaemonThatWasKilledIsStartedAgainAtOnce(t *testing.T) {
	t.Parallel()
	o := home(t)
	i := started(t, o)
	for range 3 {
		require.NoError(t, syscall.Kill(i.PID, syscall.SIGKILL))
		next := started(t, o)
		require.NotEqual(t, i.PID, next.PID)
		require.Equal(t, i.URL, next.URL, "shells and kubeconfigs know this address")
		i = next
	}
}

func TestADaemonThatIsKilledWhileItStartsIsStartedAgain(t *testing.T) {
	t.Parallel()
	o := home(t)
	killed := make(chan int, 1)
	go func() {
		for {
			if pid := lockHolder(o); pid != 0 && syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed <- pid
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, _ = start(t.Context(), o) // it may have been ready just before
	pid := <-killed
	require.NotEqual(t, pid, started(t, o).PID)
}

// lockHolder is the process that says in the lock that it serves.
func lockHolder(o Options) int {
	b, _ := os.ReadFile(filepath.Join(localDir(o.Home), "daemon.lock"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}

func TestCommandsAtTheSameInstantShareOneDaemon(t *testing.T) {
	t.Parallel()
	o := home(t)
	pids := make([]int, 4)
	var wg sync.WaitGroup
	for n := range pids {
		wg.Go(func() {
			if c, err := start(t.Context(), o); err == nil {
				pids[n] = c.Info().PID
			}
		})
	}
	wg.Wait()
	require.NotZero(t, pids[0])
	require.Len(t, slices.Compact(pids), 1)
	require.NoError(t, OpenLocal(o).Stop(t.Context()))
	time.Sleep(10 * startPoll)
	_, err := OpenLocal(o).Status(t.Context())
	require.ErrorIs(t, err, localtarget.ErrNotRunning, "none of the others begins to serve after that")
	require.NoFileExists(t, failurePath(localDir(o.Home)), "one that is not needed has not failed")
}

func TestTheEndOfAPredecessorIsWaitedFor(t *testing.T) {
	t.Parallel()
	o := home(t)
	i := started(t, o)
	require.NoError(t, syscall.Kill(i.PID, syscall.SIGTERM))
	require.Eventually(t, func() bool {
		s, err := OpenLocal(o).Status(t.Context())
		return err != nil || s.State != localtarget.Running
	}, time.Minute, time.Millisecond, "it hears the signal in its own time")
	require.NotEqual(t, i.PID, started(t, o).PID)
}

func TestASlowStartIsWaitedForAndSaysSo(t *testing.T) {
	t.Parallel()
	o := home(t)
	require.NoError(t, os.WriteFile(filepath.Join(o.Home, "slow"), nil, 0o600))
	var told []string
	o.Waiting = func(what string) { told = append(told, what) }
	started(t, o)
	require.NotEmpty(t, told)
	require.Contains(t, told[0], "waiting for the local target")
}

func TestADaemonThatHangsIsNamedAndCanBeStopped(t *testing.T) {
	t.Parallel()
	o := home(t)
	i := started(t, o)
	l := OpenLocal(o)
	require.NoError(t, os.WriteFile(filepath.Join(l.Dir(), "daemon.json"), nil, 0o600)) // as if it never got that far
	_, err := l.Status(t.Context())
	require.ErrorContains(t, err, strconv.Itoa(i.PID))
	require.NoError(t, syscall.Kill(i.PID, syscall.SIGSTOP))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, l.Stop(ctx))
	s, err := l.Status(t.Context())
	require.ErrorIs(t, err, localtarget.ErrNotRunning)
	require.Equal(t, localtarget.Stopped, s.State)
}

// planesOf answers as a daemon does, with the state of one control plane after the other.
type planesOf struct {
	endpoint string
	states   []string
	tried    int
}

func (p *planesOf) Status(context.Context) (localtarget.Status, error) {
	state := p.states[0]
	if len(p.states) > 1 {
		p.states = p.states[1:]
	}
	return localtarget.Status{Clusters: []localtarget.Cluster{
		{Name: "demo", State: state, Reason: "the disk is full", Endpoint: p.endpoint},
	}}, nil
}

func (p *planesOf) TryAgain(context.Context) error { p.tried++; return nil }

func TestAControlPlaneThatDiedJustNowIsNotTakenForOneThatRuns(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &planesOf{endpoint: "https://" + ln.Addr().String(), states: []string{localtarget.Running}}
	served := make(chan error, 1)
	go func() { served <- awaitControlPlane(t.Context(), Options{}, p, "demo") }()
	select {
	case <-served:
		t.Fatal("its port is open, and nobody answers")
	case <-time.After(10 * startPoll):
	}
	answering(t, ln)
	require.NoError(t, <-served)
}

// answering serves TLS on a listener.
func answering(t *testing.T, ln net.Listener) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	require.NoError(t, s.Listener.Close())
	s.Listener = ln
	s.StartTLS()
	t.Cleanup(s.Close)
}

func TestACommandWaitsForTheControlPlaneAndSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	answering(t, ln)
	const starting, running, failed = localtarget.Starting, localtarget.Running, localtarget.Failed
	for name, c := range map[string]struct {
		cluster string
		states  []string
		tried   int
		down    bool
	}{
		"it runs":                              {"demo", []string{running}, 0, false},
		"the account has no such cluster":      {"other", []string{failed}, 0, false},
		"it is being started":                  {"demo", []string{starting, starting, running}, 0, false},
		"it had failed, and the cause is gone": {"demo", []string{failed, starting, running}, 1, false},
		"it had failed, and fails again":       {"demo", []string{failed, starting, failed}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &planesOf{states: c.states, endpoint: "https://" + ln.Addr().String()}
			err := awaitControlPlane(t.Context(), Options{}, p, c.cluster)
			require.Equal(t, c.tried, p.tried)
			if !c.down {
				require.NoError(t, err)
				return
			}
			var down *downError
			require.ErrorAs(t, err, &down)
			require.ErrorContains(t, err, "the disk is full")
			require.Equal(t, "emrflink doctor", down.Hint())
		})
	}
}
