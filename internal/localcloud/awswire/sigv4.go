// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/sts"
)

const (
	sigAlgorithm = "AWS4-HMAC-SHA256"
	sigTime      = "20060102T150405Z"
	// maxSkew is how far AWS lets X-Amz-Date be from its own clock.
	maxSkew         = 15 * time.Minute
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// signature is the parsed proof of a request: from the Authorization header or
// from the query of a presigned URL.
type signature struct {
	accessKey, date, region, service string // the credential scope
	signedHeaders                    []string
	value                            string
	at                               time.Time
	token                            string        // X-Amz-Security-Token
	presigned                        bool          //
	expires                          time.Duration // presigned only
}

// parseSignature reads the proof; ok is false when the request carries none.
func parseSignature(r *http.Request) (s signature, ok bool, err error) {
	q := r.URL.Query()
	switch auth := r.Header.Get("Authorization"); {
	case strings.HasPrefix(auth, sigAlgorithm+" "):
		return headerSignature(r, strings.TrimPrefix(auth, sigAlgorithm+" "))
	case q.Get("X-Amz-Algorithm") == sigAlgorithm:
		return querySignature(q)
	case strings.HasPrefix(auth, "AWS "), q.Has("AWSAccessKeyId"): // of version 2, which S3 takes in no new bucket
		return s, false, invalid("InvalidRequest",
			"The authorization mechanism you have provided is not supported. Please use %s.", sigAlgorithm)
	case auth != "":
		return s, false, refuse(http.StatusBadRequest, "IncompleteSignature", "only %s signatures are supported", sigAlgorithm)
	}
	return s, false, nil
}

func headerSignature(r *http.Request, fields string) (s signature, ok bool, err error) {
	parts := map[string]string{}
	for _, f := range strings.Split(fields, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(f), "=")
		parts[k] = v
	}
	if err := s.scope(parts["Credential"]); err != nil {
		return s, false, err
	}
	s.signedHeaders = strings.Split(parts["SignedHeaders"], ";")
	s.value, s.token = parts["Signature"], r.Header.Get("X-Amz-Security-Token")
	s.at, err = time.Parse(sigTime, r.Header.Get("X-Amz-Date"))
	if err != nil || s.value == "" || parts["SignedHeaders"] == "" {
		return s, false, refuse(http.StatusBadRequest, "IncompleteSignature",
			"Authorization header requires 'Credential', 'SignedHeaders', 'Signature' and an X-Amz-Date header")
	}
	return s, true, nil
}

func querySignature(q url.Values) (s signature, ok bool, err error) {
	if err := s.scope(q.Get("X-Amz-Credential")); err != nil {
		return s, false, err
	}
	s.presigned = true
	s.signedHeaders = strings.Split(q.Get("X-Amz-SignedHeaders"), ";")
	s.value, s.token = q.Get("X-Amz-Signature"), q.Get("X-Amz-Security-Token")
	s.at, err = time.Parse(sigTime, q.Get("X-Amz-Date"))
	seconds, serr := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || serr != nil || seconds < 1 || seconds > 7*24*3600 || s.value == "" {
		return s, false, refuse(http.StatusBadRequest, "AuthorizationQueryParametersError",
			"a presigned URL requires X-Amz-Credential, X-Amz-SignedHeaders, X-Amz-Signature, X-Amz-Date and X-Amz-Expires "+
				"between 1 and 604800")
	}
	s.expires = time.Duration(seconds) * time.Second
	return s, true, nil
}

// scope parses KEY/DATE/REGION/SERVICE/aws4_request.
func (s *signature) scope(credential string) error {
	p := strings.Split(credential, "/")
	if len(p) != 5 || p[4] != "aws4_request" {
		return refuse(http.StatusBadRequest, "IncompleteSignature",
			"Credential must have the form KEY/DATE/REGION/SERVICE/aws4_request")
	}
	s.accessKey, s.date, s.region, s.service = p[0], p[1], p[2], p[3]
	return nil
}

// fresh checks the time of the signature.
func (s signature) fresh(now time.Time) error {
	if s.presigned {
		if now.After(s.at.Add(s.expires)) || now.Before(s.at.Add(-maxSkew)) {
			return refuse(http.StatusForbidden, "AccessDenied", "Request has expired")
		}
		return nil
	}
	if d := now.Sub(s.at); d > maxSkew || d < -maxSkew {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "Signature expired: %s is not within 15 minutes of %s",
			s.at.Format(sigTime), now.UTC().Format(sigTime))
	}
	return nil
}

// verify recomputes the signature over the request and compares it in constant
// time. payloadHash is what goes into the canonical request.
func (s signature) verify(r *http.Request, secret, payloadHash string) error {
	if !s.at.IsZero() && s.at.Format("20060102") != s.date {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch",
			"Date in Credential scope does not match the date of the request")
	}
	if !slices.Contains(s.signedHeaders, "host") {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "the host header is not signed")
	}
	for name := range r.Header {
		n := strings.ToLower(name)
		if strings.HasPrefix(n, "x-amz-") && !s.presigned && !slices.Contains(s.signedHeaders, n) {
			return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "the header %s is not signed", n)
		}
	}
	return s.proves(secret, s.value, sigAlgorithm, hexSHA256([]byte(s.canonicalRequest(r, payloadHash))))
}

// proves compares a signature with what the secret makes of an algorithm's lines, after which it signs time and scope.
func (s signature) proves(secret, value, algorithm string, lines ...string) error {
	scope := []string{s.date, s.region, s.service, "aws4_request"}
	toSign := strings.Join(append([]string{algorithm, s.at.Format(sigTime), strings.Join(scope, "/")}, lines...), "\n")
	key := []byte("AWS4" + secret)
	for _, part := range scope {
		key = mac(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(mac(key, toSign))), []byte(value)) {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	return nil
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

func (s signature) canonicalRequest(r *http.Request, payloadHash string) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	if s.service != "s3" {
		path = escapeURI(path, false) // every service but S3 encodes the path twice
	}
	var headers strings.Builder
	for _, name := range s.signedHeaders {
		headers.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	return strings.Join([]string{
		r.Method, path, canonicalQuery(r.URL.RawQuery), headers.String(), strings.Join(s.signedHeaders, ";"), payloadHash,
	}, "\n")
}

// headerValue is a header as it is signed. Go's server moves two of them out
// of the header map.
func headerValue(r *http.Request, name string) string {
	switch {
	case name == "host":
		return r.Host
	case name == "content-length" && r.Header.Get(name) == "":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	values := slices.Clone(r.Header.Values(name))
	for i, v := range values {
		values[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(values, ",")
}

// canonicalQuery sorts the parameters by encoded name, then by value, and drops
// the signature.
func canonicalQuery(raw string) string {
	var pairs [][2]string
	for _, p := range strings.Split(raw, "&") {
		if p == "" {
			continue
		}
		k, v, _ := strings.Cut(p, "=")
		if k == "X-Amz-Signature" {
			continue
		}
		ku, kerr := url.QueryUnescape(k)
		vu, verr := url.QueryUnescape(v)
		if kerr != nil || verr != nil {
			ku, vu = k, v
		}
		pairs = append(pairs, [2]string{escapeURI(ku, true), escapeURI(vu, true)})
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p[0] + "=" + p[1])
	}
	return b.String()
}

// escapeURI percent-encodes all but RFC 3986's unreserved characters.
func escapeURI(s string, slash bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0,
			c == '/' && !slash:
			b.WriteByte(c)
		default:
			b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
		}
	}
	return b.String()
}

// authenticate finds the caller of a signed request and checks its proof. hash is the last line of the canonical request.
func authenticate(a *account.Account, r *http.Request, s signature, hash string, now time.Time) (account.Caller, string,
	error) {
	if err := s.fresh(now); err != nil {
		return account.Caller{}, "", err
	}
	caller, secret, err := sts.CallerByAccessKey(a, s.accessKey, s.token)
	if err != nil {
		return account.Caller{}, "", err
	}
	if err := s.verify(r, secret, hash); err != nil {
		return account.Caller{}, "", err
	}
	if caller.Role == "" && s.token != "" {
		return account.Caller{}, "", refuse(http.StatusForbidden, "InvalidClientTokenId",
			"The security token included in the request is invalid.")
	}
	caller.Region = s.region
	return caller, secret, nil
}

// payloadHash is the hash of a body that has been read. One that the client states must be the body's.
func payloadHash(stated string, body []byte) (string, error) {
	computed := hexSHA256(body)
	switch stated {
	case "", computed:
		return computed, nil
	case unsignedPayload:
		return unsignedPayload, nil
	}
	return "", hashMismatch()
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func hashMismatch() error {
	return refuse(http.StatusBadRequest, "XAmzContentSHA256Mismatch",
		"The provided 'x-amz-content-sha256' header does not match what was computed.")
}
