// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"net/http"
	"time"
)

// PodIdentityPath is where the Pod Identity agent, on every EKS node at http://169.254.170.23, hands out credentials.
// Here the account's own endpoint answers it.
const PodIdentityPath = "/v1/credentials"

// isPodIdentity recognises a request to the agent: it is not signed, its Authorization header is the pod's token.
func isPodIdentity(r *http.Request, signed bool) bool {
	return !signed && r.Method == http.MethodGet && r.URL.Path == PodIdentityPath
}

// assumeRoleForPodIdentity answers as the agent does, in the form that SDKs read from a container's credentials endpoint.
func assumeRoleForPodIdentity(q *request) (answer, error) {
	token := q.http.Header.Get("Authorization")
	if token == "" {
		return answer{}, refuse(http.StatusBadRequest, "InvalidRequestException", "Service account token cannot be empty")
	}
	c, err := q.sts.AssumeRoleForPodIdentity(q.ctx, token)
	if err != nil {
		return answer{}, err
	}
	q.caller.ARN = c.AssumedRoleARN // for the log: who it became
	return q.json(map[string]any{
		"AccessKeyId": c.AccessKey, "SecretAccessKey": c.Secret, "Token": c.Token,
		"AccountId": q.account.ID(), "Expiration": c.Expires.UTC().Format(time.RFC3339),
	})
}
