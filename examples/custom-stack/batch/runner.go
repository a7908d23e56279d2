// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"fmt"
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/checkpoints"
	"emrflink/components/deployment"
	"emrflink/components/iamdoc"
	"emrflink/components/irsa"
)

// Who runs jobs: the service account that a job's pods name.
const (
	namespace      = "batch"
	serviceAccount = "runner"
)

// makeRunner makes the namespace, and the service account with a role that reads and writes the bucket and nothing else.
// The namespace is deleted before the node pools: the pods in it leave their nodes while Karpenter still runs.
func (p *platform) makeRunner(ctx *pulumi.Context) error {
	policy, err := bucketPolicy(checkpoints.BucketARN(p.deployment)).Managed()
	if err != nil {
		return fmt.Errorf("policy of %q: %w", serviceAccount, err)
	}
	role, err := irsa.NewRole(ctx, "runner", &irsa.Args{
		Deployment: p.deployment, RoleName: p.deployment.AccountName("runner"), Description: "batch jobs of " + p.deployment.Name,
		OidcProviderArn: p.cluster.OidcProviderArn, OidcIssuer: p.cluster.OidcIssuer,
		Namespace: namespace, ServiceAccounts: []string{serviceAccount},
		Policies: []irsa.Policy{{Suffix: "data", Description: "read and write the bucket", Document: pulumi.String(policy)}},
	})
	if err != nil {
		return err
	}
	provider := pulumi.Provider(p.cluster.Kubernetes)
	ns, err := corev1.NewNamespace(ctx, "batch-namespace", &corev1.NamespaceArgs{
		Metadata: metav1.ObjectMetaArgs{Name: pulumi.String(namespace)},
	}, provider, deployment.DependsOn(slices.Concat(p.bucket.Resources, p.pools, role.Attachments)...))
	if err != nil {
		return fmt.Errorf("create namespace %q: %w", namespace, err)
	}
	_, err = corev1.NewServiceAccount(ctx, "batch-runner", &corev1.ServiceAccountArgs{
		Metadata: metav1.ObjectMetaArgs{
			Name: pulumi.String(serviceAccount), Namespace: ns.Metadata.Name(),
			Annotations: pulumi.StringMap{"eks.amazonaws.com/role-arn": role.Arn},
		},
	}, provider)
	if err != nil {
		return fmt.Errorf("create service account %q: %w", serviceAccount, err)
	}
	return nil
}

func bucketPolicy(bucketARN string) iamdoc.Document {
	return iamdoc.New(
		iamdoc.Allow("ListBucket", iamdoc.Strings{"s3:ListBucket"}, iamdoc.Strings{bucketARN}),
		iamdoc.Allow("Objects", iamdoc.Strings{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"},
			iamdoc.Strings{bucketARN + "/*"}),
	)
}
