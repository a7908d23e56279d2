// SPDX-License-Identifier: Apache-2.0

// Package target contains the whole difference between a real AWS account and the local target: a Target is a set of
// environment variables (endpoints, credentials, attached provider servers) for the Pulumi engine and for the AWS SDK.
// All other packages use Env, and work the same way with every target.
//
// There are three kinds of Target: aws uses the caller's own account and Pulumi's downloaded provider plugins; local
// starts a daemon that simulates the account beside a real Kubernetes control plane; Offline serves the providers in
// this process, for a preview that needs neither credentials nor a daemon.
package target

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"emrflink/internal/exitcode"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider"
	"emrflink/internal/stack"
)

// The kinds of target.
const (
	AWS   = stack.AWS
	Local = stack.Local
)

// OfflineAccount is the account in whose name [Offline] plans, and that of the local target.
const OfflineAccount = account.DefaultAccountID

// Partition is the partition of AWS that a region is in: "aws", "aws-cn".
func Partition(region string) string { return account.PartitionOf(region) }

// DefaultSpeed is what AWS's durations are divided by on the local target: the
// ten minutes of an EKS control plane become about three seconds.
const DefaultSpeed = 200

// Options say which target to open.
type Options struct {
	Kind    string            // Local or AWS
	Home    string            // state folder of emrflink
	Region  string            // AWS region
	Version string            // of this binary
	Try     []string          // documents of IAM: on the local target, the role of the caller has just these; none: no role
	Waiting func(what string) // is told what a start that takes long waits for; nil: nobody
	Logger  *slog.Logger
}

// Target is where a command works.
type Target struct {
	env       map[string]string
	speed     float64
	simulated []string
	serves    func(ctx context.Context, cluster string) error
	close     func() error
}

// Env is what the engine's and the AWS SDK's environment must carry for them to
// work on the target; the caller may keep and change the map.
func (t *Target) Env() map[string]string { return maps.Clone(t.env) }

// EnvWithKubernetesOf is Env with the Kubernetes provider of another target: with that of an offline one, the program can be
// previewed whatever has become of the cluster.
func (t *Target) EnvWithKubernetesOf(other *Target) map[string]string {
	env := t.Env()
	var providers []string
	for target, wanted := range map[*Target]bool{t: false, other: true} {
		for one := range strings.SplitSeq(target.env[attachedProviders], ",") {
			if one != "" && strings.HasPrefix(one, "kubernetes:") == wanted {
				providers = append(providers, one)
			}
		}
	}
	env[attachedProviders] = strings.Join(providers, ",")
	return env
}

// Speed is what the target divides AWS's durations by; 1 is real time.
func (t *Target) Speed() float64 {
	if t.speed <= 0 {
		return 1
	}
	return t.speed
}

// Simulated lists what is simulated, one line each; it is empty on AWS.
func (t *Target) Simulated() []string { return t.simulated }

// Serves returns when the control plane of a cluster can be used, as far as it is the target's to run; the error says why
// it can't. A command that cannot do without it asks before it begins, and before it says that all went well.
func (t *Target) Serves(ctx context.Context, cluster string) error {
	if t.serves == nil {
		return nil
	}
	return t.serves(ctx, cluster)
}

// Close releases what Open holds in this process. The local daemon keeps running.
func (t *Target) Close() error {
	if t.close == nil {
		return nil
	}
	return t.close()
}

// localStore is what the local target writes when it starts for the first time:
// the account, and the control plane's store with its preallocated log.
const localStore = 32 << 20

// Reserve is the room, in bytes, that a target of o.Kind still needs in the state
// folder before it can be opened.
func Reserve(o Options) uint64 {
	if o.Kind != Local {
		return 0
	}
	if _, err := os.Stat(filepath.Join(localDir(o.Home), "account")); err == nil {
		return 0
	}
	return localStore
}

// Untouched tells whether the target of o.Kind certainly has nothing: a local one that was never started.
func Untouched(o Options) bool {
	if o.Kind != Local {
		return false
	}
	_, err := os.Stat(localDir(o.Home))
	return errors.Is(err, fs.ErrNotExist)
}

// portFree looks whether the port that was asked for can be taken, so that one
// in use is refused before a folder is made.
func portFree() error {
	port := os.Getenv("EMRFLINK_LOCAL_PORT")
	if port == "" {
		return nil
	}
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return &failure{Message: "listen on the port that was asked for: " + err.Error(), Code: exitcode.Usage}
	}
	return ln.Close()
}

// Open returns the target of o.Kind. For Local it starts the daemon when none runs.
func Open(ctx context.Context, o Options) (*Target, error) {
	switch o.Kind {
	case AWS:
		return &Target{env: map[string]string{"AWS_REGION": o.Region}}, nil
	case Local:
		return openLocal(ctx, o)
	}
	return nil, fmt.Errorf("open target %q: want %s or %s", o.Kind, Local, AWS)
}

// Offline serves the providers in this process over an account that starts
// empty and is forgotten on Close. Nothing is contacted; only previews work.
func Offline(ctx context.Context, o Options) (*Target, error) {
	a, err := account.Open(account.Options{Region: o.Region, Logger: o.Logger})
	if err != nil {
		return nil, fmt.Errorf("open an account in memory: %w", err)
	}
	s, err := provider.Serve(ctx, provider.Options{Account: a, PreviewOnly: true, Logger: o.Logger})
	if err != nil {
		return nil, fmt.Errorf("serve the providers: %w", err)
	}
	return &Target{
		env: attached(ports{AWS: s.AWS, EKS: s.EKS, Kubernetes: s.Kubernetes},
			credentials(account.StaticAccessKey, account.StaticSecretKey, o.Region)),
		simulated: []string{
			"offline: only the graph of the configuration; account id, zones and " +
				"everything that AWS assigns are made up or unknown",
		},
		close: s.Close,
	}, nil
}

type ports struct{ AWS, EKS, Kubernetes int }

// attached makes the engine use provider servers that run already.
const attachedProviders = "PULUMI_DEBUG_PROVIDERS"

func attached(p ports, env map[string]string) map[string]string {
	env[attachedProviders] = "aws:" + strconv.Itoa(p.AWS) + ",eks:" + strconv.Itoa(p.EKS) + ",kubernetes:" +
		strconv.Itoa(p.Kubernetes)
	env["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
	return env
}

// credentials keeps Amazon's SDK to the simulated account: no profile, no
// instance metadata, no file of the user's.
func credentials(access, secret, region string) map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "",
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_PROFILE": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	}
}
