// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/localcloud/sts"
)

func TestANamedKeyIsFoundUntilItsWaitingPeriodEnds(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	key := w.create(account.KindKey, account.Props{"description": "mine", "deletionWindowInDays": 7.0})
	w.create(account.KindKey, account.Props{"description": "another's"})
	keys := func() []awsapi.Resource {
		rs, err := w.client().DeploymentResources(t.Context(), awsapi.Deployment{
			Name: "empty", Cluster: "empty", Keys: []string{key.ID, "00000000-0000-0000-0000-000000000000"},
		})
		require.NoError(t, err)
		return rs
	}
	found := keys()
	require.Len(t, found, 1)
	require.Equal(t, key.ARN, found[0].ARN)
	require.Equal(t, "Enabled", found[0].State)
	require.NoError(t, w.account.Delete(t.Context(), account.Caller{}, account.KindKey, key.ID))
	found = keys()
	require.Len(t, found, 1)
	require.Equal(t, account.StatePendingDeletion, found[0].State)
	require.Equal(t, key.CreatedAt.UTC().Add(7*24*time.Hour).Format(time.DateOnly), found[0].Detail["deletionDate"])
}

// TestThePodIdentityAgentIsReadByAmazonsSDK: the SDK's provider for container credentials is the client.
func TestThePodIdentityAgentIsReadByAmazonsSDK(t *testing.T) {
	t.Parallel()
	w := fleetWorld(t)
	cluster := w.cluster("demo")
	role := w.create(account.KindRole, account.Props{"name": "pod", "assumeRolePolicy": `{"Version":"2012-10-17",
		"Statement":[{"Effect":"Allow",
		"Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`})
	w.create(account.KindPodIdentityAssociation, account.Props{
		"clusterName": "demo", "namespace": "kube-system", "serviceAccount": "karpenter", "roleArn": role.ARN,
	})
	issuer, _ := account.Value(cluster.All(), "identities.oidcs.issuer").(string)
	token := func(name string) string {
		claims, err := json.Marshal(map[string]any{
			"iss": issuer, "sub": "system:serviceaccount:kube-system:" + name, "aud": []string{sts.PodIdentityAudience},
		})
		require.NoError(t, err)
		return "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".sig"
	}
	retrieve := func(token string) (string, error) {
		c, err := endpointcreds.New(w.url+awswire.PodIdentityPath,
			func(o *endpointcreds.Options) { o.AuthorizationToken = token }).Retrieve(t.Context())
		return c.SessionToken, err
	}
	session, err := retrieve(token("karpenter"))
	require.NoError(t, err)
	require.NotEmpty(t, session)
	_, err = retrieve(token("somebody"))
	require.ErrorContains(t, err, "No association found for service account kube-system/somebody")

	response, err := http.Get(w.url + awswire.PodIdentityPath)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode, "a request without a token")
}
