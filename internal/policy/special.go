// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"slices"
	"strings"

	"emrflink/components/iamdoc"
	"emrflink/internal/awskind"
	"emrflink/internal/iam"
)

// special are the grants of an action that its resource types alone do not say; nil = they do.
func (sc *scope) special(name, on string, action iam.Action) []grant {
	switch on {
	case onSpot:
		return sc.iamRole("linked", nil, "aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot")
	case onRoles:
		return sc.iamRole("found", nil, "*")
	case onNamed:
		return each("named", nil, sc.Policies...)
	case onState:
		arn := "arn:" + sc.Partition + ":s3:::" + sc.stateBucket()
		if name != "s3:ListBucket" {
			arn += "/*"
		}
		return each("state", nil, arn)
	case onSecrets:
		return sc.secrets()
	case onNodes, onLeft:
		return sc.left(action)
	}
	switch name {
	case "iam:PassRole":
		to := sc.services(sc.passedTo)
		return sc.withCondition("iam", action, iamdoc.Conditions{"StringEquals": {"iam:PassedToService": to}})
	case "iam:CreateServiceLinkedRole":
		var out []grant
		for _, s := range sc.services(sc.linked) {
			out = append(out, sc.iamRole("linked", iamdoc.Conditions{"StringEquals": {"iam:AWSServiceName": {s}}},
				"aws-service-role/"+s+"/*")...)
		}
		return out
	case "iam:TagOpenIDConnectProvider", "kms:TagResource": // what is being made gets its tags by this action too
		return append(sc.withCondition("make", action, sc.own("aws:RequestTag")),
			sc.withCondition("own", action, sc.own("aws:ResourceTag"))...)
	case "iam:AttachRolePolicy", "iam:DetachRolePolicy":
		own, _ := sc.resources("arn:{}:iam::{}:policy/*")
		c := iamdoc.Conditions{"ArnLike": {"iam:PolicyARN": slices.Concat(own, sc.attached)}}
		if sc.boundary != "" && name == "iam:AttachRolePolicy" {
			c["StringEquals"] = map[string]iamdoc.Strings{"iam:PermissionsBoundary": {sc.boundary}}
		}
		return sc.withCondition("iam", action, c)
	}
	return nil
}

func (sc *scope) services(short []string) iamdoc.Strings {
	var out iamdoc.Strings
	for _, s := range short {
		out = append(out, s+".amazonaws.com")
	}
	return out
}

func (sc *scope) withCondition(group string, action iam.Action, c iamdoc.Conditions) []grant {
	var out []grant
	for _, pattern := range action.Types {
		arns, _ := sc.resources(pattern)
		out = append(out, each(group, c, arns...)...)
	}
	return out
}

func (sc *scope) iamRole(group string, c iamdoc.Conditions, name string) []grant {
	return each(group, c, "arn:"+sc.Partition+":iam::"+sc.Account+":role/"+name)
}

func each(group string, c iamdoc.Conditions, arns ...string) []grant {
	var out []grant
	for _, arn := range arns {
		out = append(out, grant{group: group, conditions: c, resource: arn})
	}
	return out
}

// secrets are the key that encrypts the secrets of the state. An alias is no resource of a policy: a condition names it.
func (sc *scope) secrets() []grant {
	key := sc.secretsKey()
	prefix := "arn:" + sc.Partition + ":kms:"
	switch {
	case strings.HasPrefix(key, "arn:") && !strings.Contains(key, ":alias/"):
		return each("secrets", nil, key)
	case strings.Contains(key, "alias/"):
		return each("secrets", iamdoc.Conditions{"StringEquals": {"kms:RequestAlias": {key[strings.Index(key, "alias/"):]}}},
			prefix+"*:"+sc.Account+":key/*")
	}
	return each("secrets", nil, prefix+"*:"+sc.Account+":key/"+key)
}

// marks are the tags by which a cleanup knows what controllers left, as package cleanup compares them.
func (sc *scope) marks() []iamdoc.Conditions {
	out := []iamdoc.Conditions{{"StringEquals": {}}}
	for k, v := range sc.Tags {
		out[0]["StringEquals"]["aws:ResourceTag/"+k] = iamdoc.Strings{v}
	}
	for _, m := range [][2]string{
		{"kubernetes.io/cluster/" + sc.Deployment, "owned"}, {"eks:eks-cluster-name", sc.Deployment},
		{"aws:eks:cluster-name", sc.Deployment}, {"eks:cluster-name", sc.Deployment},
		{"cluster.k8s.amazonaws.com/name", sc.Deployment}, {"elbv2.k8s.aws/cluster", sc.Deployment},
	} {
		out = append(out, iamdoc.Conditions{"StringEquals": {"aws:ResourceTag/" + m[0]: {m[1]}}})
	}
	return out
}

// ofGuardDuty are the types of what GuardDuty makes in a VPC.
func ofGuardDuty(pattern string) bool {
	return strings.Contains(pattern, ":vpc-endpoint/") || strings.Contains(pattern, ":security-group/")
}

// left is a deletion of what carries one of the marks.
func (sc *scope) left(action iam.Action) []grant {
	var out []grant
	marks := sc.marks()
	if slices.ContainsFunc(action.Types, ofGuardDuty) {
		marks = append(marks, iamdoc.Conditions{"StringEquals": {"aws:ResourceTag/" + awskind.GuardDutyTag: {"true"}}})
	}
	for _, c := range marks {
		for _, pattern := range action.Types {
			arns, _ := sc.anyOf(pattern)
			out = append(out, each("left", c, arns...)...)
		}
	}
	return out
}

// anyOf are all resources of a type in the account and the region.
func (sc *scope) anyOf(pattern string) ([]string, bool) {
	return []string{sc.arn(pattern, strings.ReplaceAll(strings.SplitN(pattern, ":", 6)[5], "{}", "*"))}, false
}

// making are the actions of EC2 that make a resource, and its type: the request has the deployment's tag. With it, EC2 asks for
// ec2:CreateTags.
var making = map[string]string{
	"ec2:AllocateAddress": "elastic-ip", "ec2:CreateInternetGateway": "internet-gateway",
	"ec2:CreateLaunchTemplate": "launch-template",
	"ec2:CreateNatGateway":     "natgateway", "ec2:CreateRouteTable": "route-table", "ec2:CreateSecurityGroup": "security-group",
	"ec2:CreateSubnet": "subnet", "ec2:CreateVpc": "vpc", "ec2:CreateVpcEndpoint": "vpc-endpoint",
	"ec2:CreateFlowLogs": "vpc-flow-log",
}

// unasked are resource types of an action that no request of ours names.
var unasked = map[string][]string{
	"ec2:AssociateRouteTable": {"internet-gateway"}, "ec2:DisassociateRouteTable": {"internet-gateway"},
	"ec2:ReplaceRouteTableAssociation": {"internet-gateway"}, "ec2:CreateNatGateway": {"vpc"},
	"ec2:DisassociateAddress":           {"network-interface"},
	"ec2:AuthorizeSecurityGroupIngress": {"security-group-rule"}, "ec2:AuthorizeSecurityGroupEgress": {"security-group-rule"},
	"ec2:RunInstances": {"capacity-reservation", "key-pair", "placement-group", "snapshot", "spot-instances-request"},
}

// ec2 are the grants of an action of EC2 that has resource types: what is made carries the deployment's tag in the request, what
// exists carries it already.
func (sc *scope) ec2(name string, w *want, action iam.Action) []grant {
	switch name {
	case "ec2:CreateTags", "ec2:DeleteTags":
		return sc.tagging(name, w, action)
	case "ec2:RunInstances":
		template, _ := sc.anyOf("arn:{}:ec2:{}:{}:launch-template/{}")
		return sc.anywhere("launch", name, action, iamdoc.Conditions{"ArnLike": {"ec2:LaunchTemplate": template}})
	}
	var out []grant
	for _, pattern := range action.Types {
		_, typ := kindOf(pattern)
		if slices.Contains(unasked[name], typ) {
			continue
		}
		arns, exact := sc.resources(pattern)
		switch {
		case making[name] == typ:
			out = append(out, each("make", sc.own("aws:RequestTag"), arns...)...)
		case exact:
			out = append(out, each("existing", nil, arns...)...)
		default:
			out = append(out, each("own", sc.own("aws:ResourceTag"), arns...)...)
		}
	}
	return out
}

func (sc *scope) anywhere(group, name string, action iam.Action, c iamdoc.Conditions) []grant {
	var out []grant
	for _, pattern := range action.Types {
		if _, typ := kindOf(pattern); !slices.Contains(unasked[name], typ) {
			arns, _ := sc.anyOf(pattern)
			out = append(out, each(group, c, arns...)...)
		}
	}
	return out
}

// tagging are the grants of ec2:CreateTags and ec2:DeleteTags: with what is being made, on what is the deployment's, and the one
// tag on subnets of others.
func (sc *scope) tagging(name string, w *want, action iam.Action) []grant {
	var out []grant
	types := sc.tagged()
	if name == "ec2:CreateTags" && w.created {
		var makers iamdoc.Strings
		made := slices.Clone(types)
		for _, m := range slices.Sorted(maps.Keys(making)) {
			if slices.Contains(types, making[m]) {
				makers = append(makers, strings.TrimPrefix(m, "ec2:"))
			}
		}
		if sc.has("aws_eks_node_group") {
			makers, made = append(makers, "RunInstances"), append(made, "instance", "network-interface", "volume")
		}
		out = append(out, sc.onTypes("tag", action, made, iamdoc.Conditions{"StringEquals": {"ec2:CreateAction": makers}})...)
	}
	if w.changed {
		out = append(out, sc.onTypes("own", action, types, sc.own("aws:ResourceTag"))...)
	}
	if sc.has("aws_ec2_tag") {
		arns, _ := sc.resources("arn:{}:ec2:{}:{}:subnet/{}")
		out = append(out, each("subnets", iamdoc.Conditions{
			"ForAllValues:StringEquals": {"aws:TagKeys": {"kubernetes.io/cluster/" + sc.Deployment}},
		}, arns...)...)
	}
	return out
}

// tagged are the types of EC2 that the graph makes with tags, sorted.
func (sc *scope) tagged() []string {
	found := map[string]bool{}
	for _, m := range making {
		terraform := "aws_" + strings.ReplaceAll(m, "-", "_")
		switch m {
		case "elastic-ip":
			terraform = "aws_eip"
		case "natgateway":
			terraform = "aws_nat_gateway"
		case "vpc-flow-log":
			terraform = "aws_flow_log"
		}
		if sc.has(terraform) {
			found[m] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (sc *scope) onTypes(group string, action iam.Action, types []string, c iamdoc.Conditions) []grant {
	var out []grant
	for _, pattern := range action.Types {
		if _, typ := kindOf(pattern); slices.Contains(types, typ) {
			arns, _ := sc.anyOf(pattern)
			out = append(out, each(group, c, arns...)...)
		}
	}
	return out
}
