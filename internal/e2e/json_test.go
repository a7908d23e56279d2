// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// fields are the fields of a JSON object, as docs/json.md writes them. A nil
// value is one without fields of its own, or one whose fields vary.
type fields map[string]fields

// optional ends the name of a field that is absent where there is nothing to say.
const optional = "?"

// parseFields reads "a, b[]{c,d{e}}, f{*}, g?" and returns what follows the closing brace.
func parseFields(text string) (fields, string) {
	f := fields{}
	for text != "" {
		end := strings.IndexAny(text, ",{}")
		if end < 0 {
			end = len(text)
		}
		name := strings.TrimSuffix(strings.TrimSpace(text[:end]), "[]")
		text = text[end:]
		if name != "" {
			f[name] = nil
		}
		switch {
		case strings.HasPrefix(text, "{*}"):
			text = text[len("{*}"):]
		case strings.HasPrefix(text, "{"):
			f[name], text = parseFields(text[1:])
		case strings.HasPrefix(text, "}"):
			return f, text[1:]
		case text != "":
			text = text[1:]
		}
	}
	return f, ""
}

// contracts reads the table of docs/json.md: command to fields.
func contracts(t *testing.T) map[string]fields {
	t.Helper()
	found := map[string]fields{}
	span := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(document(t, "docs/json.md")) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| command") {
			continue
		}
		spec, _, _ := strings.Cut(cells[2], ";")
		var parts []string
		for _, m := range span.FindAllStringSubmatch(spec, -1) {
			parts = append(parts, m[1])
		}
		f, rest := parseFields(strings.Join(parts, ","))
		require.Emptyf(t, rest, "fields of %s", cells[1])
		f["schemaVersion"] = nil
		for _, command := range strings.Split(cells[1], "`, `") {
			found[strings.Trim(command, " `")] = f
		}
	}
	return found
}

// mayBeNull are the fields that show the value of a property: where there is none, they are null.
var mayBeNull = map[string]bool{"old": true, "new": true, "expected": true, "actual": true}

// checkFields compares a value with its contract. Of a list, every element is compared.
func checkFields(t *testing.T, path string, want fields, got any) {
	t.Helper()
	require.NotNilf(t, got, "%s is null", path)
	switch v := got.(type) {
	case []any:
		for _, e := range v {
			checkFields(t, path+"[]", want, e)
		}
	case map[string]any:
		if want == nil {
			return
		}
		names := map[string]bool{}
		for name, sub := range want {
			if name, may := strings.CutSuffix(name, optional); may {
				if value, ok := v[name]; ok {
					names[name] = true
					checkFields(t, path+"."+name, sub, value)
				}
				continue
			}
			names[name] = true
			if value, ok := v[name]; ok && !mayBeNull[name] {
				checkFields(t, path+"."+name, sub, value)
			}
		}
		printed := map[string]bool{}
		for name := range v {
			printed[name] = true
		}
		require.Emptyf(t, cmp.Diff(names, printed), "%s (-docs/json.md +printed)", path)
	}
}

// checkJSON runs a command line with JSON output and compares its fields with those that docs/json.md gives it.
func checkJSON(t *testing.T, u *user, command, line string) string {
	t.Helper()
	want, ok := contracts(t)[command]
	require.Truef(t, ok, "docs/json.md does not have %q", command)
	r := u.exec(t.Context(), append(strings.Fields(line), "--output", "json")...)
	text := r.stdout
	if command == "an error, on stderr" {
		require.NotZero(t, r.code)
		require.Empty(t, r.stdout)
		text = r.stderr
	} else if command != "job diagnose" { // its code is the verdict
		require.Zerof(t, r.code, "emrflink %s: %s", line, r.stderr)
	}
	var got map[string]any
	require.NoErrorf(t, json.Unmarshal([]byte(text), &got), "emrflink %s: %s", line, text)
	checkFields(t, line, want, got)
	return text
}

func TestJSONFieldsAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	for command, line := range map[string]string{
		"preview":             "preview --offline",
		"cost":                "cost",
		"policy":              "policy --for deploy",
		"doctor":              "doctor",
		"config validate":     "config validate",
		"sample-job list":     "sample-job list",
		"version":             "version",
		"state restore":       "state restore --dry-run",
		"local status":        "local status",
		"local flink status":  "local flink status",
		"local flink remove":  "local flink remove",
		"local inventory":     "local inventory",
		"cleanup":             "cleanup --stack local --yes",
		"an error, on stderr": "status",
	} {
		checkJSON(t, u, command, line)
	}
	sample, err := filepath.Abs(filepath.Join(repository, "examples/jobs/basic/rendered.yaml"))
	require.NoError(t, err)
	checkJSON(t, u, "job validate", "job validate "+sample)
	empty := filepath.Join(u.work, "empty.jar")
	require.NoError(t, os.WriteFile(empty, []byte("PK\x05\x06"+strings.Repeat("\x00", 18)), 0o600))
	checkJSON(t, u, "job check-jar", "job check-jar "+empty)
	checkJSON(t, u, "job init", "job init my-job")
}

func TestParseFields(t *testing.T) {
	t.Parallel()
	got, rest := parseFields("a, b[]{c,d{e,f[]},g}, h{*}, i[]")
	require.Empty(t, rest)
	want := fields{"a": nil, "b": {"c": nil, "d": {"e": nil, "f": nil}, "g": nil}, "h": nil, "i": nil}
	require.Empty(t, cmp.Diff(want, got))
}
