// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localtarget"
	"emrflink/internal/proppath"
)

func TestAFaultNeedsAnActionThatSomethingCalls(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	d := &Daemon{account: a}
	require.ErrorContains(t, d.setFault(localtarget.Fault{Action: "s3:CreateBuket", Error: "AccessDenied"}),
		`the nearest is "s3:CreateBucket"`)
	require.NoError(t, d.setFault(localtarget.Fault{Action: "s3:Create*", Error: "AccessDenied", Times: 1}))
	require.Len(t, faultsOf(a), 1)
	err = a.Fault(t.Context(), "s3:CreateBucket", account.KindBucket, "b")
	require.Equal(t, "AccessDenied", awserror.Code(err))
	require.NoError(t, a.Fault(t.Context(), "s3:CreateBucket", account.KindBucket, "b"), "it applied once")
	require.Empty(t, faultsOf(a))

	require.NoError(t, d.setFault(localtarget.Fault{Action: "ec2:RunInstances", Error: "InsufficientInstanceCapacity"}))
	require.NoError(t, a.Authorize(account.Caller{}, "ec2:RunInstances", "*", nil), "a permission does not lack capacity")
	require.Equal(t, 1, a.ClearFaults(""))
}

func TestAnInstanceIsTakenAway(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	d := &Daemon{account: a}
	create := func(k account.Kind, p account.Props) string {
		r, err := a.Create(t.Context(), account.Caller{}, k, p)
		require.NoError(t, err)
		return r.ID
	}
	subnet := create(account.KindSubnet, account.Props{
		"vpcId": create(account.KindVPC, account.Props{"cidrBlock": "10.0.0.0/16"}), "cidrBlock": "10.0.0.0/24",
		"availabilityZone": "us-west-2a",
	})
	run := func(spot bool) account.Resource {
		list, err := a.RunInstances(t.Context(), account.Caller{}, account.RunRequest{
			InstanceType: "c5d.large", SubnetID: subnet, ImageID: "ami-0123456789abcdef0", Spot: spot,
		})
		require.NoError(t, err)
		return list[0]
	}
	state := func(r account.Resource) string { now, _ := a.Get(account.KindInstance, r.ID); return now.State }
	spot, demand, other := run(true), run(false), run(false)
	require.NoError(t, d.order(t.Context(), localtarget.Fault{Action: localtarget.SpotInterruption}))
	require.Equal(t, "terminated", state(spot))
	require.Equal(t, "running", state(demand), "it is no spot instance")
	node, _ := demand.Attrs["privateDns"].(string)
	require.NoError(t, d.order(t.Context(), localtarget.Fault{Action: localtarget.InstanceTermination, Match: node}))
	require.Equal(t, "terminated", state(demand))
	require.Equal(t, "running", state(other))
	require.Empty(t, d.faults(), "it is not a fault that goes on")
}

func TestAnEditFollowsTheRulesOfAWS(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	d := &Daemon{account: a}
	r, err := a.Create(t.Context(), account.Caller{}, account.KindVPC, account.Props{"cidrBlock": "10.0.0.0/16"})
	require.NoError(t, err)
	const vpc = "aws:ec2/vpc:Vpc"
	require.NoError(t,
		d.edit(t.Context(), Edit{Type: vpc, ID: r.ID, Changes: []proppath.Change{{Path: "tags.owner", Value: "me"}}}))
	now, _ := a.Get(account.KindVPC, r.ID)
	require.Equal(t, "me", now.Tags["owner"])
	var refused *RefusedError
	require.ErrorAs(t,
		d.edit(t.Context(), Edit{Type: vpc, ID: r.ID, Changes: []proppath.Change{{Path: "cidrBlock", Value: "10.9.0.0/16"}}}),
		&refused)
	for change, why := range map[string]string{
		"enableDnsHostname=true": `enableDnsHostname: no such property; the nearest is "enableDnsHostnames"`,
		"enableDnsSupport=maybe": "enableDnsSupport: want", "none.at[3].all=1": "none: no such property",
	} {
		c, err := proppath.Parse(change)
		require.NoError(t, err)
		require.ErrorContains(t, d.edit(t.Context(), Edit{Type: vpc, ID: r.ID, Changes: []proppath.Change{c}}), why)
	}
	require.ErrorContains(t, d.edit(t.Context(), Edit{Type: vpc, ID: "vpc-none", Delete: true}), "has no")
	require.ErrorContains(t, d.edit(t.Context(), Edit{Type: "aws:rds/instance:Instance", ID: "x"}), "does not simulate")
	require.NoError(t, d.edit(t.Context(), Edit{Type: vpc, ID: r.ID, Delete: true}))
	_, there := a.Get(account.KindVPC, r.ID)
	require.False(t, there)
}
