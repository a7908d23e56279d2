// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"maps"
	"net/http"
	"net/url"
	"strings"

	"emrflink/internal/localcloud/account"
)

// noSuch is IAM's answer for an entity that does not exist. Karpenter reads the
// word "role" in the text as "the role is missing".
func noSuch(format string, args ...any) error {
	return refuse(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func profilePath(r account.Resource) string {
	if p := str(r.All(), "path"); p != "" {
		return p
	}
	return "/"
}

// profileARN is the ARN of a profile that may not exist yet.
func (q *request) profileARN(path, name string) string {
	if path == "" {
		path = "/"
	}
	return q.globalARN("iam", "instance-profile"+path+name)
}

// profile finds an instance profile and its ARN for authorization. When there
// is none, the ARN is that of a profile without a path.
func (q *request) profile() (account.Resource, bool, string) {
	name := q.form.str("InstanceProfileName")
	r, ok := q.account.Get(account.KindInstanceProfile, name)
	if !ok {
		return r, false, q.profileARN("/", name)
	}
	if r.ARN != "" {
		return r, true, r.ARN
	}
	return r, true, q.profileARN(profilePath(r), name)
}

func (q *request) profileBody(r account.Resource) []node {
	p := r.All()
	var roles []node
	if name := str(p, "role"); name != "" {
		if role, ok := q.account.Get(account.KindRole, name); ok {
			roles = append(roles, el("", q.roleBody(role)...))
		}
	}
	return []node{txt("InstanceProfileName", r.ID), txt("InstanceProfileId", iamUniqueID(r, "uniqueId")), txt("Arn", r.ARN),
		txt("Path", profilePath(r)),
		when("CreateDate", r.CreatedAt), list("Roles", "member", roles), list("Tags", "member", tagNodes(r.Tags, "Key", "Value"))}
}

// iamUniqueID is the unique id that the account gave, or the name when it gave
// none.
func iamUniqueID(r account.Resource, attr string) string {
	if id := str(r.Attrs, attr); id != "" {
		return id
	}
	return r.ID
}

func (q *request) roleBody(r account.Resource) []node {
	p := r.All()
	path := str(p, "path")
	if path == "" {
		path = "/"
	}
	return []node{txt("RoleName", r.ID), txt("RoleId", iamUniqueID(r, "uniqueId")), txt("Arn", r.ARN), txt("Path", path),
		when("CreateDate", r.CreatedAt),
		txt("AssumeRolePolicyDocument", url.QueryEscape(str(p, "assumeRolePolicy"))), opt("Description", str(p, "description")),
		num("MaxSessionDuration", whole(p, "maxSessionDuration", 3600)), list("Tags", "member", tagNodes(r.Tags, "Key", "Value"))}
}

func getRole(q *request) (answer, error) {
	name := q.form.str("RoleName")
	r, ok := q.account.Get(account.KindRole, name)
	arn := q.globalARN("iam", "role/"+name)
	if ok && r.ARN != "" {
		arn = r.ARN
	}
	service, linked := q.account.ServiceLinkedRole(name)
	if linked {
		arn = q.account.ServiceLinkedRoleARN(service)
	}
	if err := q.self(arn, resourceTags("iam", r.Tags)); err != nil {
		return answer{}, err
	}
	if linked {
		return q.query(q.linkedRole(service, name))
	}
	if !ok {
		return answer{}, noSuch("The role with name %s cannot be found.", name)
	}
	return q.query(el("Role", q.roleBody(r)...))
}

// linkedRole is a role that a service made for itself.
func (q *request) linkedRole(service, name string) node {
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service +
		`"},"Action":"sts:AssumeRole"}]}`
	return el("Role", txt("Path", "/aws-service-role/"+service+"/"), txt("RoleName", name),
		txt("RoleId", "AROASERVICELINKED0000"),
		txt("Arn", q.account.ServiceLinkedRoleARN(service)), txt("AssumeRolePolicyDocument", url.PathEscape(trust)),
		num("MaxSessionDuration", 3600))
}

func createServiceLinkedRole(q *request) (answer, error) {
	service := q.form.str("AWSServiceName")
	if err := q.account.CreateServiceLinkedRole(q.caller, service); err != nil {
		return answer{}, err
	}
	arn := q.account.ServiceLinkedRoleARN(service)
	return q.query(q.linkedRole(service, arn[strings.LastIndexByte(arn, '/')+1:]))
}

func listRoles(q *request) (answer, error) {
	if err := q.self("*"); err != nil {
		return answer{}, err
	}
	var rows []node
	for _, r := range q.account.List(account.KindRole) {
		path := str(r.All(), "path")
		if path == "" {
			path = "/"
		}
		if strings.HasPrefix(path, q.form.str("PathPrefix")) {
			rows = append(rows, el("", q.roleBody(r)...))
		}
	}
	return q.query(list("Roles", "member", rows), boolean("IsTruncated", false))
}

func listOpenIDConnectProviders(q *request) (answer, error) {
	if err := q.self("*"); err != nil {
		return answer{}, err
	}
	var rows []node
	for _, r := range q.account.List(account.KindOIDCProvider) {
		rows = append(rows, el("", txt("Arn", r.ARN)))
	}
	return q.query(list("OpenIDConnectProviderList", "member", rows))
}

func getInstanceProfile(q *request) (answer, error) {
	r, ok, arn := q.profile()
	if err := q.self(arn, resourceTags("iam", r.Tags)); err != nil {
		return answer{}, err
	}
	if !ok {
		return answer{}, noSuch("Instance Profile %s cannot be found.", q.form.str("InstanceProfileName"))
	}
	return q.query(el("InstanceProfile", q.profileBody(r)...))
}

func createInstanceProfile(q *request) (answer, error) {
	name, path, tags := q.form.str("InstanceProfileName"), q.form.str("Path"), q.form.tags("Tags")
	if err := q.self(q.profileARN(path, name), requestTags(tags)); err != nil {
		return answer{}, err
	}
	p := account.Props{"name": name, "tags": tagMap(tags)}
	if path != "" {
		p["path"] = path
	}
	r, err := q.account.Create(q.ctx, q.caller, account.KindInstanceProfile, p)
	if err != nil {
		return answer{}, err
	}
	return q.query(el("InstanceProfile", q.profileBody(r)...))
}

// changeProfile asks for a change of an existing profile.
func (q *request) changeProfile() (account.Resource, error) {
	r, ok, arn := q.profile()
	if !ok {
		// The tags that the policy may name do not exist: nothing to decide on.
		return r, noSuch("Instance Profile %s cannot be found.", q.form.str("InstanceProfileName"))
	}
	return r, q.self(arn, resourceTags("iam", r.Tags))
}

func addRoleToInstanceProfile(q *request) (answer, error) {
	r, err := q.changeProfile()
	if err != nil {
		return answer{}, err
	}
	role := q.form.str("RoleName")
	if err := q.passRole(role); err != nil {
		return answer{}, err
	}
	if _, ok := q.account.Get(account.KindRole, role); !ok {
		return answer{}, noSuch("The role with name %s cannot be found.", role)
	}
	if str(r.All(), "role") != "" {
		return answer{}, refuse(http.StatusConflict, "LimitExceeded",
			"Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	}
	return q.setProfileRole(r, role)
}

func removeRoleFromInstanceProfile(q *request) (answer, error) {
	r, err := q.changeProfile()
	if err != nil {
		return answer{}, err
	}
	role := q.form.str("RoleName")
	if str(r.All(), "role") != role {
		return answer{}, noSuch("The role with name %s is not in instance profile %s.", role, r.ID)
	}
	return q.setProfileRole(r, "")
}

func (q *request) setProfileRole(r account.Resource, role string) (answer, error) {
	p := maps.Clone(r.Props)
	delete(p, "role")
	if role != "" {
		p["role"] = role
	}
	p["tags"] = tagMap(r.Tags)
	if _, err := q.account.Update(q.ctx, q.caller, account.KindInstanceProfile, r.ID, p); err != nil {
		return answer{}, err
	}
	return q.query()
}

func deleteInstanceProfile(q *request) (answer, error) {
	r, err := q.changeProfile()
	if err != nil {
		return answer{}, err
	}
	if str(r.All(), "role") != "" {
		return answer{}, refuse(http.StatusConflict, "DeleteConflict",
			"Cannot delete entity, must remove roles from instance profile first.")
	}
	if err := q.account.Delete(q.ctx, q.caller, account.KindInstanceProfile, r.ID); err != nil {
		return answer{}, err
	}
	return q.query()
}

func tagInstanceProfile(q *request) (answer, error) {
	r, ok, arn := q.profile()
	if !ok {
		return answer{}, noSuch("Instance Profile %s cannot be found.", q.form.str("InstanceProfileName"))
	}
	tags := q.form.tags("Tags")
	if err := q.self(arn, resourceTags("iam", r.Tags), requestTags(tags)); err != nil {
		return answer{}, err
	}
	if err := q.account.SetTags(account.KindInstanceProfile, r.ID, tags, nil); err != nil {
		return answer{}, err
	}
	return q.query()
}

func listInstanceProfiles(q *request) (answer, error) {
	if err := q.self("*"); err != nil {
		return answer{}, err
	}
	return q.profiles(func(r account.Resource) bool { return strings.HasPrefix(profilePath(r), q.form.str("PathPrefix")) })
}

func listInstanceProfilesForRole(q *request) (answer, error) {
	role := q.form.str("RoleName")
	r, ok := q.account.Get(account.KindRole, role)
	if err := q.self(q.globalARN("iam", "role/"+role), resourceTags("iam", r.Tags)); err != nil {
		return answer{}, err
	}
	if !ok {
		return answer{}, noSuch("The role with name %s cannot be found.", role)
	}
	return q.profiles(func(r account.Resource) bool { return str(r.All(), "role") == role })
}

func (q *request) profiles(keep func(account.Resource) bool) (answer, error) {
	var rows []node
	for _, r := range q.account.List(account.KindInstanceProfile) {
		if keep(r) {
			rows = append(rows, el("", q.profileBody(r)...))
		}
	}
	return q.query(list("InstanceProfiles", "member", rows), boolean("IsTruncated", false))
}
