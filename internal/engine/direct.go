// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// prepareDirectUse fills in, for a person who calls [Main], what an Engine would: the state directory, the passphrase
// and a working directory with the project. Whatever the environment or the arguments name already is left alone.
func prepareDirectUse(args []string) error {
	if err := checkDirectUse(args); err != nil {
		return err
	}
	home, err := stateHome()
	if err != nil {
		return err
	}
	stackName := stackFlag(args)
	if stackName == "" {
		stackName = os.Getenv("EMRFLINK_STACK")
	}
	if stackName == "" {
		stackName = "local"
	}
	backend, err := directBackend(home)
	if err != nil {
		return err
	}
	if root, ok := localRoot(backend); ok {
		backend = withoutAttributes(backend)
		remove(fileState{root: root, project: defaultProject, stack: stackName}.own("*.attrs"))
	}
	if err := os.Setenv(backendVar, backend); err != nil {
		return fmt.Errorf("set %s: %w", backendVar, err)
	}
	defaults := map[string]string{
		homeVar:                    filepath.Join(home, "pulumi"),
		"PULUMI_SKIP_UPDATE_CHECK": "true",
		"PULUMI_STACK":             stackName,
	}
	phrase := filepath.Join(home, "passphrase")
	if _, err := os.Stat(phrase); err == nil {
		if _, own := os.LookupEnv(passphraseVar); !own {
			defaults[passphraseFileVar] = phrase
		}
	}
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		if _, set := os.LookupEnv(name); set {
			continue
		}
		if err := os.Setenv(name, defaults[name]); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	if err := absoluteFiles(args); err != nil {
		return err
	}
	return enterWorkDir(home, stackName, args)
}

// directBackend is the URL of the state that the environment names, else that of a folder in home, which is made.
func directBackend(home string) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the current folder: %w", err)
	}
	if backend := AbsoluteBackend(os.Getenv(backendVar), here); backend != "" {
		return backend, nil
	}
	if err := os.MkdirAll(filepath.Join(home, "backend"), 0o700); err != nil {
		return "", fmt.Errorf("make the state directory: %w", err)
	}
	return defaultBackend(home), nil
}

// absoluteFiles makes the files that args name those of the folder in which the command was typed.
func absoluteFiles(args []string) error {
	for i, arg := range args {
		flag, value, joined := strings.Cut(arg, "=")
		if flag != "--file" && flag != "--out" && flag != "--plan" && flag != "--save-plan" {
			continue
		}
		at := i
		if !joined {
			if at++; at == len(args) {
				return nil
			}
			value = args[at]
		}
		path, err := filepath.Abs(value)
		if err != nil {
			return fmt.Errorf("find %s: %w", value, err)
		}
		if joined {
			path = flag + "=" + path
		}
		args[at] = path
	}
	return nil
}

// enterWorkDir changes into the stack's work directory, when there is one and --cwd does not name another.
func enterWorkDir(home, stackName string, args []string) error {
	if slices.ContainsFunc(args, func(a string) bool {
		return a == "-C" || a == "--cwd" || len(a) > 6 && a[:6] == "--cwd="
	}) {
		return nil
	}
	dir := filepath.Join(home, "work", stackName)
	if _, err := os.Stat(filepath.Join(dir, "Pulumi.yaml")); err != nil {
		return nil
	}
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("enter the work directory: %w", err)
	}
	return nil
}

// stateHome is the state directory: $EMRFLINK_HOME, else $XDG_STATE_HOME/emrflink, else ~/.local/state/emrflink.
func stateHome() (string, error) {
	if home := os.Getenv("EMRFLINK_HOME"); home != "" {
		return filepath.Abs(home)
	}
	if state := os.Getenv("XDG_STATE_HOME"); state != "" {
		return filepath.Join(state, "emrflink"), nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the state directory: %w", err)
	}
	return filepath.Join(user, ".local", "state", "emrflink"), nil
}
