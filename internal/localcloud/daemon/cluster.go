// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/kubelet"
	"emrflink/internal/localcloud/provider/kubeclient"
)

const (
	// clusterStartTimeout bounds the start of a control plane, three seconds on a quiet machine.
	clusterStartTimeout = 2 * time.Minute
	// clusterStopTimeout bounds its clean stop, after which it is killed.
	clusterStopTimeout = 15 * time.Second
)

// cluster is one running control plane and the stand-ins that live in it.
type cluster struct {
	name     string
	dir      string
	cmd      *exec.Cmd
	stdin    io.Closer // closing it stops the control plane; so does our death
	exited   chan struct{}
	endpoint account.ClusterEndpoint
	rest     *rest.Config
	kubelet  *kubelet.Kubelet
	apply    *kubeclient.Client
	cancel   context.CancelFunc // of the stand-ins
	done     sync.WaitGroup
}

// ready is the line that the control plane prints once it serves.
type ready struct {
	Endpoint   string `json:"endpoint"`
	CAFile     string `json:"caFile"`
	Kubeconfig string `json:"kubeconfig"`
}

// saved is what a cluster's folder remembers between runs of the daemon: its
// spec, and the address that kubeconfig files and the Pulumi state know it by.
type saved struct {
	Spec    account.ClusterSpec `json:"spec"`
	Address string              `json:"address"`
}

func (d *Daemon) clusterDir(name string) string { return filepath.Join(d.opts.Dir, "clusters", name) }

func readSaved(dir string) (saved, error) {
	b, err := os.ReadFile(filepath.Join(dir, "cluster.json"))
	if err != nil {
		return saved{}, err
	}
	var s saved
	return s, json.Unmarshal(b, &s)
}

// StartCluster brings up the control plane of s and returns when it serves. A
// cluster that runs already is returned as it is.
func (d *Daemon) StartCluster(ctx context.Context, s account.ClusterSpec) (account.ClusterEndpoint, error) {
	if c, ok := d.cluster(s.Name); ok {
		return c.endpoint, nil
	}
	dir := d.clusterDir(s.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return account.ClusterEndpoint{}, fmt.Errorf("make the control plane's folder: %w", err)
	}
	address := "127.0.0.1:0"
	if old, err := readSaved(dir); err == nil {
		address = old.Address
	} else if !errors.Is(err, fs.ErrNotExist) {
		return account.ClusterEndpoint{}, fmt.Errorf("read cluster %q: %w", s.Name, err)
	}
	c, err := d.launch(ctx, s, dir, address)
	if err != nil {
		return account.ClusterEndpoint{}, fmt.Errorf("start the control plane of cluster %q: %w", s.Name, err)
	}
	b, err := json.Marshal(saved{Spec: s, Address: strings.TrimPrefix(c.rest.Host, "https://")})
	if err == nil {
		err = writeFile(filepath.Join(dir, "cluster.json"), b)
	}
	if err == nil {
		err = d.startStandIns(c)
	}
	if err != nil {
		c.stop()
		return account.ClusterEndpoint{}, fmt.Errorf("start the control plane of cluster %q: %w", s.Name, err)
	}
	d.mu.Lock()
	d.clusters[s.Name] = c
	d.mu.Unlock()
	go d.watchCluster(c, s)
	return c.endpoint, nil
}

// launch starts the process and waits until it serves.
func (d *Daemon) launch(ctx context.Context, s account.ClusterSpec, dir, address string) (*cluster, error) {
	cmd := exec.Command(d.opts.Localkube, "serve", "--dir", dir, "--version", s.Version, "--issuer", s.Issuer,
		"--service-cidr", s.ServiceCIDR, "--token-webhook", d.url+tokenReviewPath+s.Name, "--listen", address,
		"--exit-on-stdin-eof")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	logFile, err := os.OpenFile(filepath.Join(dir, "process.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	cmd.Stderr = logFile
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &cluster{name: s.Name, dir: dir, cmd: cmd, stdin: stdin, exited: make(chan struct{})}
	line := make(chan string, 1)
	go func() {
		sc := bufio.NewScanner(stdout)
		for sc.Scan() {
			select {
			case line <- sc.Text():
			default: // only the first line is ours
			}
		}
		_ = cmd.Wait()
		close(c.exited)
	}()
	select {
	case l := <-line:
		err = c.connect(l)
	case <-c.exited:
		err = fmt.Errorf("it stopped at once: %s", tail(logFile.Name()))
	case <-time.After(clusterStartTimeout):
		err = fmt.Errorf("it was not ready after %s", clusterStartTimeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// connect reads the ready line and loads the admin credentials it names.
func (c *cluster) connect(line string) error {
	var r ready
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		return fmt.Errorf("read its ready line %q: %w", line, err)
	}
	ca, err := os.ReadFile(r.CAFile)
	if err != nil {
		return fmt.Errorf("read its CA: %w", err)
	}
	c.rest, err = clientcmd.BuildConfigFromFlags("", r.Kubeconfig)
	if err != nil {
		return fmt.Errorf("read its kubeconfig: %w", err)
	}
	c.rest.QPS, c.rest.Burst = 200, 400 // one machine, no one to be polite to
	c.endpoint = account.ClusterEndpoint{URL: r.Endpoint, CABase64: base64.StdEncoding.EncodeToString(ca)}
	return nil
}

// stop ends the stand-ins, then the control plane: cleanly when it can, and for
// certain when it can't.
func (c *cluster) stop() {
	if c.cancel != nil {
		c.cancel()
		c.done.Wait()
	}
	_ = c.cmd.Process.Signal(syscall.SIGCONT) // a fault may have stopped it
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	_ = c.stdin.Close()
	select {
	case <-c.exited:
	case <-time.After(clusterStopTimeout):
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		<-c.exited
	}
}

// watchCluster starts a control plane again that died by itself.
func (d *Daemon) watchCluster(c *cluster, s account.ClusterSpec) {
	select {
	case <-d.ctx.Done():
		return
	case <-c.exited:
	}
	d.mu.Lock()
	current := d.clusters[s.Name] == c
	if current {
		delete(d.clusters, s.Name)
	}
	d.mu.Unlock()
	if !current || d.ctx.Err() != nil {
		return // it was stopped on purpose
	}
	c.cancel()
	c.done.Wait()
	d.log.Warn("the control plane died; starting it again", "cluster", s.Name)
	if _, err := d.StartCluster(d.ctx, s); err != nil {
		d.log.Error("start the control plane again", "cluster", s.Name, "error", err)
	}
}

// StopCluster ends the control plane of a deleted cluster and removes its folder.
func (d *Daemon) StopCluster(_ context.Context, name string) error {
	d.mu.Lock()
	c := d.clusters[name]
	delete(d.clusters, name)
	d.mu.Unlock()
	if c != nil {
		c.stop()
	}
	if err := os.RemoveAll(d.clusterDir(name)); err != nil {
		return fmt.Errorf("remove cluster %q: %w", name, err)
	}
	return nil
}

func (d *Daemon) cluster(name string) (*cluster, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.clusters[name]
	return c, ok
}

// runningCluster is cluster for callers that can do nothing without one.
func (d *Daemon) runningCluster(name string) (*cluster, error) {
	c, ok := d.cluster(name)
	if !ok {
		return nil, &awserror.Error{
			Code: "ResourceNotFoundException", Message: fmt.Sprintf("No cluster found for name: %s.", name), HTTP: 404,
		}
	}
	return c, nil
}

// forget removes the folders of clusters that the account does not hold any more.
func (d *Daemon) forget() error {
	dirs, err := os.ReadDir(filepath.Join(d.opts.Dir, "clusters"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range dirs {
		if _, ok := d.account.Get(account.KindCluster, e.Name()); !ok {
			errs = append(errs, os.RemoveAll(d.clusterDir(e.Name())))
		}
	}
	return errors.Join(errs...)
}

// tail returns the end of a log file, for an error message.
func tail(path string) string {
	const most = 800
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return string(b)
}
