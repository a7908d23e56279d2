// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"fmt"
	"os"

	"emrflink/internal/awsapi"
	"emrflink/internal/cli/ekstoken"
	"emrflink/internal/cli/kubeconfig"
	"emrflink/internal/kube"
)

// kubeconfig describes how kubectl reaches the cluster.
func (a *app) kubeconfig(ctx context.Context) (entry kubeconfig.Entry, simulated []string, err error) {
	s, err := a.openStack()
	if err != nil {
		return nil, nil, err
	}
	defer s.Close() // nothing was changed in the cloud
	values, err := s.values(ctx)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.client(ctx)
	if err != nil {
		return nil, nil, err
	}
	k, err := c.DescribeCluster(ctx, values["clusterName"].(string)) // values checks it
	if err != nil {
		return nil, nil, classify(err)
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("find this binary: %w", err)
	}
	access := kube.Access{
		ClusterName: k.Name, ClusterARN: k.ARN, Region: s.settings.config.Region, Endpoint: k.Endpoint, CABase64: k.CABase64,
		Command: exe, Args: []string{"--target", s.settings.config.Target},
		Env: map[string]string{"EMRFLINK_HOME": s.settings.info.Home},
	}
	if profile := a.io.Getenv("AWS_PROFILE"); profile != "" {
		access.Env["AWS_PROFILE"] = profile
	}
	return kubeEntry{Access: access, notes: s.kubeNotes()}, s.settings.info.Simulated, nil
}

// token makes an exec credential. Without a target the environment says where AWS is, as the provider sets it.
func (a *app) token(ctx context.Context, r ekstoken.Request) ([]byte, error) {
	o := awsapi.Options{Region: r.Region, Env: awsapi.Environment(a.io.Getenv)}
	if r.Target != "" {
		t, err := a.openTarget(ctx, r.Target, r.Region)
		if err != nil {
			return nil, err
		}
		defer t.Close() // it holds nothing that could be lost
		o.Env = t.Env()
	}
	c, err := awsapi.New(ctx, o)
	if err != nil {
		return nil, classify(err)
	}
	token, expires, err := c.EKSToken(ctx, r.Cluster)
	if err != nil {
		return nil, classify(err)
	}
	return kube.ExecCredential(token, expires, a.io.Getenv(kube.ExecInfoVariable))
}
