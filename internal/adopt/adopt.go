// SPDX-License-Identifier: Apache-2.0

// Package adopt takes over what is in the AWS account already: what an engine
// that was killed had begun to create (Finder), so that the next deployment does
// not make a second one, and log groups of an earlier deployment (LogGroups).
//
// Most ids follow from what was asked for: a role's is its name. Those are
// returned without a look, and the refresh that follows drops what does not
// exist. What AWS names itself is found by the tags of the deployment, all of
// which the resource must carry. Kubernetes objects and Helm releases are never
// adopted: applying them again is their adoption.
package adopt

import (
	"context"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/engine"
)

// Account is what the lookup asks AWS.
type Account interface {
	Identity(ctx context.Context) (awsapi.Identity, error)
	DeploymentResources(ctx context.Context, d awsapi.Deployment) ([]awsapi.Resource, error)
}

var _ Account = (*awsapi.Client)(nil)

// Options say whose resources are looked for.
type Options struct {
	Account Account
	Region  string
	// Deployment is the deployment's name, which is its cluster's too.
	Deployment string
	// Tags together mark every resource of the deployment.
	Tags map[string]string
	// Poll is the pause between two looks at a resource that is still being
	// made; 5 s when zero.
	Poll time.Duration
}

// Finder returns the engine's hook.
func Finder(o Options) engine.AdoptFunc {
	if o.Poll == 0 {
		o.Poll = 5 * time.Second
	}
	return func(ctx context.Context, p engine.PendingCreate) (string, bool, error) {
		if !strings.HasPrefix(p.Type, "aws:") {
			return "", false, nil
		}
		identity, err := o.Account.Identity(ctx)
		if err != nil {
			return "", false, err
		}
		if id, ok := derived(p, account{region: o.Region, id: identity.Account, partition: identity.Partition}); ok {
			return id, true, o.settled(ctx, p, id)
		}
		return o.search(ctx, p)
	}
}

// account is what ARNs are made of.
type account struct{ region, id, partition string }

// derived makes the id of a resource whose id follows from its properties.
func derived(p engine.PendingCreate, a account) (string, bool) {
	in := func(key string) string { s, _ := p.Inputs[key].(string); return s }
	iam := func(kind string) string { return "arn:" + a.partition + ":iam::" + a.id + ":" + kind }
	switch p.Type {
	case "aws:iam/role:Role", "aws:iam/instanceProfile:InstanceProfile", "aws:eks/cluster:Cluster",
		"aws:cloudwatch/logGroup:LogGroup", "aws:cloudwatch/eventRule:EventRule", "aws:kms/alias:Alias":
		return in("name"), true
	case "aws:iam/policy:Policy":
		return iam("policy" + pathOf(in("path")) + in("name")), true
	case "aws:iam/rolePolicy:RolePolicy":
		return in("role") + ":" + in("name"), true
	case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
		return in("role") + "/" + in("policyArn"), true
	case "aws:iam/openIdConnectProvider:OpenIdConnectProvider":
		return iam("oidc-provider/" + strings.TrimPrefix(in("url"), "https://")), true
	case "aws:sqs/queue:Queue":
		return "https://sqs." + a.region + "." + domain(a.partition) + "/" + a.id + "/" + in("name"), true
	case "aws:ec2/tag:Tag":
		return in("resourceId") + "," + in("key"), true
	case "aws:sqs/queuePolicy:QueuePolicy":
		return in("queueUrl"), true
	case "aws:cloudwatch/eventTarget:EventTarget":
		return in("rule") + "-" + in("targetId"), true
	case "aws:ec2/route:Route":
		// The provider's own rule: the table's id and a checksum of the destination.
		return fmt.Sprintf("r-%s%d", in("routeTableId"), crc32.ChecksumIEEE([]byte(in("destinationCidrBlock")))), true
	case "aws:ec2/securityGroupRule:SecurityGroupRule":
		// The provider reads a rule by its properties; the id only has to be one.
		return "sgrule-adopted-" + p.Name, true
	}
	if strings.HasPrefix(p.Type, "aws:s3/bucket") {
		return in("bucket"), true
	}
	return ofCluster(p.Type, in)
}

// ofCluster makes the id of a part of an EKS cluster.
func ofCluster(typ string, in func(key string) string) (string, bool) {
	switch typ {
	case "aws:eks/nodeGroup:NodeGroup":
		return in("clusterName") + ":" + in("nodeGroupName"), true
	case "aws:eks/addon:Addon":
		return in("clusterName") + ":" + in("addonName"), true
	case "aws:eks/accessEntry:AccessEntry":
		return in("clusterName") + ":" + in("principalArn"), true
	case "aws:eks/accessPolicyAssociation:AccessPolicyAssociation":
		return in("clusterName") + "#" + in("principalArn") + "#" + in("policyArn"), true
	}
	return "", false
}

func pathOf(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

func domain(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// searched are the types that AWS names itself, as the inventory calls them.
func searched() map[string]string {
	return map[string]string{
		"aws:ec2/vpc:Vpc": awsapi.TypeVPC, "aws:ec2/subnet:Subnet": awsapi.TypeSubnet,
		"aws:ec2/internetGateway:InternetGateway": awsapi.TypeInternetGateway, "aws:ec2/eip:Eip": awsapi.TypeAddress,
		"aws:ec2/natGateway:NatGateway": awsapi.TypeNatGateway, "aws:ec2/routeTable:RouteTable": awsapi.TypeRouteTable,
		"aws:ec2/vpcEndpoint:VpcEndpoint":       awsapi.TypeVPCEndpoint,
		"aws:ec2/securityGroup:SecurityGroup":   awsapi.TypeSecurityGroup,
		"aws:ec2/launchTemplate:LaunchTemplate": awsapi.TypeLaunchTemplate,
	}
}

func (o Options) inventory(ctx context.Context) ([]awsapi.Resource, error) {
	return o.Account.DeploymentResources(ctx, awsapi.Deployment{Name: o.Deployment, Cluster: o.Deployment, Tags: o.Tags})
}

// search finds a resource by all the tags that it was asked for with, and waits
// until it is made.
func (o Options) search(ctx context.Context, p engine.PendingCreate) (string, bool, error) {
	typ, known := searched()[p.Type]
	if !known && p.Type != "aws:ec2/routeTableAssociation:RouteTableAssociation" {
		return "", false, fmt.Errorf("%s cannot be looked up in the account", p.Type)
	}
	for {
		all, err := o.inventory(ctx)
		if err != nil {
			return "", false, err
		}
		if !known {
			id := association(all, p)
			return id, id != "", nil
		}
		r, found := tagged(all, typ, p)
		if !found || !unfinished(r) {
			return r.ID, found, nil
		}
		if err := o.pause(ctx); err != nil {
			return "", false, err
		}
	}
}

func tagged(all []awsapi.Resource, typ string, p engine.PendingCreate) (awsapi.Resource, bool) {
	tags, _ := p.Inputs["tags"].(map[string]any)
	for _, r := range all {
		if r.Type == typ && len(tags) > 0 && carries(r, tags) && r.State != "deleted" && r.State != "deleting" {
			return r, true
		}
	}
	return awsapi.Resource{}, false
}

func carries(r awsapi.Resource, tags map[string]any) bool {
	for k, v := range tags {
		if got, ok := r.Tags[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// association finds the id by the two ends.
func association(all []awsapi.Resource, p engine.PendingCreate) string {
	subnet, _ := p.Inputs["subnetId"].(string)
	for _, r := range all {
		if r.Type == awsapi.TypeRouteTable && r.ID == p.Inputs["routeTableId"] {
			return r.Detail["association/"+subnet]
		}
	}
	return ""
}

func unfinished(r awsapi.Resource) bool {
	return r.State == "pending" || r.State == "creating" || r.State == "CREATING"
}

// settled waits for a cluster or node group that is still being made.
func (o Options) settled(ctx context.Context, p engine.PendingCreate, id string) error {
	typ := map[string]string{"aws:eks/cluster:Cluster": awsapi.TypeCluster, "aws:eks/nodeGroup:NodeGroup": awsapi.TypeNodeGroup,
		"aws:eks/addon:Addon": awsapi.TypeAddon}[p.Type]
	if typ == "" {
		return nil
	}
	for {
		all, err := o.inventory(ctx)
		if err != nil {
			return err
		}
		waiting := false
		for _, r := range all {
			waiting = waiting || r.Type == typ && id == r.ID && unfinished(r)
		}
		if !waiting {
			return nil
		}
		if err := o.pause(ctx); err != nil {
			return err
		}
	}
}

func (o Options) pause(ctx context.Context) error {
	t := time.NewTimer(o.Poll)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
