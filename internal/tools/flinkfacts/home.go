// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

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
