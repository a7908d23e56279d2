// SPDX-License-Identifier: Apache-2.0

package kubeprov_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/provider/kubeprov"
	"emrflink/internal/localcloud/provider/kubeprov/apitest"
)

// The kubeconfig is the one in the Pulumi state: its port was that of the control plane's first process.
func TestAClusterIsReachedWhereItServesNow(t *testing.T) {
	t.Parallel()
	a := apitest.New(t)
	old := strings.ReplaceAll(a.Kubeconfig(), a.URL, "https://127.0.0.1:1")
	var asked string
	address := func(_ context.Context, ca []byte) (string, error) {
		asked = string(ca)
		return a.Listener.Addr().String(), nil
	}
	e := connect(t, kubeprov.Options{Address: address}, object{"kubeconfig": old})
	_, _, err := e.create(configMap, object{"metadata": object{"namespace": "n"}}, 0)
	require.NoError(t, err)
	require.Contains(t, asked, "BEGIN CERTIFICATE", "a cluster is known by its CA")

	down := func(context.Context, []byte) (string, error) { return "", errors.New("the store is spoilt") }
	e = connect(t, kubeprov.Options{Address: down}, object{"kubeconfig": a.Kubeconfig()})
	_, _, err = e.create(configMap, object{"metadata": object{"namespace": "n"}}, 0)
	require.ErrorContains(t, err, "the store is spoilt", "the reason, and not that a connection was refused")
}
