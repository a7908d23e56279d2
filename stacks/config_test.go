// SPDX-License-Identifier: Apache-2.0

package stacks_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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
	require.Equal(t, []string{"b"}, config.Teams, "a list replaces the default")
}

func TestEncodeIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		config := stacks.Default()
		config.Name = rapid.StringMatching(`[a-z][a-z0-9]{0,19}`).Draw(t, "name")
		config.AvailabilityZones = rapid.IntRange(2, 4).Draw(t, "zones")
		config.Teams = rapid.SliceOfNDistinct(rapid.StringMatching(`t[a-z0-9]{1,23}`), 1, 5, rapid.ID[string]).Draw(t, "teams")
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
