// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"emrflink/internal/flinkhome"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/provider"
	"emrflink/internal/localtarget"
)

// Options say what to serve and where.
type Options struct {
	Dir       string  // state folder, made when absent
	Region    string  // AWS region of the simulated account
	Speed     float64 // AWS's durations are divided by this
	Port      int     // loopback port of the AWS API; 0 takes the last one again, or any free one
	Localkube string  // path of the localkube binary
	BinDir    string  // folder that holds `emrflink`, for exec credentials in kubeconfigs
	Version   string  // of this binary
	Flink     flinkhome.Homes
	Logger    *slog.Logger
}

// Daemon is the running local target. It implements account.ClusterRuntime.
type Daemon struct {
	opts    Options
	log     *slog.Logger
	ctx     context.Context // ends when the daemon stops
	url     string
	token   string
	started time.Time
	account *account.Account
	resumed atomic.Bool // what was under way when the last process ended is completed

	standIns func(*cluster) error // startStandIns; a test has none
	changes  func(ctx context.Context, op, urn string) (after func())

	trying       sync.Mutex
	triedServers *provider.Servers // act as the role of tried policies; nil until somebody tries some

	mu     sync.Mutex
	planes map[string]*plane
	broken []localtarget.Fault // faults of the clusters
}

var _ account.ClusterRuntime = (*Daemon)(nil)

// Serve runs the local target of o.Dir until ctx ends or a client asks it to
// stop, then stops what it started. It fails when another process serves Dir.
func Serve(ctx context.Context, o Options) error {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("make state folder: %w", err)
	}
	l, err := lock(o.Dir)
	if err != nil {
		return err
	}
	defer l.Close()
	removeLeftovers(o.Dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := newDaemon(ctx, o)
	ln, err := listen(o.Port, lastPort(o.Dir))
	if err != nil {
		return err
	}
	d.url = "http://" + ln.Addr().String()
	defer os.Remove(infoPath(o.Dir)) // while the lock is still held, as until then this process answers
	return d.serve(ctx, cancel, ln)
}

func newDaemon(ctx context.Context, o Options) *Daemon {
	d := &Daemon{opts: o, log: o.Logger, ctx: ctx, started: time.Now().UTC(), planes: map[string]*plane{}}
	d.standIns, d.changes = d.startStandIns, newSteps(os.Getenv(localtarget.EnvSteps))
	return d
}

func (d *Daemon) serve(ctx context.Context, cancel context.CancelFunc, ln net.Listener) (err error) {
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("make token: %w", err)
	}
	d.token = hex.EncodeToString(secret)
	d.account, err = account.Open(account.Options{
		Dir: filepath.Join(d.opts.Dir, "account"), Region: d.opts.Region, Speed: d.opts.Speed, Runtime: d, Logger: d.log,
	})
	if err != nil {
		_ = ln.Close()
		return fmt.Errorf("open the simulated account: %w", err)
	}
	defer func() { err = errors.Join(err, d.account.Close()) }()
	// The exec credential of a kubeconfig is run by client-go with this process's environment.
	d.setEnvironment()
	servers, err := provider.Serve(ctx, d.providerOptions())
	if err != nil {
		_ = ln.Close()
		return fmt.Errorf("serve the providers: %w", err)
	}
	defer func() { _ = servers.Close() }()
	srv := &http.Server{Handler: d.handler(cancel), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	defer func() { _ = srv.Close() }()
	defer d.stopClusters()
	// A command that finds the file asks this process whether it is ready, and waits until it says so.
	if err := d.writeInfo(portsOf(servers)); err != nil {
		return err
	}
	if err := errors.Join(d.forget(ctx), d.account.Resume(ctx)); err != nil && ctx.Err() == nil {
		d.log.Error("resume the account", "error", err)
	}
	d.resumed.Store(true)
	d.log.Info("serving", "url", d.url, "dir", d.opts.Dir)
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	}
}

// providerOptions are those of servers that act as the administrator.
func (d *Daemon) providerOptions() provider.Options {
	return provider.Options{
		Account: d.account, ExecPath: d.opts.BinDir, KarpenterCRDs: d.karpenterCRDs, Address: d.addressOf,
		Logger: d.log, Changes: d.changes,
	}
}

func portsOf(s *provider.Servers) Ports {
	return Ports{AWS: s.AWS, EKS: s.EKS, Kubernetes: s.Kubernetes}
}

// handler is the one HTTP surface: Amazon's API, and below a path that no AWS
// service has, the control API and the token webhook of the control planes.
func (d *Daemon) handler(stop context.CancelFunc) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+tokenReviewPath+"{cluster}", d.reviewToken)
	mux.Handle(controlPath, d.control(stop))
	mux.Handle(nodesPath+"{cluster}/", d.authorized(d.nodes))
	aws := awswire.New(d.account, awswire.Options{Logger: d.log, Tokens: d})
	charts := chart.Registry(chart.Charts{KarpenterCRDs: d.karpenterCRDs})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, ownPath) {
			mux.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, chart.RegistryPath) {
			charts.ServeHTTP(w, r)
			return
		}
		aws.ServeHTTP(w, r) // a mux would clean the path, and the key of an object may have "//" in it
	})
}

func (d *Daemon) writeInfo(p Ports) error {
	b, err := json.MarshalIndent(Info{
		PID: os.Getpid(), URL: d.url, Token: d.token, Ports: p, Region: d.opts.Region, Speed: d.opts.Speed,
		Version: d.opts.Version, StartedAt: d.started, AccountID: d.account.ID(),
		AccessKey: account.StaticAccessKey, SecretKey: account.StaticSecretKey,
	}, "", "  ")
	if err == nil {
		err = writeFile(infoPath(d.opts.Dir), append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", infoPath(d.opts.Dir), err)
	}
	return nil
}

func (d *Daemon) karpenterCRDs() ([]byte, error) {
	b, err := exec.CommandContext(d.ctx, d.opts.Localkube, "crds", "karpenter").Output()
	if err != nil {
		return nil, fmt.Errorf("read Karpenter's CRDs from %q: %w", d.opts.Localkube, err)
	}
	return b, nil
}

// environment keeps Amazon's SDK to our own API, with the administrator's key.
func (d *Daemon) environment() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL": d.url, "AWS_ACCESS_KEY_ID": account.StaticAccessKey, "AWS_SECRET_ACCESS_KEY": account.StaticSecretKey,
		"AWS_REGION": d.opts.Region, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	}
}

// setEnvironment gives children of this process, the exec credential of
// kubeconfigs above all, the environment of the simulated account.
func (d *Daemon) setEnvironment() {
	for k, v := range d.environment() {
		_ = os.Setenv(k, v)
	}
	for _, k := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		_ = os.Unsetenv(k)
	}
}

// lastPort is the port that a predecessor served on, 0 when unknown: kubeconfigs
// and shells may still hold its address.
func lastPort(dir string) int {
	i, err := readInfo(dir)
	if err != nil {
		return 0
	}
	a, err := net.ResolveTCPAddr("tcp", strings.TrimPrefix(i.URL, "http://"))
	if err != nil {
		return 0
	}
	return a.Port
}

// listen takes the wanted port or fails; without one, the last or any free one.
func listen(want, last int) (net.Listener, error) {
	if want != 0 {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", want))
		if err != nil {
			return nil, fmt.Errorf("listen on the port that was asked for: %w", err)
		}
		return ln, nil
	}
	if last != 0 {
		if ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", last)); err == nil {
			return ln, nil
		}
	}
	return net.Listen("tcp", "127.0.0.1:0")
}
