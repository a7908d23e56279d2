// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// File is where the value is from, Key its path, such as teams[1], Value the value as text.
	File, Key, Value string
	// Why says what is wrong; Nearest is the value that was probably meant, or "".
	Why, Nearest string
}

// String is the problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ": ")
	}
	b.WriteString(Namespace + ":" + p.Key)
	if p.Value != "" {
		fmt.Fprintf(&b, " = %s", p.Value)
	}
	b.WriteString(": " + p.Why)
	if p.Nearest != "" {
		fmt.Fprintf(&b, " (did you mean %q?)", p.Nearest)
	}
	return b.String()
}

// ConfigError lists everything that is wrong with a configuration.
type ConfigError struct {
	// Problems are in the order in which they were found.
	Problems []Problem
}

// Error has one line per problem.
func (e *ConfigError) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	noun := "problems"
	if len(e.Problems) == 1 {
		noun = "problem"
	}
	lines = append(lines, fmt.Sprintf("configuration has %d %s:", len(e.Problems), noun))
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}

// Code is the error's stable identifier.
func (e *ConfigError) Code() string { return "config-invalid" }

// ExitCode is the exit code of a command that fails with the error: 2, nothing was contacted.
func (e *ConfigError) ExitCode() int { return 2 }

// Hint says where the keys are documented.
func (e *ConfigError) Hint() string { return "the keys and their values: emrflink help environment" }

// Parse reads a configuration from the values of a stack file's keys, without their prefix. A value is what YAML or JSON
// has, or the text under which Pulumi stores it. Keys that are absent have their defaults. The error is a *ConfigError
// with all problems; file is quoted in them.
func Parse(file string, values map[string]any) (Config, error) {
	config := Default()
	known := fields()
	p := &parser{file: file}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(known, func(f field) bool { return f.Name == key })
		if i < 0 {
			p.unknown(key, values[key], names(known))
			continue
		}
		p.decode(key, values[key], known[i].place(&config))
	}
	if len(p.problems) == 0 {
		p.problems = validate(file, config)
	} else {
		// What could be read is checked too; a key that could not is not blamed twice.
		p.problems = append(p.problems, p.others(validate(file, config))...)
	}
	if len(p.problems) > 0 {
		return Config{}, &ConfigError{Problems: p.problems}
	}
	return config, nil
}

type parser struct {
	file     string
	problems []Problem
}

func (p *parser) add(key string, value any, why, nearest string) {
	p.problems = append(p.problems, Problem{File: p.file, Key: key, Value: show(value), Why: why, Nearest: nearest})
}

func (p *parser) unknown(key string, value any, known []string) {
	last := key[strings.LastIndex(key, ".")+1:]
	p.add(key, value, "unknown key", Nearest(last, known))
}

// others are the problems with keys that have no problem yet.
func (p *parser) others(found []Problem) []Problem {
	root := func(key string) string { return key[:strings.IndexAny(key+".", ".[")] }
	return slices.DeleteFunc(found, func(f Problem) bool {
		return slices.ContainsFunc(p.problems, func(q Problem) bool { return root(q.Key) == root(f.Key) })
	})
}

// decode reads a value into the place behind a pointer. Objects are laid over the default: a field that is absent keeps
// its default. Lists and maps replace it.
func (p *parser) decode(key string, value any, pointer any) {
	target := reflect.ValueOf(pointer).Elem()
	value = fromText(value, target.Kind())
	before := len(p.problems)
	p.check(key, value, target.Type())
	if len(p.problems) > before {
		return
	}
	if target.Kind() == reflect.Slice || target.Kind() == reflect.Map {
		target.SetZero()
	}
	b, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(b, pointer)
	}
	if err != nil {
		p.add(key, value, err.Error(), "")
	}
}

// fromText turns the text under which Pulumi stores a value into the value.
func fromText(value any, kind reflect.Kind) any {
	text, ok := value.(string)
	if !ok || kind == reflect.String {
		return value
	}
	switch kind {
	case reflect.Int:
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
			return n
		}
	case reflect.Bool:
		if t := strings.TrimSpace(text); t == "true" || t == "false" {
			return t == "true"
		}
	case reflect.Struct, reflect.Slice, reflect.Map:
		var v any
		if json.Unmarshal([]byte(text), &v) == nil {
			return v
		}
	}
	return value
}

// check compares a value with a type, by the JSON names of fields.
func (p *parser) check(key string, value any, t reflect.Type) {
	expected := typeName(t)
	v := reflect.ValueOf(value)
	if short, ok := reflect.Zero(t).Interface().(shorthand); ok {
		if short.takes(v.Kind()) {
			return
		}
		expected = "text or object"
	}
	wrong := func() { p.add(key, value, "expected: "+expected, "") }
	switch t.Kind() {
	case reflect.String:
		if v.Kind() != reflect.String {
			wrong()
		}
	case reflect.Bool:
		if v.Kind() != reflect.Bool {
			wrong()
		}
	case reflect.Int:
		if !whole(value) {
			p.add(key, value, "not a whole number", "")
		}
	case reflect.Slice:
		if v.Kind() != reflect.Slice {
			wrong()
			return
		}
		for i := range v.Len() {
			p.check(fmt.Sprintf("%s[%d]", key, i), v.Index(i).Interface(), t.Elem())
		}
	case reflect.Map, reflect.Struct:
		m, ok := object(value)
		if !ok {
			wrong()
			return
		}
		p.checkObject(key, m, t)
	}
}

func (p *parser) checkObject(key string, m map[string]any, t reflect.Type) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		path := key + "." + name
		if t.Kind() == reflect.Map {
			p.check(path, m[name], t.Elem())
			continue
		}
		var known []string
		var found reflect.Type
		for i := range t.NumField() {
			tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			known = append(known, tag)
			if tag == name {
				found = t.Field(i).Type
			}
		}
		if found == nil {
			p.unknown(path, m[name], known)
			continue
		}
		p.check(path, m[name], found)
	}
}

func object(value any) (map[string]any, bool) {
	switch m := value.(type) {
	case map[string]any:
		return m, true
	case map[string]string:
		out := make(map[string]any, len(m))
		for k, v := range m {
			out[k] = v
		}
		return out, true
	}
	return nil, false
}

func whole(value any) bool {
	switch n := value.(type) {
	case int, int64, uint64:
		return true
	case float64:
		return n == math.Trunc(n) && math.Abs(n) < 1<<53
	}
	return false
}

// show writes a value as one line of at most 80 characters.
func show(value any) string {
	text, ok := value.(string)
	if !ok {
		b, err := json.Marshal(value)
		if err != nil {
			return fmt.Sprintf("%v", value)
		}
		text = string(b)
	} else {
		text = strconv.Quote(text)
	}
	if len(text) > 80 {
		text = text[:77] + "..."
	}
	return text
}
