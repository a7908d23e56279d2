// SPDX-License-Identifier: Apache-2.0

package account

import (
	"cmp"
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// instanceTable has one row per instance type. Sizes and bandwidths are those of Karpenter's generated
// reference of instance types (v1.14); interfaces and addresses per interface are the EC2 limits that
// give its pod counts. Prices are those of estimates.
//
//go:embed instancetypes.csv
var instanceTable string

// EC2Arch is the architecture in EC2's words: "x86_64" or "arm64".
func (t InstanceType) EC2Arch() string {
	if t.Arch == "amd64" {
		return "x86_64"
	}
	return t.Arch
}

// MaxPods is how many pods the VPC CNI's default mode carries.
func (t InstanceType) MaxPods() int { return t.ENIs*(t.IPv4PerENI-1) + 2 }

// InstanceTypes returns the types that the account offers in every zone, sorted by family, then by size.
func (a *Account) InstanceTypes() []InstanceType {
	out := make([]InstanceType, 0, len(a.types))
	for _, t := range a.types {
		out = append(out, t)
	}
	slices.SortFunc(out, func(x, y InstanceType) int {
		fx, _, _ := strings.Cut(x.Type, ".")
		fy, _, _ := strings.Cut(y.Type, ".")
		return cmp.Or(cmp.Compare(fx, fy), cmp.Compare(x.VCPU, y.VCPU), cmp.Compare(x.Type, y.Type))
	})
	return out
}

func loadInstanceTypes() (map[string]InstanceType, error) {
	rows, err := csv.NewReader(strings.NewReader(instanceTable)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the instance table: %w", err)
	}
	out := make(map[string]InstanceType, len(rows))
	for _, row := range rows[1:] {
		t := InstanceType{Type: row[0], Arch: row[1], Manufacturer: row[2], Hypervisor: row[3], BareMetal: row[3] == ""}
		for i, field := range []*int{&t.VCPU, &t.MemoryMiB, &t.NVMeGB, &t.ENIs, &t.IPv4PerENI, &t.ClockMHz, &t.NetworkMbps,
			&t.EBSMbps} {
			if *field, err = strconv.Atoi(row[4+i]); err != nil {
				return nil, fmt.Errorf("read the instance table: %s: %w", t.Type, err)
			}
		}
		t.OnDemandUSD = listPrices().EC2[t.Type]
		t.SpotUSD = t.OnDemandUSD * spotShare
		out[t.Type] = t
	}
	return out, nil
}
