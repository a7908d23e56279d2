// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
)

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

// verify puts what the verifier has read in the place of what the token claims.
func (s Service) verify(ctx context.Context, c *claims, jwt string) (err error) {
	if s.Tokens == nil {
		return nil
	}
	if c.Subject, c.Audience, err = s.Tokens.VerifyToken(ctx, c.Issuer, jwt); err != nil {
		return errToken("Couldn't verify the token of %s: %v", c.Issuer, err)
	}
	return nil
}

func (c claims) expired(a *account.Account) bool {
	return c.Expires > 0 && float64(a.Ledger().Clock.Now().Unix()) >= c.Expires
}

func errToken(format string, args ...any) *awserror.Error {
	return awserror.Bad("InvalidIdentityToken", format, args...)
}
