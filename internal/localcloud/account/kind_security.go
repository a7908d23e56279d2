// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"fmt"
	"slices"
	"strings"
)

// securityKinds are security groups and their rules.
func securityKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindSecurityGroup: {
			missing: func(id string) *awserror.Error {
				return awserror.Bad("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
			},
			usable: stateAvailable,
			refs: []ref{
				vpcRef(),
			},
			check: checkSecurityGroup,
			make: func(t *tx, r *Resource) error {
				r.ID = awsid.EC2("sg")
				r.ARN = t.arn("ec2", "security-group/"+r.ID)
				r.Name = str(r.Props, "name")
				r.Attrs = Props{"arn": r.ARN, "ownerId": t.a.opts.AccountID}
				defaults(r.Attrs, r.Props, Props{"description": "Managed by Pulumi"})
				return nil
			},
			blocked: blockedSecurityGroup,
			gone: func(t *tx, r *Resource) {
				t.destroyWhere(KindSecurityGroupRule, func(rule *Resource) bool {
					return str(rule.Props, "securityGroupId") == r.ID || str(rule.Props, "sourceSecurityGroupId") == r.ID
				})
			},
		},
		KindSecurityGroupRule: {
			missing: func(id string) *awserror.Error {
				return awserror.Bad("InvalidPermission.NotFound", "The specified rule %s does not exist in this security group.",
					id)
			},
			usable:  stateAvailable,
			refused: []string{"prefixListIds"},
			refs: []ref{
				{path: "securityGroupId", kind: KindSecurityGroup, required: true},
				{path: "sourceSecurityGroupId", kind: KindSecurityGroup},
			},
			check: checkRule,
			make: func(_ *tx, r *Resource) error {
				r.ID = hashID("sgrule-", str(r.Props, "securityGroupId")+str(r.Props,
					"type")+strings.Join(permissions(r.Props, str(r.Props, "securityGroupId")), "|"))
				r.Attrs = Props{"securityGroupRuleId": awsid.EC2("sgr")}
				return nil
			},
		},
	}
}

func checkSecurityGroup(t *tx, p Props, self string) error {
	name, vpc := str(p, "name"), str(p, "vpcId")
	switch {
	case name == "":
		return awserror.Bad("MissingParameter", "The request must contain the parameter GroupName")
	case len(name) > 255 || strings.HasPrefix(name, "sg-"):
		return awserror.Bad("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid.", name)
	}
	if t.first(KindSecurityGroup, func(r *Resource) bool {
		return r.ID != self && str(r.Props, "vpcId") == vpc && r.Name == name
	}) != nil {
		return awserror.Bad("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, vpc)
	}
	for _, direction := range []string{"ingress", "egress"} {
		for _, rule := range blocks(p, direction) {
			for _, id := range strs(rule, "securityGroups") {
				if sg := t.usable(KindSecurityGroup, id); sg == nil || str(sg.Props, "vpcId") != vpc {
					return t.a.missing(KindSecurityGroup, id)
				}
			}
		}
	}
	return nil
}

// blockedSecurityGroup refuses to delete a group that an interface uses or that a rule of another group
// names. With revokeRulesOnDelete the rules are revoked first, those of other groups included.
func blockedSecurityGroup(t *tx, r *Resource) error {
	if flag(r.Attrs, "default") {
		return awserror.Bad("CannotDelete", `the specified group: "%s" name: "default" cannot be deleted by a user`, r.ID)
	}
	if t.first(KindNetworkInterface, func(eni *Resource) bool { return eni.uses("securityGroups", r.ID) }) != nil {
		return dependency("resource %s has a dependent object", r.ID)
	}
	if t.namedInline(r.ID) {
		return dependency("resource %s has a dependent object", r.ID)
	}
	if flag(r.Props, "revokeRulesOnDelete") {
		return nil
	}
	if t.first(KindSecurityGroupRule, func(rule *Resource) bool {
		return str(rule.Props, "sourceSecurityGroupId") == r.ID && str(rule.Props, "securityGroupId") != r.ID
	}) != nil {
		return dependency("resource %s has a dependent object", r.ID)
	}
	return nil
}

// namedInline reports whether an inline rule of another group names the group.
func (t *tx) namedInline(id string) bool {
	return t.first(KindSecurityGroup, func(r *Resource) bool {
		if r.ID == id {
			return false
		}
		for _, rule := range slices.Concat(blocks(r.Props, "ingress"), blocks(r.Props, "egress")) {
			if slices.Contains(strs(rule, "securityGroups"), id) {
				return true
			}
		}
		return false
	}) != nil
}

// permissions are the single permissions that a rule stands for, in AWS's words for its duplicate error.
func permissions(p Props, group string) []string {
	protocol := strings.ToUpper(str(p, "protocol"))
	ports := ""
	if protocol == "-1" || protocol == "ALL" {
		protocol = "ALL"
	} else {
		from, _ := number(p, "fromPort")
		to, _ := number(p, "toPort")
		ports = fmt.Sprintf(", from port: %.0f, to port: %.0f", from, to)
	}
	peers := slices.Concat(strs(p, "cidrBlocks"), strs(p, "ipv6CidrBlocks"), strs(p, "sourceSecurityGroupId"),
		strs(p, "securityGroups"))
	if flag(p, "self") {
		peers = append(peers, group)
	}
	slices.Sort(peers)
	var out []string
	for _, peer := range peers {
		out = append(out, fmt.Sprintf("peer: %s, %s%s, ALLOW", peer, protocol, ports))
	}
	return out
}

func checkRule(t *tx, p Props, self string) error {
	direction := str(p, "type")
	if direction != "ingress" && direction != "egress" {
		return awserror.Bad("InvalidParameterValue", "Value (%s) for parameter type is invalid.", direction)
	}
	for _, cidr := range strs(p, "cidrBlocks") {
		if _, err := parseCIDR(cidr); err != nil {
			return awserror.Bad("InvalidParameterValue", "CIDR block %s is malformed", cidr)
		}
	}
	group := str(p, "securityGroupId")
	if source := str(p, "sourceSecurityGroupId"); source != "" &&
		t.networkOf(t.get(KindSecurityGroup, source)) != t.networkOf(t.get(KindSecurityGroup, group)) {
		return awserror.Bad("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
	}
	wanted := permissions(p, group)
	if len(wanted) == 0 {
		return awserror.Bad("InvalidParameterCombination", "A rule must name a CIDR block, a security group or itself")
	}
	existing := permissionsOf(t, group, direction, self)
	for _, w := range wanted {
		if slices.Contains(existing, w) {
			return awserror.Bad("InvalidPermission.Duplicate", `the specified rule "%s" already exists`, w)
		}
	}
	return t.room(QuotaSGRules, len(existing)+len(wanted)-1,
		awserror.Bad("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."))
}

// permissionsOf lists what is in force for a group and direction, without the rule self.
func permissionsOf(t *tx, group, direction, self string) []string {
	var out []string
	if sg := t.get(KindSecurityGroup, group); sg != nil {
		for _, rule := range blocks(sg.Props, direction) {
			out = append(out, permissions(rule, group)...)
		}
	}
	for _, r := range t.a.tables[KindSecurityGroupRule] {
		if r.ID != self && str(r.Props, "securityGroupId") == group && str(r.Props, "type") == direction {
			out = append(out, permissions(r.Props, group)...)
		}
	}
	return out
}
