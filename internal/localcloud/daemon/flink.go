// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"context"
	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/flinkoperator"
	"emrflink/internal/localcloud/flinkprocess"
	"emrflink/internal/localcloud/flinksim"
	"emrflink/internal/localcloud/kubelet"
	"emrflink/internal/localcloud/logsidecar"
	"emrflink/internal/localcloud/metricsserver"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

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
		Cluster: own, Namespace: p.Namespace, Dial: r.cluster.kubelet.Dial,
		Logger: slog.New(slog.NewMultiHandler(r.log.Handler(), slog.NewTextHandler(p.Log, nil))),
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

// assume gives the AWS API as the role of a service account has it (IRSA).
func (r *operatorRunner) assume(ctx context.Context, namespace, account, session string) (*awsapi.Client, error) {
	sa, err := r.tokens.Get(ctx, kube.KindServiceAccount.Ref(namespace, account))
	if err != nil {
		return nil, err
	}
	role := sa.GetAnnotations()[kubelet.AnnotationRole]
	if role == "" {
		return nil, fmt.Errorf("the service account has no annotation %s: its pods have no AWS credentials",
			kubelet.AnnotationRole)
	}
	token, _, err := r.tokens.ServiceAccountToken(ctx, namespace, account, []string{kubelet.AudienceSTS}, tokenLife)
	if err != nil {
		return nil, err
	}
	return r.aws.AssumeRoleWithWebIdentity(ctx, role, session, token)
}

// flink are the runtimes of Flink's pods, processes of this machine where Flink and Java are, else the simulation, and of
// metrics-server, which measures the processes. end is called when no pod runs any more.
func (d *Daemon) flink(r *operatorRunner, admin kubelet.API) (runtimes []kubelet.Runtime, end func(), err error) {
	simulated, err := flinksim.New(flinksim.Options{
		As: func(ctx context.Context, namespace, account string) (flinksim.Kube, error) {
			return r.as(ctx, namespace, account)
		},
		Assume: func(ctx context.Context, namespace, account, session string) (flinksim.Session, error) {
			return r.assume(ctx, namespace, account, session)
		},
		Speed: d.opts.Speed, Logger: r.log,
	})
	if err != nil {
		return nil, nil, err
	}
	processes, err := flinkprocess.New(flinkprocess.Options{
		Homes: d.opts.Flink, Getenv: os.Getenv, Client: admin, APIServer: r.cluster.endpoint.URL,
		Dir: filepath.Join(d.opts.Dir, "flink"), S3Endpoint: d.url, Region: d.opts.Region, Logger: r.log,
		Credentials: func(ctx context.Context, namespace, account string) (flinkprocess.Credentials, error) {
			s, err := r.assume(ctx, namespace, account, "flink-"+namespace)
			if err != nil {
				return flinkprocess.Credentials{}, err
			}
			key, secret, token, expires, err := s.Credentials(ctx)
			return flinkprocess.Credentials{Key: key, Secret: secret, Token: token, Expires: expires}, err
		},
		Object: func(ctx context.Context, namespace, account, bucket, key string) (io.ReadCloser, error) {
			s, err := r.assume(ctx, namespace, account, "flink-"+namespace)
			if err != nil {
				return nil, err
			}
			raw, err := s.GetObject(ctx, bucket, key)
			return io.NopCloser(bytes.NewReader(raw)), err
		},
	})
	if err != nil {
		return nil, nil, err
	}
	sidecars := logsidecar.Options{
		Assume: func(ctx context.Context, namespace, account, session string) (logsidecar.Session, error) {
			return r.assume(ctx, namespace, account, session)
		},
		Logger: r.log,
	}
	metrics := metricsserver.New(metricsserver.Options{
		Usage: processes.Usage, Container: flinkconf.MainContainer, Client: admin,
	})
	return []kubelet.Runtime{logsidecar.With(processes, sidecars), logsidecar.With(simulated, sidecars), metrics}, func() {
		if err := processes.Close(); err != nil {
			r.log.Warn("end what serves Flink's processes", "error", err)
		}
	}, nil
}
