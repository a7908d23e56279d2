// SPDX-License-Identifier: Apache-2.0

package account

import (
	"net/http"
	"strings"
	"time"

	"emrflink/internal/iam"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/pattern"
)

// StatePendingDeletion is the state of a KMS key that was deleted: it cannot be used, and is there until its waiting
// period ends. The account keeps it, with its date, until it is reset.
const StatePendingDeletion = "PendingDeletion"

var aliasName = pattern.Lazy(`^alias/[a-zA-Z0-9/_-]{1,250}$`)

func noSuchKey(id string) *awserror.Error {
	return awserror.Bad("NotFoundException", "Key '%s' does not exist", id)
}

// keyKinds are KMS keys and their aliases.
func keyKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindKey: {
			missing: noSuchKey,
			usable:  "Enabled",
			refused: []string{"customKeyStoreId", "multiRegion", "xksKeyId", "bypassPolicyLockoutSafetyCheck"},
			check:   checkKey, make: makeKey,
			blocked: func(_ *tx, r *Resource) error {
				if r.State != StatePendingDeletion {
					return nil
				}
				return awserror.Bad("KMSInvalidStateException", "%s is pending deletion.", r.ARN)
			},
			lingers: func(t *tx, r *Resource) {
				days, ok := number(r.Props, "deletionWindowInDays")
				if !ok {
					days = 30
				}
				r.become(StatePendingDeletion)
				r.HourlyUSD = 0 // free from here on: aws.amazon.com/kms/pricing
				r.Attrs["deletionDate"] = stamp(t.Now.Add(time.Duration(days) * 24 * time.Hour))
			},
		},
		KindKeyAlias: {
			missing: func(id string) *awserror.Error {
				return awserror.Bad("NotFoundException", "Alias %s is not found.", id)
			},
			usable: stateAvailable,
			refs:   []ref{{path: "targetKeyId", kind: KindKey, required: true, weak: true}},
			check: func(t *tx, p Props, self string) error {
				name := str(p, "name")
				if !aliasName().MatchString(name) || strings.HasPrefix(name, "alias/aws/") {
					return awserror.Bad("InvalidAliasNameException", "%s is not a valid alias name", name)
				}
				if self == "" && t.get(KindKeyAlias, name) != nil {
					return awserror.Bad("AlreadyExistsException", "An alias with the name %s already exists", t.arn("kms", name))
				}
				return nil
			},
			make: func(t *tx, r *Resource) error {
				r.ID, r.Name = str(r.Props, "name"), str(r.Props, "name")
				r.ARN = t.arn("kms", r.Name)
				key := t.get(KindKey, str(r.Props, "targetKeyId"))
				r.Attrs = Props{"arn": r.ARN, "targetKeyArn": key.ARN}
				return nil
			},
		},
	}
}

func checkKey(_ *tx, p Props, _ string) error {
	if days, ok := number(p, "deletionWindowInDays"); ok && (days < 7 || days > 30) {
		return awserror.Bad("ValidationException", "PendingWindowInDays %.0f is not between 7 and 30", days)
	}
	text := str(p, "policy")
	if text == "" {
		return nil
	}
	doc, err := parsePolicy(text)
	if err == nil {
		err = doc.CheckResource()
	}
	if err != nil {
		return awserror.Bad("MalformedPolicyDocumentException", "%v", err)
	}
	for _, s := range doc.Statements {
		for _, who := range s.Principals {
			if who.Type == iam.PrincipalAWS && strings.HasSuffix(who.ID, ":root") {
				return nil
			}
		}
	}
	return awserror.Bad("MalformedPolicyDocumentException",
		"The new key policy will not allow you to update the key policy in the future.")
}

func makeKey(t *tx, r *Resource) error {
	r.ID = awsid.UUID()
	r.ARN = t.arn("kms", "key/"+r.ID)
	r.Attrs = Props{"arn": r.ARN, "keyId": r.ID}
	defaults(r.Attrs, r.Props, Props{
		"description": "", "keyUsage": "ENCRYPT_DECRYPT", "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "isEnabled": true,
		"enableKeyRotation": false, "multiRegion": false,
		"policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:` +
			PartitionOf(t.region()) + `:iam::` + t.a.opts.AccountID + `:root"},"Action":"kms:*","Resource":"*"}]}`,
	})
	return nil
}

// keyRef is a property with the ARN of a key that must be enabled; the key may be deleted before what it encrypts.
func keyRef(path string, lost func(string) *awserror.Error) ref {
	return ref{path: path, kind: KindKey, byARN: true, weak: true, lost: lost}
}

// logsMayUse evaluates a key's policy for CloudWatch Logs and one of its groups.
func (t *tx) logsMayUse(keyARN, group string) error {
	refused := awserror.Status(http.StatusBadRequest, "AccessDeniedException",
		"The specified KMS key does not exist or is not allowed to be used with Arn '%s'", t.arn("logs", "log-group:"+group))
	key := t.resolve(keyRef("", nil), keyARN)
	if key == nil {
		return refused
	}
	doc, err := parsePolicy(str(key.All(), "policy"))
	if err != nil {
		return refused
	}
	// amazonaws.com in every partition that the account simulates but China's.
	service := "logs." + t.region() + ".amazonaws.com"
	if PartitionOf(t.region()) == "aws-cn" {
		service += ".cn"
	}
	for _, action := range []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"} {
		if !iam.Evaluate([]iam.Document{doc}, iam.Request{
			Action: action, Resource: key.ARN, Principal: servicePrincipal(service),
			Context: map[string][]string{"kms:encryptioncontext:aws:logs:arn": {t.arn("logs", "log-group:"+group)}},
		}).Allowed {
			return refused
		}
	}
	return nil
}
