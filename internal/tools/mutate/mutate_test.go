// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

// A line of the list outlives a shift of the source, and not a change of what it is about.
func TestEveryLineOfTheListIsAboutALineOfTheSource(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(root, listed))
	require.NoError(t, err)
	allowed, err := parse(string(raw))
	require.NoError(t, err)
	for _, k := range allowed {
		source, err := os.ReadFile(filepath.Join(root, k.file))
		require.NoError(t, err)
		require.Contains(t, string(source), strings.Replace(k.text, mark, "", 1), k.file)
	}
	for pkg, s := range suites {
		for _, file := range s.files {
			require.FileExists(t, filepath.Join(root, pkg, file))
		}
	}
	for pkg := range floors {
		require.DirExists(t, filepath.Join(root, pkg))
	}
}

func TestALineWithoutItsPartsIsRefused(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"no reason":    "p/a.go\tM\tif n ¦> 0 {\t",
		"three parts":  "p/a.go\tM\tif n ¦> 0 {",
		"no mark":      "p/a.go\tM\tif n > 0 {\tno matter",
		"a mark twice": "p/a.go\tM\tif ¦n ¦> 0 {\tno matter",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse("# a comment\n\n" + line)
			require.ErrorContains(t, err, "alive.tsv:3: want file")
		})
	}
}

func TestMutantsAreReadByTheTextOfTheirLine(t *testing.T) {
	t.Parallel()
	sources := map[string]string{"a.go": "package p\n\n\tif n > 0 {\n"}
	raw := `{"files": [{"file_name": "a.go", "mutations": [{"type": "M", "status": "LIVED", "line": 3, "column": 7}]},
		{"file_name": "sub/b.go", "mutations": [{"type": "M", "status": "LIVED", "line": 300, "column": 7}]}]}`
	found, err := read([]byte(raw), sources)
	require.NoError(t, err)
	require.Equal(t, []mutant{{key: key{"a.go", "M", "if n ¦> 0 {"}, status: lived, line: 3}}, found)
	for name, text := range map[string]string{"fewer lines": "package p\n", "a shorter line": "package p\n\n\tif n\n"} {
		_, err = read([]byte(raw), map[string]string{"a.go": text})
		require.ErrorContains(t, err, "was changed while it was mutated", name)
	}
	_, err = read([]byte("{"), sources)
	require.ErrorContains(t, err, "read the result of gremlins")
}

func TestWhatLivesNeedsALine(t *testing.T) {
	t.Parallel()
	one := func(status string) mutant {
		return mutant{key: key{"a.go", "M", "if n ¦> 0 {"}, status: status, line: 3}
	}
	many := func(n int, status string) (out []mutant) {
		for range n {
			out = append(out, one(status))
		}
		return out
	}
	line := func(pkg string) key { return key{path.Join(pkg, "a.go"), "M", "if n ¦> 0 {"} }
	for name, c := range map[string]struct {
		pkg     string
		found   []mutant
		allowed []key
		want    string // part of the error, "" for none
		printed string
	}{
		"a mutant that was killed":       {"p", many(1, killed), nil, "", "total   1       0"},
		"one that lives":                 {"p", many(1, lived), nil, "1 mutants of p live without", "3\tp/a.go\tM\tif n ¦> 0 {"},
		"one with a line":                {"p", many(1, lived), []key{line("p")}, "", "total   0       0          0      1"},
		"two of which one has a line":    {"p", many(2, lived), []key{line("p")}, "1 mutants of p live", ""},
		"a line whose mutant was killed": {"p", many(1, killed), []key{line("p")}, "remove the line", ""},
		"a line whose mutant takes long": {"p", many(1, timedOut), []key{line("p")}, "", ""},
		"a line of another package":      {"p", many(1, killed), []key{line("q")}, "", ""},
		"a line of an unmutated file":    {"p", many(1, killed), []key{{"p/b.go", "M", "¦"}}, "", ""},
		"one that no test runs":          {"p", many(1, notCovered), nil, "", "not covered: no test runs"},
		"95 % where these are enough": {
			"internal/cost", append(many(1, lived), many(19, killed)...), nil, "", "19 of 20 were noticed; 95 % are enough",
		},
		"fewer than 95 %": {
			"internal/cost", append(many(1, lived), many(18, killed)...), nil, "1 mutants of internal/cost live", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := judge(&out, c.pkg, c.found, c.allowed, map[string]string{"a.go": ""})
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.want)
			}
			require.Contains(t, out.String(), c.printed)
		})
	}
}
