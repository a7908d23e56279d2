// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/sts"
)

// The role that commands run as has the policies that were given last, and no others.
func TestARoleHasJustThePoliciesThatAreTried(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	d := &Daemon{account: a, ctx: t.Context(), log: slog.New(slog.DiscardHandler)}
	allow := func(action string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`
	}
	may := func(policies []string, action string) error {
		i, err := d.tried(t.Context(), policies)
		require.NoError(t, err)
		require.NotZero(t, i.Ports.AWS)
		caller, _, err := sts.CallerByAccessKey(a, i.AccessKey, i.SessionToken)
		require.NoError(t, err)
		require.Equal(t, i.ARN, caller.ARN)
		return a.Authorize(caller, action, "*", nil)
	}
	first := []string{allow("ec2:DescribeVpcs"), allow("ec2:CreateVpc")}
	require.NoError(t, may(first, "ec2:CreateVpc"))
	require.Equal(t, "UnauthorizedOperation", awserror.Code(may(first, "ec2:DeleteVpc")))
	require.NoError(t, may([]string{allow("ec2:DeleteVpc")}, "ec2:DeleteVpc"))
	require.Error(t, may([]string{allow("ec2:DeleteVpc")}, "ec2:CreateVpc"))
	require.Len(t, a.Find(account.KindPolicy, func(account.Resource) bool { return true }), 1)

	var refused *RefusedError
	_, err = d.tried(t.Context(), []string{allow("ec2:DeleteVpc"), `{"Version":"2012-10-17"}`})
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "policy 2 of 2")
}
