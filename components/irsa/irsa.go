// SPDX-License-Identifier: Apache-2.0

// Package irsa makes IAM roles for Kubernetes service accounts, by IRSA or by EKS Pod Identity. A role trusts exactly
// the service accounts that it is made for, of one cluster. Its policies are customer-managed policies: each has its
// own quota of 6,144 characters, which the six policies of Karpenter need, and is listed by name in an audit.
package irsa

import (
	"errors"
	"fmt"
	"strings"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/iamdoc"
)

// Token is the Pulumi type of the component.
const Token = "emrflink:irsa:Role"

// Policy is a customer-managed policy of a role.
type Policy struct {
	// Suffix names the policy after its role: <role>-<suffix>. It is also its logical name.
	Suffix string
	// Description says what the policy is for.
	Description string
	// Document is the policy as JSON; see package iamdoc.
	Document pulumi.StringInput
}

// Args describe a role for service accounts.
type Args struct {
	// Deployment is the deployment of the role.
	Deployment *deployment.Deployment
	// RoleName is the exact name of the role, at most 64 characters. It is chosen rather than generated, because EMR
	// derives the names of service accounts from it and the role's own trust policy has to name them.
	RoleName string
	// Description says what the role is for.
	Description string
	// OidcProviderArn is the ARN of the cluster's IAM OIDC provider.
	OidcProviderArn pulumi.StringInput
	// OidcIssuer is the cluster's issuer, with or without https://.
	OidcIssuer pulumi.StringInput
	// PodIdentityCluster is the cluster whose Pod Identity agent provides the role's credentials, instead of the
	// issuer's tokens: the role then trusts only Pod Identity, and each service account gets an association. Nil is
	// IRSA.
	PodIdentityCluster pulumi.StringInput
	// Namespace and ServiceAccounts are the service accounts that can assume the role.
	Namespace       string
	ServiceAccounts []string
	// Policies are the role's own policies.
	Policies []Policy
	// ManagedPolicyArns are policies that AWS owns.
	ManagedPolicyArns []string
	// OtherPolicyArns are policies that somebody else made, a list that changes: each attachment is named by its policy. Named
	// by its place, one that moves would be attached before it is detached, and so be lost.
	OtherPolicyArns []string
}

// Role is a role for service accounts, with its policies attached.
type Role struct {
	pulumi.ResourceState

	// Arn is the role's ARN; it is known once the role exists.
	Arn pulumi.StringOutput `pulumi:"arn"`
	// Name is the role's name.
	Name pulumi.StringOutput `pulumi:"name"`
	// Attachments are the resources that must exist before the role can be used, and that must outlive its users.
	Attachments []pulumi.CustomResource

	podIdentity bool
}

// Annotations are what a service account needs to get the role. With Pod Identity there are none: with an annotation the
// pod would have a web identity too, which SDKs prefer and the role does not trust.
func (r *Role) Annotations() pulumi.Map {
	if r.podIdentity {
		return pulumi.Map{}
	}
	return pulumi.Map{"eks.amazonaws.com/role-arn": r.Arn}
}

// NewRole makes the role, its policies and their attachments.
func NewRole(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Role, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("role %q: %w", name, err)
	}
	r := &Role{podIdentity: args.PodIdentityCluster != nil}
	if err := ctx.RegisterComponentResource(Token, name, r, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	trust, err := args.trust()
	if err != nil {
		return nil, fmt.Errorf("role %q: %w", name, err)
	}
	role, err := iam.NewRole(ctx, name+"-role", &iam.RoleArgs{
		Name:             pulumi.String(args.RoleName),
		Description:      pulumi.String(args.Description),
		AssumeRolePolicy: trust, PermissionsBoundary: args.Deployment.Boundary(), Path: args.Deployment.Path(),
		Tags: args.Deployment.ResourceTags(args.RoleName),
	}, pulumi.Parent(r))
	if err != nil {
		return nil, fmt.Errorf("create role %q: %w", args.RoleName, err)
	}
	r.Arn, r.Name = role.Arn, role.Name
	r.Attachments = append(r.Attachments, role)
	if err := r.attach(ctx, name, args, role); err != nil {
		return nil, err
	}
	if err := r.associate(ctx, name, args); err != nil {
		return nil, err
	}
	return r, ctx.RegisterResourceOutputs(r, pulumi.Map{"arn": r.Arn, "name": r.Name})
}

func (a *Args) trust() (pulumi.StringInput, error) {
	if a.PodIdentityCluster != nil {
		document, err := iamdoc.PodIdentityTrust(a.Deployment.ClusterARN(), a.Namespace, a.ServiceAccounts...).Trust()
		return pulumi.String(document), err
	}
	subjects := Subjects(a.Namespace, a.ServiceAccounts...)
	return pulumi.All(a.OidcProviderArn, a.OidcIssuer).ApplyT(func(v []any) (string, error) {
		return iamdoc.WebIdentityTrust(v[0].(string), v[1].(string), subjects...).Trust()
	}).(pulumi.StringOutput), nil
}

// associate tells EKS which service accounts get the role. A pod that starts before keeps none: EKS adds the variables
// when a pod is made.
func (r *Role) associate(ctx *pulumi.Context, name string, args *Args) error {
	if args.PodIdentityCluster == nil {
		return nil
	}
	for _, account := range args.ServiceAccounts {
		association, err := awseks.NewPodIdentityAssociation(ctx, name+"-pod-identity-"+account,
			&awseks.PodIdentityAssociationArgs{
				ClusterName: args.PodIdentityCluster, Namespace: pulumi.String(args.Namespace),
				ServiceAccount: pulumi.String(account), RoleArn: r.Arn, Tags: args.Deployment.ResourceTags(args.RoleName),
			}, pulumi.Parent(r), deployment.DependsOn(r.Attachments...))
		if err != nil {
			return fmt.Errorf("associate role %q with service account %q: %w", args.RoleName, account, err)
		}
		r.Attachments = append(r.Attachments, association)
	}
	return nil
}

func (r *Role) attach(ctx *pulumi.Context, name string, args *Args, role *iam.Role) error {
	for _, p := range args.Policies {
		policyName := args.RoleName + "-" + p.Suffix
		policy, err := iam.NewPolicy(ctx, name+"-"+p.Suffix, &iam.PolicyArgs{
			Name:        pulumi.String(policyName),
			Description: pulumi.String(p.Description),
			Policy:      p.Document,
			Tags:        args.Deployment.ResourceTags(policyName),
		}, pulumi.Parent(r))
		if err != nil {
			return fmt.Errorf("create policy %q: %w", policyName, err)
		}
		attachment, err := iam.NewRolePolicyAttachment(ctx, name+"-"+p.Suffix+"-attachment", &iam.RolePolicyAttachmentArgs{
			Role: role.Name, PolicyArn: policy.Arn,
		}, pulumi.Parent(r))
		if err != nil {
			return fmt.Errorf("attach policy %q: %w", policyName, err)
		}
		r.Attachments = append(r.Attachments, attachment)
	}
	for i, arn := range args.ManagedPolicyArns {
		if err := r.attachExisting(ctx, fmt.Sprintf("%s-managed-%d", name, i), role, arn); err != nil {
			return err
		}
	}
	for _, arn := range args.OtherPolicyArns {
		if err := r.attachExisting(ctx, name+"-policy-"+policySlug(arn), role, arn); err != nil {
			return err
		}
	}
	return nil
}

func (r *Role) attachExisting(ctx *pulumi.Context, name string, role *iam.Role, arn string) error {
	attachment, err := iam.NewRolePolicyAttachment(ctx, name, &iam.RolePolicyAttachmentArgs{
		Role: role.Name, PolicyArn: pulumi.String(arn),
	}, pulumi.Parent(r))
	if err != nil {
		return fmt.Errorf("attach policy %q: %w", arn, err)
	}
	r.Attachments = append(r.Attachments, attachment)
	return nil
}

// policySlug is the account, the path and the name of a policy's ARN: no two policies have the same.
func policySlug(arn string) string {
	_, id, _ := strings.Cut(arn, "::")
	return strings.NewReplacer(":policy/", "-", "/", "-").Replace(id)
}

func (a *Args) validate() error {
	if a == nil {
		return errors.New("no arguments")
	}
	if err := a.Deployment.Validate(); err != nil {
		return err
	}
	switch {
	case a.RoleName == "" || len(a.RoleName) > deployment.MaxRoleName:
		return fmt.Errorf("role name %q has %d characters, IAM takes 1 to %d", a.RoleName, len(a.RoleName),
			deployment.MaxRoleName)
	case a.PodIdentityCluster == nil && (a.OidcProviderArn == nil || a.OidcIssuer == nil):
		return errors.New("no OIDC provider")
	case a.Namespace == "" || len(a.ServiceAccounts) == 0:
		return errors.New("no service account to trust")
	}
	for _, p := range a.Policies {
		if p.Suffix == "" || p.Document == nil {
			return errors.New("a policy has no suffix or no document")
		}
	}
	return nil
}
