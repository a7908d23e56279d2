// SPDX-License-Identifier: Apache-2.0

package findings_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/findings"
)

// res makes a resource from its inputs in JSON.
func res(t *testing.T, typ, name, inputs string, deps ...string) findings.Resource {
	t.Helper()
	r := findings.Resource{URN: "urn:pulumi:t::emrflink::" + typ + "::" + name, Type: typ, Name: name, Dependencies: []string{}}
	for _, d := range deps {
		r.Dependencies = append(r.Dependencies, "urn:pulumi:t::emrflink::"+d)
	}
	require.NoError(t, json.Unmarshal([]byte(inputs), &r.Inputs), inputs)
	return r
}

// one is a resource of a test: type, name, inputs and dependencies.
type one struct{ typ, name, inputs, dep string }

func graph(t *testing.T, all []one) []findings.Resource {
	t.Helper()
	var out []findings.Resource
	for _, o := range all {
		if o.dep != "" {
			out = append(out, res(t, o.typ, o.name, o.inputs, o.dep))
			continue
		}
		out = append(out, res(t, o.typ, o.name, o.inputs))
	}
	return out
}

// of are the findings of one rule, as "name path".
func of(all []findings.Finding, rule string) []string {
	var out []string
	for _, f := range all {
		if f.Rule == rule {
			out = append(out, strings.TrimSpace(f.Name+" "+f.Path))
		}
	}
	return out
}

func TestRules(t *testing.T) {
	t.Parallel()
	all := cases()
	for _, r := range findings.Rules() {
		if slices.Contains([]string{findings.NotChecked, findings.UnusedAcceptance, "plain-secret"}, r.ID) {
			continue // each has a test of its own
		}
		c, ok := all[r.ID]
		require.True(t, ok, "rule %s has no case", r.ID)
		delete(all, r.ID)
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			found := findings.Check(graph(t, c.raises))
			require.Equal(t, c.at, of(found, r.ID))
			for _, f := range found {
				require.NotEmpty(t, f.Message)
				require.False(t, f.Accepted)
				require.Equal(t, f.Rule == r.ID, f.Severity == r.Severity && f.Rule == r.ID)
			}
			require.Empty(t, of(findings.Check(graph(t, c.quiet)), r.ID))
		})
	}
	require.Empty(t, all, "cases without a rule")
}

func TestAPlainSecretIsFoundWhereItWasHidden(t *testing.T) {
	t.Parallel()
	r := res(t, role, "a", `{"tags":{"note":"[secret]"}}`)
	require.Empty(t, of(findings.Check([]findings.Resource{r}), "plain-secret"), "one that is marked")
	r.Exposed = []string{"tags.note"}
	require.Equal(t, []string{"a tags.note"}, of(findings.Check([]findings.Resource{r}), "plain-secret"))
}

// TestUnknownValues: they raise no finding, and the rule that had to look at one is named once.
// A policy that the same graph makes is judged by its document, not by an ARN that is not known yet.
func TestAnAttachmentOfAPolicyOfTheGraphIsChecked(t *testing.T) {
	t.Parallel()
	own := res(t, attachment, "a", `{"policyArn":"[unknown]"}`, policy+"::p")
	require.Empty(t, findings.Check([]findings.Resource{own}))
}

func TestUnknownValues(t *testing.T) {
	t.Parallel()
	graphs := map[string][]one{
		"public-endpoint":          {{cluster, "a", `{"vpcConfig":{"publicAccessCidrs":["[unknown]"]}}`, ""}},
		"open-ingress":             {{sgRule, "a", `{"type":"ingress","cidrBlocks":"[unknown]"}`, ""}},
		"open-egress":              {{networkPolicy, "a", `{"spec":{"egress":"[unknown]"}}`, ""}},
		"iam-wildcard-action":      {{policy, "a", `{"policy":"[unknown]"}`, ""}},
		"iam-wildcard-resource":    {{policy, "a", `{"policy":"{\"Statement\":{\"Resource\":\"[unknown]\"}}"}`, ""}},
		"iam-broad-managed-policy": {{attachment, "a", `{"policyArn":"[unknown]"}`, ""}},
		"iam-open-trust":           {{role, "a", `{"assumeRolePolicy":"[unknown]"}`, ""}},
		"imds-v1":                  {{template, "a", `{"metadataOptions":"[unknown]"}`, ""}},
		"imds-hop-limit":           {{template, "a", `{"metadataOptions":"[unknown]"}`, ""}},
		"unencrypted-volume":       {{template, "a", `{"blockDeviceMappings":"[unknown]"}`, ""}},
		"unpinned-ami":             {{class, "a", `{"spec":"[unknown]"}`, ""}},
		"spot-jobmanager":          {{pool, "a", jobManagers(`"[unknown]"`), ""}},
		"nodepool-grace":           {{pool, "a", `{"spec":"[unknown]"}`, ""}},
		"nodepool-budgets":         {{pool, "a", `{"spec":"[unknown]"}`, ""}},
		"nodepool-limits":          {{pool, "a", `{"spec":"[unknown]"}`, ""}},
		"control-plane-logs":       {{cluster, "a", `{"enabledClusterLogTypes":"[unknown]"}`, ""}},
		"extended-support":         {{cluster, "a", `{"version":"[unknown]"}`, ""}},
		"open-dashboards": {{release, "a", `{"chart":"kube-prometheus-stack","values":{"grafana":"[unknown]",
			"prometheus":{"enabled":false}}}`, ""}},
		"metrics-volume": {{release, "a", `{"chart":"kube-prometheus-stack","values":{"prometheus":"[unknown]"}}`, ""}},
		"log-retention":  {{logGroup, "a", `{"retentionInDays":"[unknown]"}`, ""}},
		"pod-security": {{"kubernetes:core/v1:Namespace", "a",
			`{"metadata":{"labels":{"emrflink/team":"a","pod-security.kubernetes.io/enforce":"[unknown]"}}}`, ""}},
		"bucket-public-access": {{bucket, "b", `{"bucket":"b"}`, ""},
			{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "a", `{"bucket":"b","blockPublicAcls":"[unknown]",
				"blockPublicPolicy":true,"ignorePublicAcls":true,"restrictPublicBuckets":true}`, ""}},
		"partly-mirrored": {{release, "a", `{"chart":"metrics-server","values":{"image":{"repository":"[unknown]"}}}`, ""}},
		"cold-cache":      {{release, "a", `{"chart":"karpenter","values":{"settings":{"isolatedVPC":"[unknown]"}}}`, ""}},
		"bucket-tls": {{bucket, "b", `{"bucket":"b"}`, ""},
			{"aws:s3/bucketPolicy:BucketPolicy", "a", `{"bucket":"b","policy":"[unknown]"}`, ""}},
		"bucket-versioning": {{bucket, "b", `{"bucket":"b"}`, ""},
			{"aws:s3/bucketVersioningV2:BucketVersioningV2", "a",
				`{"bucket":"b","versioningConfiguration":{"status":"[unknown]"}}`, ""}},
	}
	for _, r := range findings.Rules() {
		switch r.ID {
		case "plain-secret", findings.NotChecked, findings.UnusedAcceptance: // of no property
		case "iam-user", "bucket-encryption": // that a resource is there, or not, is always known
		case "single-nat": // counts the resources
		case "iam-refused-document": // the rules of the document's statements say that they did not read it
		default:
			require.Contains(t, graphs, r.ID, "this rule looks at values: what does it do with an unknown one?")
		}
	}
	for rule, g := range graphs {
		found := findings.Check(graph(t, g))
		require.Empty(t, of(found, rule), rule)
		last := found[len(found)-1]
		require.Equal(t, findings.NotChecked, last.Rule, rule)
		require.Contains(t, last.Message, rule+" (a)")
	}
	// The rule looks at queues before roles; the names are sorted all the same.
	many := []one{{"aws:sqs/queuePolicy:QueuePolicy", "e", `{"policy":"[unknown]"}`, ""}}
	for _, n := range []string{"a", "b", "c", "d"} {
		many = append(many, one{role, n, `{"assumeRolePolicy":"[unknown]"}`, ""})
	}
	found := findings.Check(graph(t, many))
	require.Len(t, found, 1)
	require.Contains(t, found[0].Message, "iam-open-trust (a, b, c and 2 more)")
}

func TestOrder(t *testing.T) {
	t.Parallel()
	g := graph(t, []one{
		{logGroup, "z", `{}`, ""}, {cluster, "c", `{"vpcConfig":{}}`, ""},
		{"aws:iam/user:User", "u", `{}`, ""},
	})
	first := findings.Check(g)
	slices.Reverse(g)
	require.Empty(t, cmp.Diff(first, findings.Check(g)))
	var severities []string
	for _, f := range first {
		severities = append(severities, f.Severity)
	}
	require.Equal(t, []string{"high", "medium", "medium", "low"}, severities)
}
