// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"emrflink/internal/localcloud/account"
)

func TestCapacities(t *testing.T) {
	t.Parallel()
	types := instanceTypes()
	for name, c := range map[string]struct {
		typ  account.InstanceType
		reg  registration
		want map[corev1.ResourceName]string
	}{
		// 16384 MiB less 7.5 %, less 11 MiB per pod and 255 MiB, less 100 MiB.
		"a core node": {types[0], registration{}, map[corev1.ResourceName]string{
			"cpu": "3920m", "memory": "14162Mi", "pods": "58", "ephemeral-storage": "17Gi",
		}},
		"fewer pods reserve less": {types[0], registration{maxPods: 20}, map[corev1.ResourceName]string{
			"cpu": "3920m", "memory": "14580Mi", "pods": "20",
		}},
		"settings of the user win": {types[0], registration{kubelet: kubeletConfig{
			KubeReserved: map[string]string{"cpu": "1"}, SystemReserved: map[string]string{"memory": "1Gi"},
			EvictionHard: map[string]string{"memory.available": "200Mi", "nodefs.available": "20%"},
		}}, map[corev1.ResourceName]string{"cpu": "3", "memory": "13038Mi", "ephemeral-storage": "15Gi"}},
		"instance storage as RAID 0": {types[1], registration{raid0: true}, map[corev1.ResourceName]string{
			"ephemeral-storage": "212226258176",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got, err := capacities(c.typ, c.reg, 20)
			require.NoError(t, err)
			for r, want := range c.want {
				q := got[r]
				require.Equal(t, want, q.String(), r)
			}
		})
	}
	_, _, err := capacities(types[0], registration{kubelet: kubeletConfig{KubeReserved: map[string]string{"cpu": "x"}}}, 20)
	require.ErrorContains(t, err, `parse reserved cpu "x"`)
}

func TestAllocatableIsNeverMoreThanCapacity(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typ := account.InstanceType{
			VCPU: rapid.IntRange(2, 192).Draw(t, "vcpu"), MemoryMiB: rapid.IntRange(4096, 1<<20).Draw(t, "memory"),
			ENIs: rapid.IntRange(2, 15).Draw(t, "enis"), IPv4PerENI: rapid.IntRange(4, 50).Draw(t, "ips"),
		}
		reg := registration{maxPods: rapid.IntRange(0, 110).Draw(t, "pods")}
		capacity, allocatable, err := capacities(typ, reg, rapid.IntRange(20, 500).Draw(t, "disk"))
		if err != nil {
			t.Fatal(err)
		}
		for name, have := range allocatable {
			if full := capacity[name]; have.Cmp(full) > 0 {
				t.Fatalf("%s: allocatable %s of %s", name, have.String(), full.String())
			}
		}
	})
}
