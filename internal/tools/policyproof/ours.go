// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"emrflink/components/deployment"
	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/check"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/leftover"
	"emrflink/internal/localtarget"
	"emrflink/internal/preflight"
	"emrflink/internal/stack"
	"emrflink/internal/stackconfig"
	"emrflink/stacks"
)

// known is the deployment as a cleanup knows it.
func (w *world) known(c stacks.Config) awsapi.Deployment {
	d := awsapi.Deployment{
		Name: c.Name, Cluster: c.Name,
		Tags: map[string]string{deployment.TagDeployment: c.Name, deployment.TagManagedBy: deployment.ManagedBy},
	}
	lists := map[string]*[]string{
		"aws_s3_bucket": &d.Buckets, "aws_cloudwatch_log_group": &d.LogGroups, "aws_cloudwatch_event_rule": &d.Rules,
		"aws_iam_role": &d.Roles, "aws_iam_policy": &d.Policies, "aws_iam_instance_profile": &d.InstanceProfiles,
		"aws_kms_key": &d.Keys,
	}
	for urn, m := range w.made {
		switch typ := w.types[urn]; {
		case lists[typ] != nil:
			*lists[typ] = append(*lists[typ], m.id)
		case typ == "aws_vpc":
			d.VPC = m.id
		case typ == "aws_sqs_queue":
			d.Queues = append(d.Queues, fmt.Sprint(m.outputs["name"]))
		case typ == "aws_iam_openid_connect_provider":
			d.OIDCIssuer = fmt.Sprint(m.outputs["url"])
		}
	}
	return d
}

// doctor makes the checks in the account that doctor and a deploy begin with.
func (w *world) doctor(ctx context.Context, c stacks.Config, out *said) {
	info := stack.Info{Stack: "proof", Target: stack.AWS, Region: c.Region, Deployment: c.Name, Speed: 1}
	d := stackconfig.Needs(c, info, preflight.Recorded{Names: map[string]bool{}})
	for _, r := range (preflight.Account{AWS: w.client, Deploy: d, Now: time.Now}).Run(ctx) {
		if r.Status != check.OK && denial.MatchString(r.What+" "+r.Why) {
			*out = append(*out, r.What+": "+r.Why)
		}
	}
}

// inventory lists what exists.
func (w *world) inventory(ctx context.Context, c stacks.Config, out *said) { w.list(ctx, c, out) }

// list lists what exists, and looks at each thing by its name; what is gone is no error.
func (w *world) list(ctx context.Context, c stacks.Config, out *said) []awsapi.Resource {
	d := w.known(c)
	found, err := w.client.DeploymentResources(ctx, d)
	out.err(err)
	ids := map[string][]string{
		awsapi.TypeCluster: {c.Name}, awsapi.TypeRole: d.Roles, awsapi.TypePolicy: d.Policies, awsapi.TypeBucket: d.Buckets,
		awsapi.TypeLogGroup: d.LogGroups, awsapi.TypeRule: d.Rules, awsapi.TypeInstanceProfile: d.InstanceProfiles,
		awsapi.TypeKey: d.Keys, awskind.PodIdentity: {c.Name + ":kube-system/ebs-csi-controller-sa"},
	}
	for urn, m := range w.made {
		switch w.types[urn] {
		case "aws_eks_node_group":
			ids[awsapi.TypeNodeGroup] = append(ids[awsapi.TypeNodeGroup], m.id)
		case "aws_eks_addon":
			ids[awsapi.TypeAddon] = append(ids[awsapi.TypeAddon], m.id)
		case "aws_sqs_queue":
			ids[awsapi.TypeQueue] = append(ids[awsapi.TypeQueue], m.id)
		case "aws_iam_openid_connect_provider":
			ids[awsapi.TypeOIDCProvider] = append(ids[awsapi.TypeOIDCProvider], m.id)
		}
	}
	for typ, list := range ids {
		for _, id := range list {
			_, _, err := w.client.Lookup(ctx, typ, id)
			out.err(err)
		}
	}
	if _, lives := w.account.Get(account.KindCluster, c.Name); lives {
		_, err = w.client.Addons(ctx, c.Name)
		out.err(err)
		_, err = w.client.NodeGroups(ctx, c.Name)
		out.err(err)
	}
	return found
}

// jobs does what the commands for jobs do in AWS.
func (w *world) jobs(ctx context.Context, c stacks.Config, out *said) {
	_, err := w.client.DescribeCluster(ctx, c.Name)
	out.err(err)
	d := w.known(c)
	bucket, jar := d.Buckets[0], "flink-team-a/jars/a.jar"
	out.err(w.client.PutObject(ctx, bucket, jar, strings.NewReader("jar"), ""))
	_, err = w.client.ListObjects(ctx, bucket, "flink-team-a/")
	out.err(err)
	_, err = w.client.GetObject(ctx, bucket, jar)
	out.err(err)
	out.err(w.client.CopyObject(ctx, bucket, jar, 3, bucket, jar+"2"))
	out.err(w.client.DeleteObjects(ctx, bucket, jar, jar+"2"))
	for _, role := range d.Roles {
		if strings.HasSuffix(role, "-job") {
			_, err = w.client.RoleTrust(ctx, role)
			out.err(err)
		}
	}
	for _, group := range d.LogGroups {
		if strings.HasSuffix(group, "/flink-team-a") {
			_, err = w.client.LogEvents(ctx, group, "", time.Time{}, 10)
			out.err(err)
		}
	}
}

// protect takes the deletion protection on and off.
func (w *world) protect(ctx context.Context, c stacks.Config, out *said) {
	out.err(w.client.SetDeletionProtection(ctx, c.Name, true))
	out.err(w.client.SetDeletionProtection(ctx, c.Name, false))
}

// adopt looks for the key that a killed deploy had begun to make.
func (w *world) adopt(ctx context.Context, c stacks.Config, out *said) {
	if d := w.known(c); len(d.Keys) > 0 {
		_, err := w.client.TaggedKeys(ctx, d.Tags)
		out.err(err)
	}
}

// versions asks what the account offers.
func (w *world) versions(ctx context.Context, c stacks.Config, out *said) {
	_, err := w.client.AddonVersions(ctx, c.KubernetesVersion)
	out.err(err)
	_, err = w.client.ClusterVersions(ctx)
	out.err(err)
}

// leave makes, as others would, what a used deployment has: objects, nodes, and what its controllers lost.
func (w *world) leave(ctx context.Context, c stacks.Config, out *said) {
	for _, action := range []string{
		localtarget.LostInterface, localtarget.LostBalancer, localtarget.LostClassic, localtarget.LostVolume,
		localtarget.LostTemplate, localtarget.LostProfile, localtarget.UsedBucket,
	} {
		_, _, err := leftover.Make(ctx, w.account, action, "")
		out.err(err)
	}
	subnets := w.account.Find(account.KindSubnet, func(account.Resource) bool { return true })
	_, err := w.account.RunInstances(ctx, w.account.Administrator(), account.RunRequest{
		InstanceType: "c5d.xlarge", SubnetID: subnets[0].ID, ImageID: "ami-0123456789abcdef0",
		Tags: map[string]string{"kubernetes.io/cluster/" + c.Name: "owned", "karpenter.sh/nodepool": "x"},
	})
	out.err(err)
}

// sweep deletes what the inventory has and the state does not, until nothing is left, and empties the bucket.
func (w *world) sweep(ctx context.Context, c stacks.Config, out *said) {
	for range 5 {
		swept, round := 0, said{}
		for _, r := range w.leftovers(ctx, c, &round) {
			err := w.client.Delete(ctx, r)
			if err == nil && r.Type == awsapi.TypeInstance {
				err = w.client.WaitTerminated(ctx, time.Minute, r.ID)
			}
			round.err(err)
			swept++
		}
		denied := slices.DeleteFunc(round, func(text string) bool { return !denial.MatchString(text) })
		if *out = append(*out, denied...); swept == 0 || len(denied) > 0 { // what depends on others goes in the next round
			break
		}
	}
	d := w.known(c)
	_, err := w.client.Tagged(ctx, d.Tags)
	out.err(err)
	for _, b := range d.Buckets {
		_, err := w.client.EmptyBucket(ctx, b, nil)
		out.err(err)
	}
	for _, r := range d.Roles {
		_, err := w.client.InstanceProfilesOfRole(ctx, r)
		out.err(err)
	}
}

// leftovers are what controllers and EKS made, in the order in which a cleanup deletes it. The groups of a cluster go after it.
func (w *world) leftovers(ctx context.Context, c stacks.Config, out *said) []awsapi.Resource {
	found := w.list(ctx, c, out)
	_, lives := w.account.Get(account.KindCluster, c.Name)
	tags := w.known(c).Tags
	var left []awsapi.Resource
	for _, typ := range awskind.Swept() {
		for _, r := range found {
			held := r.State == "in-use" || r.State == "terminated" || r.State == "shutting-down" ||
				lives && typ == awsapi.TypeSecurityGroup
			recorded := typ == awsapi.TypeBucket || r.CreatedBy == "user" && awsapi.Carries(r.Tags, tags)
			if r.Type == typ && !recorded && !held {
				left = append(left, r)
			}
		}
	}
	return left
}
