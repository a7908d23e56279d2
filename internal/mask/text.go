// SPDX-License-Identifier: Apache-2.0

package mask

import (
	"encoding/base64"
	"math"
	"regexp"
	"strings"
	"unicode"

	"emrflink/internal/pattern"
)

// shape is one form of secret in a longer text.
type shape struct {
	// hints are texts of which one must be there for the pattern to match: looking for them is cheap.
	hints []string
	re    func() *regexp.Regexp
	// with is the replacement in the syntax of regexp.Expand; "" means that replace decides.
	with    string
	replace func(match string) string
}

// shapes are never written to. Sources: docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html (prefixes
// of key ids), docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html (signed URLs), RFC 7468 (PEM), RFC
// 7519 (JWT), RFC 3986 3.2.1 (user information), github.blog/2021-04-05-behind-githubs-new-authentication-token-formats
// (GitHub), api.slack.com/authentication/token-types (Slack), github.com/kubernetes-sigs/aws-iam-authenticator (EKS).
var shapes = []shape{
	{hints: []string{"PRIVATE KEY"}, with: Secret,
		re: pattern.Lazy(
			`(?s)-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z0-9 ]{0,30}PRIVATE KEY( BLOCK)?-----|\z)`)},
	{hints: []string{"LS0tLS1CRUdJTi"}, replace: encodedPEM, re: pattern.Lazy(`LS0tLS1CRUdJTi[A-Za-z0-9+/=]+`)},
	{hints: []string{"k8s-aws-v1."}, with: Secret, re: pattern.Lazy(`k8s-aws-v1\.[A-Za-z0-9_=-]+`)},
	{hints: []string{"eyJ"}, with: Secret, re: pattern.Lazy(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*`)},
	{hints: []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"}, with: Secret,
		re: pattern.Lazy(`gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{16,}`)},
	{hints: []string{"xox", "xapp-", "hooks.slack.com/"}, with: Secret,
		re: pattern.Lazy(`xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}|hooks\.slack\.com/(services|workflows)/[A-Za-z0-9/]+`)},
	{hints: []string{"pul-"}, with: Secret, re: pattern.Lazy(`\bpul-[0-9a-f]{40}\b`)},
	{hints: []string{"AKIA", "ASIA", "ABIA", "ACCA"}, with: Secret, re: pattern.Lazy(`\b(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b`)},
	// What an STS session token begins with: base64 of a constant.
	{
		hints: []string{"IQoJb3JpZ2lu", "FwoGZXIvYXdz"}, with: Secret,
		re: pattern.Lazy(`(IQoJb3JpZ2lu|FwoGZXIvYXdz)[A-Za-z0-9+/=%_-]{16,}`),
	},
	{hints: []string{"ignature", "ecurity-"}, with: "${1}${2}" + Secret,
		re: pattern.Lazy(`(?i)(X-Amz-(?:Signature|Security-Token)|\bSignature)(=|%3D|["']?: ?["']?)[A-Za-z0-9%+/=_.~-]{16,}`)},
	{hints: []string{"earer ", "asic "}, replace: bearer, re: pattern.Lazy(`\b([Bb]earer|[Bb]asic) [A-Za-z0-9+/=_.~-]{8,}`)},
	{hints: []string{"://"}, replace: userInfo, re: pattern.Lazy(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#"'<>@:]*:[^\s/?#"'<>]+@`)},
}

// Text hides what has the shape of a secret, and the values of assignments to the key of one (`password=x`,
// `"token": "x"`, `--api-key x`), anywhere in a text.
func Text(s string) string { return hide(s, lines) }

// hide is Text with what goes through the lines of a text that looks like YAML.
func hide(s string, yaml func(string) string) string {
	if len(s) < 8 {
		return s
	}
	for i := range shapes {
		sh := &shapes[i]
		switch {
		case !hinted(s, sh.hints):
		case sh.with != "":
			s = sh.re().ReplaceAllString(s, sh.with)
		default:
			s = sh.re().ReplaceAllStringFunc(s, sh.replace)
		}
	}
	return secretKeys(assignments(s, yaml))
}

// Known hides secrets that the caller knows, then what Text finds. Values that are too short to be secrets are words.
func Known(s string, secrets []string) string { return Text(known(s, secrets)) }

// Prose is Known for a text of our own, of several lines: in it "credentials: AWS does not know them" is no line of YAML.
func Prose(s string, secrets []string) string {
	return hide(known(s, secrets), func(s string) string { return s })
}

func known(s string, secrets []string) string {
	const shortest = 8
	for _, secret := range secrets {
		if len(secret) >= shortest && !harmless(secret) {
			s = strings.ReplaceAll(s, secret, Secret)
		}
	}
	return s
}

func hinted(s string, hints []string) bool {
	for _, h := range hints {
		if strings.Contains(s, h) {
			return true
		}
	}
	return false
}

// encodedPEM masks base64 of a private key. A certificate is public.
func encodedPEM(match string) string {
	raw := strings.TrimRight(match, "=")
	head := raw[:min(len(raw), 96)/4*4] // the first line says what it is
	decoded, err := base64.RawStdEncoding.DecodeString(head)
	if err != nil || strings.Contains(string(decoded), "PRIVATE KEY") {
		return Secret
	}
	return match
}

// bearer masks what follows the name of an authentication scheme, unless it is a word.
func bearer(match string) string {
	scheme, value, _ := strings.Cut(match, " ")
	if prose(value) {
		return match
	}
	return scheme + " " + Secret
}

// userInfo masks the password of a URL.
func userInfo(match string) string {
	start := strings.Index(match, "://") + len("://")
	colon := start + strings.IndexByte(match[start:], ':')
	if password := match[colon+1 : len(match)-1]; harmless(password) {
		return match
	}
	return match[:colon+1] + Secret + "@"
}

// prose tells whether a bare value is a word of a sentence: letters alone, perhaps with a stop after them.
func prose(s string) bool {
	s = strings.TrimRight(s, ".,;:!?)")
	for _, r := range s {
		if !unicode.IsLetter(r) && r != '-' {
			return false
		}
	}
	return len(s) < 20
}

// keyLength is that of an AWS secret access key.
const keyLength = 40

// secretKeys masks runs of base64 characters that have the form of an AWS secret access key.
func secretKeys(s string) string {
	if len(s) < keyLength {
		return s
	}
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); {
		if !base64Char(s[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(s) && base64Char(s[end]) {
			end++
		}
		if end-i == keyLength && (end == len(s) || s[end] != '=') && random(s[i:end]) && !inPath(s[:i], s[i:end]) {
			b.WriteString(s[done:i])
			b.WriteString(Secret)
			done = end
		}
		i = end
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// roots are folders at the top of a file system below which users and their tools keep files.
var roots = []string{
	"/tmp/", "/home/", "/root/", "/var/", "/usr/", "/opt/", "/etc/", "/mnt/", "/srv/", "/run/", "/work/", "/Users/", "/private/",
	"/builds/", "/workspace/", "/github/",
}

// inPath tells whether a run is a part of the absolute name of a file: folders of tests and builds mix capitals, small letters
// and digits, too.
func inPath(before, run string) bool {
	name := before[strings.LastIndexAny(before, " \t\n\"'`=,:;()[]{}<>")+1:] + run
	for _, root := range roots {
		if strings.HasPrefix(name, root) {
			return true
		}
	}
	return false
}

func base64Char(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/' || c == '+'
}

// random tells whether capitals, small letters and digits are mixed as chance mixes them. Digests are hexadecimal, names
// are made of words.
func random(s string) bool {
	var lower, upper, digits int
	var count [128]int
	for i := range len(s) {
		c := s[i]
		count[c]++
		switch {
		case c >= 'a' && c <= 'z':
			lower++
		case c >= 'A' && c <= 'Z':
			upper++
		case c >= '0' && c <= '9':
			digits++
		}
	}
	var entropy float64
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			entropy -= p * math.Log2(p)
		}
	}
	const least = 4.3 // 40 random characters of 64 have 4.7 bits each, words in camel case about 4
	return lower >= 5 && upper >= 5 && digits >= 1 && entropy >= least
}
