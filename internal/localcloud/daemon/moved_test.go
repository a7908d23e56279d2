// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding/base64"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localtarget"
)

// makeCluster makes an EKS cluster in the account of d, whose control plane d runs.
func makeCluster(t *testing.T, d *Daemon) {
	t.Helper()
	a, err := account.Open(account.Options{Runtime: d})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	d.account = a
	create := func(k account.Kind, p account.Props) account.Resource {
		r, err := a.Create(t.Context(), account.Caller{}, k, p)
		require.NoError(t, err)
		return r
	}
	vpc := create(account.KindVPC, account.Props{"cidrBlock": "10.0.0.0/16"})
	var subnets []any
	for zone, cidr := range map[string]string{"a": "10.0.0.0/24", "b": "10.0.1.0/24"} {
		subnets = append(subnets, create(account.KindSubnet, account.Props{
			"vpcId": vpc.ID, "cidrBlock": cidr, "availabilityZone": account.DefaultRegion + zone,
		}).ID)
	}
	role := create(account.KindRole, account.Props{"name": "r", "assumeRolePolicy": `{"Version": "2012-10-17", "Statement":
		[{"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`})
	create(account.KindCluster, account.Props{
		"name": "demo", "roleArn": role.ARN, "vpcConfig": account.Props{"subnetIds": subnets},
	})
}

func TestAClusterIsToldAndFoundWhereItsControlPlaneMoved(t *testing.T) {
	t.Parallel()
	d, _ := planesOnly(t, t.TempDir())
	makeCluster(t, d)
	told := func() (endpoint string, ca []byte) {
		r, ok := d.account.Get(account.KindCluster, "demo")
		require.True(t, ok)
		ca, err := base64.StdEncoding.DecodeString(account.Value(r.Attrs, "certificateAuthority.data").(string))
		require.NoError(t, err)
		return r.Attrs["endpoint"].(string), ca
	}
	before, ca := told()
	address, err := d.addressOf(t.Context(), ca)
	require.NoError(t, err)
	require.Equal(t, before, "https://"+address)
	address, err = d.addressOf(t.Context(), []byte("another"))
	require.NoError(t, err)
	require.Empty(t, address, "it serves where its kubeconfig says")

	d.misbehave(t, "demo", "broken", true)
	require.NoError(t, syscall.Kill(pid(t, d, 0), syscall.SIGKILL))
	require.Eventually(t, func() bool { return d.controlPlanes()[0].State == localtarget.Failed }, 2*time.Minute,
		10*time.Millisecond)
	_, err = d.addressOf(t.Context(), ca)
	require.ErrorContains(t, err, "the store is spoilt")
	ln, err := net.Listen("tcp", strings.TrimPrefix(before, "https://"))
	require.NoError(t, err)
	defer ln.Close()
	d.misbehave(t, "demo", "broken", false)
	d.tryAgain()
	address, err = d.addressOf(t.Context(), ca)
	require.NoError(t, err, "it waits until the control plane serves")
	require.NotEqual(t, before, "https://"+address)
	after, same := told()
	require.Equal(t, after, "https://"+address)
	require.Equal(t, ca, same, "by which its clients know it")
}
