// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// CodeNotBuilt is the Code of a Failure for a backend or a secrets provider of Pulumi that this program leaves out
// (docs/adr/0005-lean-start.md).
const CodeNotBuilt = "NotBuilt"

// backends may keep a state.
func backends() []string { return []string{"file", "s3"} }

// secretsProviders may encrypt the secrets of a state; base64key is for states that are thrown away.
func secretsProviders() []string { return []string{"passphrase", "awskms", "base64key"} }

// leftOut is where a scheme that Pulumi knows and this program does not belongs, "" for any other.
func leftOut(scheme string) string {
	return map[string]string{
		"gs": "Google Cloud Storage", "azblob": "Azure Blob Storage", "postgres": "PostgreSQL", "postgresql": "PostgreSQL",
		"http": "Pulumi Cloud", "https": "Pulumi Cloud", "service": "Pulumi Cloud",
		"gcpkms": "Google Cloud KMS", "azurekeyvault": "Azure Key Vault", "hashivault": "HashiCorp Vault",
	}[scheme]
}

// checkBackend refuses a state that this program cannot read.
func checkBackend(url string) error {
	scheme, _, found := strings.Cut(url, "://")
	if url == "" || slices.Contains(backends(), scheme) && found {
		return nil
	}
	if !found {
		folder, err := filepath.Abs(url)
		if err != nil {
			folder = url
		}
		return &Failure{
			Code:    CodeConfig,
			Message: fmt.Sprintf("the state %q is not a URL: a folder begins with file://, a bucket with s3://", url),
			Hint:    "set --state or PULUMI_BACKEND_URL to file://" + filepath.ToSlash(folder),
		}
	}
	return notBuilt("state", url, scheme, "file:// and s3://",
		"set --state or PULUMI_BACKEND_URL to one of them; Pulumi's own CLI moves a state: "+
			"pulumi stack export, pulumi stack import")
}

// checkSecretsProvider refuses a provider that this program does not have.
func checkSecretsProvider(provider string) error {
	scheme, _, _ := strings.Cut(provider, "://")
	if provider == "" || provider == "default" || slices.Contains(secretsProviders(), scheme) {
		return nil
	}
	return notBuilt("secrets provider", provider, scheme, "passphrase and awskms://",
		"change it with Pulumi's own CLI: pulumi stack change-secrets-provider")
}

func notBuilt(what, url, scheme, has, hint string) error {
	of := leftOut(scheme)
	if of == "" {
		of = scheme + "://"
	}
	return &Failure{
		Code:    CodeNotBuilt,
		Message: fmt.Sprintf("the %s %s is in %s, which this program is built without: it has %s", what, url, of, has),
		Hint:    hint,
	}
}

// checkDirectUse refuses what the arguments and the environment of [Main] ask for and this program does not have.
func checkDirectUse(args []string) error {
	if err := checkBackend(os.Getenv(backendVar)); err != nil {
		return err
	}
	for _, arg := range args {
		_, value, joined := strings.Cut(arg, "=")
		if !joined {
			value = arg
		}
		if scheme, _, found := strings.Cut(value, "://"); found && leftOut(scheme) != "" && scheme != "http" &&
			scheme != "https" {
			return checkSecretsProvider(value)
		}
	}
	return nil
}
