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

// key finds a key by its id or ARN.
func (q *request) key(name string) (account.Resource, error) {
	id := keyID(name)
	r, ok := q.account.Get(account.KindKey, id)
	if !ok || !q.visible(r) {
		return r, invalid("NotFoundException", "Key '%s' does not exist", q.arn("kms", "key/"+id))
	}
	return r, nil
}

func listKeys(q *request) (answer, error) {
	all := []any{}
	for _, r := range q.account.List(account.KindKey) {
		if q.visible(r) {
			all = append(all, map[string]any{"KeyId": r.ID, "KeyArn": r.ARN})
		}
	}
	return q.json(map[string]any{"Keys": all, "Truncated": false})
}

func listKeyTags(q *request) (answer, error) {
	r, err := q.key(q.field("KeyId"))
	if err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{"Tags": namedTags(r.Tags, "TagKey", "TagValue"), "Truncated": false})
}

func describeKey(q *request) (answer, error) {
	var in struct {
		KeyID string `json:"KeyId"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, err := q.key(in.KeyID)
	if err != nil {
		return answer{}, err
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
