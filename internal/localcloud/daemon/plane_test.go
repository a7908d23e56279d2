// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localtarget"
)

// The test binary is the control plane's process, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		os.Exit(fakeLocalkube(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "api-server" {
		os.Exit(fakeAPIServer())
	}
	os.Exit(m.Run())
}

// fakeLocalkube behaves as localkube does towards its daemon: it locks its folder, listens, says that it is ready and
// stops when its standard input ends. A file beside its folder makes it misbehave.
func fakeLocalkube(args []string) int {
	flag := func(name string) string { return args[slices.Index(args, name)+1] }
	dir := flag("--dir")
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	if misbehaves(dir, "broken") {
		defer fmt.Fprintln(os.Stderr, "goroutine 1 [running]:") // what follows a panic says nothing
		return fail(fmt.Errorf("the store is spoilt"))
	}
	ln, err := net.Listen("tcp", flag("--listen"))
	if err != nil {
		return fail(err)
	}
	defer ln.Close() // held until the end: a file that nobody knows any more is closed by the garbage collector
	l, err := os.OpenFile(filepath.Join(dir, kubeLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		defer l.Close()
		err = syscall.Flock(int(l.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		return fail(fmt.Errorf("another localkube serves it: %w", err))
	}
	_, _ = fmt.Fprintln(l, os.Getpid())
	_ = os.Chdir(dir)
	_ = os.WriteFile("kubeconfig", fmt.Appendf(nil, `{apiVersion: v1, kind: Config, current-context: a,
		contexts: [{name: a, context: {cluster: a}}], clusters: [{name: a, cluster: {server: "https://%s"}}]}`, ln.Addr()), 0o600)
	_ = os.WriteFile("ca.crt", []byte("CA"), 0o600)
	_ = json.NewEncoder(os.Stdout).Encode(ready{
		Endpoint: "https://" + ln.Addr().String(),
		CAFile:   filepath.Join(dir, "ca.crt"), Kubeconfig: filepath.Join(dir, "kubeconfig"),
	})
	_, _ = io.Copy(io.Discard, os.Stdin)
	for misbehaves(dir, "hangs") {
		time.Sleep(time.Second)
	}
	return 0
}

func misbehaves(dir, how string) bool {
	_, err := os.Stat(dir + "." + how)
	return err == nil
}

// misbehave makes the control plane of a cluster misbehave, or stop that.
func (d *Daemon) misbehave(t *testing.T, cluster, how string, on bool) {
	t.Helper()
	path := d.clusterDir(cluster) + "." + how
	if !on {
		require.NoError(t, os.Remove(path))
		return
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
}

// planesOnly is a daemon with an empty account and no stand-ins, whose processes are gone at the end of the test.
func planesOnly(t *testing.T, dir string) (_ *Daemon, stop func()) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	d := newDaemon(ctx, Options{Dir: dir, Localkube: self, Logger: slog.New(slog.DiscardHandler)})
	d.account = a
	d.standIns = func(*cluster) error { return nil }
	stop = func() {
		cancel()
		d.stopClusters()
	}
	t.Cleanup(stop)
	return d, stop
}

var demo = account.ClusterSpec{Name: "demo", Version: "1.35", Issuer: "https://issuer", ServiceCIDR: "172.20.0.0/16"}

// pid is the process that serves the cluster; it waits for one other than old.
func pid(t *testing.T, d *Daemon, old int) int {
	t.Helper()
	var p int
	require.Eventually(t, func() bool {
		for _, c := range d.controlPlanes() {
			p = c.PID
		}
		return p != 0 && p != old
	}, 2*time.Minute, 10*time.Millisecond, "no process serves")
	return p
}

func TestTheEndOfAProcessIsToldByItsOwnWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ log, want string }{
		"an error":    {"I0101 begin\nerror: no space left\n", "exit status 1: error: no space left (log: "},
		"a panic":     {"panic: nil map\n\ngoroutine 1 [running]:\nmain.main()\n", "exit status 1: panic: nil map (log: "},
		"other words": {"warning: slow\nI0101 end\n", "exit status 1: I0101 end (log: "},
		"no word":     {"", "exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &cluster{dir: t.TempDir(), err: fmt.Errorf("exit status 1")}
			text := "error: of an earlier process\n"
			p.logBegin = int64(len(text))
			require.NoError(t, os.WriteFile(logPath(p.dir), []byte(text+c.log), 0o600))
			got := p.ended().Error()
			require.True(t, strings.HasPrefix(got, c.want), got)
			require.NotContains(t, got, "earlier")
		})
	}
}

func TestAControlPlaneThatDiesIsStartedAgainEveryTime(t *testing.T) {
	t.Parallel()
	d, _ := planesOnly(t, t.TempDir())
	e, err := d.StartCluster(t.Context(), demo)
	require.NoError(t, err)
	process := pid(t, d, 0)
	for range 3 {
		require.NoError(t, syscall.Kill(process, syscall.SIGKILL))
		process = pid(t, d, process)
	}
	again, err := d.StartCluster(t.Context(), demo)
	require.NoError(t, err)
	require.Equal(t, e, again, "kubeconfigs know it by this address")
	require.NoError(t, d.StopCluster(t.Context(), "demo"))
	require.NoDirExists(t, d.clusterDir("demo"))
	require.Error(t, syscall.Kill(process, 0), "its process outlives the cluster")
}

func TestAPortThatIsTakenMeanwhileIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, stop := planesOnly(t, dir)
	e, err := d.StartCluster(t.Context(), demo)
	require.NoError(t, err)
	stop()
	ln, err := net.Listen("tcp", strings.TrimPrefix(e.URL, "https://"))
	require.NoError(t, err)
	defer ln.Close()
	d, _ = planesOnly(t, dir)
	moved, err := d.StartCluster(t.Context(), demo)
	require.NoError(t, err)
	require.NotEqual(t, e.URL, moved.URL)
	s, err := readSaved(d.clusterDir("demo"))
	require.NoError(t, err)
	require.Equal(t, moved.URL, "https://"+s.Address, "the next start takes this one again")
}

func TestAControlPlaneThatCannotStartSaysWhyAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	d, _ := planesOnly(t, t.TempDir())
	d.misbehave(t, "demo", "broken", true)
	_, err := d.StartCluster(t.Context(), demo)
	require.ErrorContains(t, err, `the control plane of cluster "demo" does not run`)
	require.ErrorContains(t, err, "the store is spoilt")
	c := d.controlPlanes()[0]
	require.Equal(t, localtarget.Failed, c.State)
	require.Contains(t, c.Reason, "the store is spoilt")
	require.Zero(t, c.PID)
	err = d.WaitNodes(t.Context(), "demo", nil)
	require.ErrorContains(t, err, "the store is spoilt", "not that there is no such cluster")
	require.NoError(t, d.RemoveAddon(t.Context(), "demo", "coredns"), "cleanup goes on without it")

	d.misbehave(t, "demo", "broken", false)
	d.tryAgain()
	_, err = d.StartCluster(t.Context(), demo)
	require.NoError(t, err)
	require.Equal(t, localtarget.Running, d.controlPlanes()[0].State)
}

func TestAClusterThatCannotStartCanBeDeleted(t *testing.T) {
	t.Parallel()
	d, _ := planesOnly(t, t.TempDir())
	d.misbehave(t, "demo", "broken", true)
	_, err := d.StartCluster(t.Context(), demo)
	require.Error(t, err)
	require.NoError(t, d.StopCluster(t.Context(), "demo"))
	require.NoDirExists(t, d.clusterDir("demo"))
	require.Empty(t, d.controlPlanes())
	require.Error(t, d.WaitNodes(t.Context(), "demo", nil))
}

// orphan is the process that a daemon which died left behind; it stops only by force when it hangs.
func orphan(t *testing.T, d *Daemon, hangs bool) *exec.Cmd {
	t.Helper()
	dir := d.clusterDir("demo")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	d.misbehave(t, "demo", "hangs", true)
	cmd := exec.Command(d.opts.Localkube, "serve", "--dir", dir, "--listen", anyAddress)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var r ready
	require.NoError(t, json.NewDecoder(stdout).Decode(&r))
	require.NoError(t, writeSaved(dir, saved{Spec: demo, Address: strings.TrimPrefix(r.Endpoint, "https://")}))
	require.NoError(t, stdin.Close())
	if !hangs {
		d.misbehave(t, "demo", "hangs", false)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	return cmd
}

// gone waits for the end of a process.
func gone(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	require.Eventually(t, func() bool { return syscall.Kill(cmd.Process.Pid, 0) != nil }, time.Minute, 10*time.Millisecond)
}

func TestTheProcessOfADaemonThatDiedIsNotDoubled(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]bool{"one that is about to stop": false, "one that hangs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := planesOnly(t, t.TempDir())
			old := orphan(t, d, hangs)
			s, err := readSaved(d.clusterDir("demo"))
			require.NoError(t, err)
			e, err := d.StartCluster(t.Context(), demo)
			require.NoError(t, err)
			require.Equal(t, s.Address, strings.TrimPrefix(e.URL, "https://"), "the port was its own")
			require.NotEqual(t, old.Process.Pid, pid(t, d, 0))
			gone(t, old)
		})
	}
}

func TestTheProcessOfAClusterThatIsGoneIsEnded(t *testing.T) {
	t.Parallel()
	d, _ := planesOnly(t, t.TempDir())
	old := orphan(t, d, true)
	require.NoError(t, d.forget(t.Context()), "the account has no such cluster")
	require.NoDirExists(t, d.clusterDir("demo"))
	gone(t, old)
}

func TestAResetEndsWhatADaemonThatDiedLeft(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "local")
	require.NoError(t, Reset(t.Context(), dir), "there is nothing yet")
	require.NoDirExists(t, dir)
	d, _ := planesOnly(t, dir)
	old := orphan(t, d, false)
	require.NoError(t, Reset(t.Context(), dir))
	require.NoDirExists(t, dir)
	gone(t, old)
}

// The lock's file may still name a process that ended long ago, and the system has given its id to another program.
func TestAProgramThatOnlyHasTheIDOfAControlPlaneIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := exec.Command("sleep", "60")
	require.NoError(t, other.Start())
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	path := filepath.Join(dir, kubeLock)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	require.NoError(t, os.WriteFile(path, []byte(strconv.Itoa(other.Process.Pid)), 0o600))
	require.ErrorContains(t, endOrphan(t.Context(), dir), "end the process yourself")
	require.NoError(t, syscall.Kill(other.Process.Pid, 0))
}

func TestAStartThatWasKilledLeavesNoHalfStore(t *testing.T) {
	t.Parallel()
	d, _ := planesOnly(t, t.TempDir())
	half := filepath.Join(d.clusterDir("demo"), "etcd", "half")
	require.NoError(t, os.MkdirAll(filepath.Dir(half), 0o700))
	require.NoError(t, os.WriteFile(half, nil, 0o600))
	_, err := d.StartCluster(t.Context(), demo)
	require.NoError(t, err)
	require.NoFileExists(t, half, "it never served: nothing in it was promised to anybody")
}

func TestWorkIsDoneAgainWhenItsControlPlaneDiesMeanwhile(t *testing.T) {
	t.Parallel()
	d, _ := planesOnly(t, t.TempDir())
	_, err := d.StartCluster(t.Context(), demo)
	require.NoError(t, err)
	var processes []int
	require.NoError(t, d.onCluster(t.Context(), "demo", func(ctx context.Context, c *cluster) error {
		processes = append(processes, c.cmd.Process.Pid)
		if len(processes) == 1 {
			require.NoError(t, c.cmd.Process.Kill())
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}))
	require.Len(t, slices.Compact(processes), 2)
	err = d.onCluster(t.Context(), "demo", func(context.Context, *cluster) error { return os.ErrPermission })
	require.ErrorIs(t, err, os.ErrPermission, "an error of a control plane that lives is the answer")
}

// The account takes an error for AWS's answer and records it; what a stop cuts off must be left for the next process.
func TestTheEndOfTheDaemonIsNoErrorOfItsClusters(t *testing.T) {
	t.Parallel()
	d, stop := planesOnly(t, t.TempDir())
	d.misbehave(t, "demo", "broken", true)
	account, closeAccount := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() {
		_, err := d.StartCluster(account, demo)
		answer <- err
	}()
	require.Eventually(t, func() bool { return len(d.controlPlanes()) == 1 }, time.Minute, time.Millisecond)
	stop()
	select {
	case err := <-answer:
		t.Fatalf("answered before the account was closed: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	closeAccount()
	require.ErrorIs(t, <-answer, context.Canceled)
}

func TestLeftoversOfAKilledProcessAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cluster := filepath.Join(dir, "clusters", "demo")
	require.NoError(t, os.MkdirAll(cluster, 0o700))
	for _, name := range []string{infoPath(dir) + ".tmp", savedPath(cluster) + ".tmp", savedPath(cluster)} {
		require.NoError(t, os.WriteFile(name, bytes.Repeat([]byte("x"), 9), 0o600))
	}
	removeLeftovers(dir)
	require.NoFileExists(t, infoPath(dir)+".tmp")
	require.NoFileExists(t, savedPath(cluster)+".tmp")
	require.FileExists(t, savedPath(cluster))
}
