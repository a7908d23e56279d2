// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ServiceAccountToken asks the API server for a token of a service account, as a
// kubelet does for a projected volume. No audience means the API server's own.
func (c *Client) ServiceAccountToken(ctx context.Context, namespace, name string, audiences []string,
	life time.Duration) (string, time.Time, error) {
	ref := KindServiceAccount.Ref(namespace, name)
	r, err := c.resource(ctx, KindServiceAccount, namespace)
	if err != nil {
		return "", time.Time{}, wrap("request token of", ref, err)
	}
	spec := map[string]any{"expirationSeconds": int64(life / time.Second)}
	if len(audiences) > 0 {
		list := make([]any, len(audiences))
		for i, a := range audiences {
			list[i] = a
		}
		spec["audiences"] = list
	}
	out, err := r.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1",
		"kind":       "TokenRequest",
		"metadata":   map[string]any{"name": name, "namespace": namespace},
		"spec":       spec,
	}}, metav1.CreateOptions{}, "token")
	if err != nil {
		return "", time.Time{}, wrap("request token of", ref, err)
	}
	token, _, _ := unstructured.NestedString(out.Object, "status", "token")
	stamp, _, _ := unstructured.NestedString(out.Object, "status", "expirationTimestamp")
	expires, err := time.Parse(time.RFC3339, stamp)
	if token == "" || err != nil {
		return "", time.Time{}, fmt.Errorf("request token of %s: the answer has no token or no end time", ref)
	}
	return token, expires, nil
}
