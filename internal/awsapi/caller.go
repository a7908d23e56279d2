// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// EnvExpiration is where `aws configure export-credentials --format env` says
// when the keys beside it end. Amazon's Go SDK does not read it.
const EnvExpiration = "AWS_CREDENTIAL_EXPIRATION"

// Session is how long the credentials in use are good for.
type Session struct {
	Source    string    // the SDK's name of where they come from: "EnvConfigCredentials"
	Temporary bool      // they belong to a session that ends
	Renews    bool      // the SDK gets new ones by itself
	Expires   time.Time // zero: they do not end, or nobody says when
}

// renewing are the SDK's providers that fetch the next credentials without anybody's help.
func renewing() []string {
	return []string{
		"SSOProvider", "EC2RoleProvider", "CredentialsEndpointProvider", "WebIdentityCredentials", "AssumeRoleProvider",
		"LoginProvider",
	}
}

// Session reads the credentials in use; one that cannot is an *Error.
func (c *Client) Session(ctx context.Context) (Session, error) {
	cr, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return Session{}, &Error{Op: "credentials", Code: "CredentialsUnavailable", Message: err.Error(), err: err}
	}
	s := Session{Source: cr.Source, Temporary: cr.SessionToken != "" || cr.CanExpire}
	s.Renews = slices.ContainsFunc(renewing(), func(name string) bool { return strings.HasPrefix(cr.Source, name) })
	if cr.CanExpire {
		s.Expires = cr.Expires
	} else if text := os.Getenv(EnvExpiration); s.Temporary && text != "" && strings.HasPrefix(cr.Source, "EnvConfig") {
		if s.Expires, err = time.Parse(time.RFC3339, text); err != nil {
			s.Expires = time.Time{} // not a time: as good as not set
		}
	}
	return s, nil
}

// Skew is how far this machine's clock is ahead of AWS's (behind: negative), to
// about a second. The request is not signed: it is answered whatever the clock
// and the credentials are, with a refusal that carries a Date.
func (c *Client) Skew(ctx context.Context) (time.Duration, error) {
	const op = "sts:GetCallerIdentity"
	body := strings.NewReader("Action=GetCallerIdentity&Version=2011-06-15")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.raw.endpoint("sts"), body)
	if err != nil {
		return 0, wrap(op, "", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	before := c.now()
	resp, err := c.raw.http().Do(req)
	if err != nil {
		return 0, wrap(op, "", err)
	}
	if err := resp.Body.Close(); err != nil {
		return 0, wrap(op, "", err)
	}
	after := c.now()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, &Error{Op: op, Code: "InvalidResponse", Message: "the answer has no Date: " + err.Error(), err: err}
	}
	// A Date is cut to the second: on average the clock was half a second further.
	return before.Add(after.Sub(before) / 2).Sub(date.Add(time.Second / 2)).Round(time.Second), nil
}

// RoleExists says whether the account has a role of this name.
func (c *Client) RoleExists(ctx context.Context, name string) (bool, error) {
	_, err := c.RoleTrust(ctx, name)
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// LogGroupExists says whether the region has a log group of exactly this name. It needs logs:DescribeLogGroups only.
func (c *Client) LogGroupExists(ctx context.Context, name string) (bool, error) {
	_, found, err := c.describeLogGroup(ctx, name)
	return found, err
}
