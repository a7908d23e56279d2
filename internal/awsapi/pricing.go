// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
)

// pricingRegion is one of the regions in which the Price List answers; it knows the prices of all
// (docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html).
const pricingRegion = "us-east-1"

// product says where the Price List has a price: the service, the attributes that must be so, and how the usage type
// ends ("USW2-NatGateway-Hours", and "NatGateway-Hours" in us-east-1). All parts of one price are added up.
type product struct {
	service string
	filters map[string]string
	usage   string
	unit    string
}

// products are the parts of a rate of package cost. The extended support of EKS is charged on top of the control plane
// (aws.amazon.com/eks/pricing), and the Price List has it as an amount of its own.
func products(rate string) []product {
	cluster := product{"AmazonEKS", nil, "AmazonEKS-Hours:perCluster", "hour"}
	switch rate {
	case "eks-cluster":
		return []product{cluster}
	case "eks-cluster-extended":
		return []product{cluster, {"AmazonEKS", nil, "AmazonEKS-Hours:extendedSupport", "hour"}}
	case "nat-gateway":
		return []product{{"AmazonEC2", map[string]string{"productFamily": "NAT Gateway"}, "NatGateway-Hours", "hrs"}}
	case "public-ipv4":
		return []product{{"AmazonVPC", nil, "PublicIPv4:InUseAddress", "hrs"}}
	case "interface-endpoint":
		return []product{{"AmazonVPC", map[string]string{"productFamily": "VpcEndpoint"}, "VpcEndpoint-Hours", "hrs"}}
	case "load-balancer":
		return []product{{"AWSELB", map[string]string{"productFamily": "Load Balancer-Network"}, "LoadBalancerUsage", "hrs"}}
	case "classic-load-balancer":
		return []product{{"AWSELB", map[string]string{"productFamily": "Load Balancer"}, "LoadBalancerUsage", "hrs"}}
	case "ebs-gp3", "ebs-gp2":
		kind := strings.TrimPrefix(rate, "ebs-")
		return []product{{
			"AmazonEC2", map[string]string{"productFamily": "Storage", "volumeApiName": kind}, "EBS:VolumeUsage." + kind, "GB-Mo",
		}}
	}
	return nil
}

// Price is what the Price List says of one thing. Why tells, when it has no single price, what it has instead.
type Price struct {
	USD   float64
	Found bool
	Why   string
}

// InstancePrice asks for the on-demand price per hour of a Linux instance in the client's region.
func (c *Client) InstancePrice(ctx context.Context, instanceType string) (Price, error) {
	return c.listPrice(ctx, product{"AmazonEC2", map[string]string{
		"instanceType": instanceType, "operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA",
		"capacitystatus": "Used",
	}, "BoxUsage:" + instanceType, "hrs"})
}

// RatePrice asks for a rate by its name in the price tables.
func (c *Client) RatePrice(ctx context.Context, rate string) (Price, error) {
	parts := products(rate)
	if parts == nil {
		return Price{Why: fmt.Sprintf("this tool does not know where the Price List has %q", rate)}, nil
	}
	sum := Price{Found: true}
	for _, p := range parts {
		one, err := c.listPrice(ctx, p)
		if err != nil || !one.Found {
			return one, err
		}
		sum.USD += one.USD
	}
	return sum, nil
}

// listPrice finds the one on-demand price of a product. Several that differ are none: nothing says which is meant.
func (c *Client) listPrice(ctx context.Context, p product) (Price, error) {
	filters := []types.Filter{termMatch("regionCode", c.Region())}
	for field, v := range p.filters {
		filters = append(filters, termMatch(field, v))
	}
	var found []float64
	pages := pricing.NewGetProductsPaginator(c.pricing, &pricing.GetProductsInput{
		ServiceCode: aws.String(p.service), Filters: filters, FormatVersion: aws.String("aws_v1"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Price{}, wrap("pricing:GetProducts", p.usage, err)
		}
		for _, text := range page.PriceList {
			usd, err := p.read(text)
			if err != nil {
				return Price{}, fmt.Errorf("read the AWS Price List for %q: %w", p.usage, err)
			}
			found = append(found, usd...)
		}
	}
	for _, usd := range found {
		if usd != found[0] {
			return Price{Why: fmt.Sprintf("the AWS Price List has several prices for %s in %s", p.usage, c.Region())}, nil
		}
	}
	if len(found) == 0 {
		return Price{Why: fmt.Sprintf("the AWS Price List has no price for %s in %s", p.usage, c.Region())}, nil
	}
	return Price{USD: found[0], Found: true}, nil
}

func termMatch(field, value string) types.Filter {
	return types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(field), Value: aws.String(value)}
}

// listed is one entry of the Price List, in the format aws_v1
// (docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file.html).
type listed struct {
	Product struct {
		Attributes map[string]string `json:"attributes"`
	} `json:"product"`
	Terms struct {
		OnDemand map[string]struct {
			PriceDimensions map[string]struct {
				Unit         string            `json:"unit"`
				BeginRange   string            `json:"beginRange"`
				PricePerUnit map[string]string `json:"pricePerUnit"`
			} `json:"priceDimensions"`
		} `json:"OnDemand"`
	} `json:"terms"`
}

// read returns the prices in US dollars of an entry that is the product. Entries of other usage types, free ones and
// those in another unit are left out: capacity reservations and credits are listed beside the price.
func (p product) read(text string) ([]float64, error) {
	var l listed
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return nil, err
	}
	if !regexp.MustCompile(`^([A-Z0-9]+-)?` + regexp.QuoteMeta(p.usage) + `$`).MatchString(l.Product.Attributes["usagetype"]) {
		return nil, nil
	}
	var out []float64
	for _, term := range l.Terms.OnDemand {
		for _, d := range term.PriceDimensions {
			if !sameUnit(d.Unit, p.unit) || d.PricePerUnit["USD"] == "" || d.BeginRange != "" && d.BeginRange != "0" {
				continue
			}
			usd, err := strconv.ParseFloat(d.PricePerUnit["USD"], 64)
			if err != nil {
				return nil, err
			}
			if usd > 0 {
				out = append(out, usd)
			}
		}
	}
	return out, nil
}

// sameUnit compares units, which services spell in their own way: Hrs, hours, Hour.
func sameUnit(a, b string) bool {
	plain := func(s string) string {
		s = strings.ToLower(s)
		if strings.HasPrefix(s, "h") {
			return "hours"
		}
		return s
	}
	return plain(a) == plain(b)
}
