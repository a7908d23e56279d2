// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/flinkjob"
)

// repository is the project's root, seen from this package.
const repository = "../.."

// document reads a page of the project.
func document(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, path))
	require.NoError(t, err)
	return string(text)
}

// blocks returns the fenced blocks of a language.
func blocks(page, language string) []string {
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		found = append(found, m[1])
	}
	return found
}

// commands returns the emrflink command lines of a shell block, without the program's name and the comments.
func commands(t *testing.T, block string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(block) {
		line, _, _ = strings.Cut(line, "#")
		args, ok := strings.CutPrefix(strings.TrimSpace(line), "emrflink ")
		require.Truef(t, ok, "%q is not a command of emrflink", line)
		lines = append(lines, args)
	}
	return lines
}

// block returns the one shell block of a page whose first command starts like that.
func block(t *testing.T, page, first string) []string {
	t.Helper()
	for _, b := range blocks(page, "sh") {
		if strings.HasPrefix(b, first) {
			return commands(t, b)
		}
	}
	t.Fatalf("no shell block starts with %q", first)
	return nil
}

// TestTheReadmesCommands runs the README's block for the local target, line by line, over a stack file with secrets in it.
func TestTheReadmesCommands(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.env = append(u.env, "EMRFLINK_LOCAL_LOG=debug")
	plantTags(t, u)
	lines := block(t, document(t, "README.md"), "emrflink preview --offline")
	require.Greater(t, len(lines), 5)
	require.Contains(t, lines, "deploy --yes")
	for _, line := range lines {
		if strings.HasPrefix(line, "cleanup") {
			checkDeployedJSON(t, u)
			reviewsWithSecrets(t, u)
			ownJob(t, u)
		}
		redirected(t, u, line)
		if line == "deploy --yes" {
			plantSecret(t, u)
		}
	}
	require.FileExists(t, filepath.Join(u.work, "kubeconfig"), "the kubeconfig of the README goes into the current folder")
	require.Empty(t, u.inventory().Resources)
	requireNoCanary(t, u)
	checkCalls(t, u)
}

// ownJob runs the README's lines for a job of one's own, with a file for a later operator and another Flink.
func ownJob(t *testing.T, u *user) {
	t.Helper()
	lines := block(t, document(t, "README.md"), "emrflink job validate")
	require.Len(t, lines, 3)
	file := document(t, "internal/jobfile/testdata/cases/nested-config-hostpath.yaml")
	require.NoError(t, os.WriteFile(filepath.Join(u.work, "my-job.yaml"), []byte(file), 0o600))
	r := u.exec(t.Context(), strings.Fields(lines[0])...)
	require.Equal(t, 2, r.code, r.stderr)
	require.Contains(t, r.stdout, `my-job.yaml:7: error: spec.flinkVersion is "v2_2"`)
	require.Contains(t, u.ok(lines[1]).stdout, "wrote my-job.fixed.yaml")
	require.Contains(t, u.ok(lines[2]).stdout, "job structured in namespace flink-team-a is RUNNING")
	u.ok("sample-job delete structured")
}

// redirected runs a line of a page; "> FILE" at its end is a file in the current folder.
func redirected(t *testing.T, u *user, line string) string {
	t.Helper()
	line, file, toFile := strings.Cut(line, " > ")
	out := u.ok(line).stdout
	if toFile {
		require.NotEmpty(t, out)
		require.NoError(t, os.WriteFile(filepath.Join(u.work, strings.TrimSpace(file)), []byte(out), 0o600))
	}
	return out
}

func TestTheReviewOfTheReadmeNeedsACheckoutOnly(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	lines := block(t, document(t, "README.md"), "emrflink preview --save-baseline")
	require.Len(t, lines, 3)
	redirected(t, u, lines[0])
	require.True(t, strings.HasPrefix(redirected(t, u, lines[1]), "<!-- emrflink preview: local -->\n"))
	require.Contains(t, redirected(t, u, lines[2]), "<!DOCTYPE html>")
	require.NoDirExists(t, filepath.Join(u.home, "local"), "a review started the local target")
}

// driftOfTheGuide runs the guide's lines: a change by hand is seen, and put back.
func driftOfTheGuide(t *testing.T, u *user) {
	t.Helper()
	lines := block(t, document(t, "docs/guide.md"), "emrflink local fault drift")
	require.Len(t, lines, 3)
	u.ok("drift")
	u.ok(lines[0])
	r := u.exec(t.Context(), strings.Fields(lines[1])...)
	require.Equal(t, 5, r.code, r.stderr)
	require.Contains(t, r.stdout, "mallory")
	u.ok(lines[2])
	u.ok("drift")
}

// checkDeployedJSON compares the documents that need a deployment with a job on it.
func checkDeployedJSON(t *testing.T, u *user) {
	t.Helper()
	file := filepath.Join(u.work, "rendered.yaml")
	require.NoError(t, os.WriteFile(file, []byte(u.ok("sample-job render basic").stdout), 0o600))
	for _, c := range [][2]string{
		{"job validate", "job validate " + file + " --stack local"},
		{"job run --dry-run", "job run --file " + file + " --set spec.job.parallelism=1 --dry-run=server"},
		{"job init", "job init my-job"},
		{"job run", "job run --file my-job/job.yaml --jar " + file}, // no Flink runs here that would open it
		{"sample-job delete", "sample-job delete my-job"},
		{"preview", "preview"},
		{"deploy", "deploy --yes"},
		{"status", "status"},
		{"drift", "drift"},
		{"outputs", "outputs"},
		{"versions", "versions"},
		{"sample-job run", "sample-job run basic"},
		{"sample-job status", "sample-job status"},
		{"sample-job status JOB", "sample-job status basic"},
		{"job list", "job list"},
		{"job status", "job status basic"},
		{"job diagnose", "job diagnose"},
		{"job events", "job events basic"},
		{"job savepoint", "job savepoint basic"},
		{"job state list", "job state list basic"},
		{"job state show", "job state show basic"},
		{"job state restore", "job state restore basic"},
		{"job state detach", "job state detach basic"},
		{"job history", "job history basic"},
		{"job upgrade --dry-run", "job upgrade basic --parallelism 1 --dry-run"},
		{"job suspend", "job suspend basic"},
		{"job resume", "job resume basic"},
		{"job wait", "job wait basic --for checkpoint"},
		{"local status", "local status"},
		{"local inventory", "local inventory"},
		{"cleanup", "cleanup --dry-run"},
		{"sample-job delete", "sample-job delete basic"},
	} {
		text := checkJSON(t, u, c[0], c[1])
		if c[0] == "sample-job run" {
			checkJob(t, text)
		}
	}
}

func TestTheCommandsForAWSParse(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"README.md", "docs/guide.md"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			u := newUser(t)
			lines := block(t, document(t, page), "emrflink init --stack dev --target aws")
			u.ok(lines[0])
			written, err := os.ReadFile(filepath.Join(u.work, "Pulumi.dev.yaml"))
			require.NoError(t, err)
			require.Contains(t, string(written), "\n  emrflink:target: aws\n")
			// Help wins over everything else, but only after the flags before it were understood.
			for _, line := range lines[1:] {
				r := u.exec(t.Context(), append(strings.Fields(line), "--help")...)
				require.Zerof(t, r.code, "emrflink %s: %s", line, r.stderr)
				require.Contains(t, r.stdout, "Usage:\n  emrflink "+strings.Fields(line)[0])
			}
			r := u.exec(t.Context(), append(strings.Fields(lines[1]), "--no-such-flag", "--help")...)
			require.Equal(t, 2, r.code, "a wrong flag before --help is refused, so the lines above are checked")
			require.NoDirExists(t, filepath.Join(u.home, "local"), "the aws target started the local one")
		})
	}
}

// TestTheCommandsOfASampleParse: each README says how its job is run.
func TestTheCommandsOfASampleParse(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	for _, sample := range flinkjob.List() {
		page := document(t, "examples/jobs/"+sample.Name+"/README.md")
		for _, line := range block(t, page, "emrflink sample-job run "+sample.Name) {
			r := u.exec(t.Context(), append(strings.Fields(line), "--help")...)
			require.Zerof(t, r.code, "emrflink %s: %s", line, r.stderr)
			require.Contains(t, r.stdout, "Usage:\n  emrflink "+strings.Join(strings.Fields(line)[:2], " "))
		}
	}
}

func TestTheMakeTargetsOfTheReadmeExist(t *testing.T) {
	t.Parallel()
	makefile := document(t, "Makefile")
	named := regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)").FindAllStringSubmatch(document(t, "README.md"), -1)
	require.NotEmpty(t, named)
	for _, m := range named {
		require.Regexp(t, `(?m)^`+m[1]+`:`, makefile)
	}
}

func TestLinkedFilesExist(t *testing.T) {
	t.Parallel()
	pages := []string{repository + "/README.md", repository + "/CONTRIBUTING.md"}
	for _, folder := range []string{
		"docs", "docs/adr", "docs/reference", "docs/reference/components", "examples/*", "examples/jobs/*",
	} {
		found, err := filepath.Glob(filepath.Join(repository, folder, "*.md"))
		require.NoError(t, err)
		require.NotEmpty(t, found, folder)
		pages = append(pages, found...)
	}
	link := regexp.MustCompile(`\]\(([^)#\s]*)(?:#[^)]*)?\)`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if m[1] == "" || strings.Contains(m[1], "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(filepath.Dir(page), m[1]))
			require.NoErrorf(t, err, "%s links to %s", page, m[1])
		}
	}
}

func TestTheReferenceIsThatOfTheBinary(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.ok("docs --dir reference")
	require.Empty(t,
		cmp.Diff(pages(t, filepath.Join(repository, "docs", "reference")), pages(t, filepath.Join(u.work, "reference"))),
		"docs/reference is stale (-there +generated); run: make docs")
}

// pages reads the Markdown files of a folder.
func pages(t *testing.T, dir string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	texts := map[string]string{}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		require.NoError(t, err)
		texts[filepath.Base(p)] = string(text)
	}
	return texts
}

// TestTheProgramsOfTheGuideCompile type-checks the guide's Go programs as if they were in the module.
func TestTheProgramsOfTheGuideCompile(t *testing.T) {
	t.Parallel()
	programs := blocks(document(t, "docs/guide.md"), "go")
	require.NotEmpty(t, programs)
	root, err := filepath.Abs(repository)
	require.NoError(t, err)
	for _, program := range programs {
		dir := t.TempDir()
		source, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
		require.NoError(t, os.WriteFile(source, []byte(program), 0o600))
		replace, err := json.Marshal(map[string]map[string]string{
			"Replace": {filepath.Join(root, "cmd", "guide", "main.go"): source},
		})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(overlay, replace, 0o600))
		cmd := exec.CommandContext(t.Context(), "go", "list", "-overlay", overlay, "-export", "-f", "{{.Export}}", "./cmd/guide")
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		require.NoErrorf(t, err, "%s", out)
	}
}
