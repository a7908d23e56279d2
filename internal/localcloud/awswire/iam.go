// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"emrflink/internal/iam"
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

// profile finds the instance profile of the request.
func (q *request) profile() (account.Resource, bool) {
	return q.account.Get(account.KindInstanceProfile, q.form.str("InstanceProfileName"))
}

// anyProfile may not exist; its ARN is then that of a profile without a path.
func anyProfile(q *request) ([]need, error) {
	r, _ := q.profile()
	return on(cmp.Or(r.ARN, q.profileARN(profilePath(r), q.form.str("InstanceProfileName"))), resourceTags("iam", r.Tags))
}

// existingProfile exists: without one there are no tags that a policy may name, and nothing to decide on.
func existingProfile(q *request) ([]need, error) {
	r, ok := q.profile()
	if !ok {
		return nil, noProfile(q.form.str("InstanceProfileName"))
	}
	return on(r.ARN, resourceTags("iam", r.Tags), requestTags(q.form.tags("Tags")))
}

// profileAndRole has the role, which is passed to the profile.
func profileAndRole(q *request) ([]need, error) {
	needs, err := existingProfile(q)
	if err != nil {
		return nil, err
	}
	return append(needs, q.passing(q.form.str("RoleName"))), nil
}

func newProfile(q *request) ([]need, error) {
	return on(q.profileARN(q.form.str("Path"), q.form.str("InstanceProfileName")), requestTags(q.form.tags("Tags")))
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
		txt("AssumeRolePolicyDocument", encoded(str(p, "assumeRolePolicy"))), opt("Description", str(p, "description")),
		num("MaxSessionDuration", whole(p, "maxSessionDuration", 3600)), list("Tags", "member", tagNodes(r.Tags, "Key", "Value"))}
}

// encoded is a document as IAM answers it: clients decode a space as %20 and not as a plus sign.
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// oneRole is the role of the request, be it one that a service made for itself.
func oneRole(q *request) ([]need, error) {
	name := q.form.str("RoleName")
	if service, linked := q.account.ServiceLinkedRole(name); linked {
		return on(q.account.ServiceLinkedRoleARN(service))
	}
	r, _ := q.account.Get(account.KindRole, name)
	return on(cmp.Or(r.ARN, q.globalARN("iam", "role/"+name)), resourceTags("iam", r.Tags))
}

func getRole(q *request) (answer, error) {
	name := q.form.str("RoleName")
	if service, linked := q.account.ServiceLinkedRole(name); linked {
		return q.query(q.linkedRole(service, name))
	}
	r, ok := q.account.Get(account.KindRole, name)
	if !ok {
		return answer{}, noSuch("The role with name %s cannot be found.", name)
	}
	body := q.roleBody(r)
	if boundary := str(r.All(), "permissionsBoundary"); boundary != "" {
		body = append(body, el("PermissionsBoundary", txt("PermissionsBoundaryType", "Policy"),
			txt("PermissionsBoundaryArn", boundary)))
	}
	return q.query(el("Role", body...))
}

// linkedRole is a role that a service made for itself.
func (q *request) linkedRole(service, name string) node {
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service +
		`"},"Action":"sts:AssumeRole"}]}`
	return el("Role", txt("Path", "/aws-service-role/"+service+"/"), txt("RoleName", name),
		txt("RoleId", "AROASERVICELINKED0000"),
		txt("Arn", q.account.ServiceLinkedRoleARN(service)), txt("AssumeRolePolicyDocument", encoded(trust)),
		num("MaxSessionDuration", 3600))
}

func newLinkedRole(q *request) ([]need, error) {
	service := q.form.str("AWSServiceName")
	return on(q.account.ServiceLinkedRoleARN(service), keys{"iam:AWSServiceName": {service}})
}

func createServiceLinkedRole(q *request) (answer, error) {
	service := q.form.str("AWSServiceName")
	if err := q.account.CreateServiceLinkedRole(service); err != nil {
		return answer{}, err
	}
	arn := q.account.ServiceLinkedRoleARN(service)
	return q.query(q.linkedRole(service, arn[strings.LastIndexByte(arn, '/')+1:]))
}

func listRoles(q *request) (answer, error) {
	return q.iamPage("Roles", q.account.Find(account.KindRole, func(r account.Resource) bool {
		return strings.HasPrefix(cmp.Or(str(r.All(), "path"), "/"), q.form.str("PathPrefix"))
	}), q.roleBody)
}

// mostEntities is how many entities a page of IAM has when nobody says.
const mostEntities = 100

// iamPage answers one page of entities, which are in the order of their names.
func (q *request) iamPage(name string, all []account.Resource, body func(account.Resource) []node) (answer, error) {
	return pageOfIAM(q, name, all, idOf, func(r account.Resource) node { return el("", body(r)...) })
}

// pageOfIAM is iamPage of what are no resources.
func pageOfIAM[T any](q *request, name string, all []T, key func(T) string, body func(T) node) (answer, error) {
	part, next, known := pageOf(all, key, q.form.integer(mostEntities, "MaxItems"), q.form.str("Marker"))
	if !known {
		return answer{}, invalid("ValidationError", "Invalid Marker.")
	}
	var rows []node
	for _, one := range part {
		rows = append(rows, body(one))
	}
	return q.query(list(name, "member", rows), boolean("IsTruncated", next != ""), opt("Marker", next))
}

func listOpenIDConnectProviders(q *request) (answer, error) {
	var rows []node
	for _, r := range q.account.List(account.KindOIDCProvider) {
		rows = append(rows, el("", txt("Arn", r.ARN)))
	}
	return q.query(list("OpenIDConnectProviderList", "member", rows))
}

// byIAMARN is the need of an operation on what a parameter names by its ARN.
func byIAMARN(k account.Kind, parameter string) func(*request) ([]need, error) {
	return func(q *request) ([]need, error) {
		arn := q.form.str(parameter)
		r, _ := q.account.Get(k, arn)
		return on(arn, resourceTags("", r.Tags))
	}
}

func getOpenIDConnectProvider(q *request) (answer, error) {
	arn := q.form.str("OpenIDConnectProviderArn")
	r, ok := q.account.Get(account.KindOIDCProvider, arn)
	if !ok {
		return answer{}, noSuch("OpenIDConnect Provider not found for arn %s", arn)
	}
	return q.query(txt("Url", strings.TrimPrefix(str(r.All(), "url"), "https://")), when("CreateDate", r.CreatedAt),
		texts("ClientIDList", "member", strs(r.All(), "clientIdLists")),
		texts("ThumbprintList", "member", strs(r.All(), "thumbprintLists")),
		list("Tags", "member", tagNodes(r.Tags, "Key", "Value")))
}

// managedSince is when AWS made the policies that it manages, for all of them.
var managedSince = time.Date(2018, 5, 27, 0, 0, 0, 0, time.UTC)

func getPolicy(q *request) (answer, error) {
	arn := q.form.str("PolicyArn")
	r, ok := q.account.Get(account.KindPolicy, arn)
	switch {
	case ok:
	case iam.AWSManaged(arn) != "":
		name := arn[strings.LastIndex(arn, "/")+1:]
		r = account.Resource{Kind: account.KindPolicy, ID: arn, ARN: arn, Name: name, CreatedAt: managedSince}
	default:
		return answer{}, noSuch("Policy %s was not found.", arn)
	}
	attached := q.account.Find(account.KindRolePolicyAttachment, func(a account.Resource) bool {
		return str(a.All(), "policyArn") == arn
	})
	return q.query(el("Policy", txt("PolicyName", r.Name), txt("Arn", r.ARN), txt("PolicyId", iamUniqueID(r, "policyId")),
		txt("Path", cmp.Or(str(r.All(), "path"), "/")), txt("DefaultVersionId", firstVersion),
		num("AttachmentCount", len(attached)),
		num("PermissionsBoundaryUsageCount", 0), boolean("IsAttachable", true), opt("Description", str(r.All(), "description")),
		when("CreateDate", r.CreatedAt), when("UpdateDate", r.CreatedAt),
		list("Tags", "member", tagNodes(r.Tags, "Key", "Value"))))
}

// getAccountSummary has the entities that a deploy makes, and how many of each the account may have.
func getAccountSummary(q *request) (answer, error) {
	quotas := q.account.Quotas()
	var entries []node
	for _, e := range []struct {
		name  string
		kind  account.Kind
		quota string
	}{
		{"InstanceProfiles", account.KindInstanceProfile, account.QuotaInstanceProfiles},
		{"Policies", account.KindPolicy, account.QuotaPolicies},
		{"Roles", account.KindRole, account.QuotaRoles},
	} {
		entries = append(entries,
			el("entry", txt("key", e.name), num("value", len(q.account.List(e.kind)))),
			el("entry", txt("key", e.name+"Quota"), num("value", int(quotas[e.quota]))))
	}
	return q.query(el("SummaryMap", entries...))
}

func noProfile(name string) error { return noSuch("Instance Profile %s cannot be found.", name) }

func getInstanceProfile(q *request) (answer, error) {
	r, ok := q.profile()
	if !ok {
		return answer{}, noProfile(q.form.str("InstanceProfileName"))
	}
	return q.query(el("InstanceProfile", q.profileBody(r)...))
}

func createInstanceProfile(q *request) (answer, error) {
	name, path, tags := q.form.str("InstanceProfileName"), q.form.str("Path"), q.form.tags("Tags")
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

func addRoleToInstanceProfile(q *request) (answer, error) {
	r, _ := q.profile()
	role := q.form.str("RoleName")
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
	r, _ := q.profile()
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
	r, _ := q.profile()
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
	r, _ := q.profile()
	if err := q.account.SetTags(account.KindInstanceProfile, r.ID, q.form.tags("Tags"), nil); err != nil {
		return answer{}, err
	}
	return q.query()
}

func listInstanceProfiles(q *request) (answer, error) {
	return q.profiles(func(r account.Resource) bool { return strings.HasPrefix(profilePath(r), q.form.str("PathPrefix")) })
}

func listInstanceProfilesForRole(q *request) (answer, error) {
	role := q.form.str("RoleName")
	if _, ok := q.account.Get(account.KindRole, role); !ok {
		return answer{}, noSuch("The role with name %s cannot be found.", role)
	}
	return q.profiles(func(r account.Resource) bool { return str(r.All(), "role") == role })
}

func (q *request) profiles(keep func(account.Resource) bool) (answer, error) {
	return q.iamPage("InstanceProfiles", q.account.Find(account.KindInstanceProfile, keep), q.profileBody)
}
