// SPDX-License-Identifier: Apache-2.0

package team

import (
	"cmp"
	"net/netip"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/manifest"
	"emrflink/observability"
)

// Ports of Flink on Kubernetes.
const (
	portRest  = 8081
	portHTTPS = 443
	portDNS   = 53
	// The Pod Identity agent listens on every node. Source: EKS User Guide, "Set up the Amazon EKS Pod Identity Agent".
	agentAddress = "169.254.170.23/32"
	portAgent    = 80
)

// metadata is where instances read who they are, and get the credentials of their role.
var metadata = netip.MustParsePrefix("169.254.169.254/32")

// kafkaPorts are those of MSK: plain text, TLS, SASL/SCRAM, and IAM. Source: MSK Developer Guide, "Port information".
func kafkaPorts() []int { return []int{9092, 9094, 9096, 9098} }

// Quota limits what a namespace may ask for. Quantities are Kubernetes'; what is zero is that of DefaultQuota.
type Quota struct {
	// CPU and Memory limit the sum of all requests.
	CPU    string `json:"cpu,omitempty"`
	Memory string `json:"memory,omitempty"`
	// Pods and Volumes limit counts.
	Pods    int `json:"pods,omitempty"`
	Volumes int `json:"volumes,omitempty"`
}

// DefaultQuota is room for a team with several jobs; the node pools' own limits bound the bill.
func DefaultQuota() Quota { return Quota{CPU: "200", Memory: "800Gi", Pods: 200, Volumes: 50} }

// orDefault fills in what is not set.
func (q Quota) orDefault() Quota {
	d := DefaultQuota()
	return Quota{
		CPU: cmp.Or(q.CPU, d.CPU), Memory: cmp.Or(q.Memory, d.Memory), Pods: cmp.Or(q.Pods, d.Pods),
		Volumes: cmp.Or(q.Volumes, d.Volumes),
	}
}

// Egress is what a team's jobs may connect to by TCP, beside what every team's may: the Kubernetes API and AWS by HTTPS, and
// Kafka in the VPC.
type Egress struct {
	// Cidrs are IPv4 ranges, Ports those that are open in each of them.
	Cidrs []string `json:"cidrs"`
	Ports []int    `json:"ports"`
}

// namespace makes the namespace, then what belongs in it, so that no pod runs there before the limits do.
func namespace(ctx *pulumi.Context, name string, args *Args, parent, after pulumi.ResourceOption) error {
	provider := pulumi.Provider(args.Kubernetes)
	ns, err := manifest.New(ctx, name+"-namespace", &manifest.Args{
		APIVersion: "v1", Kind: "Namespace", Name: args.Name, Annotations: deployment.Owned(),
		Labels: pulumi.StringMap{
			// EMR's images are not known to meet "restricted", so that is what is warned about.
			"pod-security.kubernetes.io/enforce": pulumi.String("baseline"),
			"pod-security.kubernetes.io/audit":   pulumi.String("restricted"),
			"pod-security.kubernetes.io/warn":    pulumi.String("restricted"),
			"emrflink/team":                      pulumi.String(args.Name),
		},
	}, parent, provider, after)
	if err != nil {
		return err
	}
	opts := []pulumi.ResourceOption{parent, provider, deployment.DependsOn(ns)}
	if err := limits(ctx, name, args, opts); err != nil {
		return err
	}
	return policies(ctx, name, args, opts)
}

// inside makes one object of the namespace.
func inside(ctx *pulumi.Context, resource, apiVersion, kind, name string, args *Args, spec pulumi.Map,
	opts []pulumi.ResourceOption) error {
	_, err := manifest.New(ctx, resource, &manifest.Args{
		APIVersion: apiVersion, Kind: kind, Name: name, Namespace: args.Name, Annotations: deployment.Owned(),
		Fields: pulumi.Map{"spec": spec},
	}, opts...)
	return err
}

func limits(ctx *pulumi.Context, name string, args *Args, opts []pulumi.ResourceOption) error {
	q := args.Quota.orDefault()
	err := inside(ctx, name+"-quota", "v1", "ResourceQuota", "team", args, pulumi.Map{"hard": pulumi.StringMap{
		"requests.cpu":           pulumi.String(q.CPU),
		"requests.memory":        pulumi.String(q.Memory),
		"pods":                   pulumi.Sprintf("%d", q.Pods),
		"persistentvolumeclaims": pulumi.Sprintf("%d", q.Volumes),
		// Load balancers cost money and outlive the cluster; the Flink UI has no login.
		"services.loadbalancers": pulumi.String("0"),
		"services.nodeports":     pulumi.String("0"),
	}}, opts)
	if err != nil {
		return err
	}
	// A quota on requests refuses every container without requests, such as EMR's log sidecar. There is no default
	// limit: it would refuse a container that requests more than the limit.
	return inside(ctx, name+"-defaults", "v1", "LimitRange", "defaults", args, pulumi.Map{"limits": pulumi.Array{pulumi.Map{
		"type":           pulumi.String("Container"),
		"defaultRequest": pulumi.StringMap{"cpu": pulumi.String("100m"), "memory": pulumi.String("256Mi")},
	}}}, opts)
}

// policies deny all traffic of the namespace except what a Flink job needs. Kubelet probes and port-forwards come from
// the node and are always allowed.
func policies(ctx *pulumi.Context, name string, args *Args, opts []pulumi.ResourceOption) error {
	type policy struct {
		name string
		spec pulumi.Map
	}
	all := []policy{
		{"deny-all", pulumi.Map{"policyTypes": both()}},
		{"within-team", pulumi.Map{
			"policyTypes": both(),
			// Job manager and task managers talk on configured and on random ports.
			"ingress": pulumi.Array{pulumi.Map{"from": samePeer()}},
			"egress":  pulumi.Array{pulumi.Map{"to": samePeer()}},
		}},
		{"from-operator", pulumi.Map{
			"policyTypes": pulumi.ToStringArray([]string{"Ingress"}),
			"ingress": pulumi.Array{pulumi.Map{
				"from": namespacePeer(args.OperatorNamespace, nil), "ports": ports("TCP", portRest),
			}},
		}},
		{"to-services", pulumi.Map{"policyTypes": pulumi.ToStringArray([]string{"Egress"}), "egress": services(args)}},
	}
	readers := pulumi.Array{}
	for _, namespace := range args.MetricsNamespaces {
		readers = append(readers, namespacePeer(namespace, nil)...)
	}
	if len(readers) > 0 {
		all = append(all, policy{"from-metrics", pulumi.Map{
			"policyTypes": pulumi.ToStringArray([]string{"Ingress"}),
			"ingress":     pulumi.Array{pulumi.Map{"from": readers, "ports": ports("TCP", observability.JobPort)}},
		}})
	}
	for _, p := range all {
		p.spec["podSelector"] = pulumi.Map{}
		err := inside(ctx, name+"-"+p.name, "networking.k8s.io/v1", "NetworkPolicy", p.name, args, p.spec, opts)
		if err != nil {
			return err
		}
	}
	return nil
}

// services are what a job calls outside of its namespace.
func services(args *Args) pulumi.Array {
	rules := pulumi.Array{
		pulumi.Map{
			"to":    namespacePeer("kube-system", map[string]string{"k8s-app": "kube-dns"}),
			"ports": append(ports("UDP", portDNS), ports("TCP", portDNS)...),
		},
		// The Kubernetes API, S3, STS and CloudWatch have no fixed addresses.
		pulumi.Map{"to": cidrPeer("0.0.0.0/0"), "ports": ports("TCP", portHTTPS)},
		pulumi.Map{"to": cidrPeer(args.VpcCidr), "ports": ports("TCP", kafkaPorts()...)},
	}
	if args.PodIdentityAgent {
		rules = append(rules, pulumi.Map{"to": cidrPeer(agentAddress), "ports": ports("TCP", portAgent)})
	}
	for _, e := range args.Egress {
		to := pulumi.Array{}
		for _, cidr := range e.Cidrs {
			to = append(to, chosenPeer(cidr))
		}
		rules = append(rules, pulumi.Map{"to": to, "ports": ports("TCP", e.Ports...)})
	}
	return rules
}

func both() pulumi.StringArray { return pulumi.ToStringArray([]string{"Ingress", "Egress"}) }

func samePeer() pulumi.Array { return pulumi.Array{pulumi.Map{"podSelector": pulumi.Map{}}} }

func namespacePeer(namespace string, pods map[string]string) pulumi.Array {
	peer := pulumi.Map{"namespaceSelector": pulumi.Map{
		"matchLabels": pulumi.StringMap{"kubernetes.io/metadata.name": pulumi.String(namespace)},
	}}
	if pods != nil {
		peer["podSelector"] = pulumi.Map{"matchLabels": pulumi.ToStringMap(pods)}
	}
	return pulumi.Array{peer}
}

func cidrPeer(cidr string) pulumi.Array {
	return pulumi.Array{pulumi.Map{"ipBlock": pulumi.Map{"cidr": pulumi.String(cidr)}}}
}

// chosenPeer is a range that somebody chose, without the address that has the node's credentials.
func chosenPeer(cidr string) pulumi.Map {
	block := pulumi.Map{"cidr": pulumi.String(cidr)}
	if p, err := netip.ParsePrefix(cidr); err == nil && p.Bits() < metadata.Bits() && p.Contains(metadata.Addr()) {
		block["except"] = pulumi.ToStringArray([]string{metadata.String()})
	}
	return pulumi.Map{"ipBlock": block}
}

func ports(protocol string, numbers ...int) pulumi.Array {
	out := make(pulumi.Array, 0, len(numbers))
	for _, n := range numbers {
		out = append(out, pulumi.Map{"protocol": pulumi.String(protocol), "port": pulumi.Int(n)})
	}
	return out
}
