// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"emrflink/internal/disk"
)

// KarpenterRunner runs the real Karpenter controller for the pods of its chart: as a child process, with the
// settings of the pod's environment, the rights of the pod's service account and, on the AWS side, the role that
// the service account is annotated with.
type KarpenterRunner struct {
	Binary       string // path of localkube
	Client       API    // of the control plane, as an administrator: reads service accounts, asks for tokens
	APIServerURL string // https://127.0.0.1:PORT
	CABase64     string // CA of the API server, base64 of PEM
	AWSEndpoint  string // http://127.0.0.1:PORT of the simulated AWS API
	// PodIdentity reports whether a service account has a role by EKS Pod Identity, whose agent answers at
	// AWSEndpoint + AgentPath. Nil: none has.
	PodIdentity func(namespace, account string) bool
	AgentPath   string
	Region      string       // AWS region
	Dir         string       // for tokens, kubeconfig and karpenter.log; made with mode 0700
	Logger      *slog.Logger // nil: discarded
}

var _ Runner = (*KarpenterRunner)(nil)

// What EKS's webhook reads of a service account with a role, and the audience of the tokens that it puts into its pods.
const (
	AnnotationRole = "eks.amazonaws.com/role-arn"
	AudienceSTS    = "sts.amazonaws.com"
)

const (
	podIdentityAudience = "pods.eks.amazonaws.com"
	// alive is how long the controller must run before it counts as working: a wrong setting, a missing
	// permission or an unreachable endpoint ends it well within this time.
	alive = 1500 * time.Millisecond
	// steady is how long it must have run for its next failure to be retried quickly.
	steady = time.Minute
	// The controller's share of memory, soft: a few node pools need 140 MiB.
	karpenterMemory = "192MiB"
	maxKarpenterLog = 8 << 20
)

// Start runs the controller until ctx ends, and starts it again, later and later, when it stops by itself.
func (r *KarpenterRunner) Start(ctx context.Context, p PodRef) error {
	p.Report(ErrStarting)
	log := r.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of Karpenter: %w", err)
	}
	id, err := r.identity(ctx, p)
	if err != nil {
		return err
	}
	t := Tokens{
		Client: r.Client, Namespace: p.Namespace, Account: serviceAccount(p), Dir: r.Dir, Log: log,
		Files: map[string]Token{"aws.token": id.token, "kube.token": {Lifetime: time.Hour}},
	}
	if err := t.Write(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go t.Refresh(ctx)
	kubeconfig, err := r.writeKubeconfig(p.Namespace)
	if err != nil {
		return err
	}
	env, err := r.environment(p, id.env, kubeconfig)
	if err != nil {
		return err
	}
	return r.supervise(ctx, p, env, log)
}

// identity is how the pod proves to AWS who it is: the variables and the token that EKS's webhooks add to it. The role of
// the service account is named in its annotation (IRSA) or in an association (Pod Identity). Without one a pod on EKS would fall
// back to the role of its node, which this blueprint does not allow (IMDS is out of a pod's reach), so that it could do nothing.
func (r *KarpenterRunner) identity(ctx context.Context, p PodRef) (identity, error) {
	name, file := serviceAccount(p), filepath.Join(r.Dir, "aws.token")
	sa, err := r.Client.CoreV1().ServiceAccounts(p.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return identity{}, fmt.Errorf("read service account %q: %w", name, err)
	}
	if role := sa.Annotations[AnnotationRole]; role != "" {
		return identity{
			token: Token{Audience: AudienceSTS, Lifetime: 24 * time.Hour},
			env:   map[string]string{"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ROLE_SESSION_NAME": p.Name},
		}, nil
	}
	if r.PodIdentity == nil || !r.PodIdentity(p.Namespace, name) {
		return identity{}, fmt.Errorf("service account %q has no annotation %s and no Pod Identity association, so its pods "+
			"have no AWS credentials",
			name, AnnotationRole)
	}
	return identity{
		token: Token{Audience: podIdentityAudience, Lifetime: 24 * time.Hour},
		env: map[string]string{
			"AWS_CONTAINER_CREDENTIALS_FULL_URI": r.AWSEndpoint + r.AgentPath, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file,
		},
	}, nil
}

// identity is what makes a pod somebody to AWS.
type identity struct {
	token Token
	env   map[string]string
}

func serviceAccount(p PodRef) string {
	if n := p.Pod.Spec.ServiceAccountName; n != "" {
		return n
	}
	return "default"
}

// environment is the pod's, with what a program outside of a cluster needs on top. Nothing of our own environment
// gets through: a credential of the user must not end up in a controller.
func (r *KarpenterRunner) environment(p PodRef, identity map[string]string, kubeconfig string) ([]string, error) {
	vars := map[string]string{"BATCH_IDLE_DURATION": "50ms", "BATCH_MAX_DURATION": "500ms"}
	for _, e := range p.Container.Env {
		switch {
		case e.ValueFrom == nil:
			vars[e.Name] = e.Value
		case e.ValueFrom.FieldRef != nil && e.ValueFrom.FieldRef.FieldPath == "metadata.namespace":
			vars[e.Name] = p.Namespace
		case e.ValueFrom.FieldRef != nil && e.ValueFrom.FieldRef.FieldPath == "metadata.name":
			vars[e.Name] = p.Name
		case e.ValueFrom.ResourceFieldRef != nil:
			// Sizes of a container that does not exist; GOMEMLIMIT stands for them.
		default:
			return nil, fmt.Errorf("variable %q of container %q: this kind of valueFrom is not simulated", e.Name,
				p.Container.Name)
		}
	}
	maps.Copy(vars, identity)
	for name, value := range map[string]string{
		"AWS_REGION": r.Region, "AWS_EC2_METADATA_DISABLED": "true",
		// The client that assumes the role does not read the general endpoint.
		"AWS_ENDPOINT_URL": r.AWSEndpoint, "AWS_ENDPOINT_URL_STS": r.AWSEndpoint,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"KUBECONFIG": kubeconfig, "HOME": r.Dir, "GOMEMLIMIT": karpenterMemory, "GOGC": "50",
		"DISABLE_LEADER_ELECTION": "true", // the replicas share this one process
		// Port 0 takes a free one; it has no other way to be on a machine with other programs.
		"HEALTH_PROBE_PORT": "0",
	} {
		vars[name] = value
	}
	if vars["CLUSTER_NAME"] == "" {
		return nil, errors.New("variable CLUSTER_NAME of Karpenter is not set")
	}
	var env []string
	for name, value := range vars {
		env = append(env, name+"="+value)
	}
	return env, nil
}

// supervise keeps the child process running.
func (r *KarpenterRunner) supervise(ctx context.Context, p PodRef, env []string, log *slog.Logger) error {
	for wait := runnerBackoff; ctx.Err() == nil; {
		port, err := r.metrics(ctx, p)
		if err != nil {
			return err
		}
		c := child{path: r.Binary, args: []string{"karpenter", "--exit-on-stdin-eof"}, env: append(slices.Clip(env), port),
			log: filepath.Join(r.Dir, "karpenter.log"), out: p.Log}
		begin := time.Now()
		err = c.run(ctx, alive, func() { p.Report(nil) })
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(begin) > steady {
			wait = runnerBackoff
		}
		log.Warn("Karpenter stopped", "error", err, "log", c.log, "again in", wait)
		p.Report(fmt.Errorf("karpenter stopped: %w", err))
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, runnerBackoffMax)
	}
	return nil
}

// metrics gives the port of metrics that the pod declares a free one of this machine, and returns the variable that sets it.
func (*KarpenterRunner) metrics(ctx context.Context, p PodRef) (string, error) {
	const name = "METRICS_PORT"
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port for Karpenter's metrics: %w", err)
	}
	at := free.Addr().String()
	_, port, _ := net.SplitHostPort(at)
	for _, e := range p.Container.Env {
		if n, err := strconv.Atoi(e.Value); e.Name == name && err == nil {
			p.Open(n, at)
		}
	}
	return name + "=" + port, free.Close()
}

func (r *KarpenterRunner) writeKubeconfig(namespace string) (string, error) {
	path := filepath.Join(r.Dir, "kubeconfig")
	body := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: local
clusters: [{name: local, cluster: {server: %q, certificate-authority-data: %q}}]
users: [{name: karpenter, user: {tokenFile: %q}}]
contexts: [{name: local, context: {cluster: local, user: karpenter, namespace: %q}}]
`, r.APIServerURL, r.CABase64, filepath.Join(r.Dir, "kube.token"), namespace)
	if err := disk.Replace(path, []byte(body)); err != nil {
		return "", fmt.Errorf("write Karpenter's kubeconfig: %w", err)
	}
	return path, nil
}

// lastLine is the end of what a program said, for an error message.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	line := lines[len(lines)-1]
	for _, l := range lines { // Go prints a panic first and where it was after
		if strings.HasPrefix(l, "panic: ") || strings.Contains(l, `"level":"ERROR"`) {
			line = l
		}
	}
	const most = 600
	if len(line) > most {
		line = line[:most] + "..."
	}
	return line
}
