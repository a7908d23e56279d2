// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"encoding/json"
	"fmt"
	"time"
)

// ExecInfoVariable is the environment variable in which kubectl and client-go
// tell a credential command which protocol version they expect.
const ExecInfoVariable = "KUBERNETES_EXEC_INFO"

// ExecCredential renders the answer of a credential command. execInfo is the
// value of KUBERNETES_EXEC_INFO, or "" when a person runs the command; the answer
// must carry the version that was asked for, or client-go refuses it.
func ExecCredential(token string, expires time.Time, execInfo string) ([]byte, error) {
	version := execAPIVersion
	if execInfo != "" {
		var asked struct {
			APIVersion string `json:"apiVersion"`
		}
		if err := json.Unmarshal([]byte(execInfo), &asked); err != nil {
			return nil, fmt.Errorf("read %s: %w", ExecInfoVariable, err)
		}
		switch asked.APIVersion {
		case execAPIVersion, "client.authentication.k8s.io/v1beta1":
			version = asked.APIVersion
		default:
			return nil, fmt.Errorf("read %s: protocol %q is not supported (supported: %s and v1beta1)",
				ExecInfoVariable, asked.APIVersion, execAPIVersion)
		}
	}
	return json.Marshal(map[string]any{
		"apiVersion": version,
		"kind":       "ExecCredential",
		"spec":       map[string]any{"interactive": false},
		"status": map[string]any{
			"token":               token,
			"expirationTimestamp": expires.UTC().Format(time.RFC3339),
		},
	})
}
