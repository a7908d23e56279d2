// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
)

// keyID is the id of a key that is named by it or by its ARN.
func keyID(name string) string { return name[strings.LastIndex(name, "/")+1:] }

func oneKey(q *request) ([]need, error) { return on(q.arn("kms", "key/"+keyID(q.field("KeyId")))) }

func describeKey(q *request) (answer, error) {
	var in struct {
		KeyID string `json:"KeyId"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	id := keyID(in.KeyID)
	r, ok := q.account.Get(account.KindKey, id)
	if !ok || !q.visible(r) {
		return answer{}, invalid("NotFoundException", "Key '%s' does not exist", q.arn("kms", "key/"+id))
	}
	all := r.All()
	meta := map[string]any{
		"KeyId": r.ID, "Arn": r.ARN, "AWSAccountId": q.account.ID(), "CreationDate": float64(r.CreatedAt.UnixMilli()) / 1000,
		"Description": str(all, "description"), "Enabled": r.State == "Enabled", "KeyState": r.State,
		"KeyUsage":   str(all, "keyUsage"),
		"KeyManager": "CUSTOMER", "Origin": "AWS_KMS", "MultiRegion": false,
	}
	if at, err := time.Parse(time.RFC3339, str(all, "deletionDate")); err == nil {
		meta["DeletionDate"] = float64(at.UnixMilli()) / 1000
	}
	return q.json(map[string]any{"KeyMetadata": meta})
}
