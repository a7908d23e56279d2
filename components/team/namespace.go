// SPDX-License-Identifier: Apache-2.0

package team

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
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

// kafkaPorts are plain text, TLS, and IAM authentication of MSK.
func kafkaPorts() []int { return []int{9092, 9094, 9098} }

// Quota limits what a namespace may ask for. Quantities are Kubernetes'.
type Quota struct {
	// CPU and Memory limit the sum of all requests.
	CPU, Memory string
	// Pods and Volumes limit counts.
	Pods, Volumes int
}

// DefaultQuota is room for a team with several jobs; the node pools' own limits bound the bill.
func DefaultQuota() Quota { return Quota{CPU: "200", Memory: "800Gi", Pods: 200, Volumes: 50} }

// namespace makes the namespace, then what belongs in it, so that no pod runs there before the limits do.
func namespace(ctx *pulumi.Context, name string, args *Args, parent, after pulumi.ResourceOption) error {
	provider := pulumi.Provider(args.Kubernetes)
	ns, err := corev1.NewNamespace(ctx, name+"-namespace", &corev1.NamespaceArgs{
		Metadata: metav1.ObjectMetaArgs{
			Name:        pulumi.String(args.Name),
			Annotations: deployment.Owned(),
			Labels: pulumi.StringMap{
				// EMR's images are not known to meet "restricted", so that is what is warned about.
				"pod-security.kubernetes.io/enforce": pulumi.String("baseline"),
				"pod-security.kubernetes.io/audit":   pulumi.String("restricted"),
				"pod-security.kubernetes.io/warn":    pulumi.String("restricted"),
				"emrflink/team":                      pulumi.String(args.Name),
			},
		},
	}, parent, provider, after)
	if err != nil {
		return fmt.Errorf("create namespace %q: %w", args.Name, err)
	}
	inside := []pulumi.ResourceOption{parent, provider, pulumi.DependsOn([]pulumi.Resource{ns})}
	if err := limits(ctx, name, args, inside); err != nil {
		return err
	}
	return policies(ctx, name, args, inside)
}

func meta(args *Args, name string) metav1.ObjectMetaArgs {
	return metav1.ObjectMetaArgs{Name: pulumi.String(name), Namespace: pulumi.String(args.Name), Annotations: deployment.Owned()}
}

func limits(ctx *pulumi.Context, name string, args *Args, opts []pulumi.ResourceOption) error {
	q := args.Quota
	if q == (Quota{}) {
		q = DefaultQuota()
	}
	if _, err := corev1.NewResourceQuota(ctx, name+"-quota", &corev1.ResourceQuotaArgs{
		Metadata: meta(args, "team"),
		Spec: corev1.ResourceQuotaSpecArgs{Hard: pulumi.StringMap{
			"requests.cpu":           pulumi.String(q.CPU),
			"requests.memory":        pulumi.String(q.Memory),
			"pods":                   pulumi.Sprintf("%d", q.Pods),
			"persistentvolumeclaims": pulumi.Sprintf("%d", q.Volumes),
			// Load balancers cost money and outlive the cluster; the Flink UI has no login.
			"services.loadbalancers": pulumi.String("0"),
			"services.nodeports":     pulumi.String("0"),
		}},
	}, opts...); err != nil {
		return fmt.Errorf("create quota of %q: %w", args.Name, err)
	}
	// A quota on requests refuses every container without one, such as EMR's log sidecar. There is no default limit: it
	// would refuse a container that requests more than it.
	if _, err := corev1.NewLimitRange(ctx, name+"-defaults", &corev1.LimitRangeArgs{
		Metadata: meta(args, "defaults"),
		Spec: corev1.LimitRangeSpecArgs{Limits: corev1.LimitRangeItemArray{corev1.LimitRangeItemArgs{
			Type:           pulumi.String("Container"),
			DefaultRequest: pulumi.StringMap{"cpu": pulumi.String("100m"), "memory": pulumi.String("256Mi")},
		}}},
	}, opts...); err != nil {
		return fmt.Errorf("create limit range of %q: %w", args.Name, err)
	}
	return nil
}

// policies close the namespace and open what a Flink job needs. Kubelet probes and port-forwards come from the node and
// always pass.
func policies(ctx *pulumi.Context, name string, args *Args, opts []pulumi.ResourceOption) error {
	for _, p := range []struct {
		name string
		spec networkingv1.NetworkPolicySpecArgs
	}{
		{"deny-all", networkingv1.NetworkPolicySpecArgs{PolicyTypes: both()}},
		{"within-team", networkingv1.NetworkPolicySpecArgs{
			PolicyTypes: both(),
			// Job manager and task managers talk on configured and on random ports.
			Ingress: networkingv1.NetworkPolicyIngressRuleArray{networkingv1.NetworkPolicyIngressRuleArgs{From: samePeer()}},
			Egress:  networkingv1.NetworkPolicyEgressRuleArray{networkingv1.NetworkPolicyEgressRuleArgs{To: samePeer()}},
		}},
		{"from-operator", networkingv1.NetworkPolicySpecArgs{
			PolicyTypes: pulumi.ToStringArray([]string{"Ingress"}),
			Ingress: networkingv1.NetworkPolicyIngressRuleArray{networkingv1.NetworkPolicyIngressRuleArgs{
				From: namespacePeer(args.OperatorNamespace, nil), Ports: ports("TCP", portRest),
			}},
		}},
		{"to-services", networkingv1.NetworkPolicySpecArgs{
			PolicyTypes: pulumi.ToStringArray([]string{"Egress"}), Egress: services(args),
		}},
	} {
		p.spec.PodSelector = metav1.LabelSelectorArgs{}
		if _, err := networkingv1.NewNetworkPolicy(ctx, name+"-"+p.name, &networkingv1.NetworkPolicyArgs{
			Metadata: meta(args, p.name), Spec: p.spec,
		}, opts...); err != nil {
			return fmt.Errorf("create network policy %q of %q: %w", p.name, args.Name, err)
		}
	}
	return nil
}

// services are what a job calls outside of its namespace.
func services(args *Args) networkingv1.NetworkPolicyEgressRuleArray {
	rules := networkingv1.NetworkPolicyEgressRuleArray{
		networkingv1.NetworkPolicyEgressRuleArgs{
			To:    namespacePeer("kube-system", map[string]string{"k8s-app": "kube-dns"}),
			Ports: append(ports("UDP", portDNS), ports("TCP", portDNS)...),
		},
		// The Kubernetes API, S3, STS and CloudWatch have no fixed addresses.
		networkingv1.NetworkPolicyEgressRuleArgs{To: cidrPeer("0.0.0.0/0"), Ports: ports("TCP", portHTTPS)},
		networkingv1.NetworkPolicyEgressRuleArgs{To: cidrPeer(args.VpcCidr), Ports: ports("TCP", kafkaPorts()...)},
	}
	if args.PodIdentityAgent {
		rules = append(rules, networkingv1.NetworkPolicyEgressRuleArgs{To: cidrPeer(agentAddress), Ports: ports("TCP", portAgent)})
	}
	return rules
}

func both() pulumi.StringArray { return pulumi.ToStringArray([]string{"Ingress", "Egress"}) }

func samePeer() networkingv1.NetworkPolicyPeerArray {
	return networkingv1.NetworkPolicyPeerArray{networkingv1.NetworkPolicyPeerArgs{PodSelector: metav1.LabelSelectorArgs{}}}
}

func namespacePeer(namespace string, pods map[string]string) networkingv1.NetworkPolicyPeerArray {
	peer := networkingv1.NetworkPolicyPeerArgs{NamespaceSelector: metav1.LabelSelectorArgs{
		MatchLabels: pulumi.StringMap{"kubernetes.io/metadata.name": pulumi.String(namespace)},
	}}
	if pods != nil {
		peer.PodSelector = metav1.LabelSelectorArgs{MatchLabels: pulumi.ToStringMap(pods)}
	}
	return networkingv1.NetworkPolicyPeerArray{peer}
}

func cidrPeer(cidr string) networkingv1.NetworkPolicyPeerArray {
	return networkingv1.NetworkPolicyPeerArray{networkingv1.NetworkPolicyPeerArgs{
		IpBlock: networkingv1.IPBlockArgs{Cidr: pulumi.String(cidr)},
	}}
}

func ports(protocol string, numbers ...int) networkingv1.NetworkPolicyPortArray {
	out := make(networkingv1.NetworkPolicyPortArray, 0, len(numbers))
	for _, n := range numbers {
		out = append(out, networkingv1.NetworkPolicyPortArgs{Protocol: pulumi.String(protocol), Port: pulumi.Int(n)})
	}
	return out
}
