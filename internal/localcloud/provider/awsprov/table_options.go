// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
)

func podIdentityTypes() []entry {
	return []entry{{
		token: "aws:eks/podIdentityAssociation:PodIdentityAssociation",
		args:  eks.PodIdentityAssociationArgs{}, state: eks.PodIdentityAssociationState{},
		api: api{
			"EKS", "EKS Pod Identity Association", "CreatePodIdentityAssociation", "UpdatePodIdentityAssociation",
			"DeletePodIdentityAssociation",
		},
	}}
}

// keyTypes are keys and single tags.
func keyTypes() []entry {
	return []entry{
		{
			token: "aws:kms/key:Key", args: kms.KeyArgs{}, state: kms.KeyState{},
			api:      api{"KMS", "KMS Key", "CreateKey", "PutKeyPolicy", "ScheduleKeyDeletion"},
			computed: []string{"description", "multiRegion", "policy", "rotationPeriodInDays"},
			policies: []string{"policy"},
			defaults: map[string]any{
				"bypassPolicyLockoutSafetyCheck": false, "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "isEnabled": true,
				"keyUsage": "ENCRYPT_DECRYPT",
			},
		},
		{
			token: "aws:kms/alias:Alias", args: kms.AliasArgs{}, state: kms.AliasState{},
			api:  api{"KMS", "KMS Alias", "CreateAlias", "UpdateAlias", "DeleteAlias"},
			name: "name", max: 256,
			required: []string{"targetKeyId"},
		},
		{
			token: "aws:ec2/tag:Tag", args: ec2.TagArgs{}, state: ec2.TagState{},
			api: api{"EC2", "EC2 Tag", "CreateTags", "CreateTags", "DeleteTags"},
		},
	}
}
