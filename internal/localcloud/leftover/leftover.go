// SPDX-License-Identifier: Apache-2.0

// Package leftover leaves in the simulated account what the controllers of a cluster leave behind on AWS, with the tags that
// each of them writes, and fills buckets as jobs do. Nothing in a stack records these resources, so that a plain destroy fails
// on them, or ends and leaves them. They stay until somebody deletes them.
package leftover

import (
	"context"
	"fmt"

	"emrflink/internal/awskind"
	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/localcloud/objects"
	"emrflink/internal/localtarget"
	"emrflink/internal/untyped"
)

// site is a cluster of the account and where its controllers put things.
type site struct {
	*account.Account
	name, region string
	vpc, subnet  string
	group        string // that EKS made for the cluster
}

// maker leaves one thing of a cluster behind.
type maker func(ctx context.Context, s site) error

func makers() map[string]maker {
	return map[string]maker{
		localtarget.LostInterface: lostInterface, localtarget.LostBalancer: lostBalancer,
		localtarget.LostClassic: lostClassic, localtarget.LostVolume: lostVolume,
		localtarget.LostTemplate: lostTemplate, localtarget.LostProfile: lostProfile, localtarget.GuardDuty: guardDuty,
	}
}

// Make leaves the thing of an action behind, once for each cluster, or bucket, that matches, and tells how many that were. known
// is false for an action that is no leftover.
func Make(ctx context.Context, a *account.Account, action, match string) (n int, known bool, err error) {
	matches := func(r account.Resource) bool { return match == "" || iam.Match(match, r.ID) }
	if action == localtarget.UsedBucket {
		for _, b := range a.Find(account.KindBucket, matches) {
			if err := use(a, b.ID); err != nil {
				return n, true, err
			}
			n++
		}
		return n, true, nil
	}
	one := makers()[action]
	for _, c := range a.Find(account.KindCluster, matches) {
		group := first(c, "vpcConfig.clusterSecurityGroupId")
		if one == nil || group == "" {
			continue
		}
		s := site{Account: a, name: c.ID, region: c.Region, vpc: first(c, "vpcConfig.vpcId"),
			subnet: first(c, "vpcConfig.subnetIds"), group: group}
		if err := one(ctx, s); err != nil {
			return n, true, fmt.Errorf("leave something of cluster %q behind: %w", c.ID, err)
		}
		n++
	}
	return n, one != nil, nil
}

// first is a text among the properties of a resource, or the first of a list.
func first(r account.Resource, path string) string {
	v := account.Value(r.All(), path)
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	return untyped.Text(v)
}

func (s site) create(ctx context.Context, k account.Kind, via string, p account.Props, tags map[string]string) (string, error) {
	all := account.Props{}
	for key, value := range tags {
		all[key] = value
	}
	p["tags"] = all
	r, err := s.Create(ctx, account.Caller{Via: via, Region: s.region}, k, p)
	return r.ID, err
}

func (s site) owned() string { return "kubernetes.io/cluster/" + s.name }

// lostInterface is what remains when a node dies between the two calls by which the VPC CNI detaches and deletes an interface.
func lostInterface(ctx context.Context, s site) error {
	node := awsid.EC2("i")
	_, err := s.create(ctx, account.KindNetworkInterface, account.ByKubernetes, account.Props{
		"subnetId": s.subnet, "securityGroups": []any{s.group}, "description": "aws-K8S-" + node,
	}, map[string]string{"node.k8s.amazonaws.com/instance_id": node, "cluster.k8s.amazonaws.com/name": s.name})
	return err
}

// lostBalancer is the load balancer of a Service that was deleted while its controller did not run. The tag of the cluster is
// all that tells whose its security group is.
func lostBalancer(ctx context.Context, s site) error {
	id := awsid.Hex(8)
	tags := map[string]string{s.owned(): "owned", "kubernetes.io/service-name": "default/lost"}
	group, err := s.create(ctx, account.KindSecurityGroup, account.ByKubernetes,
		account.Props{"vpcId": s.vpc, "name": "k8s-elb-" + id}, tags)
	if err != nil {
		return err
	}
	tags["elbv2.k8s.aws/cluster"] = s.name
	_, err = s.create(ctx, account.KindLoadBalancer, account.ByKubernetes, account.Props{
		"name": "k8s-default-lost-" + id, "loadBalancerType": "network", "subnets": []any{s.subnet},
		"securityGroups": []any{group},
	}, tags)
	return err
}

// lostClassic is the load balancer that EKS made for a Service, when the cluster went before the Service. A rule of the cluster's
// group names its group, as EKS writes it.
func lostClassic(ctx context.Context, s site) error {
	name := "a" + awsid.Hex(31)
	tags := map[string]string{s.owned(): "owned"}
	group, err := s.create(ctx, account.KindSecurityGroup, account.ByKubernetes, account.Props{
		"vpcId": s.vpc, "name": "k8s-elb-" + name, "description": "Security group for Kubernetes ELB " + name + " (default/lost)",
	}, tags)
	if err != nil {
		return err
	}
	if _, err := s.create(ctx, account.KindSecurityGroupRule, account.ByKubernetes, account.Props{
		"securityGroupId": s.group, "sourceSecurityGroupId": group,
		"type": "ingress", "protocol": "-1", "fromPort": 0, "toPort": 0,
	}, nil); err != nil {
		return err
	}
	tags["kubernetes.io/service-name"] = "default/lost"
	_, err = s.create(ctx, account.KindClassicBalancer, account.ByKubernetes, account.Props{
		"name": name, "subnets": []any{s.subnet}, "securityGroups": []any{group},
	}, tags)
	return err
}

// guardDuty is what GuardDuty makes in the VPC of a cluster when its Runtime Monitoring manages the agents, by itself and often
// for a whole organization. It never deletes them.
func guardDuty(ctx context.Context, s site) error {
	tags := map[string]string{awskind.GuardDutyTag: "true"}
	group, err := s.create(ctx, account.KindSecurityGroup, account.ByEC2, account.Props{
		"vpcId": s.vpc, "name": "GuardDutyManagedSecurityGroup-" + s.vpc,
		"description": "Associated with VPC-" + s.vpc + " and tagged as GuardDutyManaged",
	}, tags)
	if err != nil {
		return err
	}
	_, err = s.create(ctx, account.KindVPCEndpoint, account.ByEC2, account.Props{
		"vpcId": s.vpc, "serviceName": "com.amazonaws." + s.region + ".guardduty-data", "vpcEndpointType": "Interface",
		"subnetIds": []any{s.subnet}, "securityGroupIds": []any{group},
	}, tags)
	return err
}

// lostVolume is that of a claim of which the CSI driver heard nothing any more.
func lostVolume(ctx context.Context, s site) error {
	subnet, _ := s.Get(account.KindSubnet, s.subnet)
	claim := "pvc-" + awsid.Hex(8)
	_, err := s.create(ctx, account.KindVolume, account.ByKubernetes, account.Props{
		"availabilityZone": first(subnet, "availabilityZone"), "size": 8, "type": "gp3",
	}, map[string]string{
		s.owned(): "owned", "KubernetesCluster": s.name, "ebs.csi.aws.com/cluster": "true", "CSIVolumeName": claim,
		"kubernetes.io/created-for/pvc/name": "lost", "kubernetes.io/created-for/pvc/namespace": "default",
	})
	return err
}

// lostTemplate is one that Karpenter launched nodes with.
func lostTemplate(ctx context.Context, s site) error {
	_, err := s.create(ctx, account.KindLaunchTemplate, account.ByKarpenter, account.Props{
		"name": "karpenter.k8s.aws/" + awsid.Hex(16), "imageId": "ami-0123456789abcdef0",
	}, map[string]string{
		s.owned(): "owned", "eks:eks-cluster-name": s.name, "karpenter.k8s.aws/cluster": s.name,
		"karpenter.k8s.aws/ec2nodeclass": "lost",
	})
	return err
}

// lostProfile is one that Karpenter made for a node class that named a role: it keeps the role.
func lostProfile(ctx context.Context, s site) error {
	id := awsid.Hex(8)
	p := account.Props{"name": s.name + "_" + id, "path": "/karpenter/" + s.region + "/" + s.name + "/" + id + "/"}
	for _, g := range s.Find(account.KindNodeGroup, func(r account.Resource) bool {
		return first(r, "clusterName") == s.name
	}) {
		p["role"] = account.RoleName(first(g, "nodeRoleArn"))
	}
	_, err := s.create(ctx, account.KindInstanceProfile, account.ByKarpenter, p, map[string]string{
		s.owned(): "owned", "eks:eks-cluster-name": s.name, "karpenter.k8s.aws/ec2nodeclass": "lost",
	})
	return err
}

// use fills a bucket as a job does that runs for a while: versions, delete markers, and an upload that was never completed.
func use(a *account.Account, bucket string) error {
	for i := range 3 {
		key := fmt.Sprintf("checkpoints/lost/chk-%d/_metadata", i)
		for _, body := range []string{"first", "second"} {
			if _, err := a.Objects.Put(bucket, key, []byte(body), nil); err != nil {
				return err
			}
		}
		if err := a.Objects.Delete(bucket, key, ""); err != nil {
			return err
		}
	}
	if _, err := a.Objects.Put(bucket, "checkpoints/lost/chk-3/_metadata", []byte("last"), nil); err != nil {
		return err
	}
	_, err := a.Objects.Begin(objects.Upload{Bucket: bucket, Key: "checkpoints/lost/chk-4/_metadata"})
	return err
}
