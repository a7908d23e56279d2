// SPDX-License-Identifier: Apache-2.0

package graphcheck

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/components/componenttest"
	"emrflink/internal/flinkjob"
	"emrflink/internal/untyped"
)

const (
	typeNodePool  = "kubernetes:karpenter.sh/v1:NodePool"
	typeNodeClass = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
	typeNodeGroup = "aws:eks/nodeGroup:NodeGroup"
	typeTemplate  = "aws:ec2/launchTemplate:LaunchTemplate"
	typeAccess    = "aws:eks/accessEntry:AccessEntry"
	typeProfile   = "aws:iam/instanceProfile:InstanceProfile"
	typeSubnet    = "aws:ec2/subnet:Subnet"
)

// Join: an instance of Karpenter's becomes a node. Its profile has the node role, the role has the policies of a node,
// and an access entry of type EC2_LINUX lets it in; EKS makes that entry itself for a managed node group only.
func Join(w *World) []string {
	var out report
	role := lastPart(w.output("karpenterNodeRoleArn"), "/")
	for _, class := range w.of(typeNodeClass) {
		profile := text(class, "spec", "instanceProfile")
		out.add(text(class, "spec", "role") != "", "%s: a role in the node class makes Karpenter create a profile that keeps "+
			"the role from being deleted", class.Name)
		found := ""
		for _, p := range w.of(typeProfile) {
			if text(p, "name") == profile {
				found = text(p, "role")
			}
		}
		out.add(found != role, "%s: instance profile %q has role %q, the nodes' role is %q", class.Name, profile, found, role)
	}
	entry := componenttest.Resource{}
	for _, r := range w.of(typeAccess) {
		if text(r, "principalArn") == w.output("karpenterNodeRoleArn") {
			entry = r
		}
	}
	out.add(text(entry, "type") != "EC2_LINUX", "no access entry of type EC2_LINUX for %s: its instances are never nodes", role)
	groups := []string{}
	for _, g := range w.of(typeNodeGroup) {
		groups = append(groups, text(g, "nodeRoleArn"))
	}
	out.add(slices.Contains(groups, w.output("karpenterNodeRoleArn")),
		"the managed node group shares the role: EKS makes its access entry, and the explicit one is already in use")
	for _, arn := range append(groups, w.output("karpenterNodeRoleArn")) {
		name := lastPart(arn, "/")
		for _, p := range []string{"AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"} {
			out.add(!w.attached(name, p), "%s is not attached to %s", p, name)
		}
	}
	return out
}

// attached says whether a policy of that name is attached to a role.
func (w *World) attached(role, policy string) bool {
	return slices.ContainsFunc(w.of(typeAttachment), func(r componenttest.Resource) bool {
		return text(r, "role") == role && lastPart(text(r, "policyArn"), "/") == policy
	})
}

// NodeClass: what every node of Flink and of the core group is like: a pinned image, metadata out of reach of pods,
// encrypted volumes, private subnets, the cluster's own security group, which admits the control plane to every port
// (webhooks listen on 9443 and 10250), and an end to every drain.
func NodeClass(w *World) []string {
	var out report
	for _, c := range w.of(typeNodeClass) {
		out.add(!strings.Contains(text(c, "spec", "amiSelectorTerms", 0, "alias"), "@v"),
			"%s: image %q is not pinned: every release of it drifts all nodes and restarts their jobs", c.Name,
			text(c, "spec", "amiSelectorTerms", 0, "alias"))
		metadata(&out, c, "spec", "metadataOptions")
		volumes(&out, c, "spec", "blockDeviceMappings")
		out.add(text(c, "spec", "instanceStorePolicy") != "RAID0", "%s: the NVMe disks are not used", c.Name)
		var subnets []string
		for i := range untyped.List(c.At("spec", "subnetSelectorTerms")) {
			subnets = append(subnets, text(c, "spec", "subnetSelectorTerms", i, "id"))
		}
		out.add(!same(subnets, untyped.Texts(w.Graph.Outputs["privateSubnetIds"])), "%s: subnets %v are not the private ones",
			c.Name, subnets)
		group := text(c, "spec", "securityGroupSelectorTerms", 0, "id")
		out.add(group != w.output("nodeSecurityGroupId") || len(untyped.List(c.At("spec", "securityGroupSelectorTerms"))) != 1,
			"%s: security group %q is not the cluster's: the control plane does not reach webhooks on the nodes", c.Name, group)
	}
	out.add(len(w.of(typeNodeClass)) == 0, "there is no node class")
	for _, t := range w.of(typeTemplate) {
		metadata(&out, t, "metadataOptions")
		volumes(&out, t, "blockDeviceMappings")
		out.add(len(untyped.List(t.At("vpcSecurityGroupIds"))) > 0,
			"%s: security groups of its own replace the cluster's: webhooks on the nodes are not reached", t.Name)
	}
	for _, np := range w.of(typeNodePool) {
		nodePool(&out, np)
	}
	return out
}

// metadata: version 2 only, and one hop, which keeps pods away from the node's role.
func metadata(out *report, r componenttest.Resource, path ...any) {
	at := func(key string) string { return text(r, append(slices.Clone(path), key)...) }
	out.add(at("httpTokens") != "required", "%s: instance metadata answers without a token", r.Name)
	out.add(at("httpPutResponseHopLimit") != "1", "%s: hop limit %q: pods reach the node's credentials", r.Name,
		at("httpPutResponseHopLimit"))
}

func volumes(out *report, r componenttest.Resource, path ...any) {
	mappings := untyped.List(r.At(path...))
	out.add(len(mappings) == 0, "%s: no volume is configured", r.Name)
	for i := range mappings {
		at := append(slices.Clone(path), i, "ebs")
		out.add(text(r, append(at, "encrypted")...) != "true", "%s: volume %d is not encrypted", r.Name, i)
		out.add(text(r, append(at, "deleteOnTermination")...) != "true", "%s: volume %d outlives its instance", r.Name, i)
	}
}

// nodePool: what must be pinned or finite in every pool.
func nodePool(out *report, np componenttest.Resource) {
	spec := func(path ...any) string { return text(np, append([]any{"spec"}, path...)...) }
	out.add(spec("template", "spec", "terminationGracePeriod") == "",
		"%s: no terminationGracePeriod: a drain that a pod holds up never ends", np.Name)
	out.add(spec("disruption", "consolidationPolicy") != "WhenEmpty",
		"%s: consolidation of nodes in use restarts the jobs on them", np.Name)
	always := false
	for _, b := range untyped.List(np.At("spec", "disruption", "budgets")) {
		m, _ := b.(object)
		always = always || m["schedule"] == nil
	}
	out.add(!always, "%s: no budget that always holds: without an active one every node may be disrupted at once", np.Name)
	out.add(spec("limits", "cpu") == "" || spec("limits", "memory") == "", "%s: no limit on what it may cost", np.Name)
	out.add(np.DeleteTimeout == "", "%s: no timeout for its deletion: the default is shorter than a drain", np.Name)
	for key, why := range map[string]string{
		"kubernetes.io/arch":                    "the cheapest node wins, whatever the image was built for",
		"karpenter.sh/capacity-type":            "Karpenter launches on demand only",
		"karpenter.k8s.aws/instance-hypervisor": "bare-metal types are taken",
	} {
		out.add(len(requirement(np, key)) == 0, "%s: %s is not pinned: %s", np.Name, key, why)
	}
	for _, family := range requirement(np, "karpenter.k8s.aws/instance-family") {
		out.add(!strings.Contains(family, "d"), "%s: family %q has no NVMe disks", np.Name, family)
	}
	out.add(spec("template", "spec", "nodeClassRef", "name") == "", "%s: no node class", np.Name)
}

// requirement are the values of an In requirement of a pool.
func requirement(np componenttest.Resource, key string) []string {
	for _, r := range untyped.List(np.At("spec", "template", "spec", "requirements")) {
		if m, _ := r.(object); m["key"] == key && m["operator"] == "In" {
			return untyped.Texts(m["values"])
		}
	}
	return nil
}

// Placement: every pod of the sample job has exactly one kind of pool: JobManagers an on-demand one, TaskManagers one
// that may be spot, of the architecture that they were asked for; jobs of the old blueprint, which select by
// NodeGroupType and tolerate nothing, find TaskManagers' pools; and the platform's own pods find the core nodes.
func Placement(w *World) []string {
	var out report
	for pool, job := range w.Jobs {
		arch := strings.Join(requirement(w.resource("pools-"+pool), "kubernetes.io/arch"), ",")
		for role, want := range map[string]string{flinkjob.RoleJobManager: "on-demand",
			flinkjob.RoleTaskManager: "on-demand,spot"} {
			template, _, _ := unstructured.NestedMap(job.Object, "spec", map[string]string{
				flinkjob.RoleJobManager: "jobManager", flinkjob.RoleTaskManager: "taskManager",
			}[role], "podTemplate")
			pod, _ := template["spec"].(object)
			mark, _, _ := unstructured.NestedString(template, "metadata", "annotations", "karpenter.sh/do-not-disrupt")
			out.add((mark == "true") != (role == flinkjob.RoleJobManager),
				"%s of the job on %s: do-not-disrupt is %q: it holds up a drain, "+
					"which a JobManager may and a TaskManager on spot must not", role, pool, mark)
			fits, why := w.pools(pod)
			if len(fits) != 1 {
				out.add(true, "%s of the job on %s: %d pools take it (%s)", role, pool, len(fits), why)
				continue
			}
			capacity := slices.Sorted(slices.Values(requirement(fits[0], "karpenter.sh/capacity-type")))
			out.add(strings.Join(capacity, ",") != want, "%s of the job on %s: %s is %s, want %s", role, pool, fits[0].Name,
				strings.Join(capacity, ","), want)
			got := strings.Join(requirement(fits[0], "kubernetes.io/arch"), ",")
			out.add(got != arch, "%s of the job on %s: architecture %s, want %s", role, pool, got, arch)
		}
	}
	for _, old := range []string{"FlinkComputeOptimized", "FlinkGravitonMemoryOptimized"} {
		fits, why := w.pools(object{"nodeSelector": object{"NodeGroupType": old}})
		out.add(len(fits) != 1, "a job of the old blueprint on %s: %d pools take it (%s)", old, len(fits), why)
	}
	return append(out, w.corePods()...)
}

// pools are the pools that take a pod, and why the others do not.
func (w *World) pools(pod object) (fits []componenttest.Resource, why string) {
	var reasons []string
	for _, np := range w.of(typeNodePool) {
		if reason := flinkjob.PoolRefuses(&unstructured.Unstructured{Object: np.Inputs}, pod); reason != "" {
			reasons = append(reasons, np.Name+": "+reason)
		} else {
			fits = append(fits, np)
		}
	}
	return fits, strings.Join(reasons, ", ")
}

// corePods: what a chart's values select must be labels of the managed nodes, and Karpenter itself must run there.
func (w *World) corePods() []string {
	var out report
	labels := object{"kubernetes.io/os": "linux"}
	for _, g := range w.of(typeNodeGroup) {
		own, _ := g.At("labels").(object)
		for k, v := range own {
			labels[k] = v
		}
		out.add(len(untyped.List(g.At("taints"))) > 0, "%s: a taint keeps the platform's pods away", g.Name)
	}
	for _, r := range w.of(typeRelease) {
		for at, selector := range selectors("", r.At("values")) {
			for k, v := range selector {
				out.add(labels[k] != v, "%s: %s selects %s=%v, which no managed node has", r.Name, at, k, v)
			}
		}
	}
	chart := w.resource("karpenter-chart")
	out.add(text(chart, "values", "nodeSelector", "NodeGroupType") != "core",
		"karpenter-chart: Karpenter may run on nodes of its own, which it then removes")
	for _, addon := range []string{"coredns", "ebs-csi-driver"} {
		configuration := object{}
		for _, r := range w.of("aws:eks/addon:Addon") {
			if strings.HasSuffix(text(r, "addonName"), addon) {
				configuration = decoded(r, "configurationValues")
			}
		}
		if inner, ok := configuration["controller"].(object); ok {
			configuration = inner
		}
		selector, _ := configuration["nodeSelector"].(object)
		out.add(selector["NodeGroupType"] != "core", "addon %s: its pods may run on nodes of Flink, which go when a job ends",
			addon)
	}
	for _, r := range w.of(typeRelease) {
		image := text(r, "values", "image", "repository")
		registry, _, _ := strings.Cut(image, "/")
		out.add(strings.HasSuffix(text(r, "chart"), "aws-cloudwatch-metrics") && !strings.Contains(registry, "."),
			"%s: its image comes from Docker Hub, which limits anonymous pulls by address", r.Name)
	}
	return out
}

// selectors finds every nodeSelector in a tree of values.
func selectors(at string, v any) map[string]object {
	out := map[string]object{}
	m, _ := v.(object)
	for k, child := range m {
		path := strings.TrimPrefix(at+"."+k, ".")
		if selector, ok := child.(object); ok && k == "nodeSelector" {
			out[path] = selector
			continue
		}
		for p, s := range selectors(path, child) {
			out[p] = s
		}
	}
	return out
}
