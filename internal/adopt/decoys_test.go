// SPDX-License-Identifier: Apache-2.0

package adopt

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/engine"
)

// made are the kinds that a program makes.
func made() []awskind.Kind {
	var out []awskind.Kind
	for _, k := range awskind.All() {
		if k.Made == awskind.ByProgram {
			out = append(out, k)
		}
	}
	return out
}

// request asks for one of a kind, with a value for each input that its look-up needs.
func request(k awskind.Kind) engine.PendingCreate {
	in := map[string]any{"subnetId": "subnet-1"}
	for _, quoted := range placeholder.FindAllString(k.Adopt+k.Owner, -1) {
		name := strings.Trim(quoted, "{}")
		in[name] = "the-" + name
	}
	in["key"] = "kubernetes.io/cluster/demo"
	if k.Tags != awskind.Untagged {
		tags := map[string]any{"Name": "demo-x"}
		for key, v := range ownTags() {
			tags[key] = v
		}
		in["tags"] = tags
	}
	return engine.PendingCreate{Type: k.Type, Name: "x", Inputs: in}
}

// holding is an account in which everything that is asked for exists, with tags.
func holding(k awskind.Kind, tags map[string]string) *fakeAccount {
	same := awsapi.Resource{Type: k.Inventory, ID: "id-1", Tags: tags}
	owner, _, _ := strings.Cut(k.Owner, " ")
	on := awsapi.Resource{
		Type: owner, ID: "the-routeTableId", Tags: tags, Detail: map[string]string{"association/subnet-1": "a-1"},
	}
	if owner == awsapi.TypeSecurityGroup {
		on.ID = "the-securityGroupId"
	}
	return &fakeAccount{
		inventories: [][]awsapi.Resource{{same, on}}, keys: []awsapi.Resource{same}, tags: tags,
	}
}

func TestOneOfEveryKindIsFoundByItsOwnersTags(t *testing.T) {
	t.Parallel()
	require.Greater(t, len(made()), 35)
	for _, k := range made() {
		tags := ownTags()
		tags["Name"], tags["team"] = "demo-x", "data"
		id, found, err := look(t, holding(k, tags), request(k))
		require.NoError(t, err, k.Type)
		require.True(t, found, k.Type)
		require.NotEmpty(t, id, k.Type)
	}
}

// Something has the name that is asked for, or lies where it would, and tags that are nearly the deployment's.
func TestADecoyOfAnyKindIsNeverTaken(t *testing.T) {
	t.Parallel()
	near := []func(map[string]string){
		func(m map[string]string) { clear(m) },
		func(m map[string]string) { delete(m, "emrflink:deployment") },
		func(m map[string]string) { delete(m, "emrflink:managed-by") },
		func(m map[string]string) { m["emrflink:deployment"] = "demo2" },
		func(m map[string]string) { m["emrflink:deployment"] = "dem" },
		func(m map[string]string) { m["emrflink:deployment"] = "Demo" },
		func(m map[string]string) { m["emrflink:deployment"] = "demo " },
		func(m map[string]string) { m["emrflink:deployment"] = "" },
		func(m map[string]string) { m["emrflink:managed-by"] = "terraform" },
		func(m map[string]string) { m["emrflink:managed-by"] = "" },
		func(m map[string]string) {
			delete(m, "emrflink:deployment")
			m["Emrflink:Deployment"] = "demo"
		},
	}
	rapid.Check(t, func(rt *rapid.T) {
		k := rapid.SampledFrom(made()).Draw(rt, "kind")
		tags := ownTags()
		tags["Name"] = "demo-x"
		rapid.SampledFrom(near).Draw(rt, "tags")(tags)
		maps.Copy(tags, rapid.MapOfN(rapid.StringMatching(`[a-z]{3}`), rapid.String(), 0, 3).Draw(rt, "more"))
		p := request(k)
		p.Inputs["key"] = rapid.SampledFrom([]string{
			"Name", "kubernetes.io/cluster/demo2", "kubernetes.io/cluster/my-demo", "kubernetes.io/cluster/demo/x", "demo",
		}).Draw(rt, "key")
		id, found, err := look(t, holding(k, tags), p)
		var foreign *engine.ForeignError
		if errors.As(err, &foreign) {
			require.Equal(rt, tags, foreign.Tags, "it says what it found")
			require.Contains(rt, foreign.Show, "aws ", k.Type)
			require.NotContains(rt, foreign.Show, "{", k.Type)
		} else {
			require.NoError(rt, err, k.Type)
		}
		require.False(rt, found, "%s was taken: %s", k.Type, id)
	})
}

// What AWS does not say is neither there nor gone.
func TestALookThatFailsIsAnErrorForEveryKind(t *testing.T) {
	t.Parallel()
	for _, k := range made() {
		if k.Owner == awskind.OwnerInName {
			continue // its id says it
		}
		f := holding(k, ownTags())
		f.err = errors.New("throttled")
		_, found, err := look(t, f, request(k))
		require.ErrorContains(t, err, "throttled", k.Type)
		require.False(t, found, k.Type)
	}
}

// Without tags that mark the deployment everything would be its own.
func TestWithoutTagsOfTheDeploymentNothingIsTaken(t *testing.T) {
	t.Parallel()
	for _, k := range made() {
		if k.Owner == awskind.OwnerInName {
			continue
		}
		p := request(k)
		delete(p.Inputs, "tags")
		_, found, _ := Finder(Options{Account: holding(k, ownTags()), Region: "r", Deployment: "demo"})(t.Context(), p)
		require.False(t, found, k.Type)
	}
}
