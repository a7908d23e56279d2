// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// VerifyToken checks a service account's token against the signing key of the
// cluster whose issuer it names, as IAM does through the cluster's OIDC provider.
func (d *Daemon) VerifyToken(_ context.Context, issuer, jwt string) (sub string, aud []string, err error) {
	c, err := d.clusterOfIssuer(issuer)
	if err != nil {
		return "", nil, err
	}
	key, err := publicKey(filepath.Join(c.dir, "sa.pub"))
	if err != nil {
		return "", nil, err
	}
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return "", nil, errors.New("the token is no JWT")
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return "", nil, fmt.Errorf("decode the token's signature: %w", err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig); err != nil {
		return "", nil, fmt.Errorf("verify the token's signature: %w", err)
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", nil, fmt.Errorf("decode the token: %w", err)
	}
	var claims struct {
		Iss, Sub string
		Aud      []string
		Exp      int64
	}
	if err := json.Unmarshal(body, &claims); err != nil {
		return "", nil, fmt.Errorf("read the token's claims: %w", err)
	}
	switch {
	case claims.Iss != issuer:
		return "", nil, fmt.Errorf("the token was issued by %q, not by %q", claims.Iss, issuer)
	case time.Now().Unix() > claims.Exp:
		return "", nil, errors.New("the token is expired")
	}
	return claims.Sub, claims.Aud, nil
}

func (d *Daemon) clusterOfIssuer(issuer string) (*cluster, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.planes {
		if p.current != nil && p.spec.Issuer == issuer {
			return p.current, nil
		}
	}
	return nil, fmt.Errorf("no running cluster has the issuer %q", issuer)
}

func publicKey(path string) (*rsa.PublicKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's signing key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("read the cluster's signing key: %q is no PEM file", path)
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's signing key: %w", err)
	}
	key, ok := k.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the cluster's signing key is a %T, not RSA", k)
	}
	return key, nil
}
