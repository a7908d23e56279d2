// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// entry is one of the Price List in the format aws_v1.
func entry(usage, unit, usd string) string {
	return fmt.Sprintf(`{"product":{"productFamily":"x","attributes":{"usagetype":%q,"regionCode":"us-west-2"},`+
		`"sku":"S"},"serviceCode":"X",
		"terms":{"OnDemand":{"S.JRTCKXETXF":{"priceDimensions":{"S.JRTCKXETXF.6YS6EN2CT7":{"unit":%q,`+
		`"beginRange":"0","endRange":"Inf",
		"pricePerUnit":{"USD":%q}}}}},"Reserved":{}},"version":"1","publicationDate":"2026-11-20T00:00:00Z"}`, usage, unit, usd)
}

// priceServer answers GetProducts page by page, and keeps what was asked.
func priceServer(t *testing.T, pages ...[]string) (*Client, *[]string) {
	t.Helper()
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Header.Get("X-Amz-Target")+" "+string(body))
		var in struct{ NextToken string }
		_ = json.Unmarshal(body, &in)
		page, next := len(in.NextToken), ""
		if page+1 < len(pages) {
			next = strings.Repeat("n", page+1)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_ = json.NewEncoder(w).Encode(map[string]any{"FormatVersion": "aws_v1", "PriceList": pages[page], "NextToken": next})
	}))
	t.Cleanup(s.Close)
	return client(t, s.URL), &asked
}

func TestPricesAreReadFromThePriceList(t *testing.T) {
	t.Parallel()
	free := entry("USW2-BoxUsage:c5d.xlarge", "Hrs", "0.0000000000")
	for name, c := range map[string]struct {
		rate  string // "" asks for c5d.xlarge
		pages [][]string
		want  Price
	}{
		"an instance": {
			"", [][]string{{entry("USW2-BoxUsage:c5d.xlarge", "Hrs", "0.1920000000"), free}}, Price{USD: 0.192, Found: true},
		},
		"an instance in us-east-1, whose usage types have no prefix": {
			"", [][]string{{entry("BoxUsage:c5d.xlarge", "Hrs", "0.1920000000")}}, Price{USD: 0.192, Found: true},
		},
		"another usage type is no price of it": {
			"", [][]string{{entry("USW2-UnusedBox:c5d.xlarge", "Hrs", "9"), entry("USW2-BoxUsage:c5d.xlarge", "Quantity", "8")}},
			Price{Why: "the AWS Price List has no price for BoxUsage:c5d.xlarge in us-west-2"},
		},
		"a price on the second page": {
			"nat-gateway",
			[][]string{{entry("USW2-NatGateway-Bytes", "GB", "0.045")}, {entry("USW2-NatGateway-Hours", "Hrs", "0.045")}},
			Price{USD: 0.045, Found: true},
		},
		"two prices are none": {
			"nat-gateway",
			[][]string{{entry("USW2-NatGateway-Hours", "Hrs", "0.045"), entry("USW2-NatGateway-Hours", "Hrs", "0.05")}},
			Price{Why: "the AWS Price List has several prices for NatGateway-Hours in us-west-2"},
		},
		"extended support is two amounts": {
			"eks-cluster-extended",
			[][]string{{
				entry("USW2-AmazonEKS-Hours:perCluster", "Hours", "0.10"),
				entry("USW2-AmazonEKS-Hours:extendedSupport", "hours", "0.50"),
			}},
			Price{USD: 0.6, Found: true},
		},
		"a volume": {"ebs-gp3", [][]string{{entry("USW2-EBS:VolumeUsage.gp3", "GB-Mo", "0.08")}}, Price{USD: 0.08, Found: true}},
		"an unknown rate is asked of nobody": {
			"tea", nil, Price{Why: `this tool does not know where the Price List has "tea"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl, _ := priceServer(t, c.pages...)
			got, err := cl.RatePrice(t.Context(), c.rate)
			if c.rate == "" {
				got, err = cl.InstancePrice(t.Context(), "c5d.xlarge")
			}
			require.NoError(t, err)
			require.InDelta(t, c.want.USD, got.USD, 1e-9)
			got.USD, c.want.USD = 0, 0
			require.Equal(t, c.want, got)
		})
	}
}

func TestThePriceListIsAskedForTheRegionAndNoOther(t *testing.T) {
	t.Parallel()
	c, asked := priceServer(t, []string{})
	_, err := c.InstancePrice(t.Context(), "m5.xlarge")
	require.NoError(t, err)
	require.Len(t, *asked, 1)
	for _, part := range []string{
		"AWSPriceListService.GetProducts", `"ServiceCode":"AmazonEC2"`,
		`"Field":"regionCode","Type":"TERM_MATCH","Value":"us-west-2"`,
		`"Field":"instanceType","Type":"TERM_MATCH","Value":"m5.xlarge"`,
		`"Field":"operatingSystem","Type":"TERM_MATCH","Value":"Linux"`,
	} {
		require.Contains(t, (*asked)[0], part)
	}
}

func TestADeniedPriceListIsAnErrorOfAWS(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","message":"not authorized to perform: pricing:GetProducts"}`)
	}))
	t.Cleanup(s.Close)
	_, err := client(t, s.URL).RatePrice(t.Context(), "eks-cluster")
	require.True(t, IsCode(err, "AccessDeniedException"), err)
	require.ErrorContains(t, err, "pricing:GetProducts")
}

// Every rate of the price tables has a place in the Price List.
func TestEveryRateHasItsProduct(t *testing.T) {
	t.Parallel()
	for _, rate := range []string{
		"eks-cluster", "eks-cluster-extended", "nat-gateway", "public-ipv4", "interface-endpoint", "load-balancer", "ebs-gp3",
		"ebs-gp2",
	} {
		require.NotEmpty(t, products(rate), rate)
	}
}
