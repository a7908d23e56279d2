// SPDX-License-Identifier: Apache-2.0

// Package zxcvbn is the same estimate under the name of a fork, which Pulumi links as well.
package zxcvbn

import "github.com/nbutton23/zxcvbn-go"

// PasswordStrength estimates how hard a value is to guess.
func PasswordStrength(password string, _ []string, _ ...any) zxcvbn.Strength {
	return zxcvbn.PasswordStrength(password, nil)
}
