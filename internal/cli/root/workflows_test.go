// SPDX-License-Identifier: Apache-2.0

package root_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"emrflink/internal/cli/root"
)

// workflow is what the tests read of a workflow of GitHub. YAML takes a bare `on` for true.
type workflow struct {
	Triggers    any `json:"true"`
	Permissions any `json:"permissions"`
	Jobs        map[string]struct {
		Permissions any    `json:"permissions"`
		Steps       []step `json:"steps"`
	} `json:"jobs"`
}

type step struct {
	Uses string            `json:"uses"`
	Run  string            `json:"run"`
	With map[string]any    `json:"with"`
	Env  map[string]string `json:"env"`
}

const repository = "../../.."

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, ".github", "workflows", "*.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	out := map[string]workflow{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		var w workflow
		require.NoError(t, yaml.Unmarshal(raw, &w), f)
		require.NotNil(t, w.Triggers, f)
		out[filepath.Base(f)] = w
		require.NotContains(t, string(raw), "pull_request_target", "%s would run a stranger's code with our token", f)
		require.NotContains(t, string(raw), "secrets.", "%s: a fork has none", f)
	}
	return out
}

func TestActionsArePinnedAndMayDoLittle(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^[a-z0-9-]+/[a-z0-9-]+@[0-9a-f]{40}$`)
	expression := regexp.MustCompile(`\$\{\{`)
	for name, w := range workflows(t) {
		require.NotNil(t, w.Permissions, "%s leaves its token the repository's default", name)
		_, run := w.Triggers.(map[string]any)["workflow_run"]
		for id, job := range w.Jobs {
			for _, s := range job.Steps {
				if s.Uses != "" {
					require.Regexp(t, pinned, s.Uses, name)
				}
				if strings.HasPrefix(s.Uses, "actions/checkout@") {
					require.Equal(t, false, s.With["persist-credentials"], name)
					require.False(t, run, "%s may write and must not have the head's code", name)
				}
				require.NotRegexp(t, expression, s.Run,
					"%s: an expression in a script is code that a stranger may write; use env", name)
			}
			if !run {
				require.Equal(t, map[string]any{"contents": "read"}, w.Permissions, name)
				require.Nil(t, job.Permissions, "%s, job %s", name, id)
			}
		}
	}
}

// commandLines are the calls of the tool in a script or a document.
func commandLines(text string) [][]string {
	var out [][]string
	form := regexp.MustCompile("(?:^|[\\s/\"`])emrflink (preview(?: [^|>#&;`)]*)?)(?:$|[\\n|>#&;`)])")
	for line := range strings.Lines(text) {
		if m := form.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[1], "preview:") { // that is the marker
			out = append(out, strings.Fields(strings.ReplaceAll(m[1], `"`, "")))
		}
	}
	return out
}

// requireCommand checks that a command line is one that the tool takes: command, flags and their values.
func requireCommand(t *testing.T, where string, words []string) {
	t.Helper()
	r, _ := newRun(t)
	cmd, rest, err := root.New(r.Factory, r.operations).Find(words)
	require.NoError(t, err, where)
	require.NotEqual(t, "emrflink", cmd.Name(), "%s: %v", where, words)
	require.NoError(t, cmd.ParseFlags(rest), "%s: %v", where, words)
}

// TestTheReleaseIsWhatTheMakefileBuilds compares the packaging with the programs: what it names is there.
func TestTheReleaseIsWhatTheMakefileBuilds(t *testing.T) {
	t.Parallel()
	read := func(parts ...string) []byte {
		raw, err := os.ReadFile(filepath.Join(append([]string{repository}, parts...)...))
		require.NoError(t, err)
		return raw
	}
	var release struct {
		Builds []struct {
			Main, Binary string
			Env, Ldflags []string
			Goos, Goarch []string
		}
		Archives []struct{ Files []any }
		Dockers  []struct{ Dockerfile string }
	}
	require.NoError(t, yaml.Unmarshal(read(".goreleaser.yaml"), &release))
	require.Len(t, release.Builds, 2)
	flags := string(read("internal", "tools", "compile", "compile.go"))
	for i, p := range []string{"emrflink", "localkube"} {
		b := release.Builds[i]
		require.Equal(t, p, b.Binary)
		require.FileExists(t, filepath.Join(repository, b.Main, "main.go"))
		require.Equal(t, []string{"CGO_ENABLED=0"}, b.Env)
		require.Equal(t, []string{"linux", "darwin"}, b.Goos)
		require.Equal(t, []string{"amd64", "arm64"}, b.Goarch)
		name, value, _ := strings.Cut(strings.Fields(b.Ldflags[0])[3], "=")
		require.Contains(t, flags, "-X "+name+"=")
		if p == "localkube" {
			require.Contains(t, flags, `kubeVersion = "`+value+`"`)
		}
		require.Contains(t, string(read(release.Dockers[0].Dockerfile)), p)
	}
	for _, f := range release.Archives[0].Files {
		if name, ok := f.(string); ok {
			require.FileExists(t, filepath.Join(repository, name))
		}
	}
}

func TestWorkflowsCallTheToolAsItIs(t *testing.T) {
	t.Parallel()
	seen := 0
	for name, w := range workflows(t) {
		for _, job := range w.Jobs {
			for _, s := range job.Steps {
				for _, words := range commandLines(s.Run) {
					seen++
					requireCommand(t, name, words)
				}
			}
		}
	}
	require.Equal(t, 4, seen, "calls in the workflows")
	text, err := os.ReadFile(filepath.Join(repository, "docs", "ci.md"))
	require.NoError(t, err)
	lines := commandLines(string(text))
	require.Greater(t, len(lines), 4)
	for _, words := range lines {
		requireCommand(t, "docs/ci.md", words)
	}
}
