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

	"emrflink/internal/stack"
	"emrflink/stacks"
)

// ProjectFile is where Pulumi keeps what holds for all stacks of a folder.
const ProjectFile = "Pulumi.yaml"

// project are the settings that the project file has for every stack, by their full keys, as Pulumi reads them: the default or
// the value of a key. A folder of another project has none.
func project(dir string) (map[string]any, error) {
	path := filepath.Join(dir, ProjectFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &refusal{err: fmt.Errorf("read project file %q: %w", path, cause(err)), code: "usage"}
	}
	var d document
	values := d.project(raw)
	if len(d.problems) > 0 {
		return nil, &FileProblem{File: path, Lines: d.problems}
	}
	return values, nil
}

// Backend is where the project file of a folder keeps the states of its stacks, "" when it does not say. Like Pulumi, it is asked
// when neither a flag nor the environment tells.
func Backend(dir string) (string, error) {
	path := filepath.Join(dir, ProjectFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", nil // project says what is wrong with it, to commands that read settings
	}
	var d document
	url := d.backend(d.ours(raw))
	if len(d.problems) > 0 {
		return "", &FileProblem{File: path, Lines: d.problems}
	}
	return url, nil
}

func (d *document) backend(entries []entry) (url string) {
	for _, e := range entries {
		n := behind(e.value)
		switch {
		case e.key != "backend" || n.Tag == "!!null":
		case n.Kind != yaml.MappingNode:
			d.problem(e.line, "\"backend\" is not a map with the key url")
		default:
			for _, part := range d.entries(n) {
				switch value := behind(part.value); {
				case part.key != "url":
					d.problem(part.line, "unknown key %q in \"backend\": it has the key url", part.key)
				case value.Kind != yaml.ScalarNode || value.Tag != "!!str" || value.Value == "":
					d.problem(part.line, "the url of \"backend\" is not text such as s3://BUCKET")
				default:
					url = value.Value
				}
			}
		}
	}
	return url
}

// ours are the entries of a project file: none of one that is of another project.
func (d *document) ours(raw []byte) []entry {
	root := d.root(raw)
	if root == nil {
		return nil
	}
	entries := d.entries(root)
	ours := func(e entry) bool { return e.key == "name" && e.value.Value == stack.Project }
	if !slices.ContainsFunc(entries, ours) {
		return nil
	}
	return entries
}

// project reads what a project file has for every stack.
func (d *document) project(raw []byte) map[string]any {
	entries := d.ours(raw)
	if entries == nil {
		return nil
	}
	values := map[string]any{}
	d.backend(entries)
	for _, e := range entries {
		config := behind(e.value)
		switch {
		case e.key == "stackConfigDir", e.key == "config" && config.Tag == "!!str":
			d.problem(e.line, "%q moves the stack files to another folder; name the file with --config-file instead", e.key)
		case e.key == "config" && config.Kind == yaml.MappingNode:
			for _, one := range d.entries(config) {
				d.forAll(one, values)
			}
		case e.key == "config" && config.Tag != "!!null":
			d.problem(e.line, "\"config\" is not a map of keys")
		}
	}
	return values
}

// forAll reads one key of the project file. Text, numbers and lists are the value themselves; an object describes it.
func (d *document) forAll(e entry, values map[string]any) {
	key := e.key
	if !strings.Contains(key, ":") {
		key = stack.Project + ":" + key
	}
	name, own := strings.CutPrefix(key, stack.Project+":")
	d.ofProvider(e)
	described := []entry{{"default", e.line, e.value}}
	if n := behind(e.value); n.Kind == yaml.MappingNode {
		described = d.entries(n)
	}
	for _, part := range described {
		switch {
		case part.key == "secret" && own:
			d.problem(part.line, "%s cannot be secret: it is in names and tags that everybody sees", key)
		case part.key == "default", part.key == "value":
			values[key] = d.value(name, part.value, stacks.TypeOf(name))
		}
	}
}

// Parse validates the settings of the file and of the project; see [Parse]. A problem names the file that has the value.
func (f File) Parse() (stacks.Config, error) {
	values := map[string]any{}
	for key, value := range f.Project {
		if name, own := strings.CutPrefix(key, stack.Project+":"); own {
			values[name] = value
		}
	}
	for name, value := range f.Values {
		values[name] = value
	}
	config, err := Parse(f.Path, values)
	var invalid *stacks.ConfigError
	if errors.As(err, &invalid) {
		for i, p := range invalid.Problems {
			root := p.Key[:strings.IndexAny(p.Key+".", ".[")]
			if _, fromProject := f.Project[stack.Project+":"+root]; fromProject {
				invalid.Problems[i].File = ProjectFile
			}
		}
	}
	return config, err
}

// Differing is what of Project is not the default of the program, or is read by others.
func (f File) Differing(c stacks.Config) map[string]any {
	own, out := c.Encode(), map[string]any{}
	for key, value := range f.Project {
		if _, differs := own[key]; differs || !strings.HasPrefix(key, stack.Project+":") {
			out[key] = value
		}
	}
	return out
}
