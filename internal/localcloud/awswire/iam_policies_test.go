// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
)

func TestThePoliciesOfARoleAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, inside, beside := w.iam(w.cfg), allow("*", "", "s3:GetObject"), allow("*", "", "sqs:ListQueues")
	const managed = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
	role := w.create(account.KindRole, account.Props{
		"name": "a", "assumeRolePolicy": w.role("b", "ec2.amazonaws.com", "").Props["assumeRolePolicy"],
		"inlinePolicies": []any{account.Props{"name": "inside", "policy": inside}}, "managedPolicyArns": []any{managed},
	})
	w.create(account.KindRolePolicy, account.Props{"name": "beside", "role": role.ID, "policy": beside})
	own := w.create(account.KindPolicy, account.Props{"name": "own", "path": "/team/", "policy": inside})
	w.create(account.KindRolePolicyAttachment, account.Props{"role": role.ID, "policyArn": own.ARN})

	var names []string
	p := iam.NewListRolePoliciesPaginator(c, &iam.ListRolePoliciesInput{RoleName: &role.ID, MaxItems: aws.Int32(1)})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		require.NoError(t, err)
		names = append(names, page.PolicyNames...)
	}
	require.Equal(t, []string{"beside", "inside"}, names)
	for name, want := range map[string]string{"beside": beside, "inside": inside} {
		one, err := c.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: &role.ID, PolicyName: &name})
		require.NoError(t, err)
		document, err := url.PathUnescape(*one.PolicyDocument)
		require.NoError(t, err)
		require.JSONEq(t, want, document)
	}
	_, err := c.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: &role.ID, PolicyName: aws.String("none")})
	require.Equal(t, "NoSuchEntity", code(t, err))
	for path, want := range map[string][]string{"/": {"own", "AmazonEKSWorkerNodePolicy"}, "/team/": {"own"}, "/none/": nil} {
		out, err := c.ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{
			RoleName: &role.ID, PathPrefix: &path,
		})
		require.NoError(t, err)
		var got []string
		for _, a := range out.AttachedPolicies {
			got = append(got, *a.PolicyName)
		}
		require.ElementsMatch(t, want, got, path)
	}
}
