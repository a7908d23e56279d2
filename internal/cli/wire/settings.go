// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/engine"
	"emrflink/internal/stack"
	"emrflink/internal/stackconfig"
	"emrflink/stacks"
)

// settings are those of the stack, read and validated.
type settings struct {
	info   stack.Info
	config stacks.Config
	// project is what Pulumi.yaml sets for every stack and is no default of ours, by full keys.
	project map[string]any
	// secrets is the URL of the key that encrypts the secrets of the state, "" = none is named.
	secrets string
}

// readSettings reads the stack file. Nothing is contacted.
func (a *app) readSettings() (settings, error) {
	home, err := cmdutil.Home(a.io.Getenv)
	if err != nil {
		return settings{}, err
	}
	file, config, err := a.stackFile(a.globals.ConfigFile)
	if err != nil {
		return settings{}, err
	}
	state, err := a.state()
	if err != nil {
		return settings{}, err
	}
	needs := stack.NeedsOf(config.Target)
	if needs.Daemon {
		if _, _, err := cmdutil.LocalSettings(a.io.Getenv); err != nil {
			return settings{}, err
		}
	}
	return settings{
		config: config, project: file.Differing(config), secrets: file.Secrets,
		info: stack.Info{
			Stack: a.globals.Stack, File: file.Path, Home: home, State: state, Target: config.Target,
			Region: config.Region, Deployment: config.Name, Kubernetes: config.KubernetesVersion, Speed: 1,
			PrivateAPI: !config.EndpointAccess.Public, Needs: needs,
		},
	}, nil
}

// state is the URL under which the states of stacks are kept: that of --state, EMRFLINK_STATE or PULUMI_BACKEND_URL, else that of
// the project file, else "", for the state folder. One that is relative is so to the current folder, as Pulumi takes it.
func (a *app) state() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the current folder: %w", err)
	}
	url := a.globals.State
	if url == "" {
		if url, err = stackconfig.Backend(dir); err != nil {
			return "", err
		}
	}
	return engine.AbsoluteBackend(url, dir), nil
}

// stackFile reads and validates a stack file, "" = that of the stack.
func (a *app) stackFile(path string) (stackconfig.File, stacks.Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return stackconfig.File{}, stacks.Config{}, fmt.Errorf("find the current folder: %w", err)
	}
	file, err := stackconfig.ReadFile(dir, a.globals.Stack, path)
	if err != nil {
		return stackconfig.File{}, stacks.Config{}, err
	}
	config, err := file.Parse()
	return file, config, classify(err)
}

// readFile is what is asked of a file on its own.
func (a *app) readFile(path string) (cmdutil.SettingsFile, error) {
	file, _, err := a.stackFile(cmp.Or(path, a.globals.ConfigFile))
	return cmdutil.SettingsFile{Stack: a.globals.Stack, Path: file.Path, Hints: file.Hints}, err
}

// problems is a validation error whose problems the printer lists one by one.
type problems struct{ *stacks.ConfigError }

// Error is the headline; the problems are printed below it.
func (p problems) Error() string {
	return fmt.Sprintf("the settings have %s", cmdutil.Count(len(p.Problems), "problem", "problems"))
}

// ProblemLines lists the problems, a line each.
func (p problems) ProblemLines() []string {
	lines := make([]string, 0, len(p.Problems))
	for _, problem := range p.Problems {
		lines = append(lines, problem.String())
	}
	return lines
}

// Unwrap keeps the facets of the validation.
func (p problems) Unwrap() error { return p.ConfigError }

// classify gives the errors of the domain packages the facets that they carry as fields.
func classify(err error) error {
	var config *stacks.ConfigError
	var listed problems
	if errors.As(err, &config) && !errors.As(err, &listed) {
		return problems{config}
	}
	return faceted(err)
}
