// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"emrflink/internal/exitcode"
	"emrflink/internal/flinkhome"
	"emrflink/internal/localcloud/daemon"
	"emrflink/internal/localtarget"
)

// LocalTarget controls the local target of one state folder.
type LocalTarget struct{ o Options }

// OpenLocal returns the control of the local target below o.Home; it starts nothing.
func OpenLocal(o Options) *LocalTarget { return &LocalTarget{o: o} }

func localDir(home string) string { return filepath.Join(home, "local") }

// Dir is the folder that holds the local target's state.
func (l *LocalTarget) Dir() string { return localDir(l.o.Home) }

// Home is the state folder.
func (l *LocalTarget) Home() string { return l.o.Home }

// Paths names the folder with the local target's state and its log file.
func (l *LocalTarget) Paths() (dir, log string) { return l.Dir(), daemon.LogPath(l.Dir()) }

// Binary finds the binary of the local control plane.
func (l *LocalTarget) Binary() (string, error) { return Localkube() }

// Status asks the running local target. With localtarget.ErrNotRunning it describes the stopped one. A process that has
// only just begun to start or is about to end may need a moment to answer.
func (l *LocalTarget) Status(ctx context.Context) (localtarget.Status, error) {
	dir, log := l.Paths()
	_, s, err := daemon.Connect(ctx, dir)
	for deadline := time.Now().Add(silence); silent(err) && time.Now().Before(deadline); _, s, err = daemon.Connect(ctx, dir) {
		if waitErr := sleep(ctx, startPoll); waitErr != nil {
			break
		}
	}
	if err != nil {
		s = localtarget.Status{
			State: localtarget.Stopped, Dir: dir, Clusters: []localtarget.Cluster{}, Faults: []localtarget.Fault{},
		}
	}
	s.SchemaVersion, s.Log = localtarget.SchemaVersion, log
	return s, err
}

// Inventory lists the simulated account. It starts the local target when it is
// stopped and has state, and answers with an empty list when there is none.
func (l *LocalTarget) Inventory(ctx context.Context) (localtarget.Inventory, error) {
	if _, err := os.Stat(l.Dir()); errors.Is(err, os.ErrNotExist) {
		return localtarget.Inventory{SchemaVersion: localtarget.SchemaVersion, Resources: []localtarget.Resource{}}, nil
	}
	c, err := start(ctx, l.o)
	if err != nil {
		return localtarget.Inventory{}, err
	}
	return c.Inventory(ctx)
}

// Stop ends the local target; its state stays. localtarget.ErrNotRunning when there
// is none.
func (l *LocalTarget) Stop(ctx context.Context) error { return daemon.Stop(ctx, l.Dir()) }

// Reset stops the local target and removes the simulated account with
// everything in it. The Pulumi state of the stacks is not touched.
func (l *LocalTarget) Reset(ctx context.Context) error {
	err := daemon.Reset(ctx, l.Dir())
	if errors.Is(err, daemon.ErrServed) {
		return fmt.Errorf("another command has started the local target again, and the simulated account stays: %w", err)
	}
	if err != nil {
		return fmt.Errorf("remove the simulated account: %w", err)
	}
	return nil
}

func openLocal(ctx context.Context, o Options) (*Target, error) {
	c, err := start(ctx, o)
	if err != nil {
		return nil, err
	}
	i := c.Info()
	simulated := []string{
		"local target: the AWS account " + i.AccountID + " is simulated on this machine; AWS was not asked and nothing is billed",
		whatIsReal(flinkhome.Homes{Folder: o.Home, Env: os.Getenv(flinkhome.EnvVar)}.Status(ctx, os.Getenv)),
	}
	who := i.Administrator()
	if len(o.Try) > 0 {
		if who, err = c.Try(ctx, o.Try); err != nil {
			return nil, fmt.Errorf("try policies on the local target: %w", err)
		}
		simulated = append(simulated, fmt.Sprintf("as %s, which has %d policies and no other rights", who.ARN, len(o.Try)))
	}
	env := attached(ports(who.Ports), credentials(who.AccessKey, who.SecretKey, o.Region))
	env["AWS_SESSION_TOKEN"], env["AWS_ENDPOINT_URL"] = who.SessionToken, i.URL
	env[localtarget.EnvCharts] = strings.TrimPrefix(i.URL, "http://")
	serves := func(ctx context.Context, cluster string) error { return awaitControlPlane(ctx, o, c, cluster) }
	return &Target{env: env, speed: i.Speed, serves: serves, simulated: simulated}, nil
}

// whatIsReal says what of a cluster is simulated.
func whatIsReal(flink flinkhome.Status) string {
	if flink.Runs {
		return "Kubernetes' control plane, Karpenter and Flink " + flink.Home.Version +
			" are the real ones; nodes and all pods but Flink's are simulated"
	}
	return "Kubernetes' control plane and Karpenter are the real ones; nodes and pods are simulated, and no Flink code runs"
}

// spawn runs `emrflink local serve` in a session of its own, so that neither
// Ctrl-C nor the end of this terminal reaches it.
func spawn(o Options, dir string) (*child, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	logFile, err := os.OpenFile(daemon.LogPath(dir), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	_ = os.Remove(failurePath(dir)) // of an earlier start
	cmd := exec.Command(exe, "local", "serve", "--region", o.Region)
	cmd.Env = append(os.Environ(), "EMRFLINK_HOME="+o.Home)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{pid: cmd.Process.Pid, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(c.exited)
	}()
	return c, nil
}

// ServeOptions are those of the hidden command that is the local target.
type ServeOptions struct {
	localtarget.ServeOptions
	Home, Version string
	Logger        *slog.Logger
}

// Serve is the local target: it returns when ctx ends or a client stops it.
func Serve(ctx context.Context, o ServeOptions) error {
	localkube, err := Localkube()
	if err != nil {
		return err
	}
	bin, err := linkSelf(o.Home)
	if err != nil {
		return err
	}
	if o.Speed == 0 {
		o.Speed = DefaultSpeed
	}
	dir := localDir(o.Home)
	err = daemon.Serve(ctx, daemon.Options{
		Dir: dir, Region: o.Region, Speed: o.Speed, Port: o.Port,
		Localkube: localkube, BinDir: bin, Version: o.Version, Logger: o.Logger,
		Flink: flinkhome.Homes{Folder: o.Home, Env: os.Getenv(flinkhome.EnvVar)},
	})
	// A process that was not needed has nothing to say: another one serves the folder.
	if err != nil && !errors.Is(err, daemon.ErrServed) {
		writeFailure(dir, err)
	}
	return err
}

// Localkube finds the binary of the local control plane: $EMRFLINK_LOCALKUBE, or
// beside this one.
func Localkube() (string, error) {
	path := os.Getenv("EMRFLINK_LOCALKUBE")
	if path == "" {
		exe, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("find this binary's folder: %w", err)
		}
		path = filepath.Join(filepath.Dir(exe), "localkube")
	}
	if _, err := os.Stat(path); err != nil {
		return "", &noLocalkube{path: path}
	}
	return path, nil
}

type noLocalkube struct{ path string }

func (e *noLocalkube) Error() string {
	return "find the local control plane: there is no " + strconv.Quote(e.path)
}

// Hint builds it.
func (e *noLocalkube) Hint() string { return "make build" }

// ExitCode is that of a missing part: nothing was contacted.
func (e *noLocalkube) ExitCode() int { return exitcode.Usage }

// linkSelf makes this binary reachable as `emrflink`, the bare name that
// kubeconfigs carry, in a folder that only exec credentials have on their PATH.
func linkSelf(home string) (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this binary: %w", err)
	}
	dir := filepath.Join(home, "bin")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make %q: %w", dir, err)
	}
	link := filepath.Join(dir, "emrflink")
	_ = os.Remove(link)
	if err := os.Symlink(exe, link); err != nil {
		return "", fmt.Errorf("link this binary: %w", err)
	}
	return dir, nil
}
