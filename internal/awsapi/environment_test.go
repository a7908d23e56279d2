// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyAnotherEndpointIsTakenFromTheEnvironment(t *testing.T) {
	t.Parallel()
	env := map[string]string{EnvAccessKey: "a", EnvSecretKey: "s", "HOME": "/h", EnvRegion: ""}
	getenv := func(k string) string { return env[k] }
	require.Nil(t, Environment(getenv), "AWS's own: Amazon's SDK reads the environment itself")
	env[EnvEndpoint] = "http://127.0.0.1:1"
	require.Equal(t, map[string]string{EnvEndpoint: "http://127.0.0.1:1", EnvAccessKey: "a", EnvSecretKey: "s"},
		Environment(getenv))
}
