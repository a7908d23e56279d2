// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"emrflink/internal/iam"
	"emrflink/internal/pattern"
)

var sessionName = pattern.Lazy(`^[\w+=,.@-]{2,64}$`)

// credential is a stored session of an assumed role.
type credential struct {
	AccessKey string    `json:"accessKey"`
	Secret    string    `json:"secret"`
	Token     string    `json:"token"`
	Role      string    `json:"role"`
	RoleID    string    `json:"roleID"`
	Session   string    `json:"session"`
	Expires   time.Time `json:"expires"`
}

func (a *Account) restoreCredential(raw json.RawMessage) error {
	var c credential
	if err := json.Unmarshal(raw, &c); err != nil {
		return err
	}
	a.creds[c.AccessKey] = &c
	return nil
}

// StaticCredentials returns the administrator's key pair.
func (a *Account) StaticCredentials() (accessKey, secret string) {
	return StaticAccessKey, StaticSecretKey
}

// Administrator is the caller behind the static credentials.
func (a *Account) Administrator() Caller {
	return Caller{
		ARN: "arn:" + a.Partition() + ":iam::" + a.opts.AccountID + ":user/" + StaticUserName, Account: a.opts.AccountID,
		AccessKey: StaticAccessKey, UserID: "AIDALOCALEMRFLINK0000", Via: ByUser,
	}
}

// CallerByAccessKey returns who signs with an access key, and the secret to verify the signature with.
// The errors are those of AWS for an unknown key, a wrong session token and an expired session.
func (a *Account) CallerByAccessKey(accessKey, sessionToken string) (Caller, string, error) {
	if accessKey == StaticAccessKey {
		return a.Administrator(), StaticSecretKey, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.creds[accessKey]
	if c == nil || subtle.ConstantTimeCompare([]byte(c.Token), []byte(sessionToken)) != 1 {
		return Caller{}, "", errStatus(http.StatusForbidden, "InvalidClientTokenId",
			"The security token included in the request is invalid.")
	}
	if !a.clock.Now().Before(c.Expires) {
		return Caller{}, "", errStatus(http.StatusForbidden, "ExpiredToken",
			"The security token included in the request is expired")
	}
	return Caller{
		ARN: a.sessionARN(c.Role, c.Session), Account: a.opts.AccountID, AccessKey: accessKey, Role: c.Role, Session: c.Session,
		UserID: c.RoleID + ":" + c.Session, Via: viaOf(c.Role, c.Session),
	}, c.Secret, nil
}

// viaOf guesses from the names of a role and a session on whose behalf resources are made: the names that
// controllers and people give to roles are all that AWS shows as well.
func viaOf(role, session string) string {
	names := strings.ToLower(role + " " + session)
	for _, by := range []string{ByKarpenter, ByFlink} {
		if strings.Contains(names, by) {
			return by
		}
	}
	return ByKubernetes
}

func (a *Account) sessionARN(role, session string) string {
	return "arn:" + partition(a.opts.Region) + ":sts::" + a.opts.AccountID + ":assumed-role/" + role + "/" + session
}

// AssumeRole gives credentials of a role that trusts the caller, for the role's maximum session duration
// or an hour, whichever is less.
func (a *Account) AssumeRole(ctx context.Context, c Caller, roleARN, session string) (Credentials, error) {
	if err := a.fault(ctx, "assume", KindRole, roleName(roleARN)); err != nil {
		return Credentials{}, err
	}
	denied := errStatus(http.StatusForbidden, "AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on "+
		"resource: %s", c.ARN, roleARN)
	return a.assume(roleARN, session, func(t *tx, role *Resource) error {
		arn := c.ARN
		if c.Role == "" && arn == "" {
			arn = a.Administrator().ARN
		}
		if !a.trustAllows(role, "sts:AssumeRole", iam.Principal{Type: iam.PrincipalAWS, ID: arn}, nil) {
			return denied
		}
		return nil
	})
}

// assume makes a session of a role once allowed agrees.
func (a *Account) assume(roleARN, session string, allowed func(*tx, *Resource) error) (Credentials, error) {
	if !sessionName().MatchString(session) {
		return Credentials{}, errBad("ValidationError", "Value %q at 'roleSessionName' failed to satisfy constraint: %s", session,
			sessionName())
	}
	var out Credentials
	err := a.do(Caller{}, func(t *tx) error {
		role := t.role(roleARN)
		if role == nil {
			return errStatus(http.StatusForbidden, "AccessDenied", "Not authorized to assume %s", roleARN)
		}
		if err := allowed(t, role); err != nil {
			return err
		}
		seconds, ok := number(role.Props, "maxSessionDuration")
		if !ok || seconds <= 0 || seconds > 3600 {
			seconds = 3600
		}
		c := &credential{
			AccessKey: iamID("ASIA")[:20], Secret: randomHex(40), Token: base64.StdEncoding.EncodeToString([]byte(randomHex(96))),
			Role: role.ID, RoleID: str(role.Attrs, "uniqueId"), Session: session,
			Expires: t.now.Add(time.Duration(seconds) * time.Second),
		}
		t.expireCredentials()
		t.apply(func() { a.creds[c.AccessKey] = c }, func() { delete(a.creds, c.AccessKey) })
		t.set(keyCredential+c.AccessKey, c)
		out = Credentials{
			AccessKeyID: c.AccessKey, SecretAccessKey: c.Secret, SessionToken: c.Token, Expiration: c.Expires,
			AssumedRoleARN: a.sessionARN(role.ID, session), AssumedRoleID: c.RoleID + ":" + session,
		}
		return nil
	})
	return out, err
}

// expireCredentials forgets sessions that ended an hour ago or earlier.
func (t *tx) expireCredentials() {
	a := t.a
	for key, c := range maps.Clone(a.creds) {
		if t.now.Sub(c.Expires) > time.Hour {
			t.apply(func() { delete(a.creds, key) }, func() { a.creds[key] = c })
			t.set(keyCredential+key, nil)
		}
	}
}

// claims are those of a service-account token that STS reads.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expires  float64  `json:"exp"`
}

type audience []string

// UnmarshalJSON takes a string or a list, as RFC 7519 allows.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

func parseClaims(jwt string) (claims, error) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return claims{}, errors.New("a token has three parts")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, fmt.Errorf("decode the claims: %w", err)
	}
	var c claims
	if err := json.Unmarshal(raw, &c); err != nil {
		return claims{}, fmt.Errorf("decode the claims: %w", err)
	}
	return c, nil
}

func errToken(format string, args ...any) *Error {
	return errBad("InvalidIdentityToken", format, args...)
}

// AssumeRoleWithWebIdentity gives credentials of a role that trusts a service account. The issuer needs an
// OIDC provider in the account that names the audience, and the role's trust policy must allow the
// subject. With a Runtime the token's signature is verified; without one there is nothing that could have
// signed it, and its claims are taken as they are.
func (a *Account) AssumeRoleWithWebIdentity(ctx context.Context, roleARN, session, jwt string) (Credentials, error) {
	if err := a.fault(ctx, "assume", KindRole, roleName(roleARN)); err != nil {
		return Credentials{}, err
	}
	c, err := parseClaims(jwt)
	if err != nil {
		return Credentials{}, errToken("The ID Token provided is not a valid JWT: %v", err)
	}
	provider := Resource{}
	for _, p := range a.Find(KindOIDCProvider, func(r Resource) bool { return r.Name == issuerHost(c.Issuer) }) {
		provider = p
	}
	if provider.ID == "" {
		return Credentials{}, errToken("No OpenIDConnect provider found in your account for %s", c.Issuer)
	}
	if a.opts.Runtime != nil {
		sub, aud, err := a.opts.Runtime.VerifyToken(ctx, c.Issuer, jwt)
		if err != nil {
			return Credentials{}, errToken("Couldn't verify the token of %s: %v", c.Issuer, err)
		}
		c.Subject, c.Audience = sub, aud
	}
	if c.Expires > 0 && float64(a.clock.Now().Unix()) >= c.Expires {
		return Credentials{}, errBad("ExpiredTokenException", "Token expired: current date/time must be before the expiration "+
			"date/time")
	}
	clients := strs(provider.Props, "clientIdLists")
	aud := slices.IndexFunc(c.Audience, func(s string) bool { return slices.Contains(clients, s) })
	if aud < 0 {
		return Credentials{}, errToken("Incorrect token audience")
	}
	keys := map[string][]string{
		provider.Name + ":sub": {c.Subject}, provider.Name + ":aud": {c.Audience[aud]}, provider.Name + ":iss": {c.Issuer},
	}
	return a.assume(roleARN, session, func(_ *tx, role *Resource) error {
		if !a.trustAllows(role, "sts:AssumeRoleWithWebIdentity", iam.Principal{Type: iam.PrincipalFederated, ID: provider.ARN},
			keys) {
			return errStatus(http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
		}
		return nil
	})
}
