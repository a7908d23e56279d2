// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// keys writes the configuration keys that the jars of a Flink home have. Java must be on the PATH.
func keys(ctx context.Context, home, out string) error {
	folders := []string{filepath.Join(home, "lib")}
	plugins, err := filepath.Glob(filepath.Join(home, "plugins", "*"))
	if err != nil {
		return err
	}
	var classPath []string
	folders = append(folders, plugins...)
	for _, f := range folders {
		classPath = append(classPath, filepath.Join(f, "*"))
	}
	args := append([]string{"-cp", strings.Join(classPath, string(os.PathListSeparator)), "internal/tools/flinkfacts/Keys.java"},
		folders...)
	cmd := exec.CommandContext(ctx, "java", args...) // #nosec G204 -- the home that the caller names
	var said strings.Builder
	cmd.Stderr = &said
	rows, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("read the keys with Java: %w\n%s", err, said.String())
	}
	const head = "# key, type, default, fallback keys, deprecated, class\n" +
		"# made by internal/tools/flinkfacts, by reflection over the jars of Apache Flink that `make flink` fetches\n"
	return os.WriteFile(out, append([]byte(head), rows...), 0o644) // #nosec G306 -- a public file
}

// packages writes which jar of a Flink distribution has which packages.
func packages(home, out string) error {
	jars, err := filepath.Glob(filepath.Join(home, "lib", "*.jar"))
	if err != nil {
		return err
	}
	if len(jars) == 0 {
		return fmt.Errorf("no jars in %s: make flink, and name its folder", filepath.Join(home, "lib"))
	}
	of := map[string]string{}
	for _, jar := range jars {
		if err := packagesOf(jar, of); err != nil {
			return fmt.Errorf("read %s: %w", jar, err)
		}
	}
	var b strings.Builder
	fmt.Fprintln(&b, "# package of Flink's that its own class path has, module of Flink")
	fmt.Fprintf(&b, "# made by internal/tools/flinkfacts from the %d jars of Apache Flink that `make flink` fetches\n", len(jars))
	for _, p := range slices.Sorted(maps.Keys(of)) {
		fmt.Fprintf(&b, "%s\t%s\n", p, of[p])
	}
	return os.WriteFile(out, []byte(b.String()), 0o644) // #nosec G306 -- a public file
}

func packagesOf(jar string, of map[string]string) error {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer z.Close() // it was only read
	for _, f := range z.File {
		folder := path.Dir(f.Name)
		// A job may bring libraries of its own: Flink looks for them there first. Shaded ones have names of their own.
		if path.Ext(f.Name) != ".class" || !strings.HasPrefix(folder, "org/apache/flink/") ||
			strings.Contains(folder, "/shaded/") {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(jar), ".jar")
		if i := strings.LastIndex(name, "-"); i > 0 {
			name = name[:i]
		}
		if of[folder] == "" || name < of[folder] {
			of[folder] = name
		}
	}
	return nil
}
