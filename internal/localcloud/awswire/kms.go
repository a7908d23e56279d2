// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
)

func describeKey(q *request) (answer, error) {
	var in struct {
		KeyID string `json:"KeyId"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	id := in.KeyID[strings.LastIndex(in.KeyID, "/")+1:]
	if err := q.self(q.arn("kms", "key/"+id)); err != nil {
		return answer{}, err
	}
	r, ok := q.account.Get(account.KindKey, id)
	if !ok || !q.visible(r) {
		return answer{}, invalid("NotFoundException", "Key '%s' does not exist", q.arn("kms", "key/"+id))
	}
	all := r.All()
	meta := map[string]any{
		"KeyId": r.ID, "Arn": r.ARN, "AWSAccountId": q.account.ID(), "CreationDate": float64(r.CreatedAt.UnixMilli()) / 1000,
		"Description": str(all, "description"), "Enabled": r.State == "Enabled", "KeyState": r.State,
		"KeyUsage": str(all, "keyUsage"), "KeyManager": "CUSTOMER", "Origin": "AWS_KMS", "MultiRegion": false,
	}
	if at, err := time.Parse(time.RFC3339, str(all, "deletionDate")); err == nil {
		meta["DeletionDate"] = float64(at.UnixMilli()) / 1000
	}
	return q.json(map[string]any{"KeyMetadata": meta})
}
