// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	sim "emrflink/internal/localcloud/account"
)

const (
	neighbour = cluster + "-2" // ours is a prefix of it
	shorter   = "emr-eks-flin" // it is a prefix of ours
)

// decoy is something of somebody else that looks like ours.
type decoy struct {
	name string
	make func(*estate)
	// said: it may be ours, so that it is listed as left and the cleanup is not complete.
	said bool
	// inside: it is in our VPC, which AWS does not delete then, nor the subnet and the groups that it uses.
	inside bool
}

// String is what a failure shows.
func (d decoy) String() string { return d.name }

// their is the VPC of another deployment.
func (e *estate) their() (subnets []any, group string) {
	if e.theirGroup == "" {
		var vpc string
		vpc, e.theirSubnets = network(func(k sim.Kind, p props) sim.Resource {
			return e.make(k, p, map[string]string{nameTag: neighbour, "Name": cluster})
		}, 1)
		e.theirGroup = e.make(sim.KindSecurityGroup, props{"vpcId": vpc, "name": cluster + "-nodes"}, nil).ID
	}
	return e.theirSubnets, e.theirGroup
}

// tagged makes decoys of a kind, one for each set of tags.
func tagged(kind sim.Kind, p func(*estate) props, sets map[string]map[string]string) []decoy {
	var out []decoy
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		out = append(out, decoy{name: string(kind) + " with " + name, make: func(e *estate) { e.make(kind, p(e), sets[name]) }})
	}
	return out
}

// almost are tags that are nearly a mark of our deployment.
func almost() map[string]map[string]string {
	return map[string]map[string]string{
		"our tags but one":                   {managed: "emrflink"},
		"our tags, one empty":                {managed: "emrflink", nameTag: ""},
		"our tags, one with a suffix":        {managed: "emrflink", nameTag: neighbour},
		"our tags, one cut short":            {managed: "emrflink", nameTag: shorter},
		"our tags, one in capitals":          {managed: "emrflink", nameTag: strings.ToUpper(cluster)},
		"our tags, a key in capitals":        {managed: "emrflink", "Emrflink:Deployment": cluster},
		"our name as its own":                {"Name": cluster},
		"the cluster's tag, shared":          {ebsOwner + cluster: "shared"},
		"the cluster's tag, in capitals":     {ebsOwner + cluster: "Owned"},
		"the cluster's tag, empty":           {ebsOwner + cluster: ""},
		"the tag of a longer cluster":        {ebsOwner + neighbour: "owned", "KubernetesCluster": neighbour},
		"the tag of a shorter cluster":       {ebsOwner + shorter: "owned", "KubernetesCluster": shorter},
		"the tag of no cluster":              {ebsOwner: "owned"},
		"EKS's tag of a longer cluster":      {"eks:cluster-name": neighbour, "eks:eks-cluster-name": neighbour},
		"the CSI driver's tags of any claim": {"ebs.csi.aws.com/cluster": "true", "CSIVolumeName": "pvc-1"},
	}
}

func template(e *estate) props {
	return props{"name": "lt-" + string(rune('a'+len(e.account.List(sim.KindLaunchTemplate)))), "imageId": machine}
}

// decoys are all of them.
func decoys() []decoy {
	return slices.Concat(
		tagged(sim.KindVolume, func(*estate) props { return volumeProps() }, almost()),
		tagged(sim.KindLaunchTemplate, template, almost()),
		ofKarpenter(), named(), inOurVPC(),
	)
}

// ofKarpenter are nodes and what belongs to them, of other clusters.
func ofKarpenter() []decoy {
	node := func(tags map[string]string) func(*estate) {
		return func(e *estate) {
			subnets, group := e.their()
			e.launch(subnets[0].(string), group, tags)
		}
	}
	profile := func(name, path string) func(*estate) {
		return func(e *estate) { e.make(sim.KindInstanceProfile, props{"name": name, "path": path}, nil) }
	}
	balancer := func(name string, tags map[string]string) func(*estate) {
		return func(e *estate) {
			subnets, group := e.their()
			e.make(sim.KindLoadBalancer, props{
				"name": name, "loadBalancerType": "network", "subnets": subnets, "securityGroups": []any{group},
			}, tags)
		}
	}
	classic := func(name string, tags map[string]string) func(*estate) {
		return func(e *estate) {
			subnets, group := e.their()
			e.make(sim.KindClassicBalancer, props{"name": name, "subnets": subnets, "securityGroups": []any{group}}, tags)
		}
	}
	pool := "karpenter.sh/nodepool"
	return []decoy{
		{name: "a node of a longer cluster", make: node(map[string]string{
			ebsOwner + neighbour: "owned", "eks:eks-cluster-name": neighbour, pool: "flink",
		})},
		{name: "a node of any cluster, of a pool named as ours", make: node(map[string]string{pool: "flink"})},
		{name: "a node that our cluster may use", make: node(map[string]string{ebsOwner + cluster: "shared", pool: "flink"})},
		{name: "an instance named as ours", make: node(map[string]string{"Name": cluster + "-karpenter"})},
		{name: "a profile of a longer cluster", make: profile("theirs_1", "/karpenter/"+region+"/"+neighbour+"/uid/")},
		{name: "a profile of a shorter cluster", make: profile("theirs_2", "/karpenter/"+region+"/"+shorter+"/uid/")},
		{name: "a profile of another region", make: profile("theirs_3", "/karpenter/eu-west-1/"+cluster+"/uid/")},
		{name: "a profile whose path ends as ours", make: profile("theirs_4", "/x/karpenter/"+region+"/"+cluster+"/")},
		{name: "a profile named as ours, and more", make: profile(cluster+"-node-2", "/")},
		{name: "a load balancer of a longer cluster", make: balancer("k8s-a", map[string]string{
			"elbv2.k8s.aws/cluster": neighbour, ebsOwner + neighbour: "owned",
		})},
		{name: "a load balancer that our cluster may use", make: balancer("k8s-b",
			map[string]string{ebsOwner + cluster: "shared"})},
		{name: "a classic load balancer of a longer cluster", make: classic("a1", map[string]string{
			ebsOwner + neighbour: "owned", "kubernetes.io/service-name": "team/ui",
		})},
		{name: "a classic load balancer that our cluster may use", make: classic("a2",
			map[string]string{ebsOwner + cluster: "shared", "kubernetes.io/service-name": "team/ui"})},
		{name: "a load balancer without tags, named as ours", make: balancer("k8s-team-ui-2", nil)},
	}
}

// named are things of whose names ours are parts, and the other way round, and names of ours that are another's by now.
func named() []decoy {
	kind := func(k sim.Kind, p props, tags map[string]string) func(*estate) {
		return func(e *estate) { e.make(k, p, tags) }
	}
	logs := func(name string, tags map[string]string) func(*estate) {
		return kind(sim.KindLogGroup, props{"name": name}, tags)
	}
	bucket := func(name string, tags map[string]string) func(*estate) {
		return func(e *estate) {
			e.make(sim.KindBucket, props{"bucket": name}, tags)
			_, err := e.account.Objects.Put(name, "checkpoints/chk-1", []byte("theirs"), nil)
			require.NoError(e.t, err)
		}
	}
	return []decoy{
		{name: "logs of a longer cluster", make: logs("/aws/eks/"+neighbour+"/cluster", nil)},
		{name: "logs of a shorter cluster", make: logs("/aws/eks/"+shorter+"/cluster", nil)},
		{name: "logs below those of our cluster", make: logs("/aws/eks/"+cluster+"/cluster/audit", nil)},
		{name: "logs beside those of our cluster", make: logs("/aws/eks/"+cluster+"/other", nil)},
		{name: "logs of a team, and more", make: logs("/emr/"+cluster+"/team-a-2", marks(neighbour))},
		{name: "logs of a team, cut short", make: logs("/emr/"+cluster+"/team-", nil)},
		{name: "logs of our name, another's by now", make: logs("/emr/"+cluster+"/lost", marks(neighbour))},
		{name: "a bucket, and more", make: bucket(cluster+"-checkpoints-2", marks(neighbour))},
		{name: "a bucket, cut short", make: bucket(cluster+"-checkpoint", map[string]string{managed: "emrflink"})},
		{name: "a bucket of our name, another's by now", make: bucket(cluster+"-lost", marks(neighbour))},
		{name: "a bucket of our name, nobody's by now", said: true, make: bucket(cluster+"-bare", nil)},
		{name: "a queue, and more", make: kind(sim.KindQueue, props{"name": cluster + "-interruption-2"}, nil)},
		{name: "a queue, cut short", make: kind(sim.KindQueue, props{"name": cluster + "-interruptio"}, nil)},
		{name: "a queue of our name, another's by now", make: kind(sim.KindQueue, props{"name": cluster + "-lost"},
			marks(neighbour))},
		{name: "a rule, and more", make: kind(sim.KindEventRule,
			props{"name": cluster + "-spot-2", "eventPattern": pattern}, nil)},
		{name: "a rule of our name, another's by now", make: kind(sim.KindEventRule,
			props{"name": cluster + "-lost", "eventPattern": pattern}, marks(neighbour))},
		{name: "a role of our name, another's by now", make: kind(sim.KindRole,
			props{"name": cluster + "-lost", "assumeRolePolicy": trust("ec2.amazonaws.com")}, marks(neighbour))},
		{name: "a role, and more", make: kind(sim.KindRole,
			props{"name": cluster + "-node-2", "assumeRolePolicy": trust("ec2.amazonaws.com")}, nil)},
		{name: "a role, cut short", make: kind(sim.KindRole,
			props{"name": cluster + "-nod", "assumeRolePolicy": trust("ec2.amazonaws.com")}, marks(shorter))},
		{name: "a policy, and more", make: kind(sim.KindPolicy,
			props{"name": cluster + "-job-2", "policy": allowance}, nil)},
		{name: "a profile of our name, another's by now", make: kind(sim.KindInstanceProfile,
			props{"name": cluster + "-lost"}, marks(neighbour))},
		{name: "a key with our tags but one", make: kind(sim.KindKey, props{"description": cluster},
			map[string]string{managed: "emrflink"})},
		{name: "an identity provider of another cluster", make: kind(sim.KindOIDCProvider, props{
			"url":           "https://oidc.eks." + region + ".amazonaws.com/id/0123456789ABCDEF",
			"clientIdLists": []any{"sts.amazonaws.com"},
		}, marks(neighbour))},
		{name: "an address with our tags but one", make: kind(sim.KindEIP, props{"domain": "vpc"},
			map[string]string{managed: "emrflink"})},
		{name: "what GuardDuty has in another VPC", make: func(e *estate) {
			subnets, group := e.their()
			subnet, _ := e.account.Get(sim.KindSubnet, subnets[0].(string))
			tags := map[string]string{"GuardDutyManaged": "true"}
			e.make(sim.KindSecurityGroup, props{"vpcId": subnet.Props["vpcId"], "name": "GuardDutyManagedSecurityGroup-1"}, tags)
			e.make(sim.KindVPCEndpoint, props{
				"vpcId": subnet.Props["vpcId"], "serviceName": "com.amazonaws." + region + ".guardduty-data",
				"vpcEndpointType": "Interface", "subnetIds": subnets, "securityGroupIds": []any{group},
			}, tags)
		}},
		{name: "a longer cluster with its nodes", make: func(e *estate) {
			subnets, _ := e.their()
			role := e.make(sim.KindRole, props{
				"name": neighbour + "-cluster", "assumeRolePolicy": trust("eks.amazonaws.com"),
			}, nil)
			node := e.make(sim.KindRole, props{
				"name": neighbour + "-nodes", "assumeRolePolicy": trust("ec2.amazonaws.com"),
			}, nil)
			e.make(sim.KindCluster, clusterProps(neighbour, role.ARN, subnets), marks(neighbour))
			e.make(sim.KindNodeGroup, nodeGroupProps(neighbour, node.ARN, subnets), nil)
		}},
	}
}

// inOurVPC are things that somebody put into our VPC.
func inOurVPC() []decoy {
	eni := func(tags map[string]string) func(*estate) {
		return func(e *estate) { e.make(sim.KindNetworkInterface, props{"subnetId": e.subnets[2]}, tags) }
	}
	group := func(name string, tags map[string]string) func(*estate) {
		return func(e *estate) {
			e.make(sim.KindSecurityGroup, props{"vpcId": e.scope.Deployment.VPC, "name": name}, tags)
		}
	}
	lost := "node.k8s.amazonaws.com/instance_id"
	all := []decoy{
		{name: "an interface without tags", make: eni(nil)},
		{name: "an interface named as ours", make: eni(map[string]string{"Name": cluster})},
		{name: "an interface that lost a node of a longer cluster", make: eni(map[string]string{
			lost: "i-gone", "cluster.k8s.amazonaws.com/name": neighbour,
		})},
		{name: "an interface that lost a node of any cluster", make: eni(map[string]string{lost: "i-gone"})},
		{name: "a security group named as EKS names ours", make: group("eks-cluster-sg-"+cluster+"-1", nil)},
		{name: "a security group of the load balancers of a longer cluster", make: group("k8s-traffic-1",
			map[string]string{"elbv2.k8s.aws/cluster": neighbour})},
		{name: "a security group whose tag says that GuardDuty does not manage it", make: group("GuardDutyManagedSecurityGroup-1",
			map[string]string{"GuardDutyManaged": "false"})},
		{name: "a node of a longer cluster in our subnet", make: func(e *estate) {
			e.launch(e.subnets[2], e.group, map[string]string{ebsOwner + neighbour: "owned", "karpenter.sh/nodepool": "flink"})
		}},
		{name: "a classic load balancer without tags in our subnet", make: func(e *estate) {
			e.make(sim.KindClassicBalancer, props{"name": "theirs", "internal": true, "subnets": []any{e.subnets[2]}}, nil)
		}},
		{name: "a load balancer without tags in our subnet", make: func(e *estate) {
			e.make(sim.KindLoadBalancer, props{
				"name": "theirs", "loadBalancerType": "network", "internal": true, "subnets": []any{e.subnets[2]},
			}, nil)
		}},
	}
	for i := range all {
		all[i].said, all[i].inside = true, true
	}
	return all
}

// TestNoDecoyIsTouchedAndNothingOfOursIsLeft: whatever of others stands beside a used deployment, a cleanup leaves each of
// them byte for byte as it was, and takes everything of ours. What is in our own VPC keeps the VPC, and is said.
func TestNoDecoyIsTouchedAndNothingOfOursIsLeft(t *testing.T) {
	t.Parallel()
	all := decoys()
	require.Greater(t, len(all), 60)
	inside, said := func(d decoy) bool { return d.inside }, func(d decoy) bool { return d.said }
	half := func(from []decoy) []decoy {
		return slices.DeleteFunc(slices.Clone(from), func(decoy) bool { return rand.IntN(2) == 0 })
	}
	quiet := slices.DeleteFunc(slices.Clone(all), said)
	for name, drawn := range map[string][]decoy{
		"none": nil, "all": all, "all that are no part of us": quiet,
		"some": half(all), "some that are no part of us": half(quiet),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEstate(t)
			e.deploy()
			e.leave()
			d := &e.scope.Deployment
			// Names that the deployment had and gave back.
			d.Buckets = append(d.Buckets, cluster+"-lost", cluster+"-bare")
			d.LogGroups = append(d.LogGroups, "/emr/"+cluster+"/lost")
			d.Queues, d.InstanceProfiles = append(d.Queues, cluster+"-lost"), append(d.InstanceProfiles, cluster+"-lost")
			d.Roles, d.Rules = append(d.Roles, cluster+"-lost"), append(d.Rules, cluster+"-lost")
			ours := e.snapshot()
			for _, one := range drawn {
				one.make(e)
			}
			theirs := e.snapshot()
			maps.DeleteFunc(theirs, func(id, _ string) bool { _, our := ours[id]; return our })

			report, err := e.cleanUp()
			after := e.snapshot()
			for id, was := range theirs {
				require.Equal(t, was, after[id], "%s was touched; drawn: %v", id, drawn)
				delete(after, id)
			}
			for id := range after {
				kind, _, _ := strings.Cut(id, " ")
				held := slices.Contains([]sim.Kind{
					sim.KindVPC, sim.KindSubnet, sim.KindSecurityGroup, sim.KindRouteTable,
				}, sim.Kind(kind)) && slices.ContainsFunc(drawn, inside)
				require.True(t, held || kind == string(sim.KindKey), "%s is left: %v; drawn: %v", after[id], err, drawn)
			}
			require.True(t, report.Verified)
			if !slices.ContainsFunc(drawn, said) {
				require.NoError(t, err)
				return
			}
			var incomplete *IncompleteError
			require.ErrorAs(t, err, &incomplete)
			for _, left := range report.Unexpected {
				require.NotEmpty(t, left.Reason)
				require.NotEmpty(t, left.Command)
			}
		})
	}
}
