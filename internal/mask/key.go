// SPDX-License-Identifier: Apache-2.0

package mask

import (
	"slices"
	"unicode"
)

// Key tells whether a key is that of a secret. What counts is how it ends: `db_password`, `clientSecret` and
// `AWS_SECRET_ACCESS_KEY` are, `secretName`, `passwordPolicy`, `tokenPath` and `httpTokens` are not.
func Key(name string) bool {
	if len(name) < 3 || len(name) > 128 {
		return false
	}
	w := words(name)
	n := len(w)
	if n == 0 {
		return false
	}
	last, before := w[n-1], ""
	if n > 1 {
		before = w[n-2]
	}
	switch last {
	case "password", "passwords", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "privatekey",
		"secretkey", "accesskey",
		"authtoken", "accesstoken", "credential", "credentials", "dockerconfigjson", "dockercfg", "htpasswd":
		return true
	case "key":
		return slices.Contains([]string{
			"api", "private", "secret", "access", "signing", "shared", "account", "license", "hmac",
		}, before)
	case "string":
		return before == "connection"
	case "auth", "authorization":
		return n == 1
	case "data": // of a kubeconfig
		return before == "key" && slices.Contains(w, "client")
	case "pass":
		return n > 1
	}
	return false
}

// reference tells whether a key names where a secret is, not what it is.
func reference(name string) bool {
	w := words(name)
	if len(w) == 0 {
		return false
	}
	return slices.Contains([]string{
		"name", "namespace", "ref", "path", "paths", "arn", "url", "uri", "id", "kind", "version", "mode", "type", "key",
		"audience", "audiences", "items", "from", "optional", "file", "provider", "method", "class",
	}, w[len(w)-1])
}

// words splits a name at capitals and at everything that is neither letter nor digit, and makes them lower-case:
// `AWSSecretKey_2` is aws, secret, key. Digits do not count: password2 is a password, too.
func words(name string) []string {
	var out []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			out = append(out, string(word))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case unicode.IsDigit(r):
			continue
		case !unicode.IsLetter(r):
			end()
			continue
		case unicode.IsUpper(r) && i > 0:
			afterLower := unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsUpper(runes[i-1])
			if afterLower || beforeLower {
				end()
			}
		}
		word = append(word, unicode.ToLower(r))
	}
	end()
	return out
}
