// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/team"
)

// place is one end of a connection: a pod, or an address outside of the cluster when it has no namespace.
type place struct {
	namespace, ip string
	labels        map[string]string
}

// policies evaluates rendered NetworkPolicies: a direction that no policy selects is open, one that some select is open
// for what one of them allows. Kubernetes leaves open whether an ipBlock means pods as well; the VPC CNI goes by
// addresses, and so does this.
type policies []componenttest.Resource

func (p policies) reach(from, to place, protocol string, port float64) bool {
	return p.open(from, to, "Egress", "to", protocol, port) && p.open(to, from, "Ingress", "from", protocol, port)
}

// open says whether the policies of self let a connection with peer through in one direction.
func (p policies) open(self, peer place, direction, peers, protocol string, port float64) bool {
	selected := false
	for _, r := range p {
		types, _ := r.At("spec", "policyTypes").([]any)
		if r.At("metadata", "namespace") != self.namespace || !matches(r.At("spec", "podSelector"), self.labels) ||
			!slices.Contains(types, any(direction)) {
			continue
		}
		selected = true
		key := map[string]string{"Egress": "egress", "Ingress": "ingress"}[direction]
		rules, _ := r.At("spec", key).([]any)
		for _, rule := range rules {
			rule := rule.(map[string]any)
			if onPort(rule["ports"], protocol, port) && anyPeer(rule[peers], self.namespace, peer) {
				return true
			}
		}
	}
	return !selected
}

func onPort(list any, protocol string, port float64) bool {
	ports, _ := list.([]any)
	return len(ports) == 0 || slices.ContainsFunc(ports, func(e any) bool {
		p := e.(map[string]any)
		return p["protocol"] == protocol && p["port"] == port
	})
}

func anyPeer(list any, own string, at place) bool {
	peers, _ := list.([]any)
	return len(peers) == 0 || slices.ContainsFunc(peers, func(e any) bool {
		peer := e.(map[string]any)
		if block, ok := peer["ipBlock"].(map[string]any); ok {
			return netip.MustParsePrefix(block["cidr"].(string)).Contains(netip.MustParseAddr(at.ip))
		}
		if at.namespace == "" {
			return false
		}
		if selector, ok := peer["namespaceSelector"]; ok {
			if !matches(selector, map[string]string{"kubernetes.io/metadata.name": at.namespace}) {
				return false
			}
		} else if at.namespace != own {
			return false
		}
		return matches(peer["podSelector"], at.labels)
	})
}

func matches(selector any, labels map[string]string) bool {
	s, _ := selector.(map[string]any)
	want, _ := s["matchLabels"].(map[string]any)
	for k, v := range want {
		if labels[k] != v {
			return false
		}
	}
	return true
}

func job(namespace, component, ip string) place {
	return place{namespace, ip, map[string]string{"app": "basic", "component": component, "type": "flink-native-kubernetes"}}
}

// TestWhatAFlinkJobReaches: the flows of a Flink job on EMR, and what is not one of them.
func TestWhatAFlinkJobReaches(t *testing.T) {
	t.Parallel()
	rendered := func(names ...string) policies {
		var out policies
		for _, name := range names {
			g := componenttest.Run(t, teamProgram(func(a *team.Args) { a.Name = name; a.PodIdentityAgent = name == "agent" }))
			for _, r := range g.Resources {
				if r.Type == "kubernetes:networking.k8s.io/v1:NetworkPolicy" {
					out = append(out, r)
				}
			}
		}
		return out
	}
	p := rendered("blue", "green", "agent")
	require.Len(t, p, 12)
	jobManager, taskManager := job("blue", "jobmanager", "10.0.0.10"), job("blue", "taskmanager", "10.0.0.11")
	green := job("green", "jobmanager", "10.0.0.20")
	operator := place{
		"flink-kubernetes-operator", "10.0.0.30", map[string]string{"app.kubernetes.io/name": "flink-kubernetes-operator"},
	}
	dns := place{"kube-system", "10.0.0.40", map[string]string{"k8s-app": "kube-dns"}}
	karpenter := place{"kube-system", "10.0.0.41", map[string]string{"app.kubernetes.io/name": "karpenter"}}
	certManager := place{"cert-manager", "10.0.0.50", nil}
	outside := func(ip string) place { return place{ip: ip} }
	for name, c := range map[string]struct {
		from, to place
		protocol string
		port     float64
		want     bool
	}{
		"RPC of the JobManager":   {taskManager, jobManager, "TCP", 6123, true},
		"blobs of the JobManager": {taskManager, jobManager, "TCP", 6124, true},
		"RPC of a TaskManager":    {jobManager, taskManager, "TCP", 6122, true},
		"data between TaskManagers, on any port": {taskManager, job("blue", "taskmanager", "10.0.0.12"),
			"TCP", 41234, true},
		"REST for the operator":             {operator, jobManager, "TCP", 8081, true},
		"REST for another namespace":        {certManager, jobManager, "TCP", 8081, false},
		"RPC for the operator":              {operator, jobManager, "TCP", 6123, false},
		"names":                             {taskManager, dns, "UDP", 53, true},
		"long names":                        {taskManager, dns, "TCP", 53, true},
		"names from another pod":            {taskManager, karpenter, "UDP", 53, false},
		"metrics of Karpenter":              {taskManager, karpenter, "TCP", 8080, false},
		"the Kubernetes API in the VPC":     {jobManager, outside("10.0.1.5"), "TCP", 443, true},
		"the Kubernetes API by its service": {jobManager, outside("172.20.0.1"), "TCP", 443, true},
		"S3, STS, CloudWatch":               {taskManager, outside("52.92.0.1"), "TCP", 443, true},
		"plain HTTP":                        {taskManager, outside("52.92.0.1"), "TCP", 80, false},
		"Kafka in the VPC":                  {taskManager, outside("10.0.9.9"), "TCP", 9098, true},
		"Kafka with passwords (SASL/SCRAM)": {taskManager, outside("10.0.9.9"), "TCP", 9096, true},
		"Kafka elsewhere":                   {taskManager, outside("52.92.0.1"), "TCP", 9098, false},
		"the instance metadata":             {taskManager, outside("169.254.169.254"), "TCP", 80, false},
		"the Pod Identity agent":            {taskManager, outside("169.254.170.23"), "TCP", 80, false},
		"the Pod Identity agent, where it is on": {job("agent", "taskmanager", "10.0.0.60"), outside("169.254.170.23"),
			"TCP", 80, true},
		"the operator's webhook, from a job":           {jobManager, operator, "TCP", 9443, false},
		"the operator's webhook, from the API":         {outside("10.0.1.5"), operator, "TCP", 9443, true},
		"another team's RPC":                           {taskManager, green, "TCP", 6123, false},
		"another team's REST":                          {jobManager, green, "TCP", 8081, false},
		"another team's pod on the port of HTTPS":      {jobManager, green, "TCP", 443, false},
		"another team's pod on a port of Kafka":        {jobManager, green, "TCP", 9092, false},
		"another team's pod, from the other direction": {green, taskManager, "TCP", 6122, false},
		"a job from outside of the cluster":            {outside("10.0.1.9"), jobManager, "TCP", 8081, false},
	} {
		require.Equal(t, c.want, p.reach(c.from, c.to, c.protocol, c.port), name)
	}

	// The evaluator itself: without a policy everything is open, and the policy that closes the namespace closes it.
	without := slices.DeleteFunc(slices.Clone(p), func(r componenttest.Resource) bool {
		return r.At("metadata", "namespace") == "green"
	})
	require.True(t, without.reach(jobManager, green, "TCP", 443), "an open namespace can be reached on 443")
	require.True(t, policies{}.reach(jobManager, green, "TCP", 1))
}
