// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Samples builds the jars of the sample jobs that have a source of their own, with Maven, into the folder where `sample-job run`
// looks for them: samples, beside the programs. root is that of the checkout; without names, all are built. A jar that is newer
// than its source stays. One that cannot be built, because a connector cannot be fetched, does not keep others from it.
func Samples(ctx context.Context, root, bin string, w io.Writer, names ...string) error {
	out, err := filepath.Abs(filepath.Join(bin, "samples"))
	if err != nil {
		return err
	}
	jobs := filepath.Join(root, "examples/jobs")
	if len(names) == 0 {
		poms, _ := filepath.Glob(filepath.Join(jobs, "*/pom.xml")) // the pattern is well formed
		if len(poms) == 0 {
			return fmt.Errorf("%s has no sample job with a source: run this in the root of a checkout", root)
		}
		for _, pom := range poms {
			names = append(names, filepath.Base(filepath.Dir(pom)))
		}
	}
	var failed []error
	for _, name := range names {
		jar := filepath.Join(out, name+".jar")
		changed, err := newest(filepath.Join(jobs, name), filepath.Join(jobs, "pom.xml"))
		if err != nil {
			return err
		}
		if info, err := os.Stat(jar); err == nil && info.ModTime().After(changed) {
			continue
		}
		if err := maven(ctx, filepath.Join(jobs, name, "pom.xml"), out); err != nil {
			failed = append(failed, fmt.Errorf("build sample job %q: %w", name, err))
			continue
		}
		if err := os.Chtimes(jar, time.Time{}, time.Now()); err != nil { // Maven leaves a jar that would be the same
			return err
		}
		_, _ = fmt.Fprintln(w, "built", jar)
	}
	return errors.Join(failed...)
}

// newest is when a file, or one below a folder, was last written.
func newest(paths ...string) (last time.Time, err error) {
	for _, path := range paths {
		changed, err := changedBelow(path)
		if err != nil {
			return last, err
		}
		if changed.After(last) {
			last = changed
		}
	}
	return last, nil
}

func changedBelow(dir string) (last time.Time, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return err
	})
	return last, err
}

func maven(ctx context.Context, pom, out string) error {
	for _, need := range []string{"mvn", "javac"} { // a JRE has no compiler, and Maven says so in a page
		if _, err := exec.LookPath(need); err != nil {
			return fmt.Errorf("%w; install Apache Maven 3.6.3 or newer and a JDK, 11 or 17", err)
		}
	}
	text, err := os.ReadFile(pom) // #nosec G304 -- of the checkout
	if err != nil {
		return err
	}
	goals := []string{"resources:resources", "compiler:compile", "jar:jar"}
	if strings.Contains(string(text), "maven-shade-plugin") { // connectors go into the jar
		goals = append(goals, "shade:shade")
	}
	// #nosec G204 -- our own arguments
	cmd := exec.CommandContext(ctx, "mvn", append([]string{
		"--batch-mode", "--quiet", "-Dstyle.color=never", "--file", pom, "-Dout=" + out,
	}, goals...)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	return nil
}
