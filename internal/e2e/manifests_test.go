// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"emrflink/components/componenttest"
	"emrflink/internal/flinkjob"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/chart"
	"emrflink/internal/localcloud/provider/kubeclient"
	"emrflink/stacks"
)

type object = map[string]any

// controlPlane starts a real API server and returns a client and Karpenter's CRDs.
func controlPlane(t *testing.T) (*kubeclient.Client, []byte) {
	t.Helper()
	bin := binary(t, "localkube")
	crds, err := exec.Command(bin, "crds").Output()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), bin, "serve", "--dir", t.TempDir(), "--issuer", "https://oidc.example.test/id/A",
		"--token-webhook", "http://127.0.0.1:9/", "--listen", "127.0.0.1:0", "--exit-on-stdin-eof")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(t, err, "localkube serve says that it is ready")
	var ready struct{ Kubeconfig string }
	require.NoError(t, json.Unmarshal(line, &ready))
	config, err := clientcmd.BuildConfigFromFlags("", ready.Kubeconfig)
	require.NoError(t, err)
	client, err := kubeclient.New(config)
	require.NoError(t, err)
	return client, crds
}

// server applies objects, strictly.
type server struct {
	t      *testing.T
	client *kubeclient.Client
}

// admit applies an object that must be taken as it is: an unknown field is an error of the server, and a field that is
// not there afterwards, or is another, was pruned.
func (s server) admit(o *unstructured.Unstructured) {
	s.t.Helper()
	what := kubeclient.Describe(o)
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	got, err := s.client.Apply(ctx, o, kubeclient.ApplyOptions{Manager: "strict", Force: true})
	require.NoError(s.t, err, what)
	require.Empty(s.t, missing("", o.Object, got.Object), what)
	if o.GetKind() == "CustomResourceDefinition" || o.GetKind() == "Namespace" {
		_, err = s.client.AwaitReady(ctx, got, kubeclient.ReadyFor(o.GroupVersionKind()), nil)
		require.NoError(s.t, err, what)
	}
}

// refuse applies an object that must not be taken, without keeping it.
func (s server) refuse(o *unstructured.Unstructured, reason string) {
	s.t.Helper()
	_, err := s.client.Apply(s.t.Context(), o, kubeclient.ApplyOptions{Manager: "strict", Force: true, DryRun: true})
	require.ErrorContains(s.t, err, reason, kubeclient.Describe(o))
}

// missing lists what of want is not in got. Quantities are compared by their value.
func missing(at string, want, got any) []string {
	switch w := want.(type) {
	case object:
		g, _ := got.(object)
		var out []string
		for k, v := range w {
			if _, there := g[k]; !there && saysNothing(v) {
				continue // typed kinds are stored without their zero values
			}
			out = append(out, missing(at+"."+k, v, g[k])...)
		}
		return out
	case []any:
		g, _ := got.([]any)
		var out []string
		for i, v := range w {
			if i >= len(g) {
				return append(out, fmt.Sprintf("%s[%d]", at, i))
			}
			out = append(out, missing(fmt.Sprintf("%s[%d]", at, i), v, g[i])...)
		}
		return out
	}
	if fmt.Sprint(want) == fmt.Sprint(got) {
		return nil
	}
	a, errA := resource.ParseQuantity(fmt.Sprint(want))
	b, errB := resource.ParseQuantity(fmt.Sprint(got))
	if errA == nil && errB == nil && a.Cmp(b) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: %v became %v", at, want, got)}
}

// saysNothing is a value that means the same as none.
func saysNothing(v any) bool {
	switch v := v.(type) {
	case object:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return v == nil || v == "" || v == false || fmt.Sprint(v) == "0"
}

// manifests are all objects that the program of a configuration makes: its own, those of its charts, its sample jobs.
func manifests(t *testing.T, charts chart.Charts, config map[string]string) []*unstructured.Unstructured {
	t.Helper()
	g := componenttest.Run(t, stacks.Blueprint, componenttest.Options{Config: config})
	var first, then []*unstructured.Unstructured
	for _, r := range g.Resources {
		switch {
		case r.Type == "kubernetes:helm.sh/v3:Release":
			text := func(path ...any) string { s, _ := r.At(path...).(string); return s }
			values, _ := r.Inputs["values"].(object)
			out, err := charts.Render(chart.Request{
				Chart: text("chart"), Repo: text("repositoryOpts", "repo"), Version: text("version"), Release: text("name"),
				Namespace: text("namespace"), Values: values,
			})
			require.NoError(t, err, r.Name)
			then = append(then, append(out.CRDs, out.Objects...)...)
		case strings.HasSuffix(r.Type, ":Namespace"):
			first = append(first, &unstructured.Unstructured{Object: r.Inputs})
		case strings.HasSuffix(r.Type, ":EC2NodeClass"):
			// The IDs of an offline graph are made of names, which the CRD's patterns refuse.
			for i, term := range r.At("spec", "subnetSelectorTerms").([]any) {
				term.(object)["id"] = fmt.Sprintf("subnet-%d", i)
			}
			then = append(then, &unstructured.Unstructured{Object: r.Inputs})
		case strings.HasPrefix(r.Type, "kubernetes:"):
			then = append(then, &unstructured.Unstructured{Object: r.Inputs})
		}
	}
	for _, p := range g.Outputs["nodePools"].([]any) {
		if pool := p.(object); pool["flinkRole"] == flinkjob.RoleTaskManager {
			for _, sample := range flinkjob.List() {
				var settings []string
				for _, s := range sample.Settings {
					settings = append(settings, s.Name+"="+cmp.Or(s.Default, s.Example))
				}
				spec, err := flinkjob.SpecFrom(g.Outputs, flinkjob.Options{
					NodePool: pool["name"].(string), Sample: sample.Name, Jars: jars(t), Set: settings,
				})
				require.NoError(t, err)
				jobs, err := flinkjob.Render(spec)
				require.NoError(t, err)
				then = append(then, jobs...)
			}
		}
	}
	return append(first, then...)
}

// jars is a folder with something in the place of each sample's jar.
func jars(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, sample := range flinkjob.List() {
		require.NoError(t, os.WriteFile(filepath.Join(dir, sample.Name+".jar"), []byte(sample.Name), 0o600))
	}
	return dir
}

// TestEveryManifestIsStrictlyAdmitted: a real API server takes every manifest that the program makes, in several
// configurations, with strict field validation, Karpenter's CRDs with their rules and pod security; and it does refuse
// what is wrong, or the first half would prove nothing.
func TestEveryManifestIsStrictlyAdmitted(t *testing.T) {
	t.Parallel()
	client, karpenterCRDs := controlPlane(t)
	s := server{t, client}
	charts := chart.Charts{KarpenterCRDs: func() ([]byte, error) { return karpenterCRDs, nil }}
	crds, err := kube.Objects(karpenterCRDs)
	require.NoError(t, err)
	flink, err := chart.EMRFlinkCRDs()
	require.NoError(t, err)
	monitors, err := chart.PrometheusCRDs()
	require.NoError(t, err)
	for _, crd := range slices.Concat(crds, flink, monitors) {
		s.admit(crd)
	}
	kinds, byKind := map[string]int{}, map[string]*unstructured.Unstructured{}
	for _, config := range []map[string]string{
		{},
		{
			"emrflink:name": strings.Repeat("n", 20), "emrflink:teams": `["` + strings.Repeat("t", 24) + `","b"]`,
			"emrflink:tags": `{"cost-centre":"42"}`, "emrflink:clusterAutoscaler": "true", "emrflink:podIdentity": "true",
			"emrflink:observability": `{"prometheus":"inCluster","grafana":"inCluster","alerts":true}`,
		},
	} {
		for _, o := range manifests(t, charts, config) {
			s.admit(o)
			kinds[o.GetKind()]++
			if byKind[o.GetKind()] == nil || o.GetNamespace() == "flink-team-a" {
				byKind[o.GetKind()] = o
			}
		}
	}
	t.Logf("admitted: %v", kinds)
	for _, kind := range []string{
		"NodePool", "EC2NodeClass", "FlinkDeployment", "NetworkPolicy", "ResourceQuota", "Deployment", "StorageClass",
		"PodMonitor", "PrometheusRule",
	} {
		require.Positive(t, kinds[kind], kind)
	}
	refusals(s, byKind)
}

// refusals change one field of an admitted object each.
func refusals(s server, byKind map[string]*unstructured.Unstructured) {
	s.t.Helper()
	for _, r := range []struct {
		kind, path, value, reason string
	}{
		{"NodePool", "spec.disruption.expireAfter", `"720h"`, "field not declared in schema"},
		{"NodePool", "spec.template.spec.nodeClassRef.apiVersion", `"karpenter.k8s.aws/v1"`, "field not declared in schema"},
		{"NodePool", "spec.template.metadata.labels", `{"karpenter.sh/team":"a"}`, "restricted"},
		{"NodePool", "spec.disruption.budgets", `[{"nodes":"1","schedule":"0 0 * * *"}]`,
			"'schedule' must be set with 'duration'"},
		{"NodePool", "spec.template.spec.terminationGracePeriod", `"Never"`, "terminationGracePeriod"},
		{"NodePool", "spec.weight", `101`, "spec.weight"},
		{"EC2NodeClass", "spec.role", `"node"`, "must specify exactly one of ['role', 'instanceProfile']"},
		{"EC2NodeClass", "spec.amiSelectorTerms", `[{"alias":"al2023@v20261023"},{"alias":"al2@v20261023"}]`, "alias"},
		{"EC2NodeClass", "spec.tags", `{"kubernetes.io/cluster/x":"owned"}`, "restricted"},
		{"EC2NodeClass", "spec.instanceStore", `"RAID0"`, "field not declared in schema"},
		{"FlinkDeployment", "spec.job.autoscaler", `true`, "field not declared in schema"},
		{"FlinkDeployment", "spec.flinkConfiguration", `{"taskmanager.numberOfTaskSlots":1}`, "flinkConfiguration"},
		{"FlinkDeployment", "spec.flinkVersion", `"v9_9"`, "flinkVersion"},
		{"NetworkPolicy", "spec.podselector", `{}`, "field not declared in schema"},
		{"ResourceQuota", "spec.hard", `{"requests.cpu":"lots"}`, "quantities must match"},
	} {
		o := byKind[r.kind].DeepCopy()
		var value any
		require.NoError(s.t, yaml.Unmarshal([]byte(r.value), &value))
		require.NoError(s.t, unstructured.SetNestedField(o.Object, normal(value), strings.Split(r.path, ".")...))
		s.refuse(o, r.reason)
	}
	for reason, spec := range map[string]string{
		`violates PodSecurity "baseline:latest": privileged`: `{containers: [{name: c, image: i, ` +
			`securityContext: {privileged: true}}]}`,
		`violates PodSecurity "baseline:latest": hostPath volumes`: `{containers: [{name: c, image: i}], ` +
			`volumes: [{name: v, hostPath: {path: /}}]}`,
		`violates PodSecurity "baseline:latest": host namespaces`: `{hostNetwork: true, containers: [{name: c, image: i}]}`,
	} {
		pod := &unstructured.Unstructured{}
		require.NoError(s.t,
			yaml.Unmarshal([]byte("{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: flink-team-a}, spec: "+spec+
				"}"), &pod.Object))
		s.refuse(pod, reason)
	}
}

// normal turns numbers into those that unstructured objects hold.
func normal(v any) any {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case object:
		for k, e := range v {
			v[k] = normal(e)
		}
	case []any:
		for i, e := range v {
			v[i] = normal(e)
		}
	}
	return v
}
