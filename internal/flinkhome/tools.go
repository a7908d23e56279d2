// SPDX-License-Identifier: Apache-2.0

package flinkhome

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Program is a program of the user's.
type Program struct {
	Path    string `json:"path"` // "" when there is none
	Version string `json:"version"`
	// Problem says why it cannot be used; "" when it can.
	Problem string `json:"problem"`
}

// Javas are the major versions that Flink 1.20 supports (nightlies.apache.org/flink/flink-docs-release-1.20, Java
// Compatibility; 8 is deprecated and 21 experimental there).
var Javas = []int{11, 17}

// oldestMaven is the oldest Maven that the plugin in the POM works with.
var oldestMaven = []int{3, 6, 3}

// asks is how long a program may take to tell its version.
const asks = 20 * time.Second

// Java looks for the java program: that of JAVA_HOME, else that on the PATH.
func Java(ctx context.Context, getenv func(string) string) Program {
	name := "java"
	if home := getenv("JAVA_HOME"); home != "" {
		name = filepath.Join(home, "bin", "java")
	}
	p := look(ctx, name, javaVersion, "-version")
	if p.Problem != "" {
		return p
	}
	if n := Major(p.Version); !slices.Contains(Javas, n) {
		p.Problem = fmt.Sprintf("Flink %s runs on Java 11 or 17, not on %s", Line, p.Version)
	}
	return p
}

// Maven looks for the mvn program on the PATH.
func Maven(ctx context.Context) Program {
	p := look(ctx, "mvn", mavenVersion, "-v")
	if p.Problem != "" {
		return p
	}
	var have []int
	for part := range strings.SplitSeq(p.Version, ".") {
		n, _ := strconv.Atoi(part) // a qualifier counts as 0
		have = append(have, n)
	}
	if slices.Compare(have, oldestMaven) < 0 {
		p.Problem = fmt.Sprintf("Maven %s is too old: 3.6.3 or newer is needed", p.Version)
	}
	return p
}

var (
	javaVersion  = regexp.MustCompile(`version "([^"]+)"`)
	mavenVersion = regexp.MustCompile(`Apache Maven ([\d.]+)`)
)

// Major is Java's: that of "1.8.0_402" is 8.
func Major(version string) int {
	version = strings.TrimPrefix(version, "1.")
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	n, _ := strconv.Atoi(version[:end]) // digits; 0 for none
	return n
}

func look(ctx context.Context, name string, version *regexp.Regexp, arg string) Program {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		return Program{Problem: name + " is not on the PATH"}
	}
	if err != nil {
		return Program{Problem: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, asks)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, arg).CombinedOutput()
	p := Program{Path: path}
	if m := version.FindSubmatch(out); m != nil {
		p.Version = string(m[1])
		return p
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	p.Problem = fmt.Sprintf("%s %s tells no version: %s", path, arg, first)
	if err != nil {
		p.Problem = fmt.Sprintf("%s %s failed: %v: %s", path, arg, err, first)
	}
	return p
}
