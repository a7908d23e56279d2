// SPDX-License-Identifier: Apache-2.0

// Package encryption makes the customer-managed KMS key of a deployment: one key for the Kubernetes secrets, the
// bucket, the log groups and the volumes, with an alias that contains the deployment's name.
//
// An encrypted resource names the key by its ARN, so it is deleted before the key. A deletion of the key only starts
// KMS's waiting period: until its end the key exists, unusable and free of charge, and CancelKeyDeletion restores it
// with everything that it encrypted (https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html,
// https://aws.amazon.com/kms/pricing/).
package encryption

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/iamdoc"
)

// Token is the Pulumi type of the component.
const Token = "emrflink:encryption:Key"

// KMS's limits of the waiting period, in days (API reference, ScheduleKeyDeletion).
const (
	MinWindowDays     = 7
	MaxWindowDays     = 30
	DefaultWindowDays = 30
)

// Args describe the key.
type Args struct {
	// Deployment is the deployment of the key.
	Deployment *deployment.Deployment
	// DeletionWindowDays is the waiting period of a deletion.
	DeletionWindowDays int
}

// Key is the key with its alias.
type Key struct {
	pulumi.ResourceState

	// Arn is the key's ARN. EBS and EKS take no alias.
	Arn pulumi.StringOutput `pulumi:"arn"`
}

// Alias is the alias of a deployment's key. In KMS, each region has its own aliases.
func Alias(d *deployment.Deployment) string { return "alias/emrflink/" + d.Name }

// NewKey makes the key.
func NewKey(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Key, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("key %q: %w", name, err)
	}
	k := &Key{}
	if err := ctx.RegisterComponentResource(Token, name, k, opts...); err != nil {
		return nil, fmt.Errorf("register %s %q: %w", Token, name, err)
	}
	policy, err := Policy(args.Deployment).JSON()
	if err != nil {
		return nil, err
	}
	key, err := kms.NewKey(ctx, name+"-key", &kms.KeyArgs{
		Description:          pulumi.String("Data of deployment " + args.Deployment.Name),
		Policy:               pulumi.String(policy),
		DeletionWindowInDays: pulumi.Int(args.DeletionWindowDays),
		EnableKeyRotation:    pulumi.Bool(true),
		Tags:                 args.Deployment.ResourceTags(args.Deployment.ResourceName("data")),
	}, pulumi.Parent(k))
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	if _, err := kms.NewAlias(ctx, name+"-alias", &kms.AliasArgs{
		Name: pulumi.String(Alias(args.Deployment)), TargetKeyId: key.KeyId,
	}, pulumi.Parent(k)); err != nil {
		return nil, fmt.Errorf("create alias %q: %w", Alias(args.Deployment), err)
	}
	k.Arn = key.Arn
	return k, ctx.RegisterResourceOutputs(k, pulumi.Map{"arn": k.Arn})
}

// Policy is the key's policy. In a key policy the resource "*" is the key itself.
func Policy(d *deployment.Deployment) iamdoc.Document {
	suffix := "amazonaws.com"
	if d.Partition == "aws-cn" {
		suffix += ".cn"
	}
	this := iamdoc.Strings{"*"}
	// Without this statement nobody, not even an administrator of the account, could change or delete the key. It also
	// lets the creator of the cluster give EKS its grant (kms:CreateGrant, kms:DescribeKey) with permissions of the
	// creator's own policies. Source: KMS Developer Guide, "Default key policy"; EKS User Guide, "Encrypt Kubernetes
	// secrets with KMS".
	account := iamdoc.Allow("DelegateToIAM", iamdoc.Strings{"kms:*"}, this)
	account.Principal = map[string]iamdoc.Strings{"AWS": {d.IAMARN("root")}}
	// Source: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS", step 2.
	logs := iamdoc.Allow("EncryptLogGroups", iamdoc.Strings{
		"kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*",
	}, this, iamdoc.Conditions{"ArnLike": {"kms:EncryptionContext:aws:logs:arn": {
		d.ARN("logs", "log-group:/aws/containerinsights/"+d.Name+"/*"),
		d.ARN("logs", "log-group:/aws/eks/"+d.Name+"/*"),
		d.ARN("logs", "log-group:/aws/emr-flink/"+d.Name+"/*"),
	}}})
	logs.Principal = map[string]iamdoc.Strings{"Service": {"logs." + d.Region + "." + suffix}}
	// Who may make a volume or read an object may have it encrypted: the policies of AWS's own keys aws/ebs and aws/s3.
	// The documented alternative for launches by Auto Scaling names its service-linked role, and KMS refuses a policy that
	// names a role which a new account does not have yet.
	// Source: KMS Developer Guide, "kms:ViaService"; EC2 Auto Scaling User Guide, "Required KMS key policy".
	volumes := viaService(d, "EncryptVolumes", "ec2."+d.Region+"."+suffix, "kms:CreateGrant")
	objects := viaService(d, "EncryptObjects", "s3."+d.Region+"."+suffix)
	return iamdoc.New(account, logs, volumes, objects)
}

// viaService lets the account's principals use the key through one service only.
func viaService(d *deployment.Deployment, sid, service string, more ...string) iamdoc.Statement {
	actions := iamdoc.Strings{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"}
	s := iamdoc.Allow(sid, append(actions, more...), iamdoc.Strings{"*"}, iamdoc.Conditions{"StringEquals": {
		"kms:CallerAccount": {d.AccountID}, "kms:ViaService": {service},
	}})
	s.Principal = map[string]iamdoc.Strings{"AWS": {"*"}}
	return s
}

func (a *Args) validate() error {
	if a == nil {
		return errors.New("no arguments")
	}
	if a.DeletionWindowDays < MinWindowDays || a.DeletionWindowDays > MaxWindowDays {
		return fmt.Errorf("deletion window of %d days: KMS takes %d to %d", a.DeletionWindowDays, MinWindowDays, MaxWindowDays)
	}
	return a.Deployment.Validate()
}
