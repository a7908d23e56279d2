// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Project is the name of the Pulumi project, and the namespace of its configuration keys.
const Project = "emrflink"

// StackFile is the settings file of a stack as it was read.
type StackFile struct {
	Path   string         // "" = the stack has no file and takes the defaults
	Values map[string]any // keys of this project, without the namespace
}

// topLevel are the keys that Pulumi knows at the top of a stack file.
var topLevel = []string{"config", "environment", "secretsprovider", "encryptedkey", "encryptionsalt"}

// foreign are the namespaces of other readers of the file: Pulumi itself and the providers.
var foreign = []string{"pulumi", "aws", "eks", "kubernetes"}

// FileProblem is a mistake in the shape of a stack file. The values are judged by the schema, later.
type FileProblem struct {
	File  string
	Lines []string
}

// Error counts the problems.
func (e *FileProblem) Error() string {
	return fmt.Sprintf("stack file %q: %s", e.File, strings.Join(e.Lines, "; "))
}

// ExitCode is that of a validation.
func (e *FileProblem) ExitCode() int { return ExitUsage }

// Code is the stable identifier.
func (e *FileProblem) Code() string { return "config" }

// ReadStackFile finds and reads the settings of a stack: explicit, else Pulumi.<stack>.yaml in dir. Only the default
// stack may have no file.
func ReadStackFile(dir, stack, explicit string) (StackFile, error) {
	path := explicit
	if path == "" {
		path = filepath.Join(dir, stackFileName(stack))
	}
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && explicit == "" && stack == DefaultStack:
		return StackFile{Values: map[string]any{}}, nil
	case errors.Is(err, fs.ErrNotExist) && explicit == "":
		return StackFile{}, noSuchStack(dir, stack)
	case err != nil:
		return StackFile{}, &UsageError{Err: fmt.Errorf("read stack file: %w", err)}
	}
	return parseStackFile(path, raw)
}

func stackFileName(stack string) string { return "Pulumi." + stack + ".yaml" }

func parseStackFile(path string, raw []byte) (StackFile, error) {
	bad := &FileProblem{File: path}
	var doc map[string]any
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		bad.Lines = append(bad.Lines, strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))
		return StackFile{}, bad
	}
	for _, k := range slices.Sorted(maps.Keys(doc)) {
		if !slices.Contains(topLevel, k) {
			bad.Lines = append(bad.Lines,
				fmt.Sprintf("unknown key %q at the top; settings go below \"config:\" as %s:KEY", k, Project))
		}
	}
	config, ok := doc["config"].(map[string]any)
	if !ok && doc["config"] != nil {
		bad.Lines = append(bad.Lines, "\"config\" is not a map of keys and values")
	}
	values := map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(config)) {
		ns, key, found := strings.Cut(k, ":")
		if !found {
			ns, key = Project, k // Pulumi reads a bare key as the project's own
		}
		switch {
		case ns == Project:
			if _, twice := values[key]; twice {
				bad.Lines = append(bad.Lines, fmt.Sprintf("%s:%s is set twice", Project, key))
			}
			values[key] = config[k]
		case !slices.Contains(foreign, ns):
			bad.Lines = append(bad.Lines, fmt.Sprintf("unknown namespace in %q; did you mean %s:%s?", k, Project, key))
		}
	}
	if len(bad.Lines) > 0 {
		return StackFile{}, bad
	}
	return StackFile{Path: path, Values: values}, nil
}

func noSuchStack(dir, stack string) error {
	known := KnownStacks(dir)
	e := &Error{
		What: fmt.Sprintf("no such stack %q", stack),
		Cause: fmt.Errorf("there is no file %s in the current folder; the stacks here are %s",
			stackFileName(stack), strings.Join(known, ", ")),
		Next: Command("init", "--stack", stack),
		ID:   "no-such-stack", Exit: ExitUsage,
	}
	return e
}

// KnownStacks lists the stacks of a folder, the default stack included.
func KnownStacks(dir string) []string {
	known := []string{DefaultStack}
	files, _ := filepath.Glob(filepath.Join(dir, "Pulumi.*.yaml"))
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), "Pulumi."), ".yaml")
		if !slices.Contains(known, name) && !strings.HasSuffix(name, ".example") {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	return known
}
