// SPDX-License-Identifier: Apache-2.0

// Package awsid makes random identifiers in the forms that AWS gives them.
package awsid

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"fmt"
)

// Hex returns n hexadecimal digits.
func Hex(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)[:n]
}

// EC2 is "PREFIX-" and 17 hexadecimal digits, EC2's long form.
func EC2(prefix string) string { return prefix + "-0" + Hex(16) }

// IAM is the unique id of an IAM entity: a four-letter prefix and 17 letters or digits.
func IAM(prefix string) string {
	b := make([]byte, 11)
	_, _ = rand.Read(b) // never fails
	return prefix + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:17]
}

// UUID is a random UUID (RFC 9562, version 4).
func UUID() string {
	h := Hex(32)
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:])
}
