// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"
	genericserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	cliflag "k8s.io/component-base/cli/flag"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apioptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// apiServerFlags are the settings of kube-apiserver that differ from its defaults. Admission is left as it is:
// the default plugins include pod security, limit ranges and quotas, and validation is strict.
func apiServerFlags(o Options, d dir, port int) []string {
	flags := []string{
		"--etcd-servers=unix://" + etcdSocket,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(port),
		"--tls-cert-file=" + d.path(servingCert),
		"--tls-private-key-file=" + d.path(servingKey),
		"--cert-dir=" + d.path("pki"),
		"--service-cluster-ip-range=" + o.ServiceCIDR,
		"--endpoint-reconciler-type=none", // the others cannot advertise a loopback address
		"--allow-privileged=true",         // as on EKS: its own DaemonSets need it
		"--authorization-mode=RBAC",
		"--token-auth-file=" + d.path(tokenFile),
		"--authentication-token-webhook-config-file=" + d.path(webhookConfig),
		"--authentication-token-webhook-version=v1",
		"--authentication-token-webhook-cache-ttl=10s",
		"--service-account-issuer=" + o.Issuer,
		"--service-account-signing-key-file=" + d.path(signingKey),
		"--service-account-key-file=" + d.path(signingPub),
		"--api-audiences=" + Audience + "," + o.Issuer,
		"--egress-selector-config-file=" + d.path(egressConfig),
		"--enable-aggregator-routing=true", // no service address leads anywhere
		"--kubelet-client-certificate=" + d.path(kubeletCert),
		"--kubelet-client-key=" + d.path(kubeletKey),
		"--kubelet-certificate-authority=" + d.path(caCertFile),
		"--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname", // as on EKS
		"--profiling=false",
	}
	if o.Version != BinaryMinor() {
		flags = append(flags, "--emulated-version=kube="+o.Version)
	}
	return flags
}

// apiServer prepares kube-apiserver and returns the function that serves until its context ends. It is the
// body of upstream's command without its signal handler and its logging setup, of which a process can have one.
// Until ready is closed only this process is answered: with its administrator's token, or the server's own.
func apiServer(ctx context.Context, o Options, d dir, token string, ready <-chan struct{}) (
	func(context.Context) error, error,
) {
	addr, ok := o.Listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("the API server needs a TCP listener")
	}
	s := apioptions.NewServerRunOptions()
	if err := parse(s.Flags(), apiServerFlags(o, d, addr.Port)); err != nil {
		return nil, fmt.Errorf("set up kube-apiserver: %w", err)
	}
	s.SecureServing.Listener = o.Listener
	if err := s.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return nil, fmt.Errorf("set up kube-apiserver: %w", err)
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	completed, err := s.Complete(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up kube-apiserver: %w", err)
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return nil, fmt.Errorf("set up kube-apiserver: %w", utilerrors.NewAggregate(errs))
	}
	config, err := apiserver.NewConfig(completed)
	if err != nil {
		return nil, fmt.Errorf("set up kube-apiserver: %w", err)
	}
	front := &config.Aggregator.GenericConfig.Config
	build := front.BuildHandlerChainFunc
	front.BuildHandlerChainFunc = func(next http.Handler, c *genericserver.Config) http.Handler {
		return build(refuseTerminals(next), c)
	}
	whole, err := config.Complete()
	if err != nil {
		return nil, fmt.Errorf("set up kube-apiserver: %w", err)
	}
	return func(ctx context.Context) error {
		server, err := apiserver.CreateServerChain(whole)
		if err != nil {
			return err
		}
		generic := server.GenericAPIServer
		generic.Handler.FullHandlerChain = hold(generic.Handler.FullHandlerChain, ready, token,
			generic.LoopbackClientConfig.BearerToken)
		prepared, err := server.PrepareRun()
		if err != nil {
			return err
		}
		return prepared.Run(ctx)
	}, nil
}

// hold lets requests wait until ready is closed, those with one of our own tokens excepted. A server that has just begun
// to listen has not read its roles yet and would forbid what it allows a moment later; a client that lived through a
// restart would take that for an answer. EKS's load balancer sends nobody to a server that is not ready.
func hold(next http.Handler, ready <-chan struct{}, own ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !slices.Contains(own, token) {
			select {
			case <-ready:
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// refuseTerminals refuses exec and attach before the connection is upgraded, which the API server does before it asks a
// kubelet: kubectl drops an answer that comes before it has opened its streams, and would not say why it ended.
func refuseTerminals(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, ok := request.RequestInfoFrom(r.Context())
		if !ok || info.Resource != "pods" || info.Subresource != "exec" && info.Subresource != "attach" {
			next.ServeHTTP(w, r)
			return
		}
		responsewriters.ErrorNegotiated(apierrors.NewBadRequest(info.Subresource+" is not possible on the local target: its "+
			"containers are simulated or processes of this machine, and none has a file system of its own"),
			legacyscheme.Codecs, schema.GroupVersion{Version: "v1"}, w, r)
	})
}

// parse applies command line flags to the named flag sets of a Kubernetes component.
func parse(named cliflag.NamedFlagSets, args []string) error {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, f := range named.FlagSets {
		fs.AddFlagSet(f)
	}
	return fs.Parse(args)
}

// serviceIP is the first address of the service range, the one of the service default/kubernetes.
func serviceIP(cidr string) (net.IP, error) {
	_, n, err := net.ParseCIDR(cidr)
	if err != nil {
		return nil, fmt.Errorf("parse service range: %w", err)
	}
	ip := append(net.IP(nil), n.IP...)
	ip[len(ip)-1]++
	return ip, nil
}
