// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/check"
)

// caller finds the caller's identity, how long its credentials are valid, and the time on AWS.
type caller interface {
	Identity(ctx context.Context) (awsapi.Identity, error)
	Session(ctx context.Context) (awsapi.Session, error)
	Skew(ctx context.Context) (time.Duration, error)
}

// credentials checks that AWS knows the caller.
func (a Account) credentials(ctx context.Context) (awsapi.Identity, check.Check) {
	id, err := a.AWS.Identity(ctx)
	if err == nil {
		return id, fine("credentials", "%s, account %s", id.ARN, id.Account)
	}
	c := check.Check{
		ID: "credentials", Status: check.Error, What: "AWS does not know the identity", Why: err.Error(),
		Denied: awsapi.IsDenied(err),
	}
	var e *awsapi.Error
	if !errors.As(err, &e) {
		c.Fix = "emrflink doctor -v"
		return id, c
	}
	c.Why = e.Code + ": " + e.Message
	switch e.Code {
	case "ExpiredToken", "ExpiredTokenException":
		c.Fix = "aws sso login"
	case "CredentialsUnavailable", "MissingCredentials":
		c.Fix = "aws sso login\nexport AWS_PROFILE=NAME"
	case "InvalidClientTokenId", "UnrecognizedClientException":
		// STS of a Region that is not enabled does not know the credentials either (IAM user guide, "Managing AWS STS in an AWS
		// Region").
		c.Why += "; a region that is not enabled for the account gives the same error"
		c.Fix = "aws configure list\naws account get-region-opt-status --region-name " + a.Deploy.Region
	case "SignatureDoesNotMatch", "RequestTimeTooSkewed":
		c.Why += "; a wrong clock gives the same error: see clock"
		c.Fix = "aws configure list"
	case "":
		c.Why = e.Message
		c.Fix = "emrflink doctor -v"
	default:
		c.Fix = "aws configure list"
	}
	return id, c
}

// recorded checks that the credentials are for the account and the settings for the region of the stack.
func (a Account) recorded(_ context.Context, id awsapi.Identity) []check.Check {
	r, d := a.Deploy.Recorded, a.Deploy
	account, region := fine("account", "%s", id.Account), fine("region", "%s", d.Region)
	switch {
	case r.Account == "":
		account.What += "; the stack is not deployed yet"
	case r.Account != id.Account:
		account = check.Check{
			ID: "account", Status: check.Error, Denied: true,
			What: fmt.Sprintf("the credentials are of account %s, stack %q is deployed in account %s", id.Account,
				d.Stack, r.Account),
			Why: "a deploy would not find what exists and would make it a second time",
			Fix: "export AWS_PROFILE=PROFILE_OF_" + r.Account,
		}
	}
	if r.Region != "" && r.Region != d.Region {
		region = check.Check{
			ID: "region", Status: check.Error,
			What: fmt.Sprintf("the settings say %s, stack %q is deployed in %s", d.Region, d.Stack, r.Region),
			Why:  "a deployment cannot move: everything would be replaced",
			Fix:  fmt.Sprintf("emrflink init --stack %s-2 --set region=%s --set name=%s-2", d.Stack, d.Region, d.Name),
		}
	}
	return []check.Check{account, region}
}

// session checks that the credentials outlive a deploy: when they end, the engine can neither go on nor, with its state
// in S3, write down what it made.
func (a Account) session(ctx context.Context, _ awsapi.Identity) []check.Check {
	const id = "session"
	s, err := a.AWS.Session(ctx)
	lasts := a.Deploy.Lasts.Round(time.Second)
	switch {
	case err != nil:
		return []check.Check{unknown(id, "how long the credentials are valid", err)}
	case !s.Temporary:
		return []check.Check{fine(id, "the credentials do not expire (%s)", s.Source)}
	case s.Renews:
		return []check.Check{fine(id, "the credentials are renewed as they expire (%s)", s.Source)}
	case s.Expires.IsZero():
		return []check.Check{{
			ID: id, Status: check.Skipped,
			What: "the credentials are temporary and do not say when they expire (" + s.Source + ")",
			Why:  fmt.Sprintf("a deploy takes about %s; an STS session lasts an hour unless more was asked for", lasts),
			Fix:  "export " + awsapi.EnvExpiration + "=TIME, as `aws configure export-credentials --format env` prints it",
		}}
	}
	left := s.Expires.Sub(a.Now()).Round(time.Second)
	if left >= a.Deploy.Lasts {
		return []check.Check{fine(id, "%s left, a deploy takes about %s", left, lasts)}
	}
	return []check.Check{{
		ID: id, Status: check.Warning,
		What: fmt.Sprintf("the credentials expire in %s, a deploy takes about %s", max(left, 0), lasts),
		Why:  "ExpiredToken: the deploy would stop before its end; it can be repeated with new credentials",
		Fix:  "aws sso login",
	}}
}

const (
	// maxSkew is what AWS tolerates (IAM user guide, "Elements of an AWS API request signature": a request must reach AWS
	// within five minutes of its time stamp).
	maxSkew = 5 * time.Minute
	// muchSkew is more than a clock that is kept by NTP is ever wrong, and eats a part of a token's life.
	muchSkew = time.Minute
)

// clock compares this machine's clock with AWS's. Amazon's SDK corrects its own requests; tokens for the cluster, and
// what other programs sign, are not corrected.
func (a Account) clock(ctx context.Context) check.Check {
	const id = "clock"
	skew, err := a.AWS.Skew(ctx)
	if err != nil {
		return unknown(id, "this machine's clock", err)
	}
	word := "ahead of"
	if skew < 0 {
		word = "behind"
	}
	c := fine(id, "%s %s AWS's clock", skew.Abs(), word)
	const fix = "sudo timedatectl set-ntp true"
	switch {
	case skew.Abs() >= maxSkew:
		c.Status, c.Fix = check.Error, fix
		c.Why = "SignatureDoesNotMatch, RequestTimeTooSkewed: AWS refuses what was signed more than 5 minutes ago or is from " +
			"the future"
	case skew.Abs() >= muchSkew:
		c.Status, c.Fix, c.Why = check.Warning, fix, "AWS refuses signatures that are 5 minutes off"
	}
	return c
}
