// SPDX-License-Identifier: Apache-2.0

package stackconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"emrflink/internal/exitcode"
	"emrflink/internal/iostreams"
	"emrflink/internal/stack"
	"emrflink/stacks"
)

// File is the settings file of a stack as it was read.
type File struct {
	Path   string         // "" = the stack has no file and takes the defaults
	Values map[string]any // keys of this project, without the namespace
	// Project is what Pulumi.yaml has for every stack, by its full keys, without what the file itself sets.
	Project map[string]any
	// Hints say which values are taken for text although YAML takes them for something else, a line each.
	Hints []string
	// Secrets is the URL of the key by which Pulumi encrypts the secrets of the stack, "" = a passphrase, or none is named.
	Secrets string
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

// Error lists the problems.
func (e *FileProblem) Error() string { return fmt.Sprintf("stack file %q: %v", e.File, e.Unwrap()) }

// Unwrap returns the problems without the file.
func (e *FileProblem) Unwrap() error { return errors.New(strings.Join(e.Lines, "; ")) }

// Hint is what to do next.
func (e *FileProblem) Hint() string {
	return "mend the file, then: " + iostreams.CommandLine("emrflink", "config", "validate", e.File)
}

// ExitCode is that of a validation.
func (e *FileProblem) ExitCode() int { return exitcode.Usage }

// Code is the stable identifier.
func (e *FileProblem) Code() string { return "config" }

// ReadFile finds and reads the settings of a stack: explicit, else Pulumi.<stack>.yaml in dir, and what the Pulumi.yaml in dir
// has for all stacks. Only the default stack may have no file.
func ReadFile(dir, name, explicit string) (File, error) {
	f, err := readStackFile(dir, name, explicit)
	if err != nil {
		return File{}, err
	}
	f.Project, err = project(dir)
	for key := range f.Values {
		delete(f.Project, stack.Project+":"+key)
	}
	return f, err
}

func readStackFile(dir, name, explicit string) (File, error) {
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
		r := &refusal{err: fmt.Errorf("read stack file %q: %w", path, cause(err)), code: "usage"}
		if errors.Is(err, fs.ErrNotExist) {
			r.next = iostreams.CommandLine("emrflink", "init", "--stack", name, "--config-file", path)
		}
		return File{}, r
	}
	return parseFile(path, raw)
}

// cause is an error of the file system without the path, which the message has.
func cause(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

func fileName(name string) string { return "Pulumi." + name + ".yaml" }

func parseFile(path string, raw []byte) (File, error) {
	var d document
	values, secrets := map[string]any{}, ""
	if root := d.root(raw); root != nil {
		for _, e := range d.entries(root) {
			switch {
			case !slices.Contains(topLevel, e.key):
				d.problem(e.line, "unknown key %q at the top; settings go below \"config:\" as %s:KEY", e.key, stack.Project)
			case e.key == "config":
				d.config(e, values)
			case e.key == "secretsprovider" && strings.Contains(e.value.Value, "://"):
				secrets = e.value.Value
			}
		}
	}
	if len(d.problems) > 0 {
		return File{}, &FileProblem{File: path, Lines: d.problems}
	}
	return File{Path: path, Values: values, Hints: d.hints, Secrets: secrets}, nil
}

// config reads the settings.
func (d *document) config(config entry, values map[string]any) {
	n := behind(config.value)
	if n.Kind != yaml.MappingNode {
		if n.Tag != "!!null" {
			d.problem(config.line, "\"config\" is not a map of keys and values")
		}
		return
	}
	lines := map[string]int{}
	for _, e := range d.entries(n) {
		ns, key, found := strings.Cut(e.key, ":")
		if !found {
			ns, key = stack.Project, e.key // Pulumi reads a bare key as the project's own
		}
		switch first := lines[key]; {
		case ns != stack.Project:
			if !slices.Contains(foreign, ns) {
				d.problem(e.line, "unknown namespace in %q; did you mean %s:%s?", e.key, stack.Project, key)
			}
			d.ofProvider(e)
		case first > 0:
			d.problem(e.line, "%s:%s is set twice; it was set in line %d already", stack.Project, key, first)
		default:
			lines[key] = e.line
			values[key] = d.value(key, e.value, stacks.TypeOf(key))
		}
	}
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
	missing := fmt.Errorf("there is no file %s in the current folder; the stacks here are %s", fileName(name),
		strings.Join(Known(dir), ", "))
	return &refusal{
		err: fmt.Errorf("no such stack %q: %w", name, missing), code: "no-such-stack",
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
