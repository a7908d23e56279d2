// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/replacement"
)

// Every row of the table must fit the SDK's types: what it names has to exist.
func TestEveryTypeHasASchemaThatFitsItsRow(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile(`^aws:[a-z0-9]+/[a-zA-Z0-9]+:[A-Z][a-zA-Z0-9]+$`)
	for name, k := range table() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Regexp(t, token, name)
			require.NoError(t, k.load())
			require.True(t, replacement.Known(name))
			require.NotEmpty(t, k.in.Fields)
			for _, field := range k.in.Names() {
				require.Truef(t, k.out.Has(field), "input %q is no output", field)
			}
			for _, s := range []string{k.api.service, k.api.noun, k.api.create, k.api.update, k.api.delete} {
				require.NotEmpty(t, s)
			}
		})
	}
}

func TestEveryKindThatAProgramCanMakeHasAType(t *testing.T) {
	t.Parallel()
	have := map[account.Kind]bool{}
	for _, kind := range Types() {
		require.Falsef(t, have[kind], "two types make %s", kind)
		have[kind] = true
	}
	for _, kind := range []account.Kind{
		account.KindVPC, account.KindSubnet, account.KindInternetGateway, account.KindEIP, account.KindNATGateway,
		account.KindRouteTable, account.KindRoute, account.KindRouteTableAssociation, account.KindVPCEndpoint,
		account.KindSecurityGroup, account.KindSecurityGroupRule, account.KindLaunchTemplate, account.KindRole,
		account.KindPolicy, account.KindRolePolicy, account.KindRolePolicyAttachment, account.KindInstanceProfile,
		account.KindOIDCProvider, account.KindCluster, account.KindNodeGroup, account.KindAddon, account.KindAccessEntry,
		account.KindAccessPolicyAssociation, account.KindQueue, account.KindQueuePolicy, account.KindEventRule,
		account.KindEventTarget, account.KindLogGroup, account.KindBucket, account.KindBucketVersioning,
		account.KindBucketPublicAccessBlock, account.KindBucketEncryption, account.KindBucketPolicy,
		account.KindBucketLifecycle, account.KindBucketOwnershipControls, account.KindKey, account.KindKeyAlias,
		account.KindResourceTag, account.KindPodIdentityAssociation,
	} {
		require.Truef(t, have[kind], "no type makes %s", kind)
	}
}
