// SPDX-License-Identifier: Apache-2.0

package stackconfig

import (
	"emrflink/internal/exitcode"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
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

// File is the settings file of a stack as it was read.
type File struct {
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
func (e *FileProblem) ExitCode() int { return exitcode.Usage }

// Code is the stable identifier.
func (e *FileProblem) Code() string { return "config" }

// ReadFile finds and reads the settings of a stack: explicit, else Pulumi.<stack>.yaml in dir. Only the default
// stack may have no file.
func ReadFile(dir, name, explicit string) (File, error) {
	path := explicit
	if path == "" {
		path = filepath.Join(dir, fileName(name))
	}
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && explicit == "" && name == stack.Default:
		return File{Values: map[string]any{}}, nil
	case errors.Is(err, fs.ErrNotExist) && explicit == "":
		return File{}, noSuchStack(dir, name)
	case err != nil:
		return File{}, &refusal{err: fmt.Errorf("read stack file: %w", err), code: "usage"}
	}
	return parseFile(path, raw)
}

func fileName(name string) string { return "Pulumi." + name + ".yaml" }

func parseFile(path string, raw []byte) (File, error) {
	bad := &FileProblem{File: path}
	var doc map[string]any
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		bad.Lines = append(bad.Lines, strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))
		return File{}, bad
	}
	for _, k := range slices.Sorted(maps.Keys(doc)) {
		if !slices.Contains(topLevel, k) {
			bad.Lines = append(bad.Lines,
				fmt.Sprintf("unknown key %q at the top; settings go below \"config:\" as %s:KEY", k, stack.Project))
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
			ns, key = stack.Project, k // Pulumi reads a bare key as the project's own
		}
		switch {
		case ns == stack.Project:
			if _, twice := values[key]; twice {
				bad.Lines = append(bad.Lines, fmt.Sprintf("%s:%s is set twice", stack.Project, key))
			}
			values[key] = config[k]
		case !slices.Contains(foreign, ns):
			bad.Lines = append(bad.Lines, fmt.Sprintf("unknown namespace in %q; did you mean %s:%s?", k, stack.Project, key))
		}
	}
	if len(bad.Lines) > 0 {
		return File{}, bad
	}
	return File{Path: path, Values: values}, nil
}

// refusal is an error of the user's: nothing was contacted.
type refusal struct {
	err        error
	code, next string
}

// Error is that of the error inside.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap returns the error inside.
func (r *refusal) Unwrap() error { return errors.Unwrap(r.err) }

// ExitCode is that of wrong usage.
func (r *refusal) ExitCode() int { return exitcode.Usage }

// Code is the stable identifier.
func (r *refusal) Code() string { return r.code }

// Hint is the command to run next.
func (r *refusal) Hint() string { return r.next }

func noSuchStack(dir, name string) error {
	cause := fmt.Errorf("there is no file %s in the current folder; the stacks here are %s", fileName(name),
		strings.Join(Known(dir), ", "))
	return &refusal{
		err: fmt.Errorf("no such stack %q: %w", name, cause), code: "no-such-stack",
		next: iostreams.CommandLine("emrflink", "init", "--stack", name),
	}
}

// Known lists the stacks of a folder, the default stack included.
func Known(dir string) []string {
	known := []string{stack.Default}
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
