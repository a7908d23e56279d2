// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"emrflink/components/encryption"
	"emrflink/components/network"
	"emrflink/components/versions"
	"emrflink/karpenter"
	"emrflink/stacks/setting"
)

// Namespace is the prefix of configuration keys: emrflink:KEY.
const Namespace = "emrflink"

// Targets.
const (
	TargetLocal = "local"
	TargetAWS   = "aws"
)

// NodePool is an entry of the node-pool catalogue; it becomes two NodePools. See package karpenter.
type NodePool = karpenter.Pool

// EndpointAccess says from where the Kubernetes API can be reached.
type EndpointAccess struct {
	// Public opens the endpoint to PublicCidrs, Private to the VPC.
	Public  bool `json:"public"`
	Private bool `json:"private"`
	// PublicCidrs may reach the public endpoint.
	PublicCidrs []string `json:"publicCidrs"`
}

// CoreNodes are the nodes of the controllers.
type CoreNodes struct {
	// InstanceTypes are candidates, all amd64.
	InstanceTypes []string `json:"instanceTypes"`
	// Desired, Min and Max are numbers of nodes.
	Desired int `json:"desired"`
	Min     int `json:"min"`
	Max     int `json:"max"`
	// DiskGiB is the size of each root volume.
	DiskGiB int `json:"diskGiB"`
}

// Observability says where the metrics of jobs and platform are collected, shown and alerted about.
type Observability struct {
	// Prometheus and Grafana are None or InCluster.
	Prometheus string `json:"prometheus"`
	Grafana    string `json:"grafana"`
	// Alerts installs the rules.
	Alerts bool `json:"alerts"`
	// RetentionDays is how long Prometheus keeps metrics, VolumeGiB the size of its volume; 0 is that for
	// the number of teams.
	RetentionDays int `json:"retentionDays"`
	VolumeGiB     int `json:"volumeGiB"`
}

// Words of Observability.
const (
	None      = "none"
	InCluster = "inCluster"
)

// Config is the configuration of one deployment.
type Config struct {
	// Target is TargetLocal or TargetAWS. The program itself does not look at it.
	Target string
	// Name names the deployment, its cluster, and everything in it.
	Name string
	// Region is the AWS region.
	Region string
	// VpcCidr is the VPC's range.
	VpcCidr string
	// AvailabilityZones is how many zones are used.
	AvailabilityZones int
	// NatGateways is network.NatSingle, network.NatPerZone or network.NatNone.
	NatGateways string
	// KubernetesVersion is the cluster's, such as 1.35.
	KubernetesVersion string
	// EndpointAccess says from where the Kubernetes API can be reached.
	EndpointAccess EndpointAccess
	// Admins are ARNs of IAM roles and users; without any, only who creates the cluster administers it.
	Admins []string
	// CoreNodes are the nodes of the controllers.
	CoreNodes CoreNodes
	// NodePools is the catalogue of Flink's nodes.
	NodePools []NodePool
	// Teams are those who run jobs.
	Teams []Team
	// EmrRelease is EMR's release number, such as 7.13.0.
	EmrRelease string
	// LogRetentionDays is how long logs are kept.
	LogRetentionDays int
	// Tags are put on every AWS resource.
	Tags map[string]string
	// AcceptedFindings are risks that a preview finds and that are taken. The program itself does not look at them.
	AcceptedFindings []AcceptedFinding

	// PermissionsBoundary is the ARN of a policy that limits every role, or NoBoundary.
	PermissionsBoundary string
	// AddonVersions are versions of EKS addons, by name; NodeImage is the alias of the image of Karpenter's nodes.
	AddonVersions map[string]string
	NodeImage     string
	// Protect keeps cluster and bucket from being deleted or replaced, by a cleanup too.
	Protect bool
	// RolePath is the IAM path of every role.
	RolePath string
	// Mirrors are where images and charts are pulled from.
	Mirrors Mirrors
	// FlowLogs is network.FlowLogsNone, network.FlowLogsRejected or network.FlowLogsAll.
	FlowLogs string
	// InterfaceEndpoints, ExistingVpc, KmsKey, Observability, ClusterAutoscaler, PrefixDelegation and PodIdentity are the
	// optional parts; see their keys.
	InterfaceEndpoints []string
	ExistingVpc        ExistingVpc
	KmsKey             KmsKey
	Observability      Observability
	ClusterAutoscaler  bool
	PrefixDelegation   bool
	PodIdentity        bool
}

// Default is the configuration that deploys the blueprint.
func Default() Config {
	return Config{
		Target:            TargetLocal,
		Name:              "emr-eks-flink",
		Region:            "us-west-2",
		VpcCidr:           "10.0.0.0/16",
		AvailabilityZones: 3,
		NatGateways:       network.NatSingle,
		KubernetesVersion: versions.Kubernetes,
		EndpointAccess:    EndpointAccess{Public: true, Private: true, PublicCidrs: []string{"0.0.0.0/0"}},
		Admins:            []string{},
		CoreNodes:         CoreNodes{InstanceTypes: []string{"m5.xlarge"}, Desired: 3, Min: 1, Max: 9, DiskGiB: 100},
		NodePools:         karpenter.Catalog(),
		Teams:             NamedTeams("flink-team-a"),
		EmrRelease:        versions.DefaultEMRRelease,
		LogRetentionDays:  30,
		Tags:              map[string]string{},
		AcceptedFindings:  []AcceptedFinding{},

		PermissionsBoundary: NoBoundary,
		RolePath:            "/",
		AddonVersions:       map[string]string{},
		NodeImage:           versions.AMIAlias,
		Mirrors:             Mirrors{Images: map[string]string{}, Charts: map[string]string{}},

		FlowLogs:           network.FlowLogsNone,
		InterfaceEndpoints: []string{},
		ExistingVpc:        ExistingVpc{PrivateSubnetIds: []string{}, PublicSubnetIds: []string{}},
		KmsKey:             KmsKey{DeletionWindowDays: encryption.DefaultWindowDays},
		Observability:      Observability{Prometheus: None, Grafana: None, RetentionDays: 15},
	}
}

// NoBoundary is the permissions boundary of roles that have none.
const NoBoundary = "none"

// Key documents one configuration key, without its prefix.
type Key = setting.Key

// field is a Key with the place of its value in a Config.
type field struct {
	Key
	place func(*Config) any
}

// fields is the schema: everything that is known of a key is said here once.
func fields() []field {
	fields := []field{
		{Key{Name: "target", Doc: "where to deploy: a simulated account on this machine (local), or AWS (aws)", Example: "aws"},
			func(c *Config) any { return &c.Target }},
		{Key{
			Name: "name", Doc: "name of the deployment and of its EKS cluster; at most 20 characters", Example: "streaming-prod",
		},
			func(c *Config) any { return &c.Name }},
		{Key{Name: "region", Doc: "AWS region", Example: "eu-west-1"},
			func(c *Config) any { return &c.Region }},
		{Key{Name: "vpcCidr", Doc: "private range of the VPC, /16 to /20", Example: "10.42.0.0/16"},
			func(c *Config) any { return &c.VpcCidr }},
		{Key{
			Name: "availabilityZones",
			Doc:  "number of availability zones, chosen by zone ID among those that EKS supports", Example: "2",
		},
			func(c *Config) any { return &c.AvailabilityZones }},
		{Key{Name: "natGateways", Doc: "one NAT gateway (single), one in each zone (perZone), or none: then nodes and jobs " +
			"reach only the VPC and AWS services with an endpoint, of which those that the platform needs are made; images " +
			"must come from mirrors in ECR of the region", Example: "perZone"},
			func(c *Config) any { return &c.NatGateways }},
		{Key{Name: "kubernetesVersion", Doc: "Kubernetes version of the cluster", Example: "1.34"},
			func(c *Config) any { return &c.KubernetesVersion }},
		{Key{Name: "endpointAccess", Doc: "from where the Kubernetes API can be reached",
			Example: `{"public":true,"private":true,"publicCidrs":["203.0.113.0/24"]}`},
			func(c *Config) any { return &c.EndpointAccess }},
		{Key{Name: "admins", Doc: "ARNs of the IAM roles and users who administer the cluster, all who deploy among them; " +
			"empty: only the identity that creates it",
			Example: `["arn:aws:iam::111122223333:role/platform-admin"]`},
			func(c *Config) any { return &c.Admins }},
		{Key{Name: "coreNodes", Doc: "managed node group on which the controllers run",
			Example: `{"instanceTypes":["m6i.xlarge"],"desired":2,"min":2,"max":4,"diskGiB":100}`},
			func(c *Config) any { return &c.CoreNodes }},
		{Key{Name: "nodePools", Doc: "catalogue of the nodes that Karpenter may launch for Flink",
			Example: `[{"name":"flink-compute-optimized","arch":"amd64",` +
				`"nodeGroupType":"FlinkComputeOptimized","families":["c6id"]}]`},
			func(c *Config) any { return &c.NodePools }},
		{Key{Name: "teams", Doc: "teams; each gets a namespace, a role, a prefix of the bucket and a log group. A team is its " +
			"name, or an object: policies (up to 9 ARNs of IAM policies or policy documents, for the sources and sinks of its " +
			"jobs), quota (cpu and memory of all requests, pods, volumes), egress (lists of cidrs and TCP ports that jobs may " +
			"connect to, beside HTTPS and Kafka in the VPC), metricsFrom (a namespace whose pods may read Flink's metrics, " +
			"port 9249)",
			Example: `["flink-team-a",{"name":"orders","policies":["arn:aws:iam::111122223333:policy/orders-stream"],` +
				`"quota":{"cpu":"400"},"egress":[{"cidrs":["10.20.0.0/16"],"ports":[5432]}],"metricsFrom":"monitoring"}]`},
			func(c *Config) any { return &c.Teams }},
		{Key{Name: "emrRelease", Doc: "EMR release of operator and jobs", Example: "7.12.0"},
			func(c *Config) any { return &c.EmrRelease }},
		{Key{Name: "logRetentionDays", Doc: "days for which logs are kept, one of CloudWatch's values", Example: "90"},
			func(c *Config) any { return &c.LogRetentionDays }},
		{Key{Name: "tags", Doc: "tags on every AWS resource", Example: `{"team":"data-platform"}`},
			func(c *Config) any { return &c.Tags }},
		{Key{Name: "acceptedFindings", Doc: "findings of a preview that are accepted: the rule, the resource (a URN or a " +
			"name, * for anything; all when absent), and why",
			Example: `[{"rule":"single-nat","resource":"*","reason":"a development stack"}]`},
			func(c *Config) any { return &c.AcceptedFindings }},
	}
	fields = append(fields, optionFields()...)
	defaults := Default()
	for i, f := range fields {
		fields[i].Type = typeName(reflect.TypeOf(f.place(&defaults)).Elem())
		fields[i].Default = spell(f.place(&defaults))
	}
	return fields
}

// Keys is the schema of the configuration, in the order of the documentation.
func Keys() []Key {
	var keys []Key
	for _, f := range fields() {
		keys = append(keys, f.Key)
	}
	return keys
}

// TypeOf is the type of a key's value, nil for a key that there is not.
func TypeOf(key string) reflect.Type {
	var c Config
	for _, f := range fields() {
		if f.Name == key {
			return reflect.TypeOf(f.place(&c)).Elem()
		}
	}
	return nil
}

// Encode writes what differs from the defaults as a Pulumi stack stores it: emrflink:KEY to a string, which is JSON for
// lists and objects. Parse reads it back.
func (c Config) Encode() map[string]string {
	out := map[string]string{}
	defaults := Default()
	for _, f := range fields() {
		if value := spell(f.place(&c)); value != spell(f.place(&defaults)) {
			out[Namespace+":"+f.Name] = value
		}
	}
	return out
}

// spell writes the value behind a pointer as a stack file does.
func spell(pointer any) string {
	switch v := pointer.(type) {
	case *string:
		return *v
	case *int:
		return strconv.Itoa(*v)
	}
	v := reflect.ValueOf(pointer).Elem()
	if (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0 {
		if v.Kind() == reflect.Map {
			return "{}"
		}
		return "[]"
	}
	b, err := json.Marshal(v.Interface())
	if err != nil { // Config holds nothing that JSON cannot.
		return fmt.Sprintf("%v", v.Interface())
	}
	return string(b)
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Slice:
		switch {
		case t.Elem().Kind() != reflect.Struct:
			return "list of texts"
		case TakesText(t.Elem()):
			return "list of texts or objects"
		}
		return "list of objects"
	case reflect.Map:
		return "map of texts"
	default:
		return "object"
	}
}

func names(fields []field) []string {
	out := make([]string, 0, len(fields))
	for _, f := range fields {
		out = append(out, f.Name)
	}
	slices.Sort(out)
	return out
}
