// SPDX-License-Identifier: Apache-2.0

package account

import (
	"net/http"

	"emrflink/components/iamdoc"
	"emrflink/internal/iam"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
)

func noSuchPolicy(arn string) *awserror.Error {
	return noSuchEntity("Policy %s does not exist or is not attachable.", arn)
}

// policyKinds are managed policies, inline policies and attachments.
func policyKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindPolicy: {
			missing: func(id string) *awserror.Error { return noSuchEntity("Policy %s was not found.", id) },
			usable:  stateAvailable,
			check:   checkManagedPolicy,
			make: func(t *tx, r *Resource) error {
				r.Name = str(r.Props, "name")
				r.ARN = t.iamARN("policy" + iamPath(r.Props) + r.Name)
				r.ID, r.Region = r.ARN, ""
				r.Attrs = Props{"arn": r.ARN, "policyId": awsid.IAM("ANPA")}
				defaults(r.Attrs, r.Props, Props{"path": "/"})
				return nil
			},
			blocked: func(t *tx, r *Resource) error {
				if t.first(KindRolePolicyAttachment,
					func(x *Resource) bool { return str(x.Props, "policyArn") == r.ARN }) == nil {
					return nil
				}
				return conflict("Cannot delete a policy attached to entities.")
			},
		},
		KindRolePolicy: {
			missing: func(id string) *awserror.Error {
				return noSuchEntity("The role policy with name %s cannot be found.", id)
			},
			usable: stateAvailable,
			refs:   []ref{roleRef()},
			check:  checkInlinePolicy,
			make: func(_ *tx, r *Resource) error {
				r.Name = str(r.Props, "name")
				r.ID = RoleName(str(r.Props, "role")) + ":" + r.Name
				return nil
			},
		},
		KindRolePolicyAttachment: {
			missing: func(id string) *awserror.Error { return noSuchEntity("The attachment %s cannot be found.", id) },
			usable:  stateAvailable,
			refs:    []ref{roleRef()},
			check: func(t *tx, p Props, self string) error {
				arn, role := str(p, "policyArn"), RoleName(str(p, "role"))
				if !t.policyExists(arn) {
					return noSuchPolicy(arn)
				}
				used := t.count(KindRolePolicyAttachment, func(r *Resource) bool { return r.ID != self && r.ofRole(role) })
				if t.get(KindRolePolicyAttachment, attachmentID(role, arn)) != nil {
					return nil // attaching twice is one attachment
				}
				return t.room(QuotaRolePolicies, used,
					awserror.Status(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: %.0f",
						t.a.quotas[QuotaRolePolicies]))
			},
			make: func(_ *tx, r *Resource) error {
				r.ID = attachmentID(RoleName(str(r.Props, "role")), str(r.Props, "policyArn"))
				return nil
			},
		},
	}
}

func attachmentID(role, arn string) string { return role + "/" + arn }

// policyExists knows the account's own managed policies and those of AWS that the account has built in.
func (t *tx) policyExists(arn string) bool {
	return t.get(KindPolicy, arn) != nil || iam.AWSManaged(arn) != ""
}

func checkManagedPolicy(t *tx, p Props, self string) error {
	name := str(p, "name")
	if err := checkIAMName(name, 128); err != nil {
		return err
	}
	if self == "" && t.get(KindPolicy, t.iamARN("policy"+iamPath(p)+name)) != nil {
		return awserror.Status(http.StatusConflict, "EntityAlreadyExists",
			"A policy called %s already exists. Duplicate names are not allowed.", name)
	}
	if err := t.roomInIAM(KindPolicy, self, QuotaPolicies, "PoliciesPerAccount"); err != nil {
		return err
	}
	if err := checkIdentityPolicy(str(p, "policy")); err != nil {
		return err
	}
	if iam.Size(str(p, "policy")) > iamdoc.MaxManagedPolicy {
		return awserror.Status(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for PolicySize: %d",
			iamdoc.MaxManagedPolicy)
	}
	return nil
}

func checkInlinePolicy(t *tx, p Props, self string) error {
	if err := checkIAMName(str(p, "name"), 128); err != nil {
		return err
	}
	if err := checkIdentityPolicy(str(p, "policy")); err != nil {
		return err
	}
	role := RoleName(str(p, "role"))
	total := iam.Size(str(p, "policy"))
	id := role + ":" + str(p, "name")
	for _, r := range t.a.tables[KindRolePolicy] {
		if r.ofRole(role) && r.ID != id && r.ID != self {
			total += iam.Size(str(r.Props, "policy"))
		}
	}
	if total > iam.MaxInlinePolicies {
		return errTooMuchInline(role)
	}
	return nil
}
