// SPDX-License-Identifier: Apache-2.0

package karpenter_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/components/componenttest"
	"emrflink/components/deployment"
	"emrflink/internal/golden"
	"emrflink/karpenter"
)

func testDeployment(name string) *deployment.Deployment {
	return &deployment.Deployment{
		Name: name, Region: componenttest.Region, AccountID: componenttest.Account, Partition: componenttest.Partition,
	}
}

func policies(t *testing.T, name string) []karpenter.NamedPolicy {
	t.Helper()
	d := testDeployment(name)
	return karpenter.ControllerPolicies(d, d.IAMARN("role/node"), d.ARN("sqs", name+"-karpenter"))
}

// TestControllerPoliciesGolden holds the six policies; they were compared statement by statement with the CloudFormation
// template of Karpenter 1.14 when the file was made.
func TestControllerPoliciesGolden(t *testing.T) {
	t.Parallel()
	var all []any
	for _, p := range policies(t, "emr-eks-flink") {
		text, err := p.Document.Managed()
		require.NoError(t, err, p.Suffix)
		var document map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &document))
		document["Policy"] = p.Suffix
		all = append(all, document)
	}
	b, err := json.MarshalIndent(all, "", "  ")
	require.NoError(t, err)
	golden.Equal(t, "testdata/controller-policies.golden.json", string(b)+"\n")
}

func TestControllerPoliciesFitTheQuotaForTheLongestName(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", deployment.MaxNameLength)
	for _, p := range policies(t, longest) {
		_, err := p.Document.Managed()
		require.NoError(t, err, p.Suffix)
	}
}

func TestControllerMayDeleteNodeClassesAndSeeInstanceStatus(t *testing.T) {
	t.Parallel()
	actions := map[string]bool{}
	for _, p := range policies(t, "c") {
		for _, s := range p.Document.Statements {
			for _, a := range s.Action {
				actions[a] = true
			}
		}
	}
	for _, a := range []string{"iam:ListInstanceProfiles", "ec2:DescribeInstanceStatus", "iam:PassRole", "sqs:ReceiveMessage"} {
		require.True(t, actions[a], "%s is missing", a)
	}
}

// TestOnlyReadsHaveWildcards: every statement on "*" is confined to reads for which AWS has no resource type.
func TestOnlyReadsHaveWildcards(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{
		"AllowZonalShiftStatusReadOnly": true, "AllowRegionalReadActions": true, "AllowPricingReadActions": true,
		"AllowUnscopedInstanceProfileListAction": true,
	}
	for _, p := range policies(t, "c") {
		for _, s := range p.Document.Statements {
			if slices.Contains(s.Resource, "*") {
				require.True(t, allowed[s.Sid], "%s has Resource *", s.Sid)
				delete(allowed, s.Sid)
			}
		}
	}
	require.Empty(t, allowed, "statements that no policy has")
}

func TestQueuePolicyIsForEventBridgeOverTLS(t *testing.T) {
	t.Parallel()
	text, err := karpenter.QueuePolicy("arn:aws:sqs:us-west-2:111122223333:q").JSON()
	require.NoError(t, err)
	require.Contains(t, text, `"Service":["events.amazonaws.com","sqs.amazonaws.com"]`)
	require.Contains(t, text, `"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sqs:*"`)
}
