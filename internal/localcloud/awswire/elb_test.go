// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"encoding/xml"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/localcloud/account"
)

// classic makes a classic load balancer.
func (w *world) classic(name string, tags account.Props) account.Resource {
	return w.create(account.KindClassicBalancer, account.Props{
		"name": name, "subnets": []any{w.subnets[0], w.subnets[1]}, "securityGroups": []any{w.group}, "tags": tags,
	})
}

// askClassic asks the API of classic load balancers, which the version chooses.
func (w *world) askClassic(form string, into any) answered {
	w.t.Helper()
	a := w.call(w.t.Context(), w.cfg, "elasticloadbalancing", "POST", "/",
		map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "Version=2012-06-01&"+form)
	if into != nil {
		require.Equal(w.t, 200, a.status, string(a.body))
		require.NoError(w.t, xml.Unmarshal(a.body, into))
	}
	return a
}

func TestClassicLoadBalancersHaveAnAPIOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.classic("a", account.Props{"team": "x"})
	w.classic("b", nil)
	w.create(account.KindLoadBalancer, account.Props{"name": "n", "loadBalancerType": "network", "subnets": []any{w.subnets[0]}})
	var page struct {
		Names  []string `xml:"DescribeLoadBalancersResult>LoadBalancerDescriptions>member>LoadBalancerName"`
		DNS    []string `xml:"DescribeLoadBalancersResult>LoadBalancerDescriptions>member>DNSName"`
		Groups []string `xml:"DescribeLoadBalancersResult>LoadBalancerDescriptions>member>SecurityGroups>member"`
		Next   string   `xml:"DescribeLoadBalancersResult>NextMarker"`
	}
	w.askClassic("Action=DescribeLoadBalancers&PageSize=1", &page)
	require.Equal(t, []string{"a"}, page.Names, "and none of the other API")
	require.Regexp(t, `^a-[0-9a-f]+\.us-west-2\.elb\.amazonaws\.com$`, page.DNS[0])
	require.Equal(t, []string{w.group}, page.Groups)
	marker := page.Next
	page.Names, page.Next = nil, ""
	w.askClassic("Action=DescribeLoadBalancers&Marker="+marker, &page)
	require.Equal(t, []string{"b"}, page.Names)
	require.Empty(t, page.Next)
	var tags struct {
		Keys []string `xml:"DescribeTagsResult>TagDescriptions>member>Tags>member>Key"`
	}
	w.askClassic("Action=DescribeTags&LoadBalancerNames.member.1=a", &tags)
	require.Equal(t, []string{"team"}, tags.Keys)
	for form, says := range map[string]string{
		"Action=DescribeLoadBalancers&LoadBalancerNames.member.1=none": "LoadBalancerNotFound: There is no ACTIVE Load Balancer",
		"Action=DescribeTags&LoadBalancerNames.member.1=n":             "LoadBalancerNotFound: There is no ACTIVE Load Balancer",
		"Action=DescribeLoadBalancers&Marker=%25":                      "ValidationError: Invalid Marker.",
		"Action=CreateLoadBalancer":                                    "NotImplemented: elasticloadbalancing:CreateLoadBalancer",
	} {
		require.ErrorContains(t, formError(t, w.askClassic(form, nil)), says)
	}
	require.Equal(t, 200, w.askClassic("Action=DeleteLoadBalancer&LoadBalancerName=none", nil).status, "as on AWS")
	others, err := w.client().DeploymentResources(t.Context(), awsapi.Deployment{Name: "d", Cluster: "d", Tags: tagged("none")})
	require.NoError(t, err)
	require.Empty(t, others)
}

func tagged(team string) map[string]string { return map[string]string{"team": team} }

func TestTheInventoryFindsClassicLoadBalancersAndDeletesThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for i := range 25 { // more than one call for tags takes
		name := fmt.Sprintf("a%02d", i)
		w.classic(name, account.Props{"kubernetes.io/cluster/demo": "owned", "kubernetes.io/service-name": "default/" + name})
		want = append(want, name)
	}
	w.classic("theirs", account.Props{"kubernetes.io/cluster/demo-2": "owned"})
	c, d := w.client(), awsapi.Deployment{Name: "demo", Cluster: "demo", Tags: tagged("none")}
	found := func() (names []string, all []awsapi.Resource) {
		rs, err := c.DeploymentResources(t.Context(), d)
		require.NoError(t, err)
		for _, r := range rs {
			if r.Type == awsapi.TypeClassicBalancer {
				require.Equal(t, []string{"kubernetes", w.vpc}, []string{r.CreatedBy, r.Detail["vpc"]})
				require.True(t, r.IsLoadBalancer())
				names, all = append(names, r.ID), append(all, r)
			}
		}
		slices.Sort(names)
		return names, all
	}
	names, all := found()
	require.Equal(t, want, names)
	for _, r := range all {
		require.NoError(t, c.Delete(t.Context(), r))
		require.NoError(t, c.Delete(t.Context(), r), "again")
	}
	names, _ = found()
	require.Empty(t, names)
	_, there := w.account.Get(account.KindClassicBalancer, "theirs")
	require.True(t, there)
	for _, eni := range w.account.List(account.KindNetworkInterface) {
		require.Equal(t, "ELB theirs", eni.All()["description"], "the interfaces went with their load balancers")
	}

	role := w.role("nobody", "ec2.amazonaws.com", "")
	denied, err := w.client().AssumeRole(t.Context(), role.ARN, "session")
	require.NoError(t, err)
	err = denied.Delete(t.Context(), awsapi.Resource{Type: awsapi.TypeClassicBalancer, ID: "theirs"})
	require.True(t, awsapi.IsDenied(err), err)
	require.ErrorContains(t, err, `elasticloadbalancing:DeleteLoadBalancer "theirs": AccessDenied: `)
	require.ErrorContains(t, err, "loadbalancer/theirs")
}
