// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"cmp"
	"slices"
	"strings"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/account"
)

// ec2Parts are the types of EC2 in ARNs: the account's kind, and the inputs in which other resources name one.
var ec2Parts = map[string]struct {
	kind   account.Kind
	inputs []string
}{
	"vpc":              {account.KindVPC, []string{"vpcId"}},
	"subnet":           {account.KindSubnet, []string{"subnetId", "subnetIds"}},
	"internet-gateway": {account.KindInternetGateway, nil},
	"elastic-ip":       {account.KindEIP, []string{"allocationId"}},
	"natgateway":       {account.KindNATGateway, nil},
	"route-table":      {account.KindRouteTable, []string{"routeTableId", "routeTableIds"}},
	"vpc-endpoint":     {account.KindVPCEndpoint, nil},
	"vpc-flow-log":     {account.KindFlowLog, nil},
	"security-group":   {account.KindSecurityGroup, []string{"securityGroupId", "securityGroupIds"}},
	"launch-template":  {account.KindLaunchTemplate, nil},
}

// text is the first of some inputs that is set.
func (sub subject) text(names ...string) string {
	for _, n := range names {
		if v, _ := sub.in[n].(string); v != "" {
			return v
		}
	}
	return ""
}

// paths are what follows the account in the ARN of a resource that a request is about, by its service and type; "" is none.
var paths = map[string]func(sub subject, action string) string{
	"iam policy": func(sub subject, _ string) string {
		return "policy" + cmp.Or(sub.text("path"), "/") + sub.text("name")
	},
	"iam instance-profile": func(sub subject, _ string) string {
		return "instance-profile" + cmp.Or(sub.text("path"), "/") + sub.text("name")
	},
	"iam oidc-provider": func(sub subject, _ string) string {
		return "oidc-provider/" + strings.TrimPrefix(sub.text("url"), "https://")
	},
	"eks cluster": func(sub subject, action string) string {
		ofPart := slices.Contains([]string{"eks:TagResource", "eks:UntagResource", "eks:DescribeUpdate"}, action)
		if ofPart && sub.row.Terraform != "aws_eks_cluster" {
			return ""
		}
		return "cluster/" + sub.text("clusterName", "name")
	},
	"eks nodegroup": func(sub subject, _ string) string {
		return part(sub, "aws_eks_node_group", "nodegroup/"+sub.text("clusterName")+"/"+sub.text("nodeGroupName")+"/new")
	},
	"eks addon": func(sub subject, _ string) string {
		return part(sub, "aws_eks_addon", "addon/"+sub.text("clusterName")+"/"+sub.text("addonName")+"/new")
	},
	"eks access-entry": func(sub subject, _ string) string {
		if !strings.HasPrefix(sub.row.Terraform, "aws_eks_access_") {
			return ""
		}
		return "access-entry/" + sub.text("clusterName") + "/role/ACCOUNT/name/new"
	},
	"eks podidentityassociation": func(sub subject, _ string) string {
		return part(sub, "aws_eks_pod_identity_association", "podidentityassociation/"+sub.text("clusterName")+"/a-new")
	},
	"kms key":   func(sub subject, _ string) string { return keyPath(sub) },
	"kms alias": func(sub subject, _ string) string { return sub.text("name") },
	"sqs queue": func(sub subject, _ string) string {
		url := sub.text("queueUrl")
		return cmp.Or(sub.text("name"), url[strings.LastIndexByte(url, '/')+1:])
	},
	"events rule":        func(sub subject, _ string) string { return "rule/" + sub.text("name", "rule") },
	"logs log-group":     func(sub subject, _ string) string { return "log-group:" + sub.text("name") + ":*" },
	"route53 hostedzone": func(subject, string) string { return "hostedzone/new" },
	"s3 {}":              func(sub subject, _ string) string { return cmp.Or(sub.text("bucket"), sub.id) },
}

// named are the resources of a type that the request for an action names.
func (s *Server) named(sub subject, action, service, typ string) []target {
	if service == "ec2" {
		return s.partsOfEC2(sub, action, typ)
	}
	if service == "sqs" {
		typ = "queue"
	}
	find := paths[service+" "+typ]
	if find == nil {
		return nil
	}
	path := find(sub, action)
	if path == "" {
		return nil
	}
	t := target{path: path, tags: sub.found.Tags}
	if sub.phase == awskind.PhaseCreate {
		verb := action[strings.IndexByte(action, ':')+1:]
		t.tags, t.made = tagsOf(sub.in), strings.HasPrefix(verb, "Create") || strings.HasPrefix(verb, "Tag")
	}
	return []target{t}
}

// part is a path where the request is about a resource of that type.
func part(sub subject, terraform, path string) string {
	if sub.row.Terraform != terraform {
		return ""
	}
	return path
}

func tagsOf(in map[string]any) map[string]string {
	out := map[string]string{}
	tags, _ := in["tags"].(map[string]any)
	for k, v := range tags {
		if text, ok := v.(string); ok {
			out[k] = text
		}
	}
	return out
}

// keyPath is the key itself, or the one that a cluster encrypts with.
func keyPath(sub subject) string {
	id := sub.id
	if sub.kind.kind != account.KindKey {
		id, _ = sub.in["targetKeyId"].(string)
		config, _ := sub.in["encryptionConfig"].(map[string]any)
		provider, _ := config["provider"].(map[string]any)
		if arn, _ := provider["keyArn"].(string); arn != "" {
			id = arn
		}
	}
	if id == "" && sub.kind.kind != account.KindKey {
		return ""
	}
	return "key/" + cmp.Or(id[strings.LastIndexByte(id, '/')+1:], "new")
}

// launched are the types of what ec2:RunInstances makes or takes from a launch template.
var launched = []string{"image", "instance", "network-interface", "volume"}

// partsOfEC2 are the resources of a type of EC2: the one that the request is about, or those that it names.
func (s *Server) partsOfEC2(sub subject, action, typ string) []target {
	p, ok := ec2Parts[typ]
	ofNodes := action == "ec2:CreateTags" && sub.row.Terraform == "aws_eks_node_group"
	switch {
	case action == "ec2:RunInstances" && slices.Contains(launched, typ), ofNodes && slices.Contains(launched[1:], typ):
		return []target{{path: typ + "/new"}}
	case !ok:
		return nil
	case p.kind == sub.kind.kind && sub.phase == awskind.PhaseCreate:
		making := action == "ec2:"+sub.kind.api.create || action == "ec2:CreateTags"
		return []target{{path: typ + "/new", tags: tagsOf(sub.in), made: making}}
	case p.kind == sub.kind.kind:
		return []target{{path: typ + "/" + sub.id, tags: sub.found.Tags}}
	case strings.HasSuffix(action, "Tags") && sub.row.Terraform != "aws_ec2_tag":
		return nil // of what is made alone
	}
	return s.mentioned(sub, typ, p.kind, p.inputs)
}

// mentioned are the resources of a type of EC2 that inputs name.
func (s *Server) mentioned(sub subject, typ string, kind account.Kind, inputs []string) []target {
	var ids []string
	for _, input := range inputs {
		ids = append(ids, listed(sub.in[input])...)
	}
	if id := templateOf(sub); typ == "launch-template" && id != "" {
		ids = append(ids, id)
	}
	if id := sub.text("resourceId"); strings.HasPrefix(id, typ+"-") {
		ids = append(ids, id)
	}
	var out []target
	for _, id := range ids {
		r, _ := s.opts.Account.Get(kind, id)
		out = append(out, target{path: typ + "/" + id, tags: r.Tags})
	}
	return out
}

// templateOf is the launch template that a node group names.
func templateOf(sub subject) string {
	template, _ := sub.in["launchTemplate"].(map[string]any)
	id, _ := template["id"].(string)
	return id
}

// listed is a text, or the texts of a list.
func listed(v any) []string {
	switch t := v.(type) {
	case string:
		return []string{t}
	case []any:
		var out []string
		for _, e := range t {
			if text, ok := e.(string); ok {
				out = append(out, text)
			}
		}
		return out
	}
	return nil
}

// roles are the roles that an action of IAM is about; false = the action is about something else.
func (s *Server) roles(sub subject, action string) ([]string, bool) {
	iamARN := "arn:" + s.opts.Account.Partition() + ":iam::" + s.opts.Account.ID() + ":role/"
	switch {
	case action == "iam:CreateServiceLinkedRole":
		service := s.linkedService(sub)
		return []string{iamARN + "aws-service-role/" + service + "/AWSServiceRoleFor" + service}, true
	case action == "iam:PassRole" || action == "iam:GetRole" && sub.kind.kind != account.KindRole:
		if arn := sub.text("roleArn", "nodeRoleArn", "serviceAccountRoleArn", "iamRoleArn"); arn != "" {
			return []string{arn}, true
		}
		return []string{s.roleARN(iamARN, sub.text("role"))}, true
	case !strings.HasPrefix(action, "iam:") || !strings.Contains(action, "Role") || strings.Contains(action, "InstanceProfile") &&
		action != "iam:ListInstanceProfilesForRole":
		return nil, false
	case sub.kind.kind == account.KindRole:
		return []string{iamARN + strings.TrimPrefix(cmp.Or(sub.text("path"), "/"), "/") + sub.text("name")}, true
	}
	return []string{s.roleARN(iamARN, sub.text("role"))}, true
}

func (s *Server) roleARN(prefix, name string) string {
	if r, ok := s.opts.Account.Get(account.KindRole, name); ok && r.ARN != "" {
		return r.ARN
	}
	return prefix + name
}

func (s *Server) linkedService(sub subject) string {
	if sub.row.Terraform == "aws_eks_node_group" {
		return "eks-nodegroup.amazonaws.com"
	}
	return "eks.amazonaws.com"
}

// contextOf are the condition keys of an action beside the tags of its resource.
func (s *Server) contextOf(c config, sub subject, action string) map[string][]string {
	keys := map[string][]string{"aws:RequestedRegion": {c.region}, "aws:PrincipalArn": {s.caller.ARN}}
	if sub.phase == awskind.PhaseCreate {
		for k, v := range tagsOf(sub.in) {
			keys["aws:RequestTag/"+k] = []string{v}
		}
	}
	switch action {
	case "iam:PassRole":
		keys["iam:PassedToService"] = []string{map[string]string{
			"aws_eks_pod_identity_association": "pods.eks.amazonaws.com", "aws_iam_instance_profile": "ec2.amazonaws.com",
			"aws_flow_log": "vpc-flow-logs.amazonaws.com",
		}[sub.row.Terraform]}
		if keys["iam:PassedToService"][0] == "" {
			keys["iam:PassedToService"][0] = "eks.amazonaws.com"
		}
	case "iam:CreateServiceLinkedRole":
		keys["iam:AWSServiceName"] = []string{s.linkedService(sub)}
	case "iam:AttachRolePolicy", "iam:DetachRolePolicy":
		keys["iam:PolicyARN"] = []string{sub.text("policyArn")}
	case "ec2:CreateTags":
		if sub.phase == awskind.PhaseCreate && sub.row.Terraform != "aws_ec2_tag" {
			keys["ec2:CreateAction"] = []string{sub.kind.api.create}
		}
		if sub.row.Terraform == "aws_eks_node_group" {
			keys["ec2:CreateAction"] = []string{"RunInstances"}
		}
	case "ec2:RunInstances":
		a := s.opts.Account
		arn := []string{"arn", a.Partition(), "ec2", c.region, a.ID(), "launch-template/" + templateOf(sub)}
		keys["ec2:LaunchTemplate"] = []string{strings.Join(arn, ":")}
	}
	if boundary := s.boundary(sub); boundary != "" {
		keys["iam:PermissionsBoundary"] = []string{boundary}
	}
	return keys
}

// boundary is the permissions boundary of the role that a request is about.
func (s *Server) boundary(sub subject) string {
	if v := sub.text("permissionsBoundary"); v != "" {
		return v
	}
	r, _ := s.opts.Account.Get(account.KindRole, sub.text("role"))
	v, _ := r.Props["permissionsBoundary"].(string)
	return v
}
