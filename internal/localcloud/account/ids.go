// SPDX-License-Identifier: Apache-2.0

package account

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"hash/crc32"
)

// randomHex returns n hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)[:n]
}

// ec2ID is "PREFIX-" and 17 hexadecimal digits, EC2's long form.
func ec2ID(prefix string) string { return prefix + "-0" + randomHex(16) }

// iamID is AWS's unique id of an IAM entity: a four-letter prefix and 17 letters or digits.
func iamID(prefix string) string {
	b := make([]byte, 11)
	_, _ = rand.Read(b) // never fails
	return prefix + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:17]
}

func uuid() string {
	h := randomHex(32)
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:])
}

// hashID is the provider's way of making ids of things that AWS gives none: a prefix and a CRC.
func hashID(prefix, of string) string {
	return fmt.Sprintf("%s%d", prefix, crc32.ChecksumIEEE([]byte(of)))
}
