// SPDX-License-Identifier: Apache-2.0

package flinkhome

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"emrflink/internal/disk"
)

// Pythons are the minor versions of Python 3 that PyFlink 1.20 runs on (its own metadata).
var Pythons = []int{11, 10, 9, 8}

// PyFlink is the package that has Flink's API for Python, in the version of the Flink that is fetched.
const PyFlink = "apache-flink==" + Version

// pyFlinkRoom is what the package takes with all that it needs: it has jars of its own.
const pyFlinkRoom = 1 << 30

var pythonVersion = regexp.MustCompile(`Python (3\.\d+)`)

// Python looks for a Python that PyFlink runs on.
func Python(ctx context.Context) Program {
	names := []string{"python3"}
	for _, minor := range Pythons {
		names = append(names, fmt.Sprintf("python3.%d", minor))
	}
	var problems []string
	for _, name := range names {
		p := look(ctx, name, pythonVersion, "--version")
		if p.Problem == "" && !slices.Contains(Pythons, Major(strings.TrimPrefix(p.Version, "3."))) {
			p.Problem = fmt.Sprintf("%s is Python %s", name, p.Version)
		}
		if p.Problem == "" {
			return p
		}
		problems = append(problems, p.Problem)
	}
	return Program{Problem: "PyFlink " + Version + " runs on Python 3.8 to 3.11: " + strings.Join(problems, "; ")}
}

func (h Homes) python() string { return filepath.Join(h.base(), "python") }

// pythonMark is the file that says that the environment is whole.
const pythonMark = "pyflink"

// withPython adds the environment of Python to a Flink, if there is one of its line.
func (h Homes) withPython(home Home) Home {
	mark, err := os.ReadFile(filepath.Join(h.python(), pythonMark))
	if err == nil && strings.TrimSpace(string(mark)) == PyFlink {
		home.Python = h.python()
	}
	return home
}

// PythonJars is the folder with the jar that runs programs of Python.
func (h Home) PythonJars() (string, error) {
	found, _ := filepath.Glob(filepath.Join(h.Python, "lib", "python3.*", "site-packages", "pyflink", "opt")) // well formed
	if h.Python == "" || len(found) != 1 {
		return "", &Error{
			What: "run a job in Python", Err: errors.New("no PyFlink is installed for the local target"),
			Next: "emrflink local flink install --python",
		}
	}
	return found[0], nil
}

// InstallPython makes an environment with PyFlink unless it is there, and says whether something was done.
func (h Homes) InstallPython(ctx context.Context, python Program) (changed bool, err error) {
	const what = "install " + PyFlink
	if h.withPython(Home{}).Python != "" {
		return false, nil
	}
	if python.Problem != "" {
		return false, &Error{What: what, Err: errors.New(python.Problem), Next: "install one of them, with its module venv"}
	}
	dir, err := disk.Existing(h.base())
	if err != nil {
		return false, err
	}
	if free, err := disk.Free(dir); err == nil && free < pyFlinkRoom {
		return false, &Error{
			What: what, Err: fmt.Errorf("%s has %d MB free, and %d MB are needed", dir, free>>20, pyFlinkRoom>>20),
			Next: "free some space, or set EMRFLINK_HOME to a folder on another disk",
		}
	}
	if err := errors.Join(os.RemoveAll(h.python()), os.MkdirAll(h.base(), 0o700)); err != nil {
		return false, err
	}
	for _, words := range [][]string{
		{python.Path, "-m", "venv", h.python()},
		{filepath.Join(h.python(), "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-input", PyFlink},
	} {
		cmd := exec.CommandContext(ctx, words[0], words[1:]...) // #nosec G204 -- our own arguments
		cmd.WaitDelay = givesUp
		said, err := cmd.CombinedOutput()
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if err != nil {
			return false, &Error{
				What: what, Err: fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, lastLine(said)),
				Next: "make pip reach the Python package index or a mirror, then: emrflink local flink install --python",
			}
		}
	}
	return true, os.WriteFile(filepath.Join(h.python(), pythonMark), []byte(PyFlink+"\n"), 0o600)
}

// lastLine is where pip and venv say what was wrong.
func lastLine(said []byte) string {
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	return lines[len(lines)-1]
}
