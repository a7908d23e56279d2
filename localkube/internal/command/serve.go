// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"emrflink/localkube/internal/controlplane"
)

// ready is the JSON line on stdout once the control plane answers and its controllers work.
type ready struct {
	Endpoint   string `json:"endpoint"`
	CAFile     string `json:"caFile"`
	Kubeconfig string `json:"kubeconfig"`
	PublicKey  string `json:"serviceAccountPublicKey"`
	LogFile    string `json:"logFile"`
	Version    string `json:"version"`
	PID        int    `json:"pid"`
	Seconds    string `json:"startSeconds"`
}

// nodesToken is a variable of the environment, which other users cannot read as they can the arguments.
const nodesToken = "LOCALKUBE_NODES_TOKEN"

type serveFlags struct {
	options   controlplane.Options
	listen    string
	stdinExit bool
}

func parseServe(args []string, errOut io.Writer) (serveFlags, error) {
	var f serveFlags
	fs := flag.NewFlagSet("localkube serve", flag.ContinueOnError)
	fs.SetOutput(errOut)
	fs.StringVar(&f.options.Dir, "dir", "", "state directory; made with mode 0700, kept between starts")
	fs.StringVar(&f.options.Version, "version", controlplane.BinaryMinor(),
		"Kubernetes minor version to serve; older ones are emulated with Kubernetes' own --emulated-version")
	fs.StringVar(&f.options.Issuer, "issuer", "", "issuer URL of service account tokens (the cluster's OIDC issuer)")
	fs.StringVar(&f.options.TokenWebhook, "token-webhook", "", "URL that reviews tokens which are not service account tokens")
	fs.StringVar(&f.options.Nodes, "nodes", "", "URL of the program that simulates the nodes: logs and ports of their pods; "+
		nodesToken+" is the token that it wants to see")
	fs.StringVar(&f.options.ServiceCIDR, "service-cidr", "172.20.0.0/16", "range of service addresses")
	fs.StringVar(&f.listen, "listen", "127.0.0.1:0", "loopback address of the API server; port 0 picks a free one")
	fs.BoolVar(&f.stdinExit, "exit-on-stdin-eof", false, "stop when standard input ends, that is when the parent is gone")
	if err := fs.Parse(args); err != nil {
		return f, usage2(err)
	}
	if fs.NArg() > 0 {
		return f, usageError{fmt.Errorf("serve takes no argument, got %q", fs.Arg(0))}
	}
	f.options.NodesToken = os.Getenv(nodesToken)
	if f.options.Dir != "" {
		dir, err := filepath.Abs(f.options.Dir)
		if err != nil {
			return f, usageError{fmt.Errorf("resolve --dir %q: %w", f.options.Dir, err)}
		}
		f.options.Dir = dir
	}
	if err := f.options.Validate(); err != nil {
		return f, usageError{err}
	}
	host, _, err := net.SplitHostPort(f.listen)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return f, usageError{fmt.Errorf("--listen %q is not a loopback address with a port", f.listen)}
	}
	return f, nil
}

func serve(args []string, s Streams) error {
	f, err := parseServe(args, s.Err)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if f.stdinExit {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go func() {
			_, _ = io.Copy(io.Discard, s.In)
			cancel()
		}()
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen for the API server: %w", err)
	}
	f.options.Listener = listener
	f.options.Ready = func(i controlplane.Info) error {
		return json.NewEncoder(s.Out).Encode(ready{
			Endpoint: i.Endpoint, CAFile: i.CAFile, Kubeconfig: i.Kubeconfig, PublicKey: i.PublicKeyFile,
			LogFile: i.LogFile, Version: i.Version, PID: os.Getpid(), Seconds: fmt.Sprintf("%.2f", i.Start.Seconds()),
		})
	}
	return controlplane.Run(ctx, f.options)
}

// usage2 keeps -h apart from real mistakes, so that help exits with 0.
func usage2(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return usageError{err}
}
