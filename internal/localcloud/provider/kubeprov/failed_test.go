// SPDX-License-Identifier: Apache-2.0

package kubeprov_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/provider/kubeprov"
)

func TestAReleaseThatFailedIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.onApply = func(_ string, o object) {
		o["status"] = object{"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
	}
	a.refuse = func(path string) string {
		if strings.Contains(path, "/deployments/") {
			return "the server is going away"
		}
		return ""
	}
	e := connect(t, kubeprov.Options{}, object{"kubeconfig": a.kubeconfig()})
	_, _, err := e.create(helm, release(), 0)
	require.ErrorContains(t, err, "going away")
	a.refuse = nil
	out, _, err := e.create(helm, release(), 0)
	require.NoError(t, err)
	require.Equal(t, "deployed", plain(t, out.Properties)["status"].(object)["status"])
}
