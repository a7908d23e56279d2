// SPDX-License-Identifier: Apache-2.0

package graphcheck

import (
	"slices"
	"strings"

	"emrflink/components/componenttest"
	"emrflink/internal/untyped"
)

const (
	typeRelease   = "kubernetes:helm.sh/v3:Release"
	typeNamespace = "kubernetes:core/v1:Namespace"
)

// Charts: each chart is one that the project knows, in a version that it knows, and its values are keys of that chart;
// what the charts' service accounts assume is there, and CRDs have one owner.
func Charts(w *World) []string {
	var out report
	for _, r := range w.of(typeRelease) {
		values, _ := r.At("values").(object)
		err := w.Render(Release{
			Chart: text(r, "chart"), Repo: text(r, "repositoryOpts", "repo"), Version: text(r, "version"),
			Name: text(r, "name"), Namespace: text(r, "namespace"), Values: values,
		})
		out.add(err != nil, "%s: %v", r.Name, err)
		if arn := text(r, "values", "serviceAccount", "annotations", "eks.amazonaws.com/role-arn"); arn != "" {
			w.annotated(&out, r, lastPart(arn, "/"))
		}
	}
	karpenter := w.resource("karpenter-chart")
	out.add(text(karpenter, "skipCrds") != "true", "karpenter-chart: it brings the CRDs that karpenter-crds owns: invalid "+
		"ownership metadata")
	out.add(text(karpenter, "version") != text(w.resource("karpenter-crds"), "version"),
		"karpenter-chart and karpenter-crds are of two versions")
	out.add(text(karpenter, "values", "settings", "clusterName") != w.output("clusterName"),
		"karpenter-chart: it is told of cluster %q", text(karpenter, "values", "settings", "clusterName"))
	operator := w.resource("flink-operator-chart")
	out.add(text(operator, "values", "emrContainers", "operatorExecutionRoleArn") != w.output("flinkOperatorRoleArn"),
		"flink-operator-chart: it is not told of the operator's role")
	out.add(!strings.HasPrefix(w.output("emrReleaseLabel"), "emr-"+text(operator, "version")+"-"),
		"flink-operator-chart: operator %s, jobs %s", text(operator, "version"), w.output("emrReleaseLabel"))
	return out
}

// annotated: a role that a service account is annotated with trusts that service account.
func (w *World) annotated(out *report, r componenttest.Resource, role string) {
	subject := "system:serviceaccount:" + text(r, "namespace") + ":" + text(r, "values", "serviceAccount", "name")
	allowed, why := w.judge().allowed(Case{
		Who: subject, Action: "sts:AssumeRoleWithWebIdentity", Resource: role, Method: ByTrust,
	})
	out.add(!allowed, "%s: role %q does not trust %s: %s", r.Name, role, subject, why)
}

// Namespaces: every object's namespace is made, a team's one is fenced in, and what a Flink job needs through the fence
// is open.
func Namespaces(w *World) []string {
	var out report
	made := []string{"kube-system"}
	for _, ns := range w.of(typeNamespace) {
		made = append(made, text(ns, "metadata", "name"))
	}
	for _, r := range w.Graph.Resources {
		at := text(r, "metadata", "namespace")
		if r.Type == typeRelease {
			at = text(r, "namespace")
		}
		out.add(strings.HasPrefix(r.Type, "kubernetes:") && at != "" && !slices.Contains(made, at),
			"%s: nobody makes namespace %q", r.Name, at)
	}
	teams, _ := w.Graph.Outputs["teams"].(object)
	for _, team := range sorted(teams) {
		w.team(&out, w.output("teams", team, "namespace"))
	}
	return out
}

func (w *World) team(out *report, namespace string) {
	var quota, limits, deny bool
	ports := map[string]bool{}
	for _, r := range w.Graph.Resources {
		if text(r, "metadata", "namespace") != namespace {
			continue
		}
		switch lastPart(r.Type, ":") {
		case "ResourceQuota":
			quota = true
		case "LimitRange":
			limits = text(r, "spec", "limits", 0, "defaultRequest", "cpu") != ""
		case "NetworkPolicy":
			rules := append(untyped.List(r.At("spec", "ingress")), untyped.List(r.At("spec", "egress"))...)
			deny = deny || len(rules) == 0 && same(untyped.Texts(r.At("spec", "policyTypes")), []string{"Ingress", "Egress"})
			for _, rule := range rules {
				m, _ := rule.(object)
				for _, p := range untyped.List(m["ports"]) {
					port, _ := p.(object)
					ports[strings.TrimSuffix(text(componenttest.Resource{Inputs: port}, "port"), ".0")] = true
				}
			}
		}
	}
	out.add(!quota, "namespace %s: no quota", namespace)
	out.add(quota && !limits, "namespace %s: a quota without default requests: EMR's sidecars declare none, and their pods "+
		"are refused", namespace)
	out.add(!deny, "namespace %s: nothing is denied by default", namespace)
	for port, what := range map[string]string{"53": "DNS", "443": "S3, STS and the API server",
		"8081": "the operator's look at the JobManager"} {
		out.add(!ports[port], "namespace %s: port %s is closed (%s)", namespace, port, what)
	}
	for _, ns := range w.of(typeNamespace) {
		if text(ns, "metadata", "name") == namespace {
			out.add(text(ns, "metadata", "labels", "pod-security.kubernetes.io/enforce") == "",
				"namespace %s: no pod security is enforced", namespace)
		}
	}
}

// Outputs: what sample-job, status and cleanup are told of is what the graph makes.
func Outputs(w *World) []string {
	var out report
	roles, groups := []string{}, []string{}
	for _, r := range w.of(typeRole) {
		roles = append(roles, text(r, "name"))
	}
	for _, g := range w.of("aws:cloudwatch/logGroup:LogGroup") {
		groups = append(groups, text(g, "name"))
	}
	teams, _ := w.Graph.Outputs["teams"].(object)
	out.add(len(teams) == 0, "there is no team")
	for _, team := range sorted(teams) {
		out.add(!slices.Contains(roles, lastPart(w.output("teams", team, "jobRoleArn"), "/")), "team %s: no role %s", team,
			w.output("teams", team, "jobRoleArn"))
		out.add(!slices.Contains(groups, w.output("teams", team, "logGroup")),
			"team %s: nobody makes log group %s: EMR makes it, without retention", team, w.output("teams", team, "logGroup"))
		for _, uri := range []string{"checkpointUri", "savepointUri", "jobmanagerUri", "logUri"} {
			out.add(!strings.HasPrefix(w.output("teams", team, uri), "s3://"+w.output("checkpointBucket")+"/"),
				"team %s: %s is %q", team, uri, w.output("teams", team, uri))
		}
	}
	var told []string
	for _, p := range untyped.List(w.Graph.Outputs["nodePools"]) {
		m, _ := p.(object)
		name, _ := m["name"].(string)
		told = append(told, name)
		np := w.resource("pools-" + name)
		for key, label := range map[string]string{"nodeGroupType": "NodeGroupType", "flinkRole": "FlinkRole"} {
			out.add(m[key] != np.At("spec", "template", "metadata", "labels", label),
				"output nodePools: %s of %s is %v, its nodes have %v",
				key, name, m[key], np.At("spec", "template", "metadata", "labels", label))
		}
	}
	var pools []string
	for _, np := range w.of(typeNodePool) {
		pools = append(pools, text(np, "metadata", "name"))
	}
	out.add(!same(told, pools), "output nodePools names %v, there are %v", told, pools)
	return out
}
