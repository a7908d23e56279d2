// SPDX-License-Identifier: Apache-2.0

package session

// TokenRequest names the cluster that a token is for.
type TokenRequest struct {
	Cluster string
	Region  string
	Target  string // "" = whatever the environment says
}

// Key is one configuration key of the stack file.
type Key struct {
	Name    string // without the namespace
	Type    string
	Default string
	Doc     string
	Example string
}
