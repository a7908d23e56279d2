// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"emrflink/components/iamdoc"
	"emrflink/internal/iam"
	"emrflink/internal/untyped"
)

// grant is one action on one resource, under conditions. Grants with the same group and conditions share a statement: within
// a group, a resource says the same for every action that applies to its type.
type grant struct {
	action, group, resource string
	conditions              iamdoc.Conditions
}

// scope knows what of each resource type belongs to the deployment.
type scope struct {
	Subject
	purpose Purpose
	table   *iam.ActionTable
	// names are what follows the type in an ARN, by "service type".
	names map[string][]string
	// boundary is the permissions boundary of the roles, "" = none; attached are policies of others that roles have.
	boundary string
	attached []string
	passedTo []string
	linked   []string
}

// automatic is the end of a name that Pulumi gives.
var automatic = regexp.MustCompile(`-[0-9a-f]{7}$`)

func newScope(s Subject, purpose Purpose) *scope {
	sc := &scope{Subject: s, purpose: purpose, names: map[string][]string{
		"eks cluster": {s.Deployment}, "eks nodegroup": {s.Deployment + "/*"}, "eks addon": {s.Deployment + "/*"},
		"eks access-entry": {s.Deployment + "/*"}, "eks podidentityassociation": {s.Deployment + "/*"},
		"iam oidc-provider":    {"oidc.eks." + s.Region + ".*/id/*"},
		"iam instance-profile": {"karpenter/" + s.Region + "/" + s.Deployment + "/*"},
		"logs log-group":       {"/aws/eks/" + s.Deployment + "/*"},
	}}
	table, err := iam.Actions()
	if err == nil {
		sc.table = table
	}
	for _, r := range s.Resources {
		sc.learn(r.Type, r.Inputs)
	}
	for key, list := range sc.names {
		slices.Sort(list)
		sc.names[key] = slices.Compact(list)
	}
	for _, list := range []*[]string{&sc.attached, &sc.passedTo, &sc.linked} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return sc
}

// learn takes the names that a resource of the graph has.
func (sc *scope) learn(typ string, in map[string]any) {
	text := func(property string) string {
		v, _ := in[property].(string)
		if v == untyped.Unknown {
			return ""
		}
		return v
	}
	add := func(key, name string) {
		if name != "" {
			sc.names[key] = append(sc.names[key], name)
		}
	}
	switch typ {
	case "aws:iam/role:Role":
		sc.boundary = cmp.Or(sc.boundary, text("permissionsBoundary"))
		add("iam role", sc.inAccount(text("path"), text("name")))
	case "aws:iam/policy:Policy":
		add("iam policy", sc.inAccount(text("path"), text("name")))
	case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
		if arn := text("policyArn"); strings.Contains(arn, ":iam::aws:") || slices.Contains(sc.Policies, arn) {
			sc.attached = append(sc.attached, arn)
		}
	case "aws:iam/instanceProfile:InstanceProfile":
		add("iam instance-profile", sc.inAccount(text("path"), text("name")))
	case "aws:s3/bucketV2:BucketV2":
		add("s3 bucket", text("bucket"))
	case "aws:cloudwatch/logGroup:LogGroup":
		add("logs log-group", folder(text("name"), sc.Deployment))
	case "aws:sqs/queue:Queue":
		add("sqs queue", text("name"))
	case "aws:cloudwatch/eventRule:EventRule":
		add("events rule", text("name"))
	case "aws:kms/alias:Alias":
		add("kms alias", strings.TrimPrefix(text("name"), "alias/"))
	}
	service := services[typ]
	sc.passedTo, sc.linked = append(sc.passedTo, service.passedTo...), append(sc.linked, service.linked...)
}

// services are the AWS services that take a role with a resource of a type, and that make a service-linked role of their own.
var services = map[string]struct{ passedTo, linked []string }{
	"aws:eks/cluster:Cluster":                               {[]string{"eks"}, []string{"eks"}},
	"aws:eks/nodeGroup:NodeGroup":                           {[]string{"ec2", "eks"}, []string{"eks-nodegroup"}},
	"aws:iam/instanceProfile:InstanceProfile":               {[]string{"ec2"}, nil},
	"aws:eks/podIdentityAssociation:PodIdentityAssociation": {[]string{"pods.eks"}, nil},
	"aws:ec2/flowLog:FlowLog":                               {[]string{"vpc-flow-logs"}, nil},
}

// inAccount is the pattern of a name that is unique in the account: all that begin with the deployment's name and region.
func (sc *scope) inAccount(path, name string) string {
	if name == "" {
		return ""
	}
	path = strings.TrimPrefix(cmp.Or(path, "/"), "/")
	if own := sc.Deployment + "-" + sc.Region + "-"; strings.HasPrefix(name, own) {
		return path + own + "*"
	}
	return path + automatic.ReplaceAllString(name, "-*")
}

// folder is a log group's name, or all that begin as it does up to the deployment's name as a folder.
func folder(name, deployment string) string {
	if before, _, ok := strings.Cut(name, "/"+deployment+"/"); ok {
		return before + "/" + deployment + "/*"
	}
	return name
}

// own is the condition on a tag that makes something the deployment's: of a request that makes it, or of what exists.
func (sc *scope) own(key string) iamdoc.Conditions {
	return iamdoc.Conditions{"StringEquals": {key + "/" + sc.Tag: {sc.Deployment}}}
}

func (sc *scope) inRegion() iamdoc.Conditions {
	return iamdoc.Conditions{"StringEquals": {"aws:RequestedRegion": {sc.Region}}}
}

// arn fills the account and the region into the pattern of a resource type.
func (sc *scope) arn(pattern, resource string) string {
	parts := strings.SplitN(pattern, ":", 6)
	for i, v := range []string{1: sc.Partition, 3: sc.Region, 4: sc.Account} {
		if v != "" && parts[i] == "{}" {
			parts[i] = v
		}
	}
	parts[5] = resource
	return strings.Join(parts, ":")
}

// kindOf is the service and the type of an ARN pattern: "iam", "role".
func kindOf(pattern string) (service, typ string) {
	parts := strings.SplitN(pattern, ":", 6)
	service, typ = parts[2], parts[5]
	if service == "s3" {
		if strings.Contains(typ, "/") {
			return service, "object"
		}
		return service, "bucket"
	}
	if service == "sqs" {
		return service, "queue"
	}
	if i := strings.IndexAny(typ, "/:"); i >= 0 {
		typ = typ[:i]
	}
	return service, typ
}

// resources are the ARNs of a type that belong to the deployment; exact says that they are named, so that no tag is needed.
func (sc *scope) resources(pattern string) (arns []string, exact bool) {
	service, typ := kindOf(pattern)
	switch service {
	case "s3", "sqs":
		return sc.wholeNames(pattern, service, typ), true
	case "ec2":
		return sc.partsOfVPC(pattern, typ)
	}
	names := sc.names[service+" "+typ]
	if len(names) == 0 {
		return sc.anyOf(pattern)
	}
	sep := strings.SplitN(pattern, ":", 6)[5][len(typ) : len(typ)+1]
	for _, n := range names {
		arns = append(arns, sc.arn(pattern, typ+sep+n))
		if service == "logs" && !strings.HasSuffix(n, "*") {
			arns = append(arns, sc.arn(pattern, typ+sep+n+":*"))
		}
	}
	return arns, true
}

// wholeNames are the ARNs of services whose ARNs end with the bare name.
func (sc *scope) wholeNames(pattern, service, typ string) []string {
	var out []string
	if typ == "object" {
		for _, b := range sc.names["s3 bucket"] {
			out = append(out, sc.arn(pattern, b+"/*"))
		}
	}
	for _, n := range sc.names[service+" "+typ] {
		out = append(out, sc.arn(pattern, n))
	}
	return out
}

// partsOfVPC are the parts of an existing VPC, or all of a type: a tag says which of them are the deployment's.
func (sc *scope) partsOfVPC(pattern, typ string) (arns []string, exact bool) {
	switch {
	case typ == "vpc" && sc.VPC != "":
		return []string{sc.arn(pattern, "vpc/"+sc.VPC)}, true
	case typ == "subnet" && len(sc.Subnets) > 0:
		for _, id := range sc.Subnets {
			arns = append(arns, sc.arn(pattern, "subnet/"+id))
		}
		return arns, true
	}
	return sc.anyOf(pattern)
}

// grants are what an action is allowed on.
func (sc *scope) grants(name string, w *want) ([]grant, error) {
	if sc.table == nil {
		return nil, fmt.Errorf("the table of IAM's actions cannot be read")
	}
	action, ok := sc.table.Action(name)
	if !ok {
		return nil, fmt.Errorf("%s has no row in internal/iam/actions.csv", name)
	}
	var out []grant
	for _, on := range w.on {
		given := sc.special(name, on, action)
		if given == nil {
			given = sc.general(name, w, action)
		}
		out = append(out, given...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("nothing of the deployment is a resource of %s", name)
	}
	for i := range out {
		out[i].action = name
	}
	return out, nil
}

func (sc *scope) general(name string, w *want, action iam.Action) []grant {
	service, _, _ := strings.Cut(name, ":")
	if len(action.Types) == 0 || name == "logs:DescribeLogGroups" {
		return []grant{sc.unscoped(name, service)}
	}
	if service == "ec2" {
		return sc.ec2(name, w, action)
	}
	var out []grant
	for _, pattern := range action.Types {
		arns, exact := sc.resources(pattern)
		for _, arn := range arns {
			out = append(out, grant{resource: arn, conditions: sc.condition(name, exact), group: service})
		}
	}
	return out
}

// unscoped is an action that works only on "*": where it has a region, it is confined to that.
func (sc *scope) unscoped(name, service string) grant {
	g := grant{resource: "*", group: "any"}
	switch {
	case slices.Contains([]string{"iam", "s3", "tag"}, service): // they have no region, or more than one is asked
	case name == "eks:CreateCluster" || name == "kms:CreateKey":
		g.conditions = sc.own("aws:RequestTag")
		maps.Copy(g.conditions["StringEquals"], sc.inRegion()["StringEquals"])
	default:
		g.conditions = sc.inRegion()
	}
	return g
}

// condition is what the actions of a service are bound to beside the names.
func (sc *scope) condition(name string, exact bool) iamdoc.Conditions {
	switch service, verb, _ := strings.Cut(name, ":"); {
	case service == "iam" && sc.boundary != "" && slices.Contains([]string{
		"CreateRole", "PutRolePermissionsBoundary", "PutRolePolicy",
	}, verb):
		return iamdoc.Conditions{"StringEquals": {"iam:PermissionsBoundary": {sc.boundary}}}
	case name == "iam:CreateOpenIDConnectProvider":
		return sc.own("aws:RequestTag")
	case service == "iam" && strings.Contains(verb, "OpenIDConnectProvider") && verb != "GetOpenIDConnectProvider":
		return sc.own("aws:ResourceTag")
	case service == "kms" && !exact && !slices.Contains([]string{"DescribeKey", "ListResourceTags"}, verb):
		return sc.own("aws:ResourceTag")
	}
	return nil
}
