// SPDX-License-Identifier: Apache-2.0

package kubeprov

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"emrflink/internal/localcloud/provider/kubeclient"
	"emrflink/internal/localcloud/provider/plug"
	"emrflink/internal/localcloud/provider/propdiff"
	"emrflink/internal/localcloud/provider/schema"
	"emrflink/stacks/nearest"
)

// config is the configuration of one provider resource. The cluster is
// connected to on first use.
type config struct {
	kubeconfig, context, cluster, namespace string
	execPath                                string
	execEnv                                 func() (map[string]string, error)
	address                                 func(ctx context.Context, ca []byte) (string, error)
	configMapMutable, secretMutable         bool

	once      sync.Once
	connected *kubeclient.Client
	err       error
}

// settings are the provider's configuration keys that are honoured, or that
// change nothing here.
func settings() []string {
	return []string{
		"kubeconfig", "context", "cluster", "namespace", "clusterIdentifier", "enableServerSideApply", "version",
		"enableConfigMapMutable", "enableSecretMutable", "suppressDeprecationWarnings", "suppressHelmHookWarnings",
	}
}

// CheckConfig refuses configuration that does not exist or is not simulated.
func (s *Server) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	news, err := plug.Decode(req.GetNews())
	if err != nil {
		return nil, err
	}
	known, err := schema.Of(kubernetes.ProviderArgs{})
	if err != nil {
		return nil, err
	}
	out := &pulumirpc.CheckResponse{Inputs: req.GetNews()}
	fail := func(name, reason string) {
		out.Failures = append(out.Failures, &pulumirpc.CheckFailure{Property: name, Reason: reason})
	}
	for _, key := range news.StableKeys() {
		name := string(key)
		switch {
		case slices.Contains(settings(), name), name == "__internal":
		case known.Has(name):
			fail(name, "the local target does not simulate this setting of the kubernetes provider")
		default:
			fail(name, "no such setting"+nearest.Suggest(name, known.Names()))
		}
	}
	if v, ok := flag(news["enableServerSideApply"]); ok && !v {
		fail("enableServerSideApply", "the local target simulates the provider with server-side apply only")
	}
	return out, nil
}

// flag reads a boolean setting, which may arrive as text.
func flag(v value) (set, given bool) {
	switch {
	case v.IsBool():
		return v.BoolValue(), true
	case v.IsString():
		return v.StringValue() == "true", true
	}
	return false, false
}

// DiffConfig compares two configurations. Another cluster needs all resources
// anew: clusterIdentifier says whether it is another, or without it the
// kubeconfig does, and one that is not known yet counts as another.
func (s *Server) DiffConfig(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news, err := plug.DecodeBoth(req.GetOldInputs(), req.GetNews())
	if err != nil {
		return nil, err
	}
	delete(olds, "version")
	delete(news, "version")
	changes := propdiff.Diff(olds, news, propdiff.Rules{})
	if anotherCluster(olds, news) {
		for i := range changes {
			switch changes[i].Path[0] {
			case "kubeconfig", "context", "cluster", "clusterIdentifier":
				changes[i].Replace = true
			}
		}
	}
	return propdiff.Response(changes), nil
}

func anotherCluster(olds, news property) bool {
	was, is := olds["clusterIdentifier"], news["clusterIdentifier"]
	if is.IsString() && !is.ContainsUnknowns() {
		if was.IsString() {
			return was.StringValue() != is.StringValue()
		}
		if was.IsNull() && olds["kubeconfig"].DeepEquals(news["kubeconfig"]) {
			return false
		}
	}
	for _, key := range []string{"kubeconfig", "context", "cluster"} {
		if news[resourceKey(key)].ContainsUnknowns() {
			return true
		}
	}
	return server(olds) != server(news)
}

// server is the address of the cluster that a configuration is of, or the text
// itself when it cannot be told.
func server(props property) string {
	v := props["kubeconfig"]
	if !v.IsString() {
		return ""
	}
	cfg, err := clientcmd.Load([]byte(v.StringValue()))
	if err != nil {
		return v.StringValue()
	}
	name := cfg.CurrentContext
	if c := props["context"]; c.IsString() {
		name = c.StringValue()
	}
	context, ok := cfg.Contexts[name]
	if !ok {
		return v.StringValue()
	}
	cluster := context.Cluster
	if c := props["cluster"]; c.IsString() {
		cluster = c.StringValue()
	}
	if found, ok := cfg.Clusters[cluster]; ok {
		return found.Server
	}
	return v.StringValue()
}

// Configure keeps the configuration for the connection's calls.
func (s *Server) Configure(ctx context.Context, req *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	args, err := plug.Decode(req.GetArgs())
	if err != nil {
		return nil, err
	}
	text := func(key string) string {
		if v := args[resourceKey(key)]; v.IsString() {
			return v.StringValue()
		}
		return ""
	}
	c := &config{
		kubeconfig: text("kubeconfig"), context: text("context"), cluster: text("cluster"), namespace: text("namespace"),
		execPath: s.opts.ExecPath, execEnv: s.opts.ExecEnv, address: s.opts.Address,
	}
	c.configMapMutable, _ = flag(args["enableConfigMapMutable"])
	c.secretMutable, _ = flag(args["enableSecretMutable"])
	plug.SessionOf(ctx).Configure(c)
	return &pulumirpc.ConfigureResponse{SupportsPreview: true, SupportsAutonamingConfiguration: true}, nil
}

// configured returns the configuration of a call's connection.
func (s *Server) configured(ctx context.Context) (*config, error) {
	if c, ok := plug.SessionOf(ctx).Config().(*config); ok {
		return c, nil
	}
	return &config{}, status.Error(codes.FailedPrecondition, "the kubernetes provider is not configured")
}

// client connects to the cluster of the kubeconfig.
func (c *config) client() (*kubeclient.Client, error) {
	c.once.Do(func() {
		var rc *rest.Config
		if rc, c.err = c.rest(); c.err == nil {
			c.connected, c.err = kubeclient.New(rc)
		}
	})
	return c.connected, c.err
}

func (c *config) rest() (*rest.Config, error) {
	if c.kubeconfig == "" {
		return nil, status.Error(codes.FailedPrecondition,
			"configured Kubernetes cluster is unreachable: the provider has no kubeconfig")
	}
	text := []byte(c.kubeconfig)
	if !bytes.ContainsAny(text, "{\n") { // the setting may name a file
		b, err := os.ReadFile(c.kubeconfig)
		if err != nil {
			return nil, fmt.Errorf("read kubeconfig: %w", err)
		}
		text = b
	}
	cfg, err := clientcmd.Load(text)
	if err != nil {
		return nil, fmt.Errorf("parse kubeconfig: %w", err)
	}
	for _, user := range cfg.AuthInfos {
		if err := c.localExec(user.Exec); err != nil {
			return nil, err
		}
	}
	out, err := clientcmd.NewDefaultClientConfig(*cfg, &clientcmd.ConfigOverrides{
		CurrentContext: c.context, Context: clientcmdapi.Context{Cluster: c.cluster},
	}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("parse kubeconfig: %w", err)
	}
	out.UserAgent = fieldManager
	c.followCluster(out)
	return out, nil
}

// followCluster makes connections go to where the cluster serves now, and wait until it does. EKS's address never changes
// and its API is never away, and so the kubeconfig in the Pulumi state keeps the first address; a local control plane that
// died is started again, and may have had to take another port.
func (c *config) followCluster(out *rest.Config) {
	if c.address == nil {
		return
	}
	ca := out.CAData
	out.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		now, err := c.address(ctx, ca)
		if err != nil {
			return nil, err
		}
		if now != "" {
			address = now
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// localExec makes a credential command find ExecPath first: client-go looks a
// bare command name up in this process's PATH, so it is resolved here, and the
// command's own PATH begins there too.
func (c *config) localExec(e *clientcmdapi.ExecConfig) error {
	if e == nil || c.execPath == "" {
		return nil
	}
	if !strings.ContainsRune(e.Command, filepath.Separator) {
		full := filepath.Join(c.execPath, e.Command)
		if info, err := os.Stat(full); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			e.Command = full
		}
	}
	path := c.execPath + string(filepath.ListSeparator) + os.Getenv("PATH")
	e.Env = append(e.Env, clientcmdapi.ExecEnvVar{Name: "PATH", Value: path})
	if e.InteractiveMode == "" {
		e.InteractiveMode = clientcmdapi.NeverExecInteractiveMode
	}
	if c.execEnv == nil {
		return nil
	}
	more, err := c.execEnv()
	for name, value := range more {
		e.Env = append(e.Env, clientcmdapi.ExecEnvVar{Name: name, Value: value})
	}
	return err
}
