// SPDX-License-Identifier: Apache-2.0

package awsapi

// Environment picks from a process's environment what names another endpoint than AWS's, with its credentials; nil when
// nothing does. A child of the engine has it there.
func Environment(getenv func(string) string) map[string]string {
	if getenv(EnvEndpoint) == "" {
		return nil
	}
	env := map[string]string{}
	for _, k := range []string{EnvEndpoint, EnvAccessKey, EnvSecretKey, EnvSessionToken, EnvRegion} {
		if v := getenv(k); v != "" {
			env[k] = v
		}
	}
	return env
}
