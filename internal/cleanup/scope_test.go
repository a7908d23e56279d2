// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/plans"
)

const arn = "arn:aws:ec2:us-west-2:111122223333:vpc/vpc-1"

func TestTheAccountIsTheCallersWhenNothingRecordedNamesOne(t *testing.T) {
	t.Parallel()
	record := func(arn string) *recorder {
		return &recorder{record: Record{Exists: true, Resources: []plans.StateResource{
			custom("aws:ec2/vpc:Vpc", "vpc-1", map[string]any{"arn": arn}),
		}}}
	}
	w := newWorld(t)
	teardown, err := prepared(t, w, optionsOf(t), record(""))
	require.NoError(t, err)
	require.Equal(t, w.account.id, teardown.Plan().Account)

	w.account.id = "999999999999"
	_, err = prepared(t, w, optionsOf(t), record(arn))
	require.ErrorContains(t, err, "the credentials belong to account 999999999999, the deployment to 111122223333")

	w.fail["identity"] = errors.New("ExpiredToken")
	_, err = prepared(t, w, optionsOf(t), record(""))
	require.EqualError(t, err, "ExpiredToken", "nobody knows whose account it is")
}

// An unfinished cleanup is gone on with only where name, account and region are those of the state.
func TestAnUnfinishedCleanupInAnotherPlaceIsLeftAlone(t *testing.T) {
	t.Parallel()
	same := Scope{Stack: "dev", Account: "111122223333", Region: "us-west-2", Deployment: awsapi.Deployment{
		Name: "emr-eks-flink", Buckets: []string{"old-bucket"}}}
	for name, c := range map[string]struct {
		change func(*Scope)
		arn    string
		taken  bool
	}{
		"the same":                    {func(*Scope) {}, arn, true},
		"another account":             {func(s *Scope) { s.Account = "999999999999" }, arn, false},
		"another region":              {func(s *Scope) { s.Region = "eu-west-1" }, arn, false},
		"another name":                {func(s *Scope) { s.Deployment.Name = "other" }, arn, false},
		"no account recorded so far":  {func(s *Scope) {}, "", true},
		"an account of too few parts": {func(s *Scope) {}, "arn:aws:ec2:us-west-2:111122223333", true},
		"an account of a wrong size":  {func(s *Scope) {}, "arn:aws:ec2:us-west-2:1111:vpc/vpc-1", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, old := optionsOf(t), same
			c.change(&old)
			unfinished(t, o, old)
			sc, known, err := readScope(o, Record{Resources: []plans.StateResource{
				custom("aws:ec2/vpc:Vpc", "vpc-1", map[string]any{"arn": c.arn}),
			}})
			require.NoError(t, err)
			require.True(t, known)
			require.Equal(t, "111122223333", sc.Account)
			require.Equal(t, c.taken, sc.saved)
			require.Equal(t, c.taken, len(sc.Deployment.Buckets) == 1)
			require.Equal(t, c.taken, len(sc.warnings) == 0)
		})
	}
}

func TestWhatIsAnothersIsToldByIds(t *testing.T) {
	t.Parallel()
	vpc := func(id string, tags map[string]string) awsapi.Resource {
		return awsapi.Resource{Type: awsapi.TypeVPC, ID: id, Tags: tags}
	}
	issued := func(by string) awsapi.Resource {
		return awsapi.Resource{Type: awsapi.TypeCluster, ID: cluster, Detail: map[string]string{"issuer": by}}
	}
	for name, c := range map[string]struct {
		vpc, issuer string // of ours
		found       awsapi.Resource
		other       string
		left        []string
	}{
		"a VPC with our tags and another id": {"vpc-0", "", vpc("vpc-1", ours()), "VPC vpc-1", []string{}},
		"a VPC with the tags of others":      {"vpc-0", "", vpc("vpc-1", nil), "", []string{}},
		"our VPC":                            {"vpc-0", "", vpc("vpc-0", ours()), "", []string{"vpc-0"}},
		"a VPC when ours is not known":       {"", "", vpc("vpc-1", ours()), "", []string{}},
		"a subnet of our VPC": {
			"vpc-0", "", awsapi.Resource{Type: awsapi.TypeSubnet, ID: "s", Detail: map[string]string{"vpc": "vpc-0"}}, "",
			[]string{"s"},
		},
		"a subnet of another, with our tags": {
			"vpc-0", "",
			awsapi.Resource{Type: awsapi.TypeSubnet, ID: "s", Tags: ours(), Detail: map[string]string{"vpc": "vpc-1"}},
			"", []string{},
		},
		"what is in no VPC, when ours is not known": {"", "", awsapi.Resource{Type: awsapi.TypeBucket}, "", []string{}},
		"a cluster of another issuer": {
			"", "oidc/1", issued("https://oidc/2"), "a cluster with the issuer oidc/2", []string{},
		},
		"our cluster":                            {"", "https://oidc/1", issued("oidc/1"), "", []string{}},
		"a cluster when our issuer is not known": {"", "", issued("https://oidc/2"), "", []string{}},
		"a cluster without an issuer":            {"", "oidc/1", issued(""), "", []string{}},
		"another issuer of what is no cluster": {
			"", "oidc/1", awsapi.Resource{Type: awsapi.TypeRole, Detail: map[string]string{"issuer": "oidc/2"}}, "", []string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.c.Scope.Deployment.VPC, w.c.Scope.Deployment.OIDCIssuer = c.vpc, c.issuer
			other, left := (&Teardown{scope: savedScope{Scope: w.c.Scope}, run: w.c}).whose([]awsapi.Resource{c.found})
			require.Equal(t, c.other, other)
			require.Equal(t, c.left, ids(left))
		})
	}
}

func TestAFailureAfterTheLastDeletionIsIncomplete(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), &recorder{record: Record{Exists: true, Resources: []plans.StateResource{
		custom("aws:ec2/vpc:Vpc", "vpc-1", map[string]any{"arn": arn}),
	}}}
	w.account.cluster = false
	teardown, err := prepared(t, w, optionsOf(t), r)
	require.NoError(t, err)
	r.err = errors.New("the state is locked")
	report, err := teardown.Run(t.Context(), nil)
	var incomplete *IncompleteError
	require.ErrorAs(t, err, &incomplete)
	require.Equal(t, []string{"the state is locked"}, report.Errors)
	require.FileExists(t, teardown.scope.path, "the next cleanup goes on with it")
}
