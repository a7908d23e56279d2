// SPDX-License-Identifier: Apache-2.0

package session

import "context"

// CostOptions say what to price, and at which prices.
type CostOptions struct {
	// Live asks the AWS Price List instead of reading the tables of the binary.
	Live bool
}

// Coster prices what the settings of a stack describe. Without CostOptions.Live nothing is contacted.
type Coster interface {
	Info() Info
	Cost(ctx context.Context, o CostOptions) (CostReport, error)
	Close() error
}

// USDRange bounds a price in US dollars.
type USDRange struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// CostReport is what a deployment costs: idle, and while the sample job runs.
type CostReport struct {
	Region string
	// AsOf is the date of the prices, "" when there are none for the region; Source says whose they are.
	AsOf, Source string
	Live         bool
	Components   []CostComponent
	HourlyUSD    float64 // idle
	MonthlyUSD   float64
	Job          CostJob
	// NotIncluded names what is billed by use, Unpriced what has no price.
	NotIncluded []string
	Unpriced    []string
}

// CostComponent is a part of the deployment.
type CostComponent struct {
	Name       string     `json:"name"`
	Type       string     `json:"type"`
	HourlyUSD  float64    `json:"hourlyUSD"`
	MonthlyUSD float64    `json:"monthlyUSD"`
	Items      []CostItem `json:"items"`
}

// CostItem is one position of a component.
type CostItem struct {
	URN        string  `json:"urn"`
	Name       string  `json:"name"`
	What       string  `json:"what"`
	Quantity   float64 `json:"quantity"`
	HourlyUSD  float64 `json:"hourlyUSD"`
	MonthlyUSD float64 `json:"monthlyUSD"`
	Note       string  `json:"note"`
}

// CostJob is what the sample job adds while it runs, at on-demand prices.
type CostJob struct {
	Name       string     `json:"name"`
	Nodes      []CostNode `json:"nodes"`
	HourlyUSD  USDRange   `json:"hourlyUSD"`
	MonthlyUSD USDRange   `json:"monthlyUSD"`
}

// CostNode are the nodes that Karpenter may start for the pods of one role.
type CostNode struct {
	Role          string     `json:"role"`
	NodePool      string     `json:"nodePool"`
	Pods          int        `json:"pods"`
	Least         int        `json:"leastNodes"`
	Most          int        `json:"mostNodes"`
	CapacityTypes []string   `json:"capacityTypes"`
	Types         []CostType `json:"types"` // the cheapest first
	HourlyUSD     USDRange   `json:"hourlyUSD"`
	// SpotPriced is false: spot nodes are counted at the on-demand price.
	SpotPriced bool `json:"spotPriced"`
}

// CostType is an instance type and its price on demand.
type CostType struct {
	Type      string  `json:"type"`
	HourlyUSD float64 `json:"hourlyUSD"`
}
