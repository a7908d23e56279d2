// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/version"

	"emrflink/localkube/internal/egress"
)

// How long each part may take to stop. Nothing is lost when one does not: etcd is told last, and survives a kill.
const (
	stopWorkers = 300 * time.Millisecond
	stopServer  = 1300 * time.Millisecond
)

// idleGC is what the garbage collector aims at once the server is up; before that it would cost seconds of start-up.
// It is half of what the server does while much is written to it; who has more memory than processors sets GOGC. There
// is no memory limit beside it: a heap that lives at its limit is collected without end.
const idleGC = 25

// component is one running part; done has its error, or nil, once it stopped.
type component struct {
	name string
	stop context.CancelFunc
	done chan struct{}
	err  error
}

// Run serves until ctx ends, then stops cleanly and returns nil. It returns an error when a part cannot start
// or stops by itself.
func Run(ctx context.Context, o Options) error {
	begin := time.Now()
	if err := errors.Join(o.Validate(), checkBuild()); err != nil {
		return err
	}
	d, lock, err := openDir(o.Dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := os.Chdir(o.Dir); err != nil {
		return fmt.Errorf("enter the state directory: %w", err)
	}
	log, restore, err := openLog(d)
	if err != nil {
		return err
	}
	defer restore()
	endpoint := "https://" + o.Listener.Addr().String()
	token, err := d.prepare(o, endpoint)
	if err != nil {
		return err
	}
	p, err := newProbe(d, endpoint, token)
	if err != nil {
		return err
	}
	c := &cluster{options: o, dir: d, token: token, ready: make(chan struct{}), failed: make(chan error, 4)}
	defer c.shutdown()
	if err := c.start(ctx, p, log); err != nil {
		return ignoreStop(ctx, fmt.Errorf("%w (log: %s)", err, d.path(logFile)))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(idleGC)
		debug.FreeOSMemory()
	}
	err = o.Ready(Info{
		Endpoint: endpoint, CAFile: d.path(caCertFile), Kubeconfig: d.path(adminConfig),
		PublicKeyFile: d.path(signingPub), LogFile: d.path(logFile),
		Version: version.Get().GitVersion, Start: time.Since(begin),
	})
	if err != nil {
		return fmt.Errorf("announce the control plane: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-c.failed:
		return ignoreStop(ctx, fmt.Errorf("%w (log: %s)", err, d.path(logFile)))
	}
}

// ignoreStop drops an error that is only the consequence of being asked to stop.
func ignoreStop(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// prepare writes keys, credentials and settings, and returns the administrator's token.
func (d dir) prepare(o Options, endpoint string) (string, error) {
	ip, err := serviceIP(o.ServiceCIDR)
	if err != nil {
		return "", err
	}
	if err := d.ensurePKI(ip); err != nil {
		return "", err
	}
	if err := d.writeWebhook(o.TokenWebhook); err != nil {
		return "", err
	}
	if err := d.writeEgress(); err != nil {
		return "", err
	}
	return d.writeCredentials(endpoint)
}

// cluster is the running control plane.
type cluster struct {
	options Options
	dir     dir
	token   string        // the administrator's
	ready   chan struct{} // closed when the API server is
	store   *embed.Etcd
	server  *component
	workers []*component
	failed  chan error
}

// start brings the parts up in the order in which they need each other and returns when the API server is ready
// and the controllers work, which the first service account shows.
func (c *cluster) start(ctx context.Context, p *probe, log io.Writer) error {
	store, err := startEtcd(ctx, c.dir, log)
	if err != nil {
		return err
	}
	c.store = store
	way, err := c.dir.egress(c.options)
	if err != nil {
		return err
	}
	// All flags are defined before any are applied: the version to emulate closes the set of features.
	schedulers, err := kubeScheduler(c.dir)
	if err != nil {
		return err
	}
	// The parts have contexts of their own: they stop in order, not all at once.
	root := context.WithoutCancel(ctx)
	serve, err := apiServer(root, c.options, c.dir, c.token, c.ready)
	if err != nil {
		return err
	}
	c.workers = append(c.workers, c.launch(root, "egress", way))
	c.server = c.launch(root, "kube-apiserver", serve)
	if err := p.wait(ctx, "/readyz", c.failed); err != nil {
		return err
	}
	close(c.ready)
	if err := c.startWorker(root, "controllers", controllerManager(c.dir)); err != nil {
		return err
	}
	if err := c.startWorker(root, "kube-scheduler", schedulers); err != nil {
		return err
	}
	return p.wait(ctx, "/api/v1/namespaces/default/serviceaccounts/default", c.failed)
}

// egress listens for the API server's way into the cluster and returns what serves it. The path is relative, as one to the state
// directory may be too long for a socket.
func (d dir) egress(o Options) (func(context.Context) error, error) {
	a, err := d.authority()
	if err != nil {
		return nil, err
	}
	if err := os.Remove(egressSocket); err != nil && !errors.Is(err, os.ErrNotExist) { // of a process that was killed
		return nil, fmt.Errorf("remove the socket of an earlier start: %w", err)
	}
	l, err := net.Listen("unix", egressSocket)
	if err != nil {
		return nil, fmt.Errorf("listen for the API server's way to nodes: %w", err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	return func(ctx context.Context) error {
		return egress.Serve(ctx, l, egress.Options{
			Nodes: o.Nodes, Token: o.NodesToken, Certificate: a.kubelet, Clients: clients,
		})
	}, nil
}

func (c *cluster) startWorker(root context.Context, name string, p prepared) error {
	ctx, stop := context.WithCancel(root)
	run, err := p(ctx)
	if err != nil {
		stop()
		return err
	}
	w := c.launch(ctx, name, run)
	w.stop = stop
	c.workers = append(c.workers, w)
	return nil
}

func (c *cluster) launch(ctx context.Context, name string, run func(context.Context) error) *component {
	ctx, stop := context.WithCancel(ctx)
	w := &component{name: name, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		w.err = run(ctx)
		if ctx.Err() == nil {
			c.failed <- fmt.Errorf("%s stopped: %w", name, w.err)
		}
	}()
	return w
}

// shutdown stops the workers, then the server, then the store. Waits are bounded: watches and leases of clients
// that are still connected must not hold the process.
func (c *cluster) shutdown() {
	for _, w := range c.workers {
		w.stop()
	}
	waitAll(stopWorkers, c.workers...)
	if c.server != nil {
		c.server.stop()
		waitAll(stopServer, c.server)
	}
	if c.store != nil {
		c.store.Server.HardStop()
	}
}

func waitAll(limit time.Duration, parts ...*component) {
	deadline := time.After(limit)
	for _, p := range parts {
		select {
		case <-p.done:
		case <-deadline:
			return
		}
	}
}
