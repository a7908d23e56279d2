// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixture is what the rule tables refer to.
type fixture struct {
	*world
	n                        network
	eip, nat, table, group   Resource
	clusterRole, nodeRole    Resource
	cluster, nodes, instance Resource
}

func newFixture(t *testing.T) *fixture {
	w := newWorld(t, Options{})
	f := &fixture{world: w, n: w.network()}
	f.eip = w.make(KindEIP, Props{})
	f.nat = w.make(KindNATGateway, Props{"allocationId": f.eip.ID, "subnetId": f.n.subnets[0].ID})
	f.table = w.make(KindRouteTable, Props{"vpcId": f.n.vpc.ID})
	f.group = w.make(KindSecurityGroup, Props{"vpcId": f.n.vpc.ID, "name": "nodes"})
	f.cluster = w.cluster(f.n)
	f.nodes = w.nodeGroup(f.n)
	f.clusterRole, _ = w.Get(KindRole, "demo-cluster")
	f.nodeRole, _ = w.Get(KindRole, "demo-node")
	f.instance = w.run(f.n, true)
	return f
}

// refusal is a creation that AWS refuses with a code.
type refusal struct {
	kind Kind
	p    Props
	code string
}

func (f *fixture) allRefused(table map[string]refusal) {
	f.t.Helper()
	for name, c := range table {
		_, err := f.Create(f.t.Context(), Caller{}, c.kind, c.p)
		require.Equal(f.t, c.code, awserror.Code(err), "%s: %v", name, err)
	}
	requireNoDangling(f.t, f.Account)
}

func TestNetworkCreationsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.make(KindLaunchTemplate, Props{"name": "taken"})
	rule := Props{
		"type":            "ingress",
		"securityGroupId": f.group.ID,
		"cidrBlocks":      []any{"10.0.0.0/8"},
		"protocol":        "tcp",
		"fromPort":        443,
		"toPort":          443,
	}
	f.make(KindSecurityGroupRule, rule)
	f.make(KindRoute, Props{"routeTableId": f.table.ID, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": f.nat.ID})
	f.make(KindRouteTableAssociation, Props{"routeTableId": f.table.ID, "subnetId": f.n.subnets[1].ID})
	subnet := func(cidr, zone string) Props {
		return Props{"vpcId": f.n.vpc.ID, "cidrBlock": cidr, "availabilityZone": zone}
	}
	f.allRefused(map[string]refusal{
		"a VPC smaller than /28":         {KindVPC, Props{"cidrBlock": "10.0.0.0/29"}, "InvalidVpc.Range"},
		"a VPC that is no CIDR":          {KindVPC, Props{"cidrBlock": "ten"}, "InvalidParameterValue"},
		"a subnet outside of its VPC":    {KindSubnet, subnet("10.1.0.0/24", "us-west-2a"), "InvalidSubnet.Range"},
		"a subnet that overlaps another": {KindSubnet, subnet("10.0.1.128/25", "us-west-2a"), "InvalidSubnet.Conflict"},
		"a subnet in an unknown zone":    {KindSubnet, subnet("10.0.9.0/24", "us-west-2z"), "InvalidParameterValue"},
		"a subnet in an absent VPC": {
			KindSubnet, Props{"vpcId": "vpc-0", "cidrBlock": "10.0.0.0/24"}, "InvalidVpcID.NotFound",
		},
		"a subnet in no VPC":         {KindSubnet, Props{"cidrBlock": "10.0.0.0/24"}, "MissingParameter"},
		"a second gateway for a VPC": {KindInternetGateway, Props{"vpcId": f.n.vpc.ID}, "InvalidParameterValue"},
		"a NAT gateway with a used address": {
			KindNATGateway, Props{"allocationId": f.eip.ID, "subnetId": f.n.subnets[1].ID}, "Resource.AlreadyAssociated",
		},
		"a NAT gateway without its address": {
			KindNATGateway, Props{"allocationId": "eipalloc-0", "subnetId": f.n.subnets[1].ID}, "InvalidAllocationID.NotFound",
		},
		"a route that exists": {
			KindRoute,
			Props{"routeTableId": f.table.ID, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": f.nat.ID},
			"RouteAlreadyExists",
		},
		"a route to nowhere": {
			KindRoute, Props{"routeTableId": f.table.ID, "destinationCidrBlock": "1.0.0.0/8"}, "InvalidParameterCombination",
		},
		"a route to an absent NAT gateway": {
			KindRoute,
			Props{"routeTableId": f.table.ID, "destinationCidrBlock": "1.0.0.0/8", "natGatewayId": "nat-0"},
			"NatGatewayNotFound",
		},
		"a second association of a subnet": {
			KindRouteTableAssociation,
			Props{"routeTableId": f.table.ID, "subnetId": f.n.subnets[1].ID},
			"Resource.AlreadyAssociated",
		},
		"an endpoint of an unknown service": {
			KindVPCEndpoint, Props{"vpcId": f.n.vpc.ID, "serviceName": "com.example.s3"}, "InvalidServiceName",
		},
		"a security group that exists": {
			KindSecurityGroup, Props{"vpcId": f.n.vpc.ID, "name": "nodes"}, "InvalidGroup.Duplicate",
		},
		"a rule that exists": {KindSecurityGroupRule, rule, "InvalidPermission.Duplicate"},
		"a rule from an absent group": {
			KindSecurityGroupRule,
			Props{"type": "ingress", "securityGroupId": f.group.ID, "sourceSecurityGroupId": "sg-0", "protocol": "-1"},
			"InvalidGroup.NotFound",
		},
		"a launch template that exists": {
			KindLaunchTemplate, Props{"name": "taken"}, "InvalidLaunchTemplateName.AlreadyExistsException",
		},
		"a volume in an unknown zone": {KindVolume, Props{"availabilityZone": "us-west-2z", "size": 1}, "InvalidZone.NotFound"},
		"a volume of an unknown type": {
			KindVolume, Props{"availabilityZone": "us-west-2a", "size": 1, "type": "gp9"}, "UnknownVolumeType",
		},
	})
}

func TestOtherCreationsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.make(KindBucket, Props{"bucket": "taken"})
	f.make(KindLogGroup, Props{"name": "taken"})
	f.make(KindQueue, Props{"name": "taken"})
	f.make(KindEventRule, Props{"name": "taken", "eventPattern": `{"source":["x"]}`})
	f.make(KindPolicy, Props{"name": "taken", "policy": allow("s3:*", "*")})
	f.make(KindOIDCProvider, Props{"url": "https://issuer.example", "clientIdLists": []any{"sts.amazonaws.com"}})
	nodes := func(set Props) Props {
		p := nodeGroupProps(f.n, f.nodeRole)
		p["nodeGroupName"] = "more"
		for k, v := range set {
			p[k] = v
		}
		return p
	}
	cluster := func(set Props) Props {
		p := clusterProps(f.n, f.clusterRole)
		p["name"] = "other"
		for k, v := range set {
			p[k] = v
		}
		return p
	}
	f.allRefused(map[string]refusal{
		"a role that exists": {
			KindRole, Props{"name": "demo-node", "assumeRolePolicy": trust("ec2.amazonaws.com")}, "EntityAlreadyExists",
		},
		"a role whose name is too long": {
			KindRole, Props{"name": strings.Repeat("x", 65), "assumeRolePolicy": trust("ec2.amazonaws.com")}, "ValidationError",
		},
		"a role that trusts nobody": {
			KindRole, Props{"name": "r", "assumeRolePolicy": allow("sts:AssumeRole", "*")}, "MalformedPolicyDocument",
		},
		"a role with too long a trust policy": {
			KindRole, Props{"name": "r", "assumeRolePolicy": trust(strings.Repeat("x", 2048))}, "LimitExceeded",
		},
		"a policy that exists": {KindPolicy, Props{"name": "taken", "policy": allow("s3:*", "*")}, "EntityAlreadyExists"},
		"a policy that does not parse": {
			KindPolicy, Props{"name": "p", "policy": `{"Version":"2012-10-17","Statment":[]}`}, "MalformedPolicyDocument",
		},
		"a policy that is too long": {
			KindPolicy, Props{"name": "p", "policy": allow("s3:*", "arn:aws:s3:::"+strings.Repeat("x", 6144))}, "LimitExceeded",
		},
		"an inline policy of an absent role": {
			KindRolePolicy, Props{"name": "p", "role": "absent", "policy": allow("s3:*", "*")}, "NoSuchEntity",
		},
		"an inline policy that is too long": {
			KindRolePolicy,
			Props{"name": "p", "role": "demo-node", "policy": allow("s3:*", "arn:aws:s3:::"+strings.Repeat("x", 10240))},
			"LimitExceeded",
		},
		"an attachment of an unknown AWS policy": {
			KindRolePolicyAttachment, Props{"role": "demo-node", "policyArn": "arn:aws:iam::aws:policy/NoSuch"}, "NoSuchEntity",
		},
		"an instance profile for an absent role": {KindInstanceProfile, Props{"name": "p", "role": "absent"}, "NoSuchEntity"},
		"an OIDC provider that exists": {
			KindOIDCProvider, Props{"url": "https://issuer.example", "clientIdLists": []any{"x"}}, "EntityAlreadyExists",
		},
		"a cluster that exists":           {KindCluster, clusterProps(f.n, f.clusterRole), "ResourceInUseException"},
		"a cluster of an unknown version": {KindCluster, cluster(Props{"version": "1.20"}), "InvalidParameterException"},
		"a cluster in one zone": {
			KindCluster, cluster(Props{"vpcConfig": Props{"subnetIds": []any{f.n.subnets[0].ID}}}), "InvalidParameterException",
		},
		"a cluster with a role for EC2": {KindCluster, cluster(Props{"roleArn": f.nodeRole.ARN}), "InvalidParameterException"},
		"a cluster whose services overlap": {
			KindCluster,
			cluster(Props{"kubernetesNetworkConfig": Props{"serviceIpv4Cidr": "10.0.0.0/16"}}),
			"InvalidParameterException",
		},
		"a node group of an absent cluster": {KindNodeGroup, nodes(Props{"clusterName": "absent"}), "ResourceNotFoundException"},
		"a node group that exists":          {KindNodeGroup, nodes(Props{"nodeGroupName": "core"}), "ResourceInUseException"},
		"a node group of an unknown type": {
			KindNodeGroup, nodes(Props{"instanceTypes": []any{"z9.huge"}}), "InvalidParameterException",
		},
		"a node group of the wrong architecture": {
			KindNodeGroup, nodes(Props{"amiType": "AL2023_ARM_64_STANDARD"}), "InvalidParameterException",
		},
		"a node group that wants more than it may": {
			KindNodeGroup,
			nodes(Props{"scalingConfig": Props{"minSize": 1, "maxSize": 2, "desiredSize": 3}}),
			"InvalidParameterException",
		},
		"an addon that does not exist": {
			KindAddon, Props{"clusterName": "demo", "addonName": "nope"}, "InvalidParameterException",
		},
		"an access entry that EKS has made": {
			KindAccessEntry,
			Props{"clusterName": "demo", "principalArn": f.nodeRole.ARN, "type": "EC2_LINUX"},
			"ResourceInUseException",
		},
		"an access entry of an absent role": {
			KindAccessEntry,
			Props{"clusterName": "demo", "principalArn": "arn:aws:iam::111122223333:role/absent"},
			"InvalidParameterException",
		},
		"an association without an entry": {
			KindAccessPolicyAssociation,
			Props{
				"clusterName": "demo", "principalArn": f.clusterRole.ARN, "policyArn": accessPolicyPrefix + "AmazonEKSViewPolicy",
			},
			"ResourceNotFoundException",
		},
		"a queue that exists": {KindQueue, Props{"name": "taken"}, "QueueAlreadyExists"},
		"a rule of events with a filter": {
			KindEventRule, Props{"name": "r", "eventPattern": `{"source":[{"prefix":"aws"}]}`}, "InvalidEventPatternException",
		},
		"a target of an absent rule": {
			KindEventTarget, Props{"rule": "absent", "arn": "arn:aws:sqs:us-west-2:111122223333:q"}, "ResourceNotFoundException",
		},
		"a target that is no queue": {
			KindEventTarget, Props{"rule": "taken", "arn": "arn:aws:lambda:us-west-2:111122223333:function:f"}, "NotImplemented",
		},
		"a log group that exists": {KindLogGroup, Props{"name": "taken"}, "ResourceAlreadyExistsException"},
		"a log group with an odd retention": {
			KindLogGroup, Props{"name": "l", "retentionInDays": 8}, "InvalidParameterException",
		},
		"a bucket that exists":          {KindBucket, Props{"bucket": "taken"}, "BucketAlreadyOwnedByYou"},
		"a bucket with a bad name":      {KindBucket, Props{"bucket": "Upper_Case"}, "InvalidBucketName"},
		"a setting of an absent bucket": {KindBucketEncryption, Props{"bucket": "absent"}, "NoSuchBucket"},
		"a bucket policy for another bucket": {
			KindBucketPolicy,
			Props{
				"bucket": "taken",
				"policy": `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other"}}`,
			},
			"MalformedPolicy",
		},
		"an application load balancer in one zone": {
			KindLoadBalancer, Props{"name": "lb", "subnets": []any{f.n.subnets[0].ID}}, "ValidationError",
		},
		"a load balancer in an absent subnet": {
			KindLoadBalancer, Props{"name": "lb", "subnets": []any{"subnet-0"}}, "SubnetNotFound",
		},
		"an instance of an unknown type": {
			KindInstance,
			Props{"instanceType": "z9.huge", "subnetId": f.n.subnets[0].ID, "ami": "ami-0123456789abcdef0"},
			"InvalidParameterValue",
		},
		"an instance with an absent instance profile": {
			KindInstance,
			Props{
				"instanceType":       "m5.large",
				"subnetId":           f.n.subnets[0].ID,
				"ami":                "ami-0123456789abcdef0",
				"iamInstanceProfile": "absent",
			},
			"InvalidParameterValue",
		},
	})
}

func TestDeleteIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.make(KindRouteTableAssociation, Props{"routeTableId": f.table.ID, "subnetId": f.n.subnets[1].ID})
	other := f.make(KindSecurityGroup, Props{"vpcId": f.n.vpc.ID, "name": "other"})
	f.make(KindSecurityGroupRule, Props{
		"type": "ingress", "securityGroupId": f.group.ID, "sourceSecurityGroupId": other.ID, "protocol": "-1",
	})
	inline := f.make(KindSecurityGroup, Props{"vpcId": f.n.vpc.ID, "name": "inline"})
	f.make(KindSecurityGroup, Props{
		"vpcId": f.n.vpc.ID, "name": "namer", "ingress": []any{Props{"protocol": "-1", "securityGroups": []any{inline.ID}}},
	})
	policy := f.make(KindPolicy, Props{"name": "own", "policy": allow("s3:*", "*")})
	attached := f.make(KindRole, Props{"name": "attached", "assumeRolePolicy": trust("ec2.amazonaws.com")})
	f.make(KindRolePolicyAttachment, Props{"role": attached.ID, "policyArn": policy.ARN})
	inlined := f.make(KindRole, Props{"name": "inlined", "assumeRolePolicy": trust("ec2.amazonaws.com")})
	f.make(KindRolePolicy, Props{"role": inlined.ID, "name": "p", "policy": allow("s3:*", "*")})
	bucket := f.make(KindBucket, Props{"bucket": "full"})
	_, err := f.Objects.Put(bucket.ID, "key", []byte("x"), nil)
	require.NoError(t, err)
	queue := f.make(KindQueue, Props{"name": "q"})
	f.make(KindEventRule, Props{"name": "rule", "eventPattern": `{"source":["x"]}`})
	f.make(KindEventTarget, Props{"rule": "rule", "arn": queue.ARN, "targetId": "t"})
	interfaces := f.Find(KindNetworkInterface, func(r Resource) bool { return str(r.Attrs, "attachedTo") == f.instance.ID })
	for name, c := range map[string]struct {
		kind Kind
		id   string
		code string
	}{
		"a VPC with subnets":                    {KindVPC, f.n.vpc.ID, "DependencyViolation"},
		"a subnet with interfaces":              {KindSubnet, f.n.subnets[0].ID, "DependencyViolation"},
		"a gateway of a network with addresses": {KindInternetGateway, f.n.gateway.ID, "DependencyViolation"},
		"an address of a NAT gateway":           {KindEIP, f.eip.ID, "InvalidIPAddress.InUse"},
		"a route table with an association":     {KindRouteTable, f.table.ID, "DependencyViolation"},
		"the main route table":                  {KindRouteTable, str(f.n.vpc.Attrs, "mainRouteTableId"), "DependencyViolation"},
		"a group that another group's rule has": {KindSecurityGroup, other.ID, "DependencyViolation"},
		"a group in an inline rule":             {KindSecurityGroup, inline.ID, "DependencyViolation"},
		"the default group": {
			KindSecurityGroup, str(f.n.vpc.Attrs, "defaultSecurityGroupId"), "CannotDelete",
		},
		"the cluster's own group": {
			KindSecurityGroup, str(f.cluster.Attrs, "vpcConfig.clusterSecurityGroupId"), "DependencyViolation",
		},
		"a root volume in use":           {KindVolume, str(f.instance.Attrs, "rootVolumeId"), "VolumeInUse"},
		"an interface in use":            {KindNetworkInterface, interfaces[0].ID, "InvalidParameterValue"},
		"a role with an attached policy": {KindRole, "attached", "DeleteConflict"},
		"a role with an inline policy":   {KindRole, "inlined", "DeleteConflict"},
		"a role in an instance profile":  {KindRole, "demo-node", "DeleteConflict"},
		"a policy that is attached":      {KindPolicy, policy.ARN, "DeleteConflict"},
		"a cluster with node groups":     {KindCluster, "demo", "ResourceInUseException"},
		"a bucket with objects":          {KindBucket, "full", "BucketNotEmpty"},
		"a rule with targets":            {KindEventRule, "rule", "ValidationException"},
		"an absent VPC":                  {KindVPC, "vpc-0", "InvalidVpcID.NotFound"},
		"an absent role":                 {KindRole, "absent", "NoSuchEntity"},
		"an absent cluster":              {KindCluster, "absent", "ResourceNotFoundException"},
		"an absent queue":                {KindQueue, "https://absent", "AWS.SimpleQueueService.NonExistentQueue"},
		"an absent instance":             {KindInstance, "i-0", "InvalidInstanceID.NotFound"},
	} {
		require.Equal(t, c.code, awserror.Code(f.Delete(t.Context(), Caller{}, c.kind, c.id)), name)
	}
	requireNoDangling(t, f.Account)
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	for range 5 {
		w.make(KindVPC, Props{"cidrBlock": "10.0.0.0/16"})
		w.make(KindEIP, Props{})
	}
	_, err := w.Create(t.Context(), Caller{}, KindVPC, Props{"cidrBlock": "10.0.0.0/16"})
	w.refused("VpcLimitExceeded", err)
	_, err = w.Create(t.Context(), Caller{}, KindEIP, Props{})
	w.refused("AddressLimitExceeded", err)
	_, err = w.Create(t.Context(), Caller{Region: "eu-west-1"}, KindVPC, Props{"cidrBlock": "10.0.0.0/16"})
	require.NoError(t, err, "quotas are per region")
	require.NoError(t, w.SetQuota(QuotaVPCs, 6))
	n := w.network()
	require.NoError(t, w.SetQuota(QuotaSpotVCPU, 1))
	_, err = w.RunInstances(t.Context(), Caller{}, RunRequest{
		InstanceType: "c5d.large", SubnetID: n.subnets[0].ID, ImageID: "ami-0123456789abcdef0", Spot: true,
	})
	w.refused("MaxSpotInstanceCountExceeded", err)
	require.NoError(t, w.SetQuota(QuotaOnDemandVCPU, 1))
	_, err = w.RunInstances(t.Context(), Caller{}, RunRequest{
		InstanceType: "c5d.large", SubnetID: n.subnets[0].ID, ImageID: "ami-0123456789abcdef0",
	})
	w.refused("VcpuLimitExceeded", err)
	w.refused("NoSuchResourceException", w.SetQuota("L-0", 1))
}

func TestEKSRefusesZonesItCannotServe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Region: "us-east-1"})
	vpc := w.make(KindVPC, Props{"cidrBlock": "10.0.0.0/16"})
	var ids []any
	for i, zone := range []string{"d", "e"} { // e is use1-az3
		ids = append(ids,
			w.make(KindSubnet, Props{
				"vpcId": vpc.ID, "cidrBlock": "10.0." + string(rune('0'+i)) + ".0/24", "availabilityZone": "us-east-1" + zone,
			}).ID)
	}
	role := w.make(KindRole, Props{"name": "r", "assumeRolePolicy": trust("eks.amazonaws.com")})
	_, err := w.Create(t.Context(), Caller{}, KindCluster, Props{
		"name": "demo", "roleArn": role.ARN, "vpcConfig": Props{"subnetIds": ids},
	})
	w.refused("UnsupportedAvailabilityZoneException", err)
}

func TestWestTwoHasTheZonesOfTheLocalTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	require.Equal(t, []Zone{
		{"us-west-2a", "usw2-az2"}, {"us-west-2b", "usw2-az1"}, {"us-west-2c", "usw2-az3"}, {"us-west-2d", "usw2-az4"},
	}, w.Zones())
	require.Contains(t, w.KnownRegions(), "eu-central-1")
	require.Nil(t, w.ZonesIn("mars-north-1"))
	_, err := Open(Options{Region: "mars-north-1"})
	require.ErrorContains(t, err, "mars-north-1")
}
