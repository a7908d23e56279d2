// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"encoding/json"
	"fmt"
	"slices"

	"emrflink/internal/localcloud/account"
)

// instanceType finds a type in the account's table.
func (q *request) instanceType(name string) (account.InstanceType, bool) {
	for _, t := range q.account.InstanceTypes() {
		if t.Type == name {
			return t, true
		}
	}
	return account.InstanceType{}, false
}

// ec2Arch is EC2's word for a Kubernetes architecture.
func ec2Arch(arch string) string {
	if arch == "amd64" {
		return "x86_64"
	}
	return arch
}

// manufacturer is EC2's word for the maker of a processor.
func manufacturer(m string) string {
	switch m {
	case "aws":
		return "AWS"
	case "intel":
		return "Intel"
	case "amd":
		return "AMD"
	}
	return m
}

func describeInstanceTypes(q *request) (answer, error) {
	t := table{ids: "InstanceType", notFound: "InvalidInstanceType", noun: "instance type",
		filters: []string{"instance-type", "supported-virtualization-type", "processor-info.supported-architecture", "bare-metal",
			"current-generation",
			"supported-usage-class", "hypervisor"}}
	var rows []row
	for _, it := range q.account.InstanceTypes() {
		hypervisor := it.Hypervisor
		if it.BareMetal {
			hypervisor = ""
		}
		rows = append(rows, row{
			id: it.Type,
			attrs: map[string][]string{"instance-type": {it.Type}, "supported-virtualization-type": {"hvm"},
				"processor-info.supported-architecture": {ec2Arch(it.Arch)}, "bare-metal": {fmt.Sprint(it.BareMetal)},
				"current-generation":    {"true"},
				"supported-usage-class": {"on-demand", "spot"}, "hypervisor": one(hypervisor)},
			body: instanceTypeBody(it, hypervisor),
		})
	}
	return q.describe(t, "instanceTypeSet", rows)
}

func instanceTypeBody(it account.InstanceType, hypervisor string) []node {
	cpu := el("processorInfo", texts("supportedArchitectures", "item", []string{ec2Arch(it.Arch)}),
		txt("manufacturer", manufacturer(it.Manufacturer)))
	if it.ClockMHz > 0 {
		cpu.kids = append(cpu.kids, txt("sustainedClockSpeedInGhz", fmt.Sprintf("%.1f", float64(it.ClockMHz)/1000)))
	}
	body := []node{
		txt("instanceType", it.Type), boolean("currentGeneration", true), boolean("freeTierEligible", false),
		texts("supportedUsageClasses", "item", []string{"on-demand", "spot"}),
		texts("supportedRootDeviceTypes", "item", []string{"ebs"}),
		texts("supportedVirtualizationTypes", "item", []string{"hvm"}), boolean("bareMetal", it.BareMetal),
		opt("hypervisor", hypervisor), cpu,
		el("vCpuInfo", num("defaultVCpus", it.VCPU)), el("memoryInfo", num("sizeInMiB", it.MemoryMiB)),
		boolean("instanceStorageSupported", it.NVMeGB > 0),
		el("networkInfo", txt("networkPerformance", fmt.Sprintf("%.2f Gigabit", float64(it.NetworkMbps)/1000)),
			num("maximumNetworkInterfaces", it.ENIs),
			num("maximumNetworkCards", 1), num("defaultNetworkCardIndex", 0),
			list("networkCards", "item", []node{el("", num("networkCardIndex", 0), num("maximumNetworkInterfaces", it.ENIs))}),
			num("ipv4AddressesPerInterface", it.IPv4PerENI), num("ipv6AddressesPerInterface", it.IPv4PerENI),
			boolean("ipv6Supported", true),
			txt("enaSupport", "required"), boolean("efaSupported", false)),
	}
	if it.NVMeGB > 0 {
		body = append(body, el("instanceStorageInfo", num("totalSizeInGB", it.NVMeGB), txt("nvmeSupport", "required")))
	}
	if it.EBSMbps > 0 {
		body = append(body, el("ebsInfo", txt("ebsOptimizedSupport", "default"), txt("encryptionSupport", "supported"),
			el("ebsOptimizedInfo", num("baselineBandwidthInMbps", it.EBSMbps), num("maximumBandwidthInMbps", it.EBSMbps)),
			txt("nvmeSupport", "required")))
	}
	return body
}

func describeInstanceTypeOfferings(q *request) (answer, error) {
	t := table{ids: "none", filters: []string{"instance-type", "location"}}
	kind := q.form.str("LocationType")
	zones := map[string]string{} // by place
	var places []string
	switch kind {
	case "", "region":
		kind, places = "region", []string{q.region}
	case "availability-zone", "availability-zone-id":
		for _, z := range q.account.ZonesIn(q.region) {
			place := z.Name
			if kind == "availability-zone-id" {
				place = z.ID
			}
			places, zones[place] = append(places, place), z.Name
		}
	default:
		return answer{}, invalid("InvalidParameterValue", "The location type '%s' is not simulated", kind)
	}
	var rows []row
	for _, it := range q.account.InstanceTypes() {
		for _, place := range places {
			if zone := zones[place]; zone != "" && !q.account.Offers(zone, it.Type) {
				continue
			}
			rows = append(rows, row{id: it.Type + place, attrs: map[string][]string{"instance-type": {it.Type},
				"location": {place}},
				body: []node{txt("instanceType", it.Type), txt("locationType", kind), txt("location", place)}})
		}
	}
	return q.describe(t, "instanceTypeOfferingSet", rows)
}

func describeSpotPriceHistory(q *request) (answer, error) {
	t := table{ids: "none", filters: []string{"instance-type", "availability-zone", "product-description"}}
	const product = "Linux/UNIX"
	products, types := q.form.strings("ProductDescription"), q.form.strings("InstanceType")
	wanted := len(products) == 0 || slices.Contains(products, product) || slices.Contains(products, product+" (Amazon VPC)")
	var rows []row
	for _, it := range q.account.InstanceTypes() {
		if !wanted || len(types) > 0 && !slices.Contains(types, it.Type) {
			continue
		}
		for _, z := range q.account.ZonesIn(q.region) {
			if !q.account.Offers(z.Name, it.Type) {
				continue
			}
			rows = append(rows, row{
				id: it.Type + z.Name,
				attrs: map[string][]string{"instance-type": {it.Type}, "availability-zone": {z.Name},
					"product-description": {product}},
				body: []node{txt("instanceType", it.Type), txt("productDescription", product),
					txt("spotPrice", price(it.SpotUSD)),
					when("timestamp", q.now), txt("availabilityZone", z.Name)},
			})
		}
	}
	return q.describe(t, "spotPriceHistorySet", rows)
}

// getProducts answers the on-demand prices of AmazonEC2. Of its filters
// instanceType and productFamily select; all others name what every row of the
// table is (Linux, no pre-installed software, the region), and tenancy, which
// does not change the price of a bare-metal machine.
func getProducts(q *request) (answer, error) {
	var in struct {
		ServiceCode string
		Filters     []struct{ Type, Field, Value string }
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	if in.ServiceCode != "AmazonEC2" {
		return answer{}, invalid("InvalidParameterException", "the prices of %s are not simulated", in.ServiceCode)
	}
	want := map[string]string{}
	for _, f := range in.Filters {
		want[f.Field] = f.Value
	}
	tenancy := want["tenancy"]
	if tenancy == "" {
		tenancy = "Shared"
	}
	prices := []string{}
	for _, it := range q.account.InstanceTypes() {
		family := "Compute Instance"
		if it.BareMetal {
			family += " (bare metal)"
		}
		if v := want["instanceType"]; v != "" && v != it.Type {
			continue
		}
		if v := want["productFamily"]; v != "" && v != family {
			continue
		}
		p, err := json.Marshal(priceProduct(it, tenancy))
		if err != nil {
			return answer{}, fmt.Errorf("encode the price of %s: %w", it.Type, err)
		}
		prices = append(prices, string(p))
	}
	return q.json(map[string]any{"FormatVersion": "aws_v1", "PriceList": prices})
}

func priceProduct(it account.InstanceType, tenancy string) map[string]any {
	rate := map[string]any{"unit": "Hrs", "pricePerUnit": map[string]any{"USD": price(it.OnDemandUSD)}}
	return map[string]any{
		"serviceCode": "AmazonEC2",
		"product": map[string]any{"productFamily": "Compute Instance",
			"attributes": map[string]any{"instanceType": it.Type, "tenancy": tenancy}},
		"terms": map[string]any{
			"OnDemand": map[string]any{it.Type: map[string]any{"priceDimensions": map[string]any{it.Type: rate}}}},
	}
}
