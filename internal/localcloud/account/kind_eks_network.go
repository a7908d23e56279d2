// SPDX-License-Identifier: Apache-2.0

package account

import (
	"slices"
	"strings"
)

// moveCluster gives a control plane other subnets or security groups. EKS does that in place since 2023: the subnets are of
// the same VPC, of at least two zones, and of the zones that the cluster was created in (EKS API reference,
// UpdateClusterConfig; https://github.com/aws/containers-roadmap/issues/2258).
func (t *tx) moveCluster(old, r *Resource) error {
	was, is := Value(old.Props, "vpcConfig"), Value(r.Props, "vpcConfig")
	same := func(name string) bool {
		return sameValue(Value(old.Props, "vpcConfig."+name), Value(r.Props, "vpcConfig."+name))
	}
	if was == nil || is == nil || same("subnetIds") && same("securityGroupIds") {
		return nil
	}
	if err := t.checkClusterNetwork(r.Props); err != nil {
		return err
	}
	subnets := strs(r.Props, "vpcConfig.subnetIds")
	if t.vpcOf(subnets[0]) != str(old.Attrs, "vpcConfig.vpcId") {
		return errEKS("Subnets specified must belong to the VPC that the cluster was created in")
	}
	before, complete := t.zonesOf(strs(old.Props, "vpcConfig.subnetIds"))
	if after, _ := t.zonesOf(subnets); complete && !slices.Equal(before, after) {
		return errEKS("Provided subnets belong to the AZs '%s'. But they should belong to the exact AZs '%s' in which subnets "+
			"were provided during cluster creation.", strings.Join(after, ","), strings.Join(before, ","))
	}
	return t.clusterInterfaces(r, str(old.Attrs, "vpcConfig.clusterSecurityGroupId"))
}

// zonesOf are the zones of subnets, sorted. It reports false when one of the subnets is gone and took its zone along.
func (t *tx) zonesOf(subnets []string) (zones []string, complete bool) {
	complete = true
	for _, id := range subnets {
		subnet := t.get(KindSubnet, id)
		if subnet == nil {
			complete = false
			continue
		}
		zones = append(zones, str(subnet.Attrs, "availabilityZone"))
	}
	slices.Sort(zones)
	return slices.Compact(zones), complete
}

// clusterInterfaces puts the interfaces of a control plane into up to four of its subnets. Those that are there already stay.
func (t *tx) clusterInterfaces(r *Resource, clusterGroup string) error {
	subnets := strs(r.Props, "vpcConfig.subnetIds")
	groups := append([]string{clusterGroup}, strs(r.Props, "vpcConfig.securityGroupIds")...)
	kept := map[string]bool{}
	interfaces, _ := t.attachedTo(r.ARN)
	for _, eni := range interfaces {
		if subnet := str(eni.Props, "subnetId"); slices.Contains(subnets, subnet) {
			kept[subnet] = true
			t.edit(KindNetworkInterface, eni.ID, func(e *Resource) { e.Props["securityGroups"] = anyStrings(groups) })
			continue
		}
		t.remove(KindNetworkInterface, eni.ID)
	}
	for _, id := range subnets {
		if kept[id] || len(kept) == 4 {
			continue
		}
		kept[id] = true
		if _, err := t.addInterface(t.get(KindSubnet, id), interfaceRequest{
			typ: "interface", description: "Amazon EKS " + r.Name, owner: r.ARN, by: ByEKS, groups: groups,
		}); err != nil {
			return err
		}
	}
	return nil
}
