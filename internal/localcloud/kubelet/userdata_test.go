// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

const karpenterUserData = `MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="//"

--//
Content-Type: text/x-shellscript; charset="us-ascii"

#!/bin/bash
echo "not run"
--//
Content-Type: application/node.eks.aws

# Karpenter Generated NodeConfig
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
metadata:
  creationTimestamp: null
spec:
  cluster:
    apiServerEndpoint: https://127.0.0.1:6443
    certificateAuthority: Y2E=
    cidr: 172.20.0.0/16
    name: demo
  containerd: {}
  instance:
    localStorage:
      strategy: RAID0
  kubelet:
    config:
      clusterDNS:
      - 172.20.0.10
      maxPods: 58
      kubeReserved:
        cpu: 80m
      registerWithTaints:
      - effect: NoExecute
        key: karpenter.sh/unregistered
    flags:
    - --node-labels="karpenter.sh/capacity-type=spot,karpenter.sh/nodepool=flink,NodeGroupType=c5d"

--//--
`

func TestParseUserData(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		want registration
	}{
		"Karpenter's archive": {karpenterUserData, registration{
			cluster: "demo", maxPods: 58, raid0: true,
			labels: map[string]string{
				"karpenter.sh/capacity-type": "spot", "karpenter.sh/nodepool": "flink", "NodeGroupType": "c5d",
			},
			taints:  []corev1.Taint{{Key: "karpenter.sh/unregistered", Effect: corev1.TaintEffectNoExecute}},
			kubelet: kubeletConfig{KubeReserved: map[string]string{"cpu": "80m"}},
		}},
		"nothing":  {"", registration{labels: map[string]string{}}},
		"a script": {"#!/bin/bash\nyum update\n", registration{labels: map[string]string{}}},
		"a plain NodeConfig with kubelet's own taint flag": {
			"kind: NodeConfig\nspec: {kubelet: {flags: [--register-with-taints=a=b:NoSchedule]}}\n",
			registration{labels: map[string]string{}, taints: []corev1.Taint{{Key: "a", Value: "b", Effect: "NoSchedule"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseUserData(c.data)
			require.NoError(t, err)
			if d := cmp.Diff(c.want, got, cmp.AllowUnexported(registration{}), ignoreEmptyMaps()); d != "" {
				t.Errorf("registration (-want +got):\n%s", d)
			}
			windows, err := parseUserData(strings.ReplaceAll(c.data, "\n", "\r\n"))
			require.NoError(t, err, "with CRLF")
			require.Equal(t, got.labels, windows.labels, "with CRLF")
		})
	}
}

// ignoreEmptyMaps takes a nil map for an empty one.
func ignoreEmptyMaps() cmp.Option {
	return cmp.FilterValues(func(a, b map[string]string) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())
}

func TestParseUserDataRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ data, want string }{
		"another kind":            {"kind: Pod\n", `kind is "Pod"`},
		"no YAML":                 {"kind: [", "parse NodeConfig"},
		"a taint without effect":  {"kind: NodeConfig\nspec: {kubelet: {flags: [--register-with-taints=a=b]}}\n", "no effect"},
		"an archive of one part":  {"Content-Type: text/plain\n\nhello\n", "is not multipart"},
		"an archive cut in half":  {karpenterUserData[:300], "parse user data"},
		"a label list of no type": {"kind: NodeConfig\nspec: {kubelet: {flags: {}}}\n", "parse NodeConfig"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseUserData(c.data)
			require.ErrorContains(t, err, c.want)
		})
	}
}
