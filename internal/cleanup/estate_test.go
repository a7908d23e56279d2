// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
	sim "emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/localcloud/leftover"
	"emrflink/internal/localtarget"
)

const (
	region   = "us-west-2"
	managed  = "emrflink:managed-by"
	nameTag  = "emrflink:deployment"
	ebsOwner = "kubernetes.io/cluster/"
)

type props = sim.Props

// marks are the tags of a deployment.
func marks(deployment string) map[string]string {
	return map[string]string{nameTag: deployment, managed: "emrflink"}
}

// estate is a simulated account behind its API, with a deployment in it that was used: what the engine recorded, and what
// controllers made and lost.
type estate struct {
	t       *testing.T
	account *sim.Account
	scope   Scope
	state   []sim.Resource // in the order of their creation
	subnets []string       // of our VPC
	group   string         // the security group of our nodes

	theirSubnets []any  // of the VPC of another deployment, made when first asked for
	theirGroup   string // a security group in it
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	a, err := sim.Open(sim.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return &estate{t: t, account: a, scope: Scope{
		Stack: "local", Account: sim.DefaultAccountID, Region: region,
		Deployment: awsapi.Deployment{Name: cluster, Cluster: cluster, Tags: marks(cluster)},
	}}
}

// make creates a resource with tags.
func (e *estate) make(k sim.Kind, p props, tags map[string]string) sim.Resource {
	e.t.Helper()
	all := props{}
	for key, v := range tags {
		all[key] = v
	}
	if p = maps.Clone(p); len(all) > 0 {
		p["tags"] = all
	}
	r, err := e.account.Create(e.t.Context(), sim.Caller{Via: sim.ByUser}, k, p)
	require.NoErrorf(e.t, err, "create %s %v", k, p)
	return r
}

// record creates a resource that is in the state of the deployment, and in its scope.
func (e *estate) record(k sim.Kind, p props) sim.Resource {
	e.t.Helper()
	r := e.make(k, p, marks(cluster))
	e.state = append(e.state, r)
	return r
}

func trust(service string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service +
		`"},"Action":"sts:AssumeRole"}]}`
}

const (
	allowance = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`
	pattern   = `{"source":["aws.ec2"]}`
	machine   = "ami-0123456789abcdef0"
)

// network makes a VPC with a subnet in each zone, and gives their ids.
func network(create func(sim.Kind, props) sim.Resource, cidr int) (vpc string, subnets []any) {
	vpc = create(sim.KindVPC, props{"cidrBlock": fmt.Sprintf("10.%d.0.0/16", cidr)}).ID
	for i, zone := range []string{"a", "b", "c"} {
		subnets = append(subnets, create(sim.KindSubnet, props{
			"vpcId": vpc, "cidrBlock": fmt.Sprintf("10.%d.%d.0/24", cidr, i), "availabilityZone": region + zone,
		}).ID)
	}
	return vpc, subnets
}

// deploy makes what the engine records of a deployment.
func (e *estate) deploy() {
	e.t.Helper()
	d := &e.scope.Deployment
	vpc, subnets := network(e.record, 0)
	d.VPC = vpc
	for _, id := range subnets {
		e.subnets = append(e.subnets, id.(string))
	}
	e.record(sim.KindInternetGateway, props{"vpcId": vpc})
	eip := e.record(sim.KindEIP, props{"domain": "vpc"})
	nat := e.record(sim.KindNATGateway, props{"allocationId": eip.ID, "subnetId": subnets[0]})
	table := e.record(sim.KindRouteTable, props{"vpcId": vpc})
	e.record(sim.KindRoute, props{
		"routeTableId": table.ID, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat.ID,
	})
	e.group = e.record(sim.KindSecurityGroup, props{"vpcId": vpc, "name": cluster + "-nodes"}).ID
	role := e.record(sim.KindRole, props{"name": cluster + "-cluster", "assumeRolePolicy": trust("eks.amazonaws.com")})
	node := e.record(sim.KindRole, props{"name": cluster + "-node", "assumeRolePolicy": trust("ec2.amazonaws.com")})
	policy := e.record(sim.KindPolicy, props{"name": cluster + "-job", "policy": allowance})
	e.record(sim.KindRolePolicyAttachment, props{"role": node.ID, "policyArn": policy.ARN})
	e.record(sim.KindInstanceProfile, props{"name": cluster + "-node", "role": node.ID})
	k := e.record(sim.KindCluster, clusterProps(cluster, role.ARN, subnets))
	issuer, _ := sim.Value(k.Attrs, "identities.oidcs.issuer").(string)
	provider := e.record(sim.KindOIDCProvider, props{"url": issuer, "clientIdLists": []any{"sts.amazonaws.com"}})
	e.record(sim.KindNodeGroup, nodeGroupProps(cluster, node.ARN, subnets))
	queue := e.record(sim.KindQueue, props{"name": cluster + "-interruption"})
	e.record(sim.KindEventRule, props{"name": cluster + "-spot", "eventPattern": pattern})
	e.record(sim.KindEventTarget, props{"rule": cluster + "-spot", "arn": queue.ARN, "targetId": "queue"})
	e.record(sim.KindLogGroup, props{"name": "/emr/" + cluster + "/team-a"})
	bucket := e.record(sim.KindBucket, props{"bucket": cluster + "-checkpoints"})
	e.record(sim.KindBucketVersioning, props{
		"bucket": bucket.ID, "versioningConfiguration": props{"status": "Enabled"},
	})
	key := e.record(sim.KindKey, props{"description": cluster})

	d.OIDCIssuer = "https://" + provider.Name
	d.Roles, d.Policies, d.InstanceProfiles = []string{role.ID, node.ID}, []string{policy.ARN}, []string{cluster + "-node"}
	d.Queues, d.Rules = []string{queue.Name}, []string{cluster + "-spot"}
	d.LogGroups, d.Buckets, d.Keys = []string{"/emr/" + cluster + "/team-a"}, []string{bucket.ID}, []string{key.ID}
}

func clusterProps(name, role string, subnets []any) props {
	return props{
		"name": name, "roleArn": role, "version": "1.35", "vpcConfig": props{"subnetIds": subnets},
		"accessConfig": props{"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": true},
		// Of these EKS writes the log group that comes back.
		"enabledClusterLogTypes": []any{"api"},
	}
}

func nodeGroupProps(cluster, role string, subnets []any) props {
	return props{
		"clusterName": cluster, "nodeGroupName": "core", "nodeRoleArn": role, "subnetIds": subnets,
		"instanceTypes": []any{"m5.xlarge"}, "scalingConfig": props{"minSize": 1, "maxSize": 9, "desiredSize": 1},
	}
}

// leave makes what controllers of the cluster made and did not take away, and what a job wrote.
func (e *estate) leave() {
	e.t.Helper()
	e.launch(e.subnets[0], e.group, map[string]string{
		ebsOwner + cluster: "owned", "eks:eks-cluster-name": cluster, "karpenter.sh/nodepool": "flink",
	})
	for _, l := range localtarget.Leftovers() {
		e.lose(l.Action)
	}
}

// lose leaves one thing behind.
func (e *estate) lose(action string) {
	e.t.Helper()
	n, known, err := leftover.Make(e.t.Context(), e.account, action, cluster+"*")
	require.NoError(e.t, err)
	require.True(e.t, known)
	require.Equal(e.t, 1, n)
}

func volumeProps() props { return props{"availabilityZone": region + "a", "size": 8, "type": "gp3"} }

// launch starts an instance as Karpenter does.
func (e *estate) launch(subnet, group string, tags map[string]string) {
	e.t.Helper()
	_, err := e.account.RunInstances(e.t.Context(), sim.Caller{Via: sim.ByKarpenter}, sim.RunRequest{
		InstanceType: "c5d.xlarge", SubnetID: subnet, ImageID: machine, SecurityGroupIDs: []string{group}, Tags: tags,
		VolumeTags: tags, ENITags: tags,
	})
	require.NoError(e.t, err)
}

// snapshot is everything that exists, byte for byte, by kind and id. Objects count as part of their bucket.
func (e *estate) snapshot() map[string]string {
	e.t.Helper()
	out := map[string]string{}
	for _, r := range e.account.Inventory() {
		text, err := json.Marshal(r)
		require.NoError(e.t, err)
		out[string(r.Kind)+" "+r.ID] = string(text)
		if r.Kind == sim.KindBucket {
			versions, err := e.account.Objects.ListVersions(r.ID, "")
			require.NoError(e.t, err)
			uploads, err := e.account.Objects.Uploads(r.ID)
			require.NoError(e.t, err)
			out[string(r.Kind)+" "+r.ID] += fmt.Sprint(versions, uploads)
		}
	}
	return out
}

// cleanUp runs a cleanup against the API of the account.
func (e *estate) cleanUp() (Report, error) { return e.cleanUpWith(func(*Cleanup) {}) }

func (e *estate) cleanUpWith(change func(*Cleanup)) (Report, error) {
	e.t.Helper()
	srv := httptest.NewServer(awswire.New(e.account, awswire.Options{}))
	defer srv.Close()
	client, err := awsapi.New(e.t.Context(), awsapi.Options{Region: region, Env: map[string]string{
		awsapi.EnvEndpoint: srv.URL, awsapi.EnvAccessKey: sim.StaticAccessKey,
		awsapi.EnvSecretKey: sim.StaticSecretKey,
	}})
	require.NoError(e.t, err)
	objects := kubetest.New(
		kubetest.Object(kube.KindFlinkDeployment, "team", "basic", nil),
		kubetest.Object(kube.KindNodePool, "", "flink", nil), kubetest.Object(kube.KindNodeClaim, "", "flink-1", nil),
		kubetest.Object(kube.KindService, "team", "ui", map[string]any{"spec": map[string]any{"type": "LoadBalancer"}}),
	)
	objects.React(e.controllers)
	c := Cleanup{
		Scope: e.scope, Account: client, Inventory: client, Engine: recorded{e},
		Connect: func(context.Context, awsapi.Cluster) (Cluster, error) { return objects, nil },
		Poll:    time.Millisecond, Settle: time.Millisecond,
		// Nothing takes time in this account: what is still there then is waited for in vain.
		Timeouts: map[string]time.Duration{PhaseBalancers: 5 * time.Second},
	}
	change(&c)
	return c.Run(e.t.Context(), nil)
}

// controllers take the load balancer of our Service away, and nothing else: the rest is for the sweep.
func (e *estate) controllers(verb string, o *unstructured.Unstructured) {
	if verb != "gone" || o.GetKind() != "Service" {
		return
	}
	for _, lb := range e.account.Find(sim.KindLoadBalancer, func(r sim.Resource) bool {
		return r.Tags["elbv2.k8s.aws/cluster"] == cluster
	}) {
		_ = e.account.Delete(context.Background(), sim.Caller{Via: sim.ByKubernetes}, lb.Kind, lb.ID)
	}
}

// recorded is an engine: it deletes by id what is in the state, dependents first, and goes on past errors.
type recorded struct{ *estate }

func (recorded) Ready(context.Context) error { return nil }

func (r recorded) Destroy(ctx context.Context, sink func(EngineEvent)) error {
	var errs []error
	for _, one := range slices.Backward(slices.Clone(r.state)) {
		err := r.account.Delete(ctx, sim.Caller{Via: sim.ByPulumi}, one.Kind, one.ID)
		if _, there := r.account.Get(one.Kind, one.ID); err != nil && there {
			errs = append(errs, fmt.Errorf("delete %s %q: %w", one.Kind, one.ID, err))
			continue
		}
		r.state = slices.DeleteFunc(r.state, func(x sim.Resource) bool { return x.Kind == one.Kind && x.ID == one.ID })
		sink(EngineEvent{Resource: one.ID, Deleted: true})
	}
	return errors.Join(errs...)
}
