// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"emrflink/internal/awskind"
)

// Types of the resources that the inventory finds, as CloudFormation spells
// the part after the service.
const (
	TypeInstance         = "instance"
	TypeVolume           = "volume"
	TypeNetworkInterface = "network-interface"
	TypeSecurityGroup    = "security-group"
	TypeLaunchTemplate   = "launch-template"
	TypeNatGateway       = "natgateway"
	TypeAddress          = "elastic-ip"
	TypeVPC              = "vpc"
	TypeSubnet           = "subnet"
	TypeRouteTable       = "route-table"
	TypeInternetGateway  = "internet-gateway"
	TypeVPCEndpoint      = "vpc-endpoint"
	TypeFlowLog          = "vpc-flow-log"
	TypeCluster          = "cluster"
	TypeNodeGroup        = "nodegroup"
	TypeAddon            = "addon"
	TypeInstanceProfile  = "instance-profile"
	TypeRole             = "role"
	TypePolicy           = "policy"
	TypeOIDCProvider     = "oidc-provider"
	TypeLogGroup         = "log-group"
	TypeQueue            = "queue"
	TypeRule             = "rule"
	TypeLoadBalancer     = "loadbalancer"
	TypeClassicBalancer  = "classic-loadbalancer"
	TypeBucket           = "bucket"
	TypeKey              = "key"
)

// Resource is one thing that exists in the account.
type Resource struct {
	Service string // "ec2", "eks", "iam", "logs", "sqs", "events", "elasticloadbalancing", "s3", "kms"
	Type    string // one of the Type constants
	ID      string // what Delete needs: an id, a name, a URL, an ARN
	ARN     string // "" where the answer carries none and none can be made of it
	Name    string // the Name tag or the name, "" without
	// CreatedBy is read from the tags: "karpenter", "eks", "kubernetes", "guardduty", else "user".
	CreatedBy string
	State     string // AWS's word, "" where the type has none
	// HourlyUSD is nil: AWS's inventory calls do not say prices. Detail has
	// what a price table needs.
	HourlyUSD *float64
	Tags      map[string]string
	Detail    map[string]string // instanceType, sizeGiB, volumeType, subnets, vpc, cluster, status...
}

// Carries says whether a resource with these tags has all of those that make it somebody's; no tags make nothing anybody's.
func Carries(tags, all map[string]string) bool {
	for k, v := range all {
		if got, ok := tags[k]; !ok || got != v {
			return false
		}
	}
	return len(all) > 0
}

// Deployment says by exact ids, names and tags what belongs to a deployment.
// Name patterns are not accepted: a sweep that guesses deletes what is not its
// own.
type Deployment struct {
	Name    string // the deployment's name; required
	Cluster string // the EKS cluster's name; required
	// VPC is the id: everything inside it counts. Empty: nothing is looked up
	// by network.
	VPC string
	// Tags that together only this deployment's resources carry; a resource
	// counts when it has all of them. Empty: nothing is looked up by them.
	Tags map[string]string

	Buckets          []string // exact names
	LogGroups        []string // exact names; the cluster's own is always looked for
	Queues           []string // exact names
	Rules            []string // EventBridge rules on the default bus, exact names
	Roles            []string // exact names
	Policies         []string // exact ARNs of managed policies
	InstanceProfiles []string // exact names; Karpenter's path is always looked at
	Keys             []string // exact IDs of KMS keys
	OIDCIssuer       string   // the issuer URL, with or without https://
}

// Contradicts says whether tags name another deployment: one of the keys is there with another value. A name that was this
// deployment's, and was given back, can be another's by now.
func (d Deployment) Contradicts(tags map[string]string) bool {
	for k, v := range d.Tags {
		if got, ok := tags[k]; ok && got != v {
			return true
		}
	}
	return false
}

// validate refuses what would match more than one deployment.
func (d Deployment) validate() error {
	var errs []error
	bad := func(what string) {
		errs = append(errs, &Error{Op: "inventory", Code: "InvalidParameter", Message: what})
	}
	if d.Name == "" {
		bad("the deployment's name is empty")
	}
	if d.Cluster == "" {
		bad("the cluster's name is empty")
	}
	for _, s := range append([]string{d.Name, d.Cluster, d.VPC}, slices.Collect(maps.Values(d.Tags))...) {
		if strings.ContainsAny(s, "*?") {
			bad("a wildcard is not an exact name: " + s)
		}
	}
	for k := range d.Tags {
		if k == "" || d.Tags[k] == "" {
			bad("a tag of the deployment has no key or no value")
		}
	}
	lists := d.lists()
	for _, typ := range slices.Sorted(maps.Keys(lists)) {
		for _, n := range *lists[typ] {
			if n == "" || strings.ContainsAny(n, "*?") {
				bad("not the exact name of a " + strings.ReplaceAll(typ, "-", " ") + ": \"" + n + "\"")
			}
		}
	}
	return errors.Join(errs...)
}

// lists are the names of which a deployment can have several, by the type in the inventory.
func (d *Deployment) lists() map[string]*[]string {
	return map[string]*[]string{
		TypeBucket: &d.Buckets, TypeLogGroup: &d.LogGroups, TypeQueue: &d.Queues, TypeRule: &d.Rules,
		TypeRole: &d.Roles, TypePolicy: &d.Policies, TypeInstanceProfile: &d.InstanceProfiles, TypeKey: &d.Keys,
	}
}

// Include adds what is known of a resource of the deployment: the value of the property that the catalogue of AWS kinds
// names as its Scope. It reports false for a type of which nothing is kept.
func (d *Deployment) Include(typ, value string) bool {
	if list := d.lists()[typ]; list != nil {
		if value != "" && !slices.Contains(*list, value) {
			*list = append(*list, value)
		}
		return true
	}
	one := map[string]*string{TypeVPC: &d.VPC, TypeCluster: &d.Cluster, TypeOIDCProvider: &d.OIDCIssuer}[typ]
	if one != nil && value != "" {
		*one = value
	}
	return one != nil
}

// Merge adds what another scope of the same deployment knows: names and ids that this one does not have.
func (d *Deployment) Merge(other Deployment) {
	d.VPC, d.OIDCIssuer = cmp.Or(d.VPC, other.VPC), cmp.Or(d.OIDCIssuer, other.OIDCIssuer)
	theirs := other.lists()
	for typ := range d.lists() {
		for _, value := range *theirs[typ] {
			d.Include(typ, value)
		}
	}
}

// InventoryError says which parts of the account could not be looked at. What belongs to them is not known: it is neither
// there nor gone.
type InventoryError struct{ Parts []UnknownPart }

// UnknownPart is one look-up that AWS did not answer.
type UnknownPart struct {
	What string // "load balancers"
	Err  error
}

// Error names every part and why.
func (e *InventoryError) Error() string {
	lines := make([]string, 0, len(e.Parts))
	for _, p := range e.Parts {
		lines = append(lines, p.What+": "+p.Err.Error())
	}
	return "not checked: " + strings.Join(lines, "; ")
}

// Unwrap gives the errors of the look-ups.
func (e *InventoryError) Unwrap() []error {
	errs := make([]error, 0, len(e.Parts))
	for _, p := range e.Parts {
		errs = append(errs, p.Err)
	}
	return errs
}

// DeploymentResources lists what exists of a deployment, sorted by service,
// type and id. It goes on past errors: what could be read is returned beside
// an [*InventoryError], so a caller must not take a short list for a clean one.
// A look-up that takes longer than [LookupLimit] is given up and counts as failed.
func (c *Client) DeploymentResources(ctx context.Context, d Deployment) ([]Resource, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	var (
		mu      sync.Mutex
		found   = map[string]Resource{}
		unknown InventoryError
	)
	var g errgroup.Group
	g.SetLimit(6)
	for _, look := range c.lookups() {
		g.Go(func() error {
			limited, cancel := context.WithTimeout(ctx, LookupLimit)
			defer cancel()
			rs, err := look.find(limited, d)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				unknown.Parts = append(unknown.Parts, UnknownPart{look.what, err})
			}
			for _, r := range rs {
				if named := d.lists()[r.Type] != nil; !named || !d.Contradicts(r.Tags) {
					found[r.Service+"/"+r.Type+"/"+r.ID] = r
				}
			}
			return nil
		})
	}
	_ = g.Wait() // each look-up keeps its own error
	list := slices.SortedFunc(maps.Values(found), compareResources)
	if len(unknown.Parts) == 0 {
		return list, nil
	}
	slices.SortFunc(unknown.Parts, func(a, b UnknownPart) int { return cmp.Compare(a.What, b.What) })
	return list, &unknown
}

func compareResources(a, b Resource) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
}

// lookup is an independent part of the inventory.
type lookup struct {
	what string // in words, for when it fails
	find func(context.Context, Deployment) ([]Resource, error)
}

// LookupLimit is how long one part of the inventory may take.
const LookupLimit = 2 * time.Minute

func (c *Client) lookups() []lookup {
	return []lookup{
		{"instances", c.findInstances},
		{"volumes", c.findVolumes},
		{"network interfaces", c.findNetworkInterfaces},
		{"security groups", c.findSecurityGroups},
		{"launch templates", c.findLaunchTemplates},
		{"NAT gateways", c.findNatGateways},
		{"Elastic IP addresses", c.findAddresses},
		{"the VPC", c.findVPC},
		{"subnets", c.findSubnets},
		{"route tables", c.findRouteTables},
		{"internet gateways", c.findInternetGateways},
		{"VPC endpoints", c.findVPCEndpoints},
		{"VPC flow logs", c.findFlowLogs},
		{"the cluster", c.findCluster},
		{"instance profiles", c.findInstanceProfiles},
		{"roles", c.findRoles},
		{"policies", c.findPolicies},
		{"the OIDC provider", c.findOIDCProvider},
		{"log groups", c.findLogGroups},
		{"queues", c.findQueues},
		{"EventBridge rules", c.findRules},
		{"load balancers", c.findLoadBalancers},
		{"classic load balancers", c.findClassicBalancers},
		{"buckets", c.findBuckets},
		{"KMS keys", c.findKeys},
	}
}

// createdBy reads from the tags who made a resource. Karpenter's marks are the
// keys that its controller writes itself: karpenter.sh/discovery is not one of
// them, it is how subnets and security groups are offered to it.
func createdBy(tags map[string]string) string {
	for _, k := range []string{"karpenter.sh/nodepool", "karpenter.sh/nodeclaim", "karpenter.k8s.aws/ec2nodeclass"} {
		if tags[k] != "" {
			return "karpenter"
		}
	}
	for _, k := range []string{"eks:cluster-name", "aws:eks:cluster-name", "eks:nodegroup-name"} {
		if tags[k] != "" {
			return "eks"
		}
	}
	for _, k := range []string{"ebs.csi.aws.com/cluster", "kubernetes.io/created-for/pvc/name",
		"node.k8s.amazonaws.com/instance_id", "cluster.k8s.amazonaws.com/name", "elbv2.k8s.aws/cluster", "CSIVolumeName",
		"kubernetes.io/service-name"} {
		if tags[k] != "" {
			return "kubernetes"
		}
	}
	if tags[awskind.GuardDutyTag] != "" {
		return "guardduty"
	}
	return "user"
}

// OfGuardDuty says whether GuardDuty made a resource for the agents in a VPC: it never deletes these, and they keep the VPC.
func (r Resource) OfGuardDuty(vpc string) bool {
	return vpc != "" && r.Detail["vpc"] == vpc && r.Tags[awskind.GuardDutyTag] == "true" &&
		(r.Type == TypeVPCEndpoint || r.Type == TypeSecurityGroup)
}
