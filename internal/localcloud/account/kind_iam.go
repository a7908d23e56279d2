// SPDX-License-Identifier: Apache-2.0

package account

import (
	"net/http"
	"strings"

	"emrflink/components/iamdoc"
	"emrflink/internal/iam"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/pattern"
)

var iamName = pattern.Lazy(`^[\w+=,.@-]+$`)

func noSuchEntity(format string, args ...any) *awserror.Error {
	return awserror.Status(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func conflict(format string, args ...any) *awserror.Error {
	return awserror.Status(http.StatusConflict, "DeleteConflict", format, args...)
}

func checkIAMName(name string, limit int) error {
	if name == "" || len(name) > limit || !iamName().MatchString(name) {
		return awserror.Bad("ValidationError", "The name %q is invalid: 1 to %d characters of letters, digits and +=,.@_-", name,
			limit)
	}
	return nil
}

func noSuchRole(name string) *awserror.Error {
	return noSuchEntity("The role with name %s cannot be found.", RoleName(name))
}

// roleName is the name in a role's ARN, or the name itself.
// RoleName is the name in a role's ARN; a name is left as it is.
func RoleName(nameOrARN string) string {
	if strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN[strings.LastIndexByte(nameOrARN, '/')+1:]
	}
	return nameOrARN
}

// role finds a role by name or ARN.
func (t *tx) role(nameOrARN string) *Resource {
	r := t.get(KindRole, RoleName(nameOrARN))
	if r == nil || strings.HasPrefix(nameOrARN, "arn:") && r.ARN != nameOrARN {
		return nil
	}
	return r
}

func roleRef() ref {
	return ref{path: "role", kind: KindRole, required: true, byARN: true, lost: noSuchRole}
}

// iamPath is the path of an entity, "/" when none is given.
func iamPath(p Props) string { return orElse(str(p, "path"), "/") }

// roleKinds are roles, instance profiles and OIDC providers.
func roleKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindRole: {
			missing: noSuchRole,
			usable:  stateAvailable,
			check:   checkRole,
			make: func(t *tx, r *Resource) error {
				r.ID, r.Name = str(r.Props, "name"), str(r.Props, "name")
				r.ARN = t.iamARN("role" + iamPath(r.Props) + r.Name)
				r.Region = "" // IAM is global
				r.Attrs = Props{"arn": r.ARN, "uniqueId": awsid.IAM("AROA"), "createDate": stamp(t.Now)}
				defaults(r.Attrs, r.Props, Props{"path": "/", "maxSessionDuration": 3600.0, "description": "",
					"forceDetachPolicies": false})
				return nil
			},
			blocked: blockedRole,
			gone: func(t *tx, r *Resource) {
				t.destroyWhere(KindRolePolicyAttachment, func(x *Resource) bool { return x.ofRole(r.ID) })
			},
		},
		KindInstanceProfile: {
			missing: func(id string) *awserror.Error { return noSuchEntity("Instance Profile %s cannot be found.", id) },
			usable:  stateAvailable,
			refs:    []ref{{path: "role", kind: KindRole, byARN: true, lost: noSuchRole}},
			check: func(t *tx, p Props, self string) error {
				name := str(p, "name")
				if err := checkIAMName(name, 128); err != nil {
					return err
				}
				if self == "" && t.get(KindInstanceProfile, name) != nil {
					return awserror.Status(http.StatusConflict, "EntityAlreadyExists", "Instance Profile %s already exists.",
						name)
				}
				if role := str(p, "role"); role != "" {
					p["role"] = RoleName(role)
				}
				return t.roomInIAM(KindInstanceProfile, self, QuotaInstanceProfiles, "InstanceProfilesPerAccount")
			},
			make: func(t *tx, r *Resource) error {
				r.ID, r.Name = str(r.Props, "name"), str(r.Props, "name")
				r.ARN = t.iamARN("instance-profile" + iamPath(r.Props) + r.Name)
				r.Region = ""
				r.Attrs = Props{"arn": r.ARN, "uniqueId": awsid.IAM("AIPA"), "createDate": stamp(t.Now)}
				defaults(r.Attrs, r.Props, Props{"path": "/"})
				return nil
			},
		},
		KindOIDCProvider: {
			missing: func(id string) *awserror.Error {
				return noSuchEntity("OpenIDConnect Provider not found for arn %s", id)
			},
			usable: stateAvailable,
			check: func(t *tx, p Props, self string) error {
				url := str(p, "url")
				if !strings.HasPrefix(url, "https://") {
					return awserror.Bad("ValidationError", "The URL %q must begin with https://", url)
				}
				if len(strs(p, "clientIdLists")) == 0 {
					return awserror.Bad("ValidationError", "An OpenIDConnect provider needs at least one client id")
				}
				if self == "" && t.get(KindOIDCProvider, t.oidcARN(url)) != nil {
					return awserror.Status(http.StatusConflict, "EntityAlreadyExists", "Provider with url %s already exists.",
						url)
				}
				return nil
			},
			make: func(t *tx, r *Resource) error {
				r.ID = t.oidcARN(str(r.Props, "url"))
				r.ARN, r.Name, r.Region = r.ID, issuerHost(str(r.Props, "url")), ""
				r.Attrs = Props{"arn": r.ARN}
				defaults(r.Attrs, r.Props, Props{"thumbprintLists": []any{}})
				return nil
			},
		},
	}
}

// issuerHost is an issuer URL without its scheme: the prefix of its condition keys.
func issuerHost(url string) string {
	return strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/")
}

func (t *tx) oidcARN(url string) string { return t.iamARN("oidc-provider/" + issuerHost(url)) }

// roomInIAM refuses one entity more than the account may have.
func (t *tx) roomInIAM(k Kind, self, quota, what string) error {
	if self != "" {
		return nil
	}
	return t.room(quota, t.count(k, func(*Resource) bool { return true }), awserror.Status(http.StatusConflict, "LimitExceeded",
		"Cannot exceed quota for %s: %.0f", what, t.a.quotas[quota]))
}

// newRole refuses a name that is taken, and one role more than the account may have.
func (t *tx) newRole(name, self string) error {
	if self == "" && t.get(KindRole, name) != nil {
		return awserror.Status(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", name)
	}
	return t.roomInIAM(KindRole, self, QuotaRoles, "RolesPerAccount")
}

func checkRole(t *tx, p Props, self string) error {
	name := str(p, "name")
	if err := checkIAMName(name, 64); err != nil {
		return err
	}
	if err := t.newRole(name, self); err != nil {
		return err
	}
	doc, err := parsePolicy(str(p, "assumeRolePolicy"))
	if err != nil {
		return err
	}
	if err := doc.CheckTrust(); err != nil {
		return malformed(err)
	}
	if n := iam.Size(str(p, "assumeRolePolicy")); n > iamdoc.MaxTrustPolicy {
		return awserror.Status(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d",
			iamdoc.MaxTrustPolicy)
	}
	if boundary := str(p, "permissionsBoundary"); boundary != "" && t.policy(boundary) == "" {
		return awserror.Status(http.StatusNotFound, "NoSuchEntity", "Scope ARN: %s does not exist or is not attachable.",
			boundary)
	}
	inline := 0
	for _, in := range blocks(p, "inlinePolicies") {
		if str(in, "policy") == "" {
			continue
		}
		if err := checkIdentityPolicy(str(in, "policy")); err != nil {
			return err
		}
		inline += iam.Size(str(in, "policy"))
	}
	if inline > iam.MaxInlinePolicies {
		return errTooMuchInline(name)
	}
	for _, arn := range strs(p, "managedPolicyArns") {
		if !t.policyExists(arn) {
			return noSuchPolicy(arn)
		}
	}
	return nil
}

func errTooMuchInline(role string) *awserror.Error {
	return awserror.Status(http.StatusConflict, "LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s",
		iam.MaxInlinePolicies, role)
}

// ofRole reports whether a policy, an attachment or a profile belongs to a role.
func (r *Resource) ofRole(name string) bool { return RoleName(str(r.Props, "role")) == name }

func blockedRole(t *tx, r *Resource) error {
	mine := func(x *Resource) bool { return x.ofRole(r.ID) }
	switch {
	case t.first(KindInstanceProfile, mine) != nil:
		return conflict("Cannot delete entity, must remove roles from instance profile first.")
	case flag(r.Props, "forceDetachPolicies"):
		return nil
	case t.first(KindRolePolicyAttachment, mine) != nil:
		return conflict("Cannot delete entity, must detach all policies first.")
	case t.first(KindRolePolicy, mine) != nil:
		return conflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}

func malformed(err error) *awserror.Error { return awserror.Bad("MalformedPolicyDocument", "%v", err) }

func parsePolicy(text string) (iam.Document, error) {
	doc, err := iam.Parse([]byte(text))
	if err != nil {
		return doc, malformed(err)
	}
	return doc, nil
}

func checkIdentityPolicy(text string) error {
	doc, err := parsePolicy(text)
	if err != nil {
		return err
	}
	if err := doc.CheckIdentity(); err != nil {
		return malformed(err)
	}
	return nil
}
