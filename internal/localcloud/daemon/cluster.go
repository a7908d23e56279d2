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
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/kubelet"
	"emrflink/internal/localcloud/provider/kubeclient"
)

const (
	// clusterStartTimeout bounds the start of a control plane, three seconds on a quiet machine. localkube gives up before.
	clusterStartTimeout = 10 * time.Minute
	// clusterStopTimeout bounds its clean stop, after which it is killed.
	clusterStopTimeout = 15 * time.Second
	// anyAddress lets the control plane take any free port.
	anyAddress = "127.0.0.1:0"
)

// cluster is one process of a control plane and the stand-ins that live in it.
type cluster struct {
	name     string
	dir      string
	cmd      *exec.Cmd
	stdin    io.Closer       // closing it stops the control plane; so does our death
	alive    context.Context // ends with the process
	exited   <-chan struct{} // of alive
	err      error           // how the process ended, once it has
	logBegin int64           // where its part of the log begins
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

// saved is what a cluster's folder remembers between runs of the daemon, from the first time that it served: its
// spec, and the address that kubeconfig files and the Pulumi state know it by.
type saved struct {
	Spec    account.ClusterSpec `json:"spec"`
	Address string              `json:"address"`
}

func (d *Daemon) clusterDir(name string) string { return filepath.Join(d.opts.Dir, "clusters", name) }

func savedPath(dir string) string { return filepath.Join(dir, "cluster.json") }

func readSaved(dir string) (s saved, err error) {
	b, err := os.ReadFile(savedPath(dir))
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	return s, err
}

func writeSaved(dir string, s saved) error {
	b, err := json.Marshal(s)
	if err == nil {
		err = writeFile(savedPath(dir), b)
	}
	return err
}

// freeAddress is an address if it can be listened on, else any free one: while a control plane was down, another program
// may have taken its port.
func freeAddress(address string) string {
	if address == "" {
		return anyAddress
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return anyAddress
	}
	_ = ln.Close()
	return address
}

// launch starts the process and waits until it serves.
func (d *Daemon) launch(ctx context.Context, s account.ClusterSpec, dir, address string) (*cluster, error) {
	cmd := exec.Command(d.opts.Localkube, "serve", "--dir", dir, "--version", s.Version, "--issuer", s.Issuer,
		"--service-cidr", s.ServiceCIDR, "--token-webhook", d.url+tokenReviewPath+s.Name, "--listen", address,
		"--nodes", d.url+nodesPath+s.Name, "--exit-on-stdin-eof")
	cmd.Env = append(os.Environ(), "LOCALKUBE_NODES_TOKEN="+d.token)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	logFile, err := os.OpenFile(logPath(dir), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	logBegin, err := logFile.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	cmd.Stderr = logFile
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	alive, died := context.WithCancel(context.WithoutCancel(ctx))
	c := &cluster{name: s.Name, dir: dir, cmd: cmd, stdin: stdin, alive: alive, exited: alive.Done(), logBegin: logBegin}
	line := make(chan string, 1)
	go func() {
		sc := bufio.NewScanner(stdout)
		for sc.Scan() {
			select {
			case line <- sc.Text():
			default: // only the first line is ours
			}
		}
		c.err = cmd.Wait()
		died()
	}()
	select {
	case l := <-line:
		err = c.connect(l)
	case <-c.exited:
		err = fmt.Errorf("it stopped at once: %w", c.ended())
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

// ended says how the process ended: its exit, and the line of its log that says why.
func (c *cluster) ended() error {
	end := c.err
	if end == nil {
		end = errors.New("exit status 0")
	}
	b, err := os.ReadFile(logPath(c.dir))
	if err != nil || int64(len(b)) <= c.logBegin {
		return end
	}
	lines := strings.Split(strings.TrimSpace(string(b[c.logBegin:])), "\n")
	why := lines[len(lines)-1]
	for _, line := range slices.Backward(lines) {
		if word, _, ok := strings.Cut(line, ":"); ok && slices.Contains([]string{"error", "panic", "fatal error"}, word) {
			why = line
			break
		}
	}
	return fmt.Errorf("%w: %s (log: %s)", end, why, logPath(c.dir))
}

// address is where the process listens.
func (c *cluster) address() string { return strings.TrimPrefix(c.endpoint.URL, "https://") }

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

// logPath is the file with what the process of a control plane in dir wrote to its standard error.
func logPath(dir string) string { return filepath.Join(dir, "process.log") }
