// SPDX-License-Identifier: Apache-2.0

package kubeprov_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/provider/kubeprov"
)

// The kubeconfig is the one in the Pulumi state: its port was that of the control plane's first process.
func TestAClusterIsReachedWhereItServesNow(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	old := strings.ReplaceAll(a.kubeconfig(), a.URL, "https://127.0.0.1:1")
	var asked string
	address := func(ca []byte) string {
		asked = string(ca)
		return a.Listener.Addr().String()
	}
	e := connect(t, kubeprov.Options{Address: address}, object{"kubeconfig": old})
	_, _, err := e.create("kubernetes:core/v1:ConfigMap", object{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": "c", "namespace": "default"},
	}, 0)
	require.NoError(t, err)
	require.Contains(t, asked, "BEGIN CERTIFICATE", "a cluster is known by its CA")
}
