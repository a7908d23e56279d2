// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// PriceNames are the names of the prices that an estimate needs, sorted.
type PriceNames struct{ InstanceTypes, Rates []string }

// NeededPrices says which prices the estimate of resources, and of the nodes for pods, would look up.
func NeededPrices(resources []Resource, pods []Pods) (PriceNames, error) {
	e := newEstimator(Prices{}, resources)
	for _, r := range e.sorted {
		e.price(r)
	}
	if _, err := e.nodes(pods); err != nil {
		return PriceNames{}, err
	}
	slices.Sort(e.asked.InstanceTypes)
	slices.Sort(e.asked.Rates)
	return e.asked, nil
}

func include(list *[]string, name string) {
	if name != "" && !slices.Contains(*list, name) {
		*list = append(*list, name)
	}
}

// shape is the size of an instance type.
type shape struct {
	name, family, arch     string
	vcpus, memoryMiB, pods int
}

// shapes are the instance types of the table, by name.
func shapes() ([]shape, error) {
	rows, err := rowsOf(ec2CSV)
	if err != nil {
		return nil, fmt.Errorf("read the EC2 table: %w", err)
	}
	at := func(column string) int { return slices.Index(rows[0], column) }
	var out []shape
	for _, row := range rows[1:] {
		vcpus, errA := strconv.Atoi(row[at("vcpus")])
		memory, errB := strconv.Atoi(row[at("memoryMiB")])
		pods, errC := strconv.Atoi(row[at("pods")])
		if err := cmp.Or(errA, errB, errC); err != nil {
			return nil, fmt.Errorf("read the EC2 table: row %q: %w", row[0], err)
		}
		family, _, _ := strings.Cut(row[0], ".")
		out = append(out, shape{
			name: row[0], family: family, arch: row[at("arch")], vcpus: vcpus, memoryMiB: memory, pods: pods,
		})
	}
	slices.SortFunc(out, func(a, b shape) int { return cmp.Compare(a.name, b.name) })
	return out, nil
}
