// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/sts"
)

const (
	// eksTokenPrefix starts a bearer token of aws-iam-authenticator's scheme.
	eksTokenPrefix = "k8s-aws-v1."
	// eksTokenLife is how long EKS accepts a token after it was signed,
	// whatever the presigned URL says.
	eksTokenLife = 15 * time.Minute
	// eksClusterHeader is the signed header that binds a token to a cluster.
	eksClusterHeader = "X-K8s-Aws-Id"
)

// VerifyEKSToken tells whose bearer token it is that a Kubernetes client of
// cluster presents: the token is a presigned sts:GetCallerIdentity with the
// cluster's name signed into it. The error is an *awserror.Error.
func VerifyEKSToken(a *account.Account, token, cluster string) (account.Caller, error) {
	return verifyEKSToken(a, token, cluster, time.Now())
}

func verifyEKSToken(a *account.Account, token, cluster string, now time.Time) (account.Caller, error) {
	bad := func(why string) (account.Caller, error) {
		return account.Caller{}, refuse(http.StatusUnauthorized, "InvalidToken", "not a token of cluster %q: %s", cluster, why)
	}
	u, why := tokenURL(token)
	if why != "" {
		return bad(why)
	}
	s, ok, err := querySignature(u.Query())
	if err != nil || !ok || s.service != "sts" {
		return bad("it is not signed for sts")
	}
	if !slices.Contains(s.signedHeaders, strings.ToLower(eksClusterHeader)) {
		return bad("the header " + strings.ToLower(eksClusterHeader) + " is not signed")
	}
	if now.After(s.at.Add(eksTokenLife)) || now.Before(s.at.Add(-maxSkew)) {
		return bad("it has expired")
	}
	// The headers of the request that the token's owner signed: the host is
	// the URL's, the cluster is the one that asks.
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{eksClusterHeader: {cluster}}}
	caller, secret, err := sts.CallerByAccessKey(a, s.accessKey, s.token)
	if err != nil {
		return account.Caller{}, err
	}
	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if err := s.verify(r, secret, emptyHash); err != nil {
		return bad("its signature is wrong")
	}
	caller.Region = s.region
	return caller, nil
}

// tokenURL is the presigned request that a token holds, or why it holds none.
func tokenURL(token string) (u *url.URL, why string) {
	encoded, ok := strings.CutPrefix(token, eksTokenPrefix)
	if !ok {
		return nil, "it does not start with " + eksTokenPrefix
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return nil, "it is not base64url"
	}
	u, err = url.Parse(string(raw))
	if err != nil || u.Host == "" {
		return nil, "it holds no URL"
	}
	if u.Query().Get("Action") != "GetCallerIdentity" || (u.Path != "/" && u.Path != "") {
		return nil, "it is not a request for GetCallerIdentity"
	}
	return u, ""
}
