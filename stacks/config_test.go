// SPDX-License-Identifier: Apache-2.0

package stacks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/components/team"
	"emrflink/stacks"
)

func TestDefaultsAreValidAndNeedNoKey(t *testing.T) {
	t.Parallel()
	config, err := stacks.Parse("f", nil)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(stacks.Default(), config, cmp.AllowUnexported(stacks.Config{})))
	require.Empty(t, config.Encode())
}

func TestKeysAreDocumented(t *testing.T) {
	t.Parallel()
	for _, k := range stacks.Keys() {
		require.NotEmpty(t, k.Doc, k.Name)
		require.NotEmpty(t, k.Type, k.Name)
		require.NotEmpty(t, k.Default, k.Name)
		_, err := stacks.Parse("f", map[string]any{k.Name: k.Default})
		require.NoError(t, err, "default of %s", k.Name)
		config, err := stacks.Parse("f", map[string]any{k.Name: k.Example})
		require.NoError(t, err, "example of %s", k.Name)
		require.Len(t, config.Encode(), 1, "the example of %s is not the default", k.Name)
	}
}

// TestProblems: one wrong value each; where it is, what is said of it, and what was probably meant.
func TestProblems(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 21)
	for _, c := range []struct {
		name          string
		key           string
		value         any
		at, why, hint string
	}{
		{"an unknown key", "vpcCIDR", "10.0.0.0/16", "vpcCIDR", "unknown key", "vpcCidr"},
		{"an unknown key far from all", "colour", "red", "colour", "unknown key", ""},
		{"an unknown field of an object", "coreNodes", map[string]any{"desird": 3}, "coreNodes.desird", "unknown key", "desired"},
		{"an unknown field in a list", "nodePools", `[{"nam":"x"}]`, "nodePools[0].nam", "unknown key", "name"},
		{"a word for a number", "availabilityZones", "three", "availabilityZones", "not a whole number", ""},
		{"a fraction for a number", "logRetentionDays", 30.5, "logRetentionDays", "not a whole number", ""},
		{"a text for a list", "teams", "flink-team-a", "teams", "expected: list of texts", ""},
		{"a number for a text", "kubernetesVersion", 1.35, "kubernetesVersion", "expected: text", ""},
		{"a list for an object", "endpointAccess", []any{}, "endpointAccess", "expected: object", ""},
		{"an unknown target", "target", "lokal", "target", "not one of", "local"},
		{"a name in capitals", "name", "Flink", "name", "lower-case", ""},
		{"a name that is too long", "name", long, "name", "at most 20", ""},
		{"a region that does not exist", "region", "us-west-3", "region", "no such region", "us-west-1"},
		{"more zones than the region has", "availabilityZones", 5, "availabilityZones", "at most 4 in us-west-2", ""},
		{"one zone", "availabilityZones", 1, "availabilityZones", "at least 2", ""},
		{"a range that is too small", "vpcCidr", "10.0.0.0/24", "vpcCidr", "too small", ""},
		{"a range that overlaps the services", "vpcCidr", "172.20.0.0/16", "vpcCidr", "overlaps", ""},
		{"a public range", "vpcCidr", "8.8.0.0/16", "vpcCidr", "not private", ""},
		{"an unknown NAT layout", "natGateways", "perzone", "natGateways", "not one of", "perZone"},
		{"an old Kubernetes version", "kubernetesVersion", "1.30", "kubernetesVersion",
			"cert-manager v1.21.2 supports 1.33 to 1.36", "1.33"},
		{"a Kubernetes version to come", "kubernetesVersion", "1.37", "kubernetesVersion", "Karpenter 1.14.1 supports", "1.33"},
		{"a Kubernetes version in another form", "kubernetesVersion", "v1.35", "kubernetesVersion", "form 1.NN", "1.35"},
		{"no way to the API", "endpointAccess", `{"public":false,"private":false}`, "endpointAccess", "nothing could reach", ""},
		{"a public endpoint that nodes cannot reach", "endpointAccess", `{"private":false,"publicCidrs":["203.0.113.0/24"]}`,
			"endpointAccess.private", "nodes could not join", "true"},
		{"a private range on a public endpoint", "endpointAccess", `{"publicCidrs":["10.0.0.0/8"]}`,
			"endpointAccess.publicCidrs[0]", "private range", ""},
		{"a range off its first address", "endpointAccess", `{"publicCidrs":["203.0.113.7/24"]}`, "endpointAccess.publicCidrs[0]",
			"first address", "203.0.113.0/24"},
		{"a session as administrator", "admins", `["arn:aws:sts::111122223333:assumed-role/a/b"]`, "admins[0]", "name its role",
			"arn:aws:iam::111122223333:role/a"},
		{
			"a session of Identity Center", "admins",
			`["arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/me"]`, "admins[0]",
			"role/aws-reserved/sso.amazonaws.com/REGION/AWSReservedSSO_Admin_0123456789abcdef", "",
		},
		{"the root user", "admins", `["arn:aws:iam::111122223333:root"]`, "admins[0]", "not the ARN of an IAM role or user", ""},
		{"a role with and without its path", "admins",
			`["arn:aws:iam::111122223333:role/x/a","arn:aws:iam::111122223333:role/a"]`, "admins[1]", "listed twice", ""},
		{"a name with a region in it", "name", "prod-us-west-2", "name", "contains the region us-west-2", ""},
		{"more nodes wanted than allowed", "coreNodes", `{"desired":10}`, "coreNodes", "min <= desired <= max", ""},
		{"one core node", "coreNodes", `{"desired":1}`, "coreNodes.desired", "at least 2", ""},
		{"a disk smaller than the image", "coreNodes", `{"diskGiB":8}`, "coreNodes.diskGiB", "20 to 16384", ""},
		{
			"a pool of an unknown architecture", "nodePools",
			`[{"name":"p","arch":"x86_64","nodeGroupType":"T","families":["c5d"]}]`, "nodePools[0].arch",
			"neither amd64 nor arm64", "",
		},
		{"no pools", "nodePools", []any{}, "nodePools", "at least one", ""},
		{"a team in another form", "teams", `["Team_A"]`, "teams[0]", "lower-case", ""},
		{"a team that is a namespace of the platform", "teams", `["kube-system"]`, "teams[0]", "taken", ""},
		{"a team whose role would not fit", "teams", `["` + strings.Repeat("t", 25) + `"]`, "teams[0]", "at most 24", ""},
		{"a team that is listed twice", "teams", `["a","b","a"]`, "teams[2]", "listed twice", ""},
		{"a team that is a number", "teams", `[1]`, "teams[0]", "expected: text or object", ""},
		{"an unknown field of a team", "teams", `[{"name":"a","policie":[]}]`, "teams[0].policie", "unknown key", "policies"},
		{"a team without a name", "teams", `[{"metricsFrom":"monitoring"}]`, "teams[0].name", "lower-case", ""},
		{"a team as text and as object", "teams", `["a",{"name":"a","metricsFrom":"m"}]`, "teams[1].name", "listed twice", ""},
		{"a policy by name", "teams", `[{"name":"a","policies":["read-stream"]}]`, "teams[0].policies[0]", "neither the ARN", ""},
		{"a policy that is a role", "teams", `[{"name":"a","policies":["arn:aws:iam::111122223333:role/r"]}]`,
			"teams[0].policies[0]", "neither the ARN", ""},
		{"a policy listed twice", "teams",
			`[{"name":"a","policies":["arn:aws:iam::aws:policy/P","arn:aws:iam::aws:policy/P"]}]`, "teams[0].policies[1]",
			"listed twice", ""},
		{"a document without statements", "teams", `[{"name":"a","policies":[{"Version":"2012-10-17"}]}]`,
			"teams[0].policies[0]", "without Statement", ""},
		{"a document in a text that is no JSON", "teams", `[{"name":"a","policies":["{Statement: []}"]}]`,
			"teams[0].policies[0]", "not JSON", ""},
		{"a document too large for IAM", "teams",
			`[{"name":"a","policies":[{"Statement":[{"Sid":"` + strings.Repeat("x", 6200) + `"}]}]}]`,
			"teams[0].policies[0]", "IAM's limit is 6144", ""},
		{"more policies than a role takes", "teams", `[{"name":"a","policies":[` + strings.TrimSuffix(policies(10), ",") + `]}]`,
			"teams[0].policies", "at most 9", ""},
		{"a quota that is no amount", "teams", `[{"name":"a","quota":{"memory":"800GB"}}]`, "teams[0].quota.memory", "800Gi", ""},
		{"a quota of less than nothing", "teams", `[{"name":"a","quota":{"pods":-1}}]`, "teams[0].quota", "less than none", ""},
		{"egress without ports", "teams", `[{"name":"a","egress":[{"cidrs":["10.0.0.0/8"]}]}]`, "teams[0].egress[0]",
			"at least one", ""},
		{"egress to a name", "teams", `[{"name":"a","egress":[{"cidrs":["db.internal"],"ports":[5432]}]}]`,
			"teams[0].egress[0].cidrs[0]", "not an IPv4 range", ""},
		{"egress off its first address", "teams", `[{"name":"a","egress":[{"cidrs":["10.1.2.3/16"],"ports":[1]}]}]`,
			"teams[0].egress[0].cidrs[0]", "first address", "10.1.0.0/16"},
		{"egress to the node's metadata", "teams", `[{"name":"a","egress":[{"cidrs":["169.254.169.254/32"],"ports":[80]}]}]`,
			"teams[0].egress[0].cidrs[0]", "credentials", ""},
		{"a port that there is not", "teams", `[{"name":"a","egress":[{"cidrs":["10.0.0.0/8"],"ports":[65536]}]}]`,
			"teams[0].egress[0].ports[0]", "1 to 65535", ""},
		{"a namespace in capitals", "teams", `[{"name":"a","metricsFrom":"Monitoring"}]`, "teams[0].metricsFrom",
			"namespace", ""},
		{"an unknown EMR release", "emrRelease", "7.13", "emrRelease", "not one of", "7.13.0"},
		{"days that CloudWatch does not take", "logRetentionDays", 31, "logRetentionDays", "CloudWatch Logs takes", "30"},
		{"a tag of AWS", "tags", map[string]any{"aws:x": "1"}, "tags.aws:x", "reserved", ""},
		{"a tag of Karpenter", "tags", `{"karpenter.sh/nodepool":"x"}`, "tags.karpenter.sh/nodepool", "reserved", ""},
		{"an acceptance without a rule", "acceptedFindings", `[{"reason":"x"}]`, "acceptedFindings[0].rule", "required", ""},
		{"a rule in another form", "acceptedFindings", `[{"rule":"Single_NAT","reason":"x"}]`, "acceptedFindings[0].rule",
			"not the id", "single-nat"},
		{"an acceptance without a reason", "acceptedFindings", `[{"rule":"single-nat","reason":" "}]`,
			"acceptedFindings[0].reason", "say why", ""},
		{"an acceptance listed twice", "acceptedFindings",
			`[{"rule":"single-nat","reason":"a"},{"rule":"single-nat","reason":"b"}]`, "acceptedFindings[1]", "listed twice", ""},
		{"an unknown field of an acceptance", "acceptedFindings", `[{"rule":"single-nat","reason":"a","urn":"x"}]`,
			"acceptedFindings[0].urn", "unknown key", ""},
		{"a tag with other characters", "tags", `{"a":"b?"}`, "tags.a", "letters, digits", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := stacks.Parse("Pulumi.x.yaml", map[string]any{c.key: c.value})
			var configErr *stacks.ConfigError
			require.ErrorAs(t, err, &configErr)
			require.Len(t, configErr.Problems, 1, "%v", err)
			p := configErr.Problems[0]
			require.Equal(t, "Pulumi.x.yaml", p.File)
			require.Equal(t, c.at, p.Key)
			require.Contains(t, p.Why, c.why)
			require.Equal(t, c.hint, p.Nearest)
			require.Equal(t, 2, configErr.ExitCode())
		})
	}
}

// policies are ARNs of as many policies, each with a comma behind it.
func policies(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, `"arn:aws:iam::111122223333:policy/p%d",`, i)
	}
	return out.String()
}

// A document in a text is the same as the document, and what is set of a team comes back as it was.
func TestTeamsAreReadBack(t *testing.T) {
	t.Parallel()
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kinesis:GetRecords",` +
		`"Resource":"arn:aws:kinesis:us-west-2:111122223333:stream/orders"}]}`
	text, err := json.Marshal(document)
	require.NoError(t, err)
	for _, written := range []string{document, string(text)} {
		config, err := stacks.Parse("f", map[string]any{"teams": `["a",{"name":"b","policies":["arn:aws:iam::aws:policy/P",` +
			written + `],"quota":{"cpu":"400"},"egress":[{"cidrs":["10.20.0.0/16"],"ports":[5432]}],"metricsFrom":"m"}]`})
		require.NoError(t, err)
		want := []stacks.Team{{Name: "a"}, {
			Name: "b", Policies: []stacks.TeamPolicy{"arn:aws:iam::aws:policy/P", stacks.TeamPolicy(compact(t, document))},
			Quota: team.Quota{CPU: "400"}, Egress: []team.Egress{{Cidrs: []string{"10.20.0.0/16"}, Ports: []int{5432}}},
			MetricsFrom: "m",
		}}
		require.Empty(t, cmp.Diff(want, config.Teams))
		back, err := stacks.Parse("f", map[string]any{"teams": config.Encode()["emrflink:teams"]})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(config, back))
	}
}

// compact is a document with its keys in the order in which they are kept.
func compact(t *testing.T, document string) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(document), &v))
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := stacks.Parse("Pulumi.x.yaml", map[string]any{
		"nmae": "x", "availabilityZones": "three", "vpcCidr": "10.0.0.0/24", "teams": `["A","B"]`, "region": "nowhere",
	})
	var configErr *stacks.ConfigError
	require.ErrorAs(t, err, &configErr)
	require.Len(t, configErr.Problems, 6)
	require.Contains(t, err.Error(), `Pulumi.x.yaml: emrflink:nmae = "x": unknown key (did you mean "name"?)`)
}

func TestObjectsKeepTheDefaultsOfAbsentFields(t *testing.T) {
	t.Parallel()
	config, err := stacks.Parse("f", map[string]any{"coreNodes": map[string]any{"desired": 4}, "teams": []any{"b"}})
	require.NoError(t, err)
	require.Equal(t, 9, config.CoreNodes.Max)
	require.Equal(t, 4, config.CoreNodes.Desired)
	require.Equal(t, stacks.NamedTeams("b"), config.Teams, "a list replaces the default")
}

func TestEncodeIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		config := stacks.Default()
		config.Name = rapid.StringMatching(`[a-z][a-z0-9]{0,19}`).Draw(t, "name")
		config.AvailabilityZones = rapid.IntRange(2, 4).Draw(t, "zones")
		config.Teams = stacks.NamedTeams(rapid.SliceOfNDistinct(rapid.StringMatching(`t[a-z0-9]{1,23}`), 1, 5,
			rapid.ID[string]).Draw(t, "teams")...)
		config.Tags = rapid.MapOfN(rapid.StringMatching(`k[a-z0-9]{1,20}`), rapid.StringMatching(`[a-z0-9 ]{0,20}`), 0,
			35).Draw(t, "tags")
		config.CoreNodes.Max = rapid.IntRange(3, 450).Draw(t, "max")
		values := map[string]any{}
		for key, value := range config.Encode() {
			values[strings.TrimPrefix(key, "emrflink:")] = value
		}
		back, err := stacks.Parse("f", values)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(config, back))
	})
}

func TestParseNeverPanics(t *testing.T) {
	t.Parallel()
	var keys []string
	for _, k := range stacks.Keys() {
		keys = append(keys, k.Name)
	}
	values := []string{"", "x", "-1", "null", "[]", "{}", "[null]", `{"a":null}`, `[{}]`, `[[]]`, "1e9", `{"public":"yes"}`}
	rapid.Check(t, func(t *rapid.T) {
		key, text := rapid.SampledFrom(keys).Draw(t, "key"), rapid.SampledFrom(values).Draw(t, "value")
		var value any = text
		if rapid.Bool().Draw(t, "decoded") {
			var decoded any
			if json.Unmarshal([]byte(text), &decoded) == nil {
				value = decoded
			}
		}
		_, err := stacks.Parse("f", map[string]any{key: value})
		if err != nil {
			require.NotEmpty(t, err.Error())
		}
	})
}

func TestSupportedKubernetesVersions(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"1.33", "1.34", "1.35", "1.36"}, stacks.SupportedKubernetes())
}
