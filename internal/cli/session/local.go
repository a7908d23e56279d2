// SPDX-License-Identifier: Apache-2.0

package session

// TokenRequest names the cluster that a token is for.
type TokenRequest struct {
	Cluster string
	Region  string
	Target  string // "" = whatever the environment says
}
