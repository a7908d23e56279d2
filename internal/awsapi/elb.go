// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// elbService has two APIs: that of classic load balancers is chosen by its version, and speaks in forms and XML.
const (
	elbService     = "elasticloadbalancing"
	classicVersion = "2012-06-01"
)

// IsLoadBalancer says whether it is a load balancer of either API.
func (r Resource) IsLoadBalancer() bool {
	return r.Type == TypeLoadBalancer || r.Type == TypeClassicBalancer
}

// classicELB calls an operation of the API of classic load balancers and decodes its answer into out (nil: dropped).
func (c *Client) classicELB(ctx context.Context, op, resource string, form url.Values, out any) error {
	form.Set("Action", op)
	form.Set("Version", classicVersion)
	answer, err := c.raw.send(ctx, rawRequest{
		service: elbService, op: op, resource: resource, body: []byte(form.Encode()), failure: xmlFailure,
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
	})
	if err != nil || out == nil {
		return err
	}
	if err := xml.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode the answer of %s:%s: %w", elbService, op, err)
	}
	return nil
}

// xmlFailure reads the error shape of the query protocol.
func xmlFailure(body []byte, _ http.Header) (code, message string) {
	var e struct {
		Error struct{ Code, Message string }
	}
	if xml.Unmarshal(body, &e) != nil {
		return "", strings.TrimSpace(string(body))
	}
	return e.Error.Code, e.Error.Message
}

// findClassicBalancers reads all of the region and keeps those in the deployment's VPC or tagged with its cluster. EKS makes one
// for each Service of type LoadBalancer that asks for no other kind.
func (c *Client) findClassicBalancers(ctx context.Context, d Deployment) ([]Resource, error) {
	var all []Resource
	for form := (url.Values{}); ; {
		var page struct {
			Balancers []struct {
				Name string `xml:"LoadBalancerName"`
				VPC  string `xml:"VPCId"`
			} `xml:"DescribeLoadBalancersResult>LoadBalancerDescriptions>member"`
			Next string `xml:"DescribeLoadBalancersResult>NextMarker"`
		}
		if err := c.classicELB(ctx, "DescribeLoadBalancers", "", form, &page); err != nil {
			return nil, err
		}
		for _, lb := range page.Balancers {
			all = append(all, Resource{
				Service: elbService, Type: TypeClassicBalancer, ID: lb.Name, Name: lb.Name,
				Detail: map[string]string{"vpc": lb.VPC, "kind": "classic"},
			})
		}
		if page.Next == "" {
			break
		}
		form = url.Values{"Marker": {page.Next}}
	}
	return d.ownBalancers(ctx, all, c.classicTags)
}

func (c *Client) classicTags(ctx context.Context, rs []Resource) (map[string]map[string]string, error) {
	form := url.Values{}
	for i, r := range rs {
		form.Set("LoadBalancerNames.member."+strconv.Itoa(i+1), r.ID)
	}
	var out struct {
		Of []struct {
			Name string                        `xml:"LoadBalancerName"`
			Tags []struct{ Key, Value string } `xml:"Tags>member"`
		} `xml:"DescribeTagsResult>TagDescriptions>member"`
	}
	if err := c.classicELB(ctx, "DescribeTags", "", form, &out); err != nil {
		return nil, err
	}
	tags := map[string]map[string]string{}
	for _, of := range out.Of {
		tags[of.Name] = map[string]string{}
		for _, t := range of.Tags {
			tags[of.Name][t.Key] = t.Value
		}
	}
	return tags, nil
}

// deleteClassicBalancer deletes a classic load balancer by name; its interfaces go later.
func (c *Client) deleteClassicBalancer(ctx context.Context, name string) error {
	return c.classicELB(ctx, "DeleteLoadBalancer", name, url.Values{"LoadBalancerName": {name}}, nil)
}
