// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/flinkoperator"
	"emrflink/internal/localcloud/flinksim"
	"emrflink/internal/localcloud/kubelet"
	"emrflink/internal/localcloud/provider/kubeclient"
)

// karpenterImage is the image whose pods run the real controller.
const karpenterImage = "public.ecr.aws/karpenter/controller"

// startStandIns brings the cluster's simulated half to life: the group that the
// access policy stands for, and the nodes with what runs on them.
func (d *Daemon) startStandIns(c *cluster) error {
	ctx, cancel := context.WithCancel(d.ctx)
	c.cancel = cancel
	apply, err := kubeclient.New(c.rest)
	if err != nil {
		return err
	}
	c.apply = apply
	if _, err := apply.Apply(ctx, adminBinding(), kubeclient.ApplyOptions{Manager: chart.AddonManager, Force: true}); err != nil {
		return fmt.Errorf("bind the administrators' group: %w", err)
	}
	admin, err := kubelet.Connect(c.rest)
	if err != nil {
		return err
	}
	own, err := kube.FromConfig(c.rest)
	if err != nil {
		return err
	}
	log := d.log.With("cluster", c.name)
	aws, err := awsapi.New(ctx, awsapi.Options{Region: d.opts.Region, Env: d.environment()})
	if err != nil {
		return err
	}
	operator := &operatorRunner{cluster: c, region: d.opts.Region, tokens: own, aws: aws, log: log}
	jobs, err := operator.simulatedFlink(d.opts.Speed)
	if err != nil {
		return err
	}
	c.kubelet = kubelet.New(kubelet.Options{
		Account: d.account, Types: d.account.InstanceTypes(), Cluster: c.name, REST: c.rest, Speed: d.opts.Speed, Logger: log,
		Runners: map[string]kubelet.Runner{
			karpenterImage: &kubelet.KarpenterRunner{
				Binary: d.opts.Localkube, Client: admin, APIServerURL: c.endpoint.URL, CABase64: c.endpoint.CABase64,
				AWSEndpoint: d.url, Region: d.opts.Region, Dir: filepath.Join(c.dir, "karpenter"), Logger: log,
				AgentPath: awswire.PodIdentityPath,
				PodIdentity: func(namespace, name string) bool {
					_, ok := d.account.PodIdentity(c.name, namespace, name)
					return ok
				},
			},
			chart.OperatorImages: operator,
		},
		Runtimes: []kubelet.Runtime{jobs}, Dir: filepath.Join(c.dir, "pods"),
	})
	c.done.Go(func() {
		if err := c.kubelet.Run(ctx); err != nil && ctx.Err() == nil {
			log.Error("the kubelet stand-in stopped", "error", err)
		}
	})
	return nil
}

func adminBinding() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
		"metadata": map[string]any{"name": adminGroup},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
		"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": adminGroup}},
	}}
}

// operatorRunner runs the Flink operator's stand-in while a pod of the operator
// does, with the rights of the pod's service account.
type operatorRunner struct {
	cluster *cluster
	region  string
	tokens  *kube.Client // an administrator's: asks for service account tokens, the kubelet's part
	aws     *awsapi.Client
	log     *slog.Logger
}

var _ kubelet.Runner = (*operatorRunner)(nil)

// tokenLife is that of the service account tokens that the operator and the jobs work with.
const tokenLife = time.Hour

// Start runs the stand-in until ctx ends. Flink's job images share the
// operator's repository: for their pods there is nothing to run.
func (r *operatorRunner) Start(ctx context.Context, p kubelet.PodRef) error {
	if !strings.Contains(p.Container.Image, "-k8s-operator") {
		return nil
	}
	own, err := r.as(ctx, p.Namespace, p.Pod.Spec.ServiceAccountName)
	if err != nil {
		return err
	}
	op, err := flinkoperator.New(flinkoperator.Options{
		Cluster: own, Dial: r.cluster.kubelet.Dial, Logger: r.log,
		Jar: func(ctx context.Context, uri string) (io.ReadCloser, error) {
			s, err := r.assume(ctx, p.Namespace, p.Pod.Spec.ServiceAccountName, "flink-operator")
			if err != nil {
				return nil, err
			}
			bucket, key := flinkconf.SplitURI(uri)
			raw, err := s.GetObject(ctx, bucket, key)
			return io.NopCloser(bytes.NewReader(raw)), err
		},
	})
	if err != nil {
		return err
	}
	return op.Run(ctx)
}

// as connects to the cluster as a service account.
func (r *operatorRunner) as(ctx context.Context, namespace, serviceAccount string) (*kube.Client, error) {
	return kube.Connect(ctx, kube.Source{
		ClusterName: r.cluster.name, Region: r.region,
		Endpoint: r.cluster.endpoint.URL, CABase64: r.cluster.endpoint.CABase64,
		Token: func(ctx context.Context) (string, time.Time, error) {
			return r.tokens.ServiceAccountToken(ctx, namespace, serviceAccount, nil, tokenLife)
		},
	})
}

// webIdentityAudience is that of the tokens that EKS's webhook puts into the pods of a service account with a role.
const webIdentityAudience = "sts.amazonaws.com"

// assume gives the AWS API as the role of a service account has it (IRSA).
func (r *operatorRunner) assume(ctx context.Context, namespace, account, session string) (*awsapi.Client, error) {
	sa, err := r.tokens.Get(ctx, kube.KindServiceAccount.Ref(namespace, account))
	if err != nil {
		return nil, err
	}
	role := sa.GetAnnotations()[kubelet.AnnotationRole]
	if role == "" {
		return nil, fmt.Errorf("the service account has no annotation %s: its pods have no AWS credentials", kubelet.AnnotationRole)
	}
	token, _, err := r.tokens.ServiceAccountToken(ctx, namespace, account, []string{webIdentityAudience}, tokenLife)
	if err != nil {
		return nil, err
	}
	return r.aws.AssumeRoleWithWebIdentity(ctx, role, session, token)
}

// simulatedFlink is the runtime of Flink's pods where no Flink runs.
func (r *operatorRunner) simulatedFlink(speed float64) (*flinksim.Runtime, error) {
	return flinksim.New(flinksim.Options{
		As: func(ctx context.Context, namespace, account string) (flinksim.Kube, error) {
			return r.as(ctx, namespace, account)
		},
		Assume: func(ctx context.Context, namespace, account, session string) (flinksim.Session, error) {
			return r.assume(ctx, namespace, account, session)
		},
		Speed: speed, Logger: r.log,
	})
}

// InstallAddon applies the addon's stand-in and waits until it is healthy.
func (d *Daemon) InstallAddon(ctx context.Context, name, addon, version string, config map[string]any, roleARN string) error {
	ctx, cancel := context.WithTimeout(ctx, d.patience(addonTimeout))
	defer cancel()
	return d.onCluster(ctx, name, func(ctx context.Context, c *cluster) error {
		return chart.InstallAddon(ctx, c.apply, addon, version, config, roleARN)
	})
}

// addonTimeout is how long EKS leaves an addon in CREATING before it is DEGRADED.
const addonTimeout = 20 * time.Minute

// patience shortens one of AWS's timeouts as the account's clock does, but never
// below what a busy machine may take for honest work.
func (d *Daemon) patience(t time.Duration) time.Duration {
	const least = 30 * time.Second
	if d.opts.Speed <= 0 {
		return least
	}
	return max(least, time.Duration(float64(t)/d.opts.Speed))
}

// RemoveAddon deletes what InstallAddon applied. Of a cluster that is gone, or whose control plane cannot be started, there
// is nothing left to delete, and the way out must not be barred.
func (d *Daemon) RemoveAddon(ctx context.Context, name, addon string) error {
	err := d.onCluster(ctx, name, func(ctx context.Context, c *cluster) error { return chart.RemoveAddon(ctx, c.apply, addon) })
	if err != nil && ctx.Err() == nil && !d.serves(name) {
		d.log.Warn("an addon is removed without its control plane", "cluster", name, "addon", addon, "error", err)
		return nil
	}
	return err
}

// WaitNodes returns when the nodes of the instances are Ready.
func (d *Daemon) WaitNodes(ctx context.Context, name string, instanceIDs []string) error {
	return d.onCluster(ctx, name, func(ctx context.Context, c *cluster) error { return c.kubelet.WaitNodes(ctx, instanceIDs) })
}
