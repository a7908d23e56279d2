// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
)

func TestServiceQuotasAreTheAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := servicequotas.NewFromConfig(w.cfg)
	get := func(service, code string) (float64, error) {
		out, err := c.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: &service, QuotaCode: &code})
		if err != nil {
			return 0, err
		}
		require.Equal(t, "arn:aws:servicequotas:us-west-2:111122223333:"+service+"/"+code, aws.ToString(out.Quota.QuotaArn))
		return aws.ToFloat64(out.Quota.Value), nil
	}
	require.NoError(t, w.account.SetQuota(account.QuotaVPCs, 17))
	v, err := get("vpc", account.QuotaVPCs)
	require.NoError(t, err)
	require.InDelta(t, 17, v, 0)
	standard, err := c.GetAWSDefaultServiceQuota(t.Context(), &servicequotas.GetAWSDefaultServiceQuotaInput{
		ServiceCode: aws.String("vpc"), QuotaCode: aws.String(account.QuotaVPCs),
	})
	require.NoError(t, err)
	require.InDelta(t, 5, aws.ToFloat64(standard.Quota.Value), 0, "AWS's default does not move")
	for _, wrong := range [][2]string{{"vpc", "L-00000000"}, {"ec2", account.QuotaVPCs}} {
		_, err = get(wrong[0], wrong[1])
		require.Equal(t, "NoSuchResourceException", code(t, err))
	}

	var listed []string
	p := servicequotas.NewListServiceQuotasPaginator(c, &servicequotas.ListServiceQuotasInput{
		ServiceCode: aws.String("vpc"), MaxResults: aws.Int32(2),
	})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Quotas), 2)
		for _, q := range page.Quotas {
			listed = append(listed, aws.ToString(q.QuotaCode))
		}
	}
	require.ElementsMatch(t, []string{
		account.QuotaVPCs, account.QuotaInternetGateways, account.QuotaNATGateways, account.QuotaSGRules,
	}, listed)
	_, err = c.ListServiceQuotas(t.Context(), &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("sagemaker")})
	require.Equal(t, "NoSuchResourceException", code(t, err))

	reader := servicequotas.NewFromConfig(w.as(w.role("reader", "ec2.amazonaws.com", allow("*", "", "ec2:Describe*"))))
	_, err = reader.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{
		ServiceCode: aws.String("vpc"), QuotaCode: aws.String(account.QuotaVPCs),
	})
	require.Equal(t, "AccessDeniedException", code(t, err))
}

func TestSpotNeedsItsRoleInTheAccount(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	const name = "AWSServiceRoleForEC2Spot"
	admin := w.iam(w.cfg)
	role, err := admin.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(name)})
	require.NoError(t, err, "the account starts with it")
	require.Equal(t, "arn:aws:iam::111122223333:role/aws-service-role/spot.amazonaws.com/"+name, aws.ToString(role.Role.Arn))
	for _, r := range w.account.List(account.KindRole) {
		require.NotEqual(t, name, r.Name, "it is the account's and not in an inventory")
	}

	require.NoError(t, w.account.SetServiceLinkedRole(account.ServiceSpot, false))
	_, err = admin.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(name)})
	require.Equal(t, "NoSuchEntity", code(t, err))

	launch := func(c *ec2.Client) []types.CreateFleetError {
		out, err := c.CreateFleet(t.Context(), fleet(w, types.DefaultTargetCapacityTypeSpot, "c5d.xlarge"))
		require.NoError(t, err)
		return out.Errors
	}
	karpenter := w.ec2(w.as(w.role("karpenter", "ec2.amazonaws.com", allow("*", "", "ec2:*", "iam:PassRole"))))
	refused := launch(karpenter)
	require.NotEmpty(t, refused, "a role that may not make it gets no spot instance")
	require.Equal(t, "AuthFailure.ServiceLinkedRoleCreationNotPermitted", aws.ToString(refused[0].ErrorCode))

	_, err = admin.CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{
		AWSServiceName: aws.String(account.ServiceSpot),
	})
	require.NoError(t, err)
	require.Empty(t, launch(karpenter))
	_, err = admin.CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{
		AWSServiceName: aws.String(account.ServiceSpot),
	})
	require.Equal(t, "InvalidInput", code(t, err), "it exists")

	require.NoError(t, w.account.SetServiceLinkedRole(account.ServiceSpot, false))
	require.Empty(t, launch(w.ec2(w.cfg)), "EC2 makes it for who may")
	_, ok := w.account.ServiceLinkedRole(name)
	require.True(t, ok)
}
