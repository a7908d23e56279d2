// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs a Kubernetes control plane in this process: etcd on a unix socket, kube-apiserver and
// kube-scheduler through their own cmd/*/app packages, and Kubernetes' own controllers. There is no kubelet: another
// program simulates nodes and pods, and package egress leads to it. A process can run only one control plane, because its
// libraries keep process-global state.
package controlplane

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/component-base/version"
)

// Audience is the audience of tokens for this API server, the same as on EKS. Tokens for AWS carry
// sts.amazonaws.com instead, so that one cannot be used in place of the other.
const Audience = "https://kubernetes.default.svc"

// oldestEmulated is how many minor versions back Kubernetes can emulate (KEP-4330).
const oldestEmulated = 3

// Options say what to serve and where. Every field but Nodes, NodesToken, Ready and ServiceCIDR is required.
type Options struct {
	Dir          string       // absolute path of the state directory
	Version      string       // minor version, such as "1.35"
	Issuer       string       // issuer of service account tokens: https://...
	TokenWebhook string       // URL of the TokenReview endpoint for all other tokens
	ServiceCIDR  string       // range of service addresses
	Nodes        string       // URL of the program that simulates the nodes; "": there are none
	NodesToken   string       // that it wants to see
	Listener     net.Listener // loopback listener of the API server; Run closes it
	Ready        func(Info) error
}

// Info describes a control plane that is ready.
type Info struct {
	Endpoint      string // https://127.0.0.1:PORT
	CAFile        string // PEM, signs the serving certificate
	Kubeconfig    string // administrator (system:masters), mode 0600
	PublicKeyFile string // PEM, verifies service account tokens
	LogFile       string
	Version       string        // as /version says it
	Start         time.Duration // from Run to ready
}

// Validate reports every mistake in the options, before anything is written.
func (o Options) Validate() error {
	var errs []error
	if !filepath.IsAbs(o.Dir) {
		errs = append(errs, fmt.Errorf("--dir %q: a state directory is required", o.Dir))
	}
	if err := validateURL(o.Issuer, "https"); err != nil {
		errs = append(errs, fmt.Errorf("--issuer %q: %w", o.Issuer, err))
	}
	if err := validateURL(o.TokenWebhook, "http", "https"); err != nil {
		errs = append(errs, fmt.Errorf("--token-webhook %q: %w", o.TokenWebhook, err))
	}
	if o.Nodes != "" {
		if err := validateURL(o.Nodes, "http"); err != nil {
			errs = append(errs, fmt.Errorf("--nodes %q: %w", o.Nodes, err))
		}
	}
	if _, _, err := net.ParseCIDR(o.ServiceCIDR); err != nil {
		errs = append(errs, fmt.Errorf("--service-cidr %q: not a CIDR range", o.ServiceCIDR))
	}
	if err := validateVersion(o.Version); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func validateURL(raw string, schemes ...string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return errors.New("not a URL")
	}
	for _, s := range schemes {
		if u.Scheme == s {
			return nil
		}
	}
	return fmt.Errorf("the scheme must be %s", strings.Join(schemes, " or "))
}

func validateVersion(v string) error {
	asked, err := utilversion.ParseMajorMinor(v)
	if err != nil {
		return fmt.Errorf("--version %q: not a minor version such as %q", v, BinaryMinor())
	}
	binary := utilversion.MustParse(BinaryMinor())
	oldest := binary.SubtractMinor(oldestEmulated)
	if binary.LessThan(asked) || asked.LessThan(oldest) {
		return fmt.Errorf("--version %q: this binary serves %d.%d to %s", v, oldest.Major(), oldest.Minor(), BinaryMinor())
	}
	return nil
}

// BinaryMinor is the minor version of the Kubernetes code in this binary.
func BinaryMinor() string { return version.DefaultKubeBinaryVersion }

// BinaryVersion is the full version of the Kubernetes code in this binary, as the module graph has it.
func BinaryVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "k8s.io/kubernetes" {
				return m.Version
			}
		}
	}
	return version.Get().GitVersion
}

// checkBuild refuses a binary that was linked without its version: /version would say v0.0.0-master, which
// Karpenter, Helm and Pulumi read as a Kubernetes version.
func checkBuild() error {
	want, got := BinaryVersion(), version.Get().GitVersion
	if want != got {
		return fmt.Errorf("this binary says that it is Kubernetes %s but contains %s: "+
			"build it with -ldflags '-X k8s.io/component-base/version.gitVersion=%s'", got, want, want)
	}
	return nil
}
