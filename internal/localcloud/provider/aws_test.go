// SPDX-License-Identifier: Apache-2.0

package provider_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider"
)

const (
	vpc    = "aws:ec2/vpc:Vpc"
	subnet = "aws:ec2/subnet:Subnet"
	bucket = "aws:s3/bucketV2:BucketV2"
	role   = "aws:iam/role:Role"
)

func TestCheckReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, provider.Options{})
	aws := dial(t, s.AWS, nil)
	for name, c := range map[string]struct {
		typ  string
		in   object
		want []string
	}{
		"an unknown property": {
			vpc, object{"cidrBlok": "10.0.0.0/16"}, []string{`cidrBlok: no such property; the nearest is "cidrBlock"`},
		},
		"a missing property": {subnet, object{"cidrBlock": "10.0.0.0/24"}, []string{"vpcId: required, and missing"}},
		"a wrong type": {
			vpc, object{"enableDnsSupport": "yes"}, []string{"enableDnsSupport: want a boolean, got string"},
		},
		"a policy that is not": {
			role, object{"assumeRolePolicy": "{"}, []string{"assumeRolePolicy: contains an invalid JSON document"},
		},
		"a nested property": {"aws:eks/cluster:Cluster", object{
			"roleArn": "r", "vpcConfig": object{"subnetIds": []any{"a"}, "subnets": "x"},
		}, []string{`vpcConfig.subnets: no such property; the nearest is "subnetIds"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := aws.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urn(c.typ, "x"), News: wire(t, c.in)})
			require.NoError(t, err)
			var got []string
			for _, f := range out.Failures {
				got = append(got, f.Property+": "+f.Reason)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	_, err := aws.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urn("aws:rds/instance:Instance", "x"), News: wire(t, nil)})
	require.ErrorContains(t, err, "does not simulate aws:rds/instance:Instance")
}

func TestAResourceLives(t *testing.T) {
	t.Parallel()
	s, a := serve(t, provider.Options{})
	aws := dial(t, s.AWS, object{"defaultTags": `{"tags":{"team":"data"}}`})
	id, inputs, out := aws.create(vpc, "net", object{"cidrBlock": "10.0.0.0/16", "tags": object{"Name": "net"}})
	require.Equal(t, "default", out["instanceTenancy"], "the bridged provider's default")
	require.Equal(t, object{"Name": "net", "team": "data"}, out["tagsAll"])
	require.Equal(t, object{"Name": "net"}, out["tags"])
	require.NotEmpty(t, out["arn"])
	got, ok := a.Get(account.KindVPC, id)
	require.True(t, ok)
	require.Equal(t, account.ByPulumi, got.CreatedBy)

	same := aws.diff(vpc, "net", id, inputs, object{"cidrBlock": "10.0.0.0/16", "tags": object{"Name": "net"}})
	require.Equal(t, pulumirpc.DiffResponse_DIFF_NONE, same.Changes)
	replaced := aws.diff(vpc, "net", id, inputs, object{"cidrBlock": "10.1.0.0/16", "tags": object{"Name": "new"}})
	require.Equal(t, map[string]string{"cidrBlock": "UPDATE_REPLACE", "tags.Name": "UPDATE"}, kinds(replaced))
	require.Equal(t, []string{"cidrBlock"}, replaced.Replaces)

	news := aws.check(vpc, "net", object{"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": true})
	planned, err := aws.Update(t.Context(), &pulumirpc.UpdateRequest{
		Id: id, Urn: urn(vpc, "net"), OldInputs: inputs, Olds: wire(t, out), News: news, Preview: true,
	})
	require.NoError(t, err)
	require.Equal(t, out["arn"], unmarshal(t, planned.Properties).Mappable()["arn"], "what is known stays known")
	updated, err := aws.Update(t.Context(), &pulumirpc.UpdateRequest{
		Id: id, Urn: urn(vpc, "net"), Olds: wire(t, out), News: news,
	})
	require.NoError(t, err)
	require.Equal(t, object{"team": "data"}, unmarshal(t, updated.Properties).Mappable()["tagsAll"])

	require.NoError(t, a.SetTags(account.KindVPC, id, map[string]string{"rogue": "yes"}, nil))
	read, err := aws.Read(t.Context(), &pulumirpc.ReadRequest{
		Id: id, Urn: urn(vpc, "net"), Inputs: news, Properties: updated.Properties,
	})
	require.NoError(t, err)
	require.Equal(t, object{"rogue": "yes"}, unmarshal(t, read.Inputs).Mappable()["tags"], "drift shows in the inputs")

	_, err = aws.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: id, Urn: urn(vpc, "net"), Properties: updated.Properties})
	require.NoError(t, err)
	read, err = aws.Read(t.Context(), &pulumirpc.ReadRequest{Id: id, Urn: urn(vpc, "net"), Inputs: news})
	require.NoError(t, err)
	require.Empty(t, read.Id, "what is gone reads as nothing")
	_, err = aws.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: id, Urn: urn(vpc, "net")})
	require.NoError(t, err, "gone already")
}

// Somebody deleted it by hand: a cleanup goes on.
func TestWhatIsGoneAlreadyOfAnyKindIsDeleted(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, provider.Options{})
	aws := dial(t, s.AWS, nil)
	for _, k := range awskind.All() {
		if k.Made != awskind.ByProgram {
			continue
		}
		_, err := aws.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: "absent", Urn: urn(k.Type, "x")})
		require.NoError(t, err, k.Type)
	}
}

func TestASecurityGroupRuleIsFoundByWhatItAllows(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, provider.Options{})
	aws := dial(t, s.AWS, nil)
	net, _, _ := aws.create(vpc, "net", object{"cidrBlock": "10.0.0.0/16"})
	group, _, _ := aws.create("aws:ec2/securityGroup:SecurityGroup", "g", object{"vpcId": net})
	const rule = "aws:ec2/securityGroupRule:SecurityGroupRule"
	id, inputs, _ := aws.create(rule, "r", object{
		"securityGroupId": group, "type": "ingress", "protocol": "tcp", "fromPort": 443.0, "toPort": 443.0,
		"cidrBlocks": []any{"10.0.0.0/8"},
	})
	read, err := aws.Read(t.Context(), &pulumirpc.ReadRequest{
		Id: "sgrule-of-another-making", Urn: urn(rule, "r"), Inputs: inputs,
	})
	require.NoError(t, err)
	require.Equal(t, id, read.Id)
}

func TestErrorsCarryTheCodeOfAWS(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, provider.Options{})
	aws := dial(t, s.AWS, nil)
	id, _, _ := aws.create(vpc, "net", object{"cidrBlock": "10.0.0.0/16"})
	aws.create(subnet, "a", object{"vpcId": id, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-west-2a"})
	_, err := aws.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: id, Urn: urn(vpc, "net")})
	require.ErrorContains(t, err,
		"deleting EC2 VPC ("+id+"): operation error EC2: DeleteVpc, https response error StatusCode: 400")
	require.ErrorContains(t, err, "api error DependencyViolation: ")

	in := aws.check(subnet, "b", object{"vpcId": "vpc-00000000", "cidrBlock": "10.0.1.0/24"})
	_, err = aws.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(subnet, "b"), Properties: in})
	require.ErrorContains(t, err, "api error InvalidVpcID.NotFound: ")
}

func TestAPreviewChangesNothing(t *testing.T) {
	t.Parallel()
	s, a := serve(t, provider.Options{PreviewOnly: true})
	aws := dial(t, s.AWS, nil)
	unknown := resource.MakeComputed(resource.NewProperty(""))
	in := marshal(t, resource.PropertyMap{"vpcId": unknown, "cidrBlock": resource.NewProperty("10.0.0.0/24")})
	checked, err := aws.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urn(subnet, "a"), News: in})
	require.NoError(t, err)
	require.Empty(t, checked.Failures)
	out, err := aws.Create(t.Context(), &pulumirpc.CreateRequest{
		Urn: urn(subnet, "a"), Properties: checked.Inputs, Preview: true,
	})
	require.NoError(t, err)
	planned := unmarshal(t, out.Properties)
	require.True(t, planned["arn"].IsComputed(), "AWS assigns it")
	require.True(t, planned["vpcId"].IsComputed())
	require.Equal(t, "10.0.0.0/24", planned["cidrBlock"].StringValue())
	require.Empty(t, out.Id)

	_, err = aws.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(subnet, "a"), Properties: checked.Inputs})
	require.ErrorContains(t, err, "only previews work offline")
	require.Empty(t, a.List(account.KindSubnet))

	first := unmarshal(t, aws.check(bucket, "Data", nil))["bucket"].StringValue()
	require.Regexp(t, `^data-[0-9a-f]{7}$`, first)
	again, err := aws.Check(t.Context(), &pulumirpc.CheckRequest{
		Urn: urn(bucket, "Data"), News: wire(t, nil), RandomSeed: []byte("other"),
	})
	require.NoError(t, err)
	require.Equal(t, first, unmarshal(t, again.Inputs)["bucket"].StringValue(), "offline names do not change")
}

func TestForceDestroyEmptiesABucket(t *testing.T) {
	t.Parallel()
	s, a := serve(t, provider.Options{})
	aws := dial(t, s.AWS, nil)
	for force, want := range map[bool]string{false: "api error BucketNotEmpty", true: ""} {
		id, inputs, _ := aws.create(bucket, "data", object{
			"bucket": map[bool]string{true: "b-force", false: "b-keep"}[force], "forceDestroy": force,
		})
		_, err := a.Objects.Put(id, "k", []byte("v"), nil)
		require.NoError(t, err)
		_, err = aws.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: id, Urn: urn(bucket, "data"), Properties: inputs})
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	s, a := serve(t, provider.Options{})
	aws := dial(t, s.AWS, nil)
	invoke := func(name string, in object) object {
		out, err := aws.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "aws:index/" + name + ":" + name, Args: wire(t, in)})
		require.NoError(t, err)
		require.Empty(t, out.Failures)
		return unmarshal(t, out.Return).Mappable()
	}
	require.Equal(t, a.ID(), invoke("getCallerIdentity", nil)["accountId"])
	require.Equal(t, "us-west-2", invoke("getRegion", nil)["name"])
	require.Equal(t, "aws", invoke("getPartition", nil)["partition"])
	zones := invoke("getAvailabilityZones", object{"state": "available", "excludeZoneIds": []any{"usw2-az2"}})
	require.Equal(t, []any{"us-west-2b", "us-west-2c", "us-west-2d"}, zones["names"])
	require.Equal(t, []any{"usw2-az1", "usw2-az3", "usw2-az4"}, zones["zoneIds"])

	_, err := aws.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "aws:ec2/getAmi:getAmi"})
	require.ErrorContains(t, err, "does not simulate the function aws:ec2/getAmi:getAmi")
	bad, err := aws.Invoke(t.Context(), &pulumirpc.InvokeRequest{
		Tok: "aws:index/getRegion:getRegion", Args: wire(t, object{"nam": "x"}),
	})
	require.NoError(t, err)
	require.Len(t, bad.Failures, 1)
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, provider.Options{})
	aws := dial(t, s.AWS, nil)
	out, err := aws.CheckConfig(t.Context(), &pulumirpc.CheckRequest{
		News: wire(t, object{"regon": "x", "assumeRoles": "[]", "region": "us-west-2"}),
	})
	require.NoError(t, err)
	require.Len(t, out.Failures, 2)
	require.Equal(t, "no such setting; the nearest is \"region\"", out.Failures[1].Reason)
	_, err = aws.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: wire(t, object{"region": "us-west-9"})})
	require.ErrorContains(t, err, "invalid AWS Region: us-west-9")
	_, err = aws.Configure(t.Context(), &pulumirpc.ConfigureRequest{
		Args: wire(t, object{"allowedAccountIds": `["444455556666"]`}),
	})
	require.ErrorContains(t, err, "AWS account ID not allowed")
}

func TestEachConnectionHasItsOwnConfiguration(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, provider.Options{})
	one := dial(t, s.AWS, object{"defaultTags": `{"tags":{"of":"one"}}`})
	two := dial(t, s.AWS, object{"defaultTags": `{"tags":{"of":"two"}}`})
	_, _, a := one.create(vpc, "a", object{"cidrBlock": "10.0.0.0/16"})
	_, _, b := two.create(vpc, "b", object{"cidrBlock": "10.1.0.0/16"})
	require.Equal(t, object{"of": "one"}, a["tagsAll"])
	require.Equal(t, object{"of": "two"}, b["tagsAll"])
}

// An engine that is killed after it asked for a resource does not know of it. The
// next one asks again.
func TestACreationThatNoEngineKnowsOfIsTakenUp(t *testing.T) {
	t.Parallel()
	s, a := serve(t, provider.Options{})
	killed := dial(t, s.AWS, nil)
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` +
		`"Principal":{"Service":"ec2.amazonaws.com"}}]}`
	id, inputs, _ := killed.create(role, "app", object{"assumeRolePolicy": trust})
	require.NoError(t, killed.conn.Close())
	next := dial(t, s.AWS, nil)
	var again *pulumirpc.CheckResponse
	require.Eventually(t, func() bool {
		var err error
		again, err = next.Check(context.Background(), &pulumirpc.CheckRequest{
			Urn: urn(role, "app"), RandomSeed: []byte("another"), News: wire(t, object{"assumeRolePolicy": trust}),
		})
		return err == nil && cmp.Equal(unmarshal(t, inputs).Mappable(), unmarshal(t, again.Inputs).Mappable())
	}, waitTime, pollTime, "the name is the lost one's")
	out, err := next.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(role, "app"), Properties: again.Inputs})
	require.NoError(t, err)
	require.Equal(t, id, out.Id)
	require.Len(t, a.List(account.KindRole), 1)

	_, err = next.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(role, "app"), Properties: again.Inputs})
	require.ErrorContains(t, err, "EntityAlreadyExists", "an engine that lives is refused as by AWS")
}

func TestCancelEndsAWaitAndKeepsWhatExists(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{Speed: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	s, err := provider.Serve(context.Background(), provider.Options{Account: a})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	aws, other := dial(t, s.AWS, nil), dial(t, s.AWS, nil)
	net, _, _ := aws.create(vpc, "net", object{"cidrBlock": "10.0.0.0/16"})
	sub, _, _ := aws.create(subnet, "a", object{"vpcId": net, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-west-2a"})
	const nat = "aws:ec2/natGateway:NatGateway"
	in := aws.check(nat, "nat", object{"subnetId": sub, "connectivityType": "private"})
	done := make(chan error, 1)
	go func() {
		_, err := aws.Create(context.Background(), &pulumirpc.CreateRequest{Urn: urn(nat, "nat"), Properties: in})
		done <- err
	}()
	require.Eventually(t, func() bool { return len(a.List(account.KindNATGateway)) == 1 }, waitTime, pollTime)
	_, err = other.Cancel(t.Context(), nil)
	require.NoError(t, err)
	_, err = aws.Cancel(t.Context(), nil)
	require.NoError(t, err)
	err = <-done
	require.ErrorContains(t, err, "cancelled by the engine")
	details := rpcerror.Convert(err).Details()
	require.Len(t, details, 1, "the engine learns what exists")
	failed, ok := details[0].(*pulumirpc.ErrorResourceInitFailed)
	require.True(t, ok)
	require.Equal(t, a.List(account.KindNATGateway)[0].ID, failed.Id)
}

// A role's session is asked for every action that the real provider needs: it is refused as AWS refuses, with the action named.
func TestARoleMayDoWhatItsPolicySays(t *testing.T) {
	t.Parallel()
	admin, a := serve(t, provider.Options{})
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Resource":"*","Action":["ec2:DescribeVpcs",` +
		`"ec2:DescribeVpcAttribute","ec2:DescribeNetworkAcls","ec2:DescribeRouteTables","ec2:DescribeSecurityGroups"]}]}`
	trust := `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"sts:AssumeRole",` +
		`"Principal":{"AWS":"*"}}]}`
	_, err := a.Create(t.Context(), a.Administrator(), account.KindRole, account.Props{
		"name": "reader", "assumeRolePolicy": trust, "inlinePolicies": []any{object{"name": "read", "policy": policy}},
	})
	require.NoError(t, err)
	caller := account.Caller{
		ARN: "arn:aws:sts::" + a.ID() + ":assumed-role/reader/s", Account: a.ID(), Role: "reader", Session: "s",
	}
	servers, err := provider.Serve(t.Context(), provider.Options{Account: a, Caller: &caller})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, servers.Close()) })

	id, inputs, _ := dial(t, admin.AWS, object{}).create(vpc, "main", object{"cidrBlock": "10.0.0.0/16"})
	reader := dial(t, servers.AWS, object{})
	read, err := reader.Read(t.Context(), &pulumirpc.ReadRequest{Urn: urn(vpc, "main"), Id: id})
	require.NoError(t, err)
	require.Equal(t, id, read.Id)
	for action, do := range map[string]func() error{
		"ec2:CreateVpc": func() error {
			_, err := reader.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn(vpc, "other"), Properties: inputs})
			return err
		},
		"ec2:ModifyVpcAttribute": func() error {
			_, err := reader.Update(t.Context(), &pulumirpc.UpdateRequest{Urn: urn(vpc, "main"), Id: id, News: inputs})
			return err
		},
		"ec2:DeleteVpc": func() error {
			_, err := reader.Delete(t.Context(), &pulumirpc.DeleteRequest{Urn: urn(vpc, "main"), Id: id, Properties: inputs})
			return err
		},
	} {
		require.ErrorContains(t, do(), "api error UnauthorizedOperation", action)
		require.ErrorContains(t, do(), "is not authorized to perform: "+action)
	}
	require.Len(t, a.Find(account.KindVPC, func(account.Resource) bool { return true }), 1, "nothing was changed")
}
