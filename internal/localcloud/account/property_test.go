// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// requireNoDangling asserts the account's invariant: what the rules protect exists.
func requireNoDangling(t require.TestingT, a *Account) {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	tr := &tx{a: a}
	for k, s := range a.kinds {
		for _, r := range tr.where(k, (*Resource).live) {
			for _, rf := range s.refs {
				if rf.weak {
					continue
				}
				for _, v := range strs(r.Props, rf.path) {
					target := tr.get(rf.kind, v)
					if rf.byARN && rf.kind == KindRole {
						target = tr.role(v)
					}
					require.NotNil(t, target, "%s %s refers to %s %s by %s", k, r.ID, rf.kind, v, rf.path)
				}
			}
		}
	}
	for arn, key := range a.byARN {
		require.NotNil(t, a.lookup(key), "the index has %s", arn)
	}
}

// TestRandomOrdersNeverLeaveDanglingReferences creates and deletes at random: every step either works or is
// refused with an AWS code, and the invariant holds after each.
func TestRandomOrdersNeverLeaveDanglingReferences(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, err := Open(Options{})
		require.NoError(rt, err)
		defer func() { require.NoError(rt, a.Close()) }()
		g := &generator{rt: rt, a: a}
		for _, k := range rapid.SampledFrom([][]Kind{
			nil, {KindVPC, KindInternetGateway},
			{KindVPC, KindSubnet, KindSubnet, KindSubnet, KindRole, KindCluster, KindNodeGroup},
		}).Draw(rt, "start") {
			_, err := a.Create(t.Context(), Caller{}, k, g.props(k))
			require.True(rt, err == nil || awserror.Code(err) != "", "%v", err)
		}
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			var err error
			if rapid.IntRange(0, 9).Draw(rt, "what") < 7 {
				k := rapid.SampledFrom(g.kinds()).Draw(rt, "kind")
				_, err = a.Create(t.Context(), Caller{}, k, g.props(k))
			} else if all := a.Inventory(); len(all) > 0 {
				r := rapid.SampledFrom(all).Draw(rt, "victim")
				err = a.Delete(t.Context(), Caller{}, r.Kind, r.ID)
			}
			if err != nil {
				require.NotEmpty(rt, awserror.Code(err), "%v", err)
			}
			requireNoDangling(rt, a)
		}
	})
}

// generator draws properties that refer to what exists, or to nothing.
type generator struct {
	rt *rapid.T
	a  *Account
}

func (g *generator) kinds() []Kind {
	return []Kind{
		KindVPC, KindSubnet, KindInternetGateway, KindEIP, KindNATGateway, KindRouteTable, KindRoute, KindRouteTableAssociation,
		KindVPCEndpoint, KindSecurityGroup, KindSecurityGroupRule, KindRole, KindPolicy, KindRolePolicy, KindRolePolicyAttachment,
		KindInstanceProfile, KindCluster, KindNodeGroup, KindAddon, KindAccessEntry, KindQueue, KindQueuePolicy, KindEventRule,
		KindEventTarget, KindBucket, KindBucketVersioning, KindLoadBalancer, KindClassicBalancer,
		KindNetworkInterface, KindInstance,
	}
}

// any is the id of some resource of a kind.
func (g *generator) any(k Kind) string {
	list := g.a.List(k)
	if len(list) == 0 {
		return "absent"
	}
	return rapid.SampledFrom(list).Draw(g.rt, "existing").ID
}

func (g *generator) anyARN(k Kind) string {
	r, ok := g.a.Get(k, g.any(k))
	if !ok {
		return "arn:aws:iam::111122223333:role/absent"
	}
	return r.ARN
}

func (g *generator) name() string {
	return fmt.Sprintf("name-%d", rapid.IntRange(0, 4).Draw(g.rt, "name"))
}

func (g *generator) props(k Kind) Props {
	p := g.networkProps(k)
	if p == nil {
		p = g.otherProps(k)
	}
	return p
}

func (g *generator) networkProps(k Kind) Props {
	third := rapid.IntRange(0, 6).Draw(g.rt, "third")
	switch k {
	case KindVPC:
		return Props{"cidrBlock": "10.0.0.0/16"}
	case KindSubnet:
		return Props{
			"vpcId":            g.any(KindVPC),
			"cidrBlock":        fmt.Sprintf("10.0.%d.0/24", third),
			"availabilityZone": "us-west-2" + string(rune('a'+third%3)),
		}
	case KindInternetGateway, KindRouteTable:
		return Props{"vpcId": g.any(KindVPC)}
	case KindEIP:
		return Props{"domain": "vpc"}
	case KindNATGateway:
		return Props{"allocationId": g.any(KindEIP), "subnetId": g.any(KindSubnet)}
	case KindRoute:
		return Props{
			"routeTableId":         g.any(KindRouteTable),
			"destinationCidrBlock": fmt.Sprintf("192.168.%d.0/24", third),
			"gatewayId":            g.any(KindInternetGateway),
		}
	case KindRouteTableAssociation:
		return Props{"routeTableId": g.any(KindRouteTable), "subnetId": g.any(KindSubnet)}
	case KindVPCEndpoint:
		return Props{
			"vpcId":           g.any(KindVPC),
			"serviceName":     "com.amazonaws.us-west-2.sts",
			"vpcEndpointType": "Interface",
			"subnetIds":       []any{g.any(KindSubnet)},
		}
	case KindSecurityGroup:
		return Props{"vpcId": g.any(KindVPC), "name": g.name(), "revokeRulesOnDelete": third == 0}
	case KindSecurityGroupRule:
		return Props{
			"type":                  "ingress",
			"securityGroupId":       g.any(KindSecurityGroup),
			"sourceSecurityGroupId": g.any(KindSecurityGroup),
			"protocol":              "-1",
			"fromPort":              0,
			"toPort":                0,
		}
	case KindNetworkInterface:
		return Props{"subnetId": g.any(KindSubnet), "securityGroups": []any{g.any(KindSecurityGroup)}}
	case KindLoadBalancer:
		return Props{"name": g.name(), "loadBalancerType": "network", "subnets": []any{g.any(KindSubnet)}}
	case KindClassicBalancer:
		return Props{
			"name": g.name(), "subnets": []any{g.any(KindSubnet)}, "securityGroups": []any{g.any(KindSecurityGroup)},
		}
	case KindInstance:
		return Props{"instanceType": "m5.large", "ami": "ami-0123456789abcdef0", "subnetId": g.any(KindSubnet)}
	}
	return nil
}

func (g *generator) otherProps(k Kind) Props {
	subnets := []any{g.any(KindSubnet), g.any(KindSubnet), g.any(KindSubnet)}
	switch k {
	case KindRole:
		return Props{
			"name": g.name(),
			"assumeRolePolicy": `{"Version":"2012-10-17","Statement":{"Effect":"Allow",` +
				`"Principal":{"Service":["eks.amazonaws.com","ec2.amazonaws.com"]},"Action":"sts:AssumeRole"}}`,
		}
	case KindPolicy:
		return Props{"name": g.name(), "policy": allow("s3:GetObject", "*")}
	case KindRolePolicy:
		return Props{"name": g.name(), "role": g.any(KindRole), "policy": allow("s3:GetObject", "*")}
	case KindRolePolicyAttachment:
		return Props{"role": g.any(KindRole), "policyArn": g.anyARN(KindPolicy)}
	case KindInstanceProfile:
		return Props{"name": g.name(), "role": g.any(KindRole)}
	case KindCluster:
		return Props{
			"name":         g.name(),
			"roleArn":      g.anyARN(KindRole),
			"vpcConfig":    Props{"subnetIds": subnets},
			"accessConfig": Props{"authenticationMode": "API"},
		}
	case KindNodeGroup:
		return Props{
			"clusterName": g.any(KindCluster), "nodeGroupName": g.name(), "nodeRoleArn": g.anyARN(KindRole),
			"subnetIds": subnets[:1], "instanceTypes": []any{"m5.large"},
			"scalingConfig": Props{"minSize": 0, "maxSize": 2, "desiredSize": 1},
		}
	case KindAddon:
		return Props{"clusterName": g.any(KindCluster), "addonName": "coredns"}
	case KindAccessEntry:
		return Props{"clusterName": g.any(KindCluster), "principalArn": g.anyARN(KindRole)}
	case KindQueue, KindEventRule:
		return Props{"name": g.name(), "eventPattern": `{"source":["aws.ec2"]}`}
	case KindQueuePolicy:
		return Props{"queueUrl": g.any(KindQueue), "policy": eventsPolicy("arn:aws:sqs:us-west-2:111122223333:q")}
	case KindEventTarget:
		return Props{"rule": g.any(KindEventRule), "arn": g.anyARN(KindQueue), "targetId": g.name()}
	case KindBucket:
		return Props{"bucket": g.name()}
	case KindBucketVersioning:
		return Props{"bucket": g.any(KindBucket), "versioningConfiguration": Props{"status": "Enabled"}}
	}
	return Props{}
}
