// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"emrflink/components/mirror"
	"emrflink/internal/check"
	"emrflink/internal/helmchart"
)

// Machine checks what a deploy needs of the machine that it starts from.
type Machine struct {
	Programs   []string // on the PATH
	Registries []string // that charts are pulled from, without a login where they are public
	Mirrors    []string // registries that images are pulled from by nodes
	// Get asks a URL and returns the status of the answer.
	Get func(url string) (int, error)
	// Plugins names the provider plugins that are missing, and the folder that they belong in; nil where none is needed.
	Plugins  func() (missing []string, dir string)
	Free     func(dir string) (uint64, error)
	Root     fs.FS // of this machine's files, for what it says of its memory
	LookPath func(string) (string, error)
	Getenv   func(string) string
	Now      func() time.Time
}

// Run makes the checks.
func (m Machine) Run() []check.Check {
	var checks []check.Check
	for _, p := range m.Programs {
		checks = append(checks, m.program(p))
	}
	for _, r := range m.Registries {
		checks = append(checks, m.login(r))
	}
	if len(m.Mirrors) > 0 {
		checks = append(checks, m.answers())
	}
	if m.Plugins != nil {
		checks = append(checks, m.plugins(), m.memory())
	}
	return checks
}

// loginID is the name of the check of logins.
const loginID = "registry-login"

// programID is the name of the check of a program.
func programID(program string) string { return "program-" + program }

// program looks for a program on the PATH.
func (m Machine) program(name string) check.Check {
	id := programID(name)
	path, err := m.LookPath(name)
	if err == nil {
		return fine(id, "%s", path)
	}
	return check.Check{
		ID: id, Status: check.Error, What: name + " is not on the PATH", Why: "pulumi-eks refuses to make a cluster without it",
		Fix: map[string]string{
			"aws":     "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
			"kubectl": "https://kubernetes.io/docs/tasks/tools/",
		}[name],
	}
}

// registryFile is a file with logins, and the program that wrote it.
type registryFile struct{ path, logout string }

// files are where helm and docker keep logins.
func (m Machine) files() []registryFile {
	helm, docker := helmchart.Logins(m.Getenv)
	return []registryFile{{helm, "helm registry logout "}, {docker, "docker logout "}}
}

// loginLasts is how long a login to Amazon ECR Public is good for (ECR Public user guide, "Registry authentication").
const loginLasts = 12 * time.Hour

// login looks for a login that has expired: the registry answers 403 to it, and serves anonymous pulls.
func (m Machine) login(registry string) check.Check {
	result := fine(loginID, "no login for %s: charts are pulled anonymously", registry)
	if region := mirror.Region(registry); region != "" {
		result = check.Check{
			ID: loginID, Status: check.Error, What: "no login for " + registry,
			Why: "401 Unauthorized: charts are pulled from it by this machine, and ECR serves nobody without a login",
			Fix: "aws ecr get-login-password --region " + region + " | helm registry login --username AWS --password-stdin " +
				registry,
		}
	}
	for _, f := range m.files() {
		c, found := m.loginIn(f, registry)
		if !found {
			continue
		}
		c.ID = loginID
		if c.Status == check.Error {
			return c
		}
		result = c
	}
	return result
}

// loginIn reads one file; false when it has no login for the registry.
func (m Machine) loginIn(f registryFile, registry string) (check.Check, bool) {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return check.Check{}, false
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(f.path)
	}
	var config struct {
		Auths       map[string]struct{ Auth string } `json:"auths"`
		CredHelpers map[string]string                `json:"credHelpers"`
		CredsStore  string                           `json:"credsStore"`
	}
	if err == nil {
		err = json.Unmarshal(raw, &config)
	}
	if err != nil {
		return check.Check{
			Status: check.Warning, What: f.path + ": could not check", Why: err.Error(), Fix: f.logout + registry,
		}, true
	}
	entry, found := config.Auths[registry]
	helper := config.CredHelpers[registry]
	if helper == "" {
		helper = config.CredsStore
	}
	switch {
	case config.CredHelpers[registry] == "" && !found:
		return check.Check{}, false
	case entry.Auth == "":
		return check.Check{
			Status: check.Skipped, What: "the login for " + registry + " is kept by the credential helper " + helper +
				": its age cannot be seen in " + f.path,
			Why: "an expired one makes every pull of a chart answer 403", Fix: f.logout + registry,
		}, true
	}
	return m.judge(f, registry, entry.Auth, info.ModTime()), true
}

// judge says whether a login has expired: by what its token says, else by the age of the file.
func (m Machine) judge(f registryFile, registry, auth string, written time.Time) check.Check {
	c := check.Check{Status: check.OK, What: "the login for " + registry + " in " + f.path}
	expires, known := tokenExpires(auth)
	switch {
	case known && expires.After(m.Now()):
		c.What += " is good until " + expires.UTC().Format(time.RFC3339)
		return c
	case known:
		c.Status, c.What = check.Error, c.What+" expired on "+expires.UTC().Format(time.RFC3339)
	case m.Now().Sub(written) > loginLasts:
		c.Status, c.What = check.Warning,
			fmt.Sprintf("%s is older than %s, which is how long a login is valid", c.What, loginLasts)
	default:
		c.What += " is recent"
		return c
	}
	c.Why = "403 Forbidden: your authorization token has expired; without a login the pull would succeed"
	c.Fix = f.logout + registry
	return c
}

// tokenExpires reads the end of an ECR token out of an entry's USER:PASSWORD: the password is JSON in base64 that says it.
func tokenExpires(auth string) (time.Time, bool) {
	plain, err := base64.StdEncoding.DecodeString(auth)
	if err != nil {
		return time.Time{}, false
	}
	_, password, _ := strings.Cut(string(plain), ":")
	token, err := base64.StdEncoding.DecodeString(password)
	if err != nil {
		return time.Time{}, false
	}
	var claims struct {
		Expiration int64 `json:"expiration"`
	}
	if json.Unmarshal(token, &claims) != nil || claims.Expiration == 0 {
		return time.Time{}, false
	}
	return time.Unix(claims.Expiration, 0), true
}
