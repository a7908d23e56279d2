// SPDX-License-Identifier: Apache-2.0

package session

// Matrix says what the local target simulates: the reference prints it.
type Matrix struct {
	Operations []Operation    // of the AWS API
	Types      []ResourceType // Pulumi resource types
	Charts     []string       // Helm charts that have a stand-in
	Addons     []string       // EKS addons that have a stand-in
}

// Operation is one operation of the simulated AWS API.
type Operation struct {
	Service string // IAM's prefix: "ec2"
	Name    string // "DescribeInstances"
	UsedBy  string // who of the product's parts calls it
	Notes   string // what differs from AWS, "" when nothing that a caller sees
}

// ResourceType is a Pulumi resource type that the local target knows.
type ResourceType struct {
	Token    string // "aws:ec2/vpc:Vpc"
	Provider string // the provider and the release whose schema it is checked against: "aws 6.83.0"
	Kind     string // kind of the resource in the simulated account, "" for a component
}

// Rule is one thing that previews look for in the desired graph.
type Rule struct {
	ID       string
	Severity string // high, medium, low
	Title    string // what is wrong
	Why      string // what follows from it
	Fix      string
	Source   string // URL
}
