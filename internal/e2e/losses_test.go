// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// deletedByHand takes a NAT gateway away: a deploy names it and makes it again, and Pulumi's own commands see the same target.
func deletedByHand(t *testing.T, u *user) {
	t.Helper()
	u.ok("local fault drift network-nat-usw2-az1 --delete")
	r := u.ok("deploy --yes")
	require.Contains(t, r.stderr, "1 resource of the deployment is gone from the account: NatGateway nat-")
	require.Contains(t, r.stdout, "1 created")
	require.Contains(t, u.ok("pulumi preview --stack local").stdout, "unchanged")
	require.Contains(t, u.ok("stack ls").stdout, u.work)
}

// nothingIsLostUnasked tries what would destroy the deployment: another name, and a replacement under a bare --yes.
func nothingIsLostUnasked(t *testing.T, u *user) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Pulumi.local.yaml")
	require.NoError(t, os.WriteFile(file, []byte("config:\n  emrflink:target: local\n  emrflink:name: other\n"), 0o600))
	r := u.exec(t.Context(), "deploy", "--yes", "--config-file", file)
	require.Equal(t, 2, r.code, r.stderr)
	require.Contains(t, r.stderr, "with the name emr-eks-flink, now it is other")
	require.Contains(t, r.stderr, u.work)
	r = u.exec(t.Context(), "deploy", "--yes", "--rename", "--config-file", file)
	require.Equal(t, 2, r.code, r.stderr)
	require.Contains(t, r.stderr, "--allow-replace aws:s3/bucketV2:BucketV2")
	require.Contains(t, r.stderr, "checkpoints and savepoints in it are lost")
}
