// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"time"

	"emrflink/internal/localcloud/sts"
)

func getCallerIdentity(q *request) (answer, error) {
	user := q.caller.UserID
	if user == "" {
		user = q.caller.AccessKey
	}
	return q.query(txt("Arn", q.caller.ARN), txt("UserId", user), txt("Account", q.account.ID()))
}

func roleByARN(q *request) ([]need, error) { return on(q.form.str("RoleArn")) }

// lasting gives out credentials for as long as the request asks.
func (q *request) lasting() sts.Service {
	s := q.sts
	s.Life = time.Duration(q.form.integer(0, "DurationSeconds")) * time.Second
	return s
}

func assumeRole(q *request) (answer, error) {
	c, err := q.lasting().AssumeRole(q.ctx, q.caller, q.form.str("RoleArn"), q.form.str("RoleSessionName"))
	if err != nil {
		return answer{}, err
	}
	return q.query(credentialNodes(c)...)
}

// assumeRoleWithWebIdentity is not signed: the token is the proof, and the
// role's trust policy the permission.
func assumeRoleWithWebIdentity(q *request) (answer, error) {
	c, err := q.lasting().AssumeRoleWithWebIdentity(q.ctx, q.form.str("RoleArn"), q.form.str("RoleSessionName"),
		q.form.str("WebIdentityToken"))
	if err != nil {
		return answer{}, err
	}
	q.caller.ARN = c.AssumedRoleARN // for the log: who it became
	return q.query(append(credentialNodes(c), txt("Audience", "sts.amazonaws.com"))...)
}

func credentialNodes(c sts.Credentials) []node {
	return []node{
		el("AssumedRoleUser", txt("AssumedRoleId", c.AssumedRoleID), txt("Arn", c.AssumedRoleARN)),
		el("Credentials", txt("AccessKeyId", c.AccessKey), txt("SecretAccessKey", c.Secret),
			txt("SessionToken", c.Token),
			when("Expiration", c.Expires)),
	}
}
