// SPDX-License-Identifier: Apache-2.0

package localtarget

// Matrix says what the local target simulates. Whatever is not in it is refused by name.
type Matrix struct {
	Operations []Operation    // of the AWS API, in the order of the handler's tables
	Types      []ResourceType // Pulumi resource types, sorted; Kubernetes' own are not listed: there the API server decides
	Charts     []string       // references of the Helm charts that have a stand-in, sorted
	Addons     []string       // names of the EKS addons that have a stand-in, sorted
}

// Operation is one operation of the simulated AWS API.
type Operation struct {
	Service string // IAM's prefix: "ec2"
	Name    string // "DescribeInstances"
	UsedBy  string // who of the product's parts calls it
	Notes   string // what differs from AWS, "" when nothing that a caller sees
}

// ResourceType is a Pulumi resource type that the provider servers know.
type ResourceType struct {
	Token    string // "aws:ec2/vpc:Vpc"
	Provider string // the provider and the release whose schema it is checked against: "aws 6.83.0"
	Kind     string // kind of the resource in the simulated account, "" for a component
}
