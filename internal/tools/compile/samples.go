// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Samples builds the jars of the sample jobs that have a source of their own, with Maven, into the folder where `sample-job run`
// looks for them: samples, beside the programs. root is that of the checkout. A jar that is newer than its source stays.
func Samples(ctx context.Context, root, bin string, w io.Writer) error {
	out, err := filepath.Abs(filepath.Join(bin, "samples"))
	if err != nil {
		return err
	}
	poms, _ := filepath.Glob(filepath.Join(root, "examples/jobs/*/pom.xml")) // the pattern is well formed
	if len(poms) == 0 {
		return fmt.Errorf("%s has no sample job with a source: run this in the root of a checkout", root)
	}
	for _, pom := range poms {
		name := filepath.Base(filepath.Dir(pom))
		jar := filepath.Join(out, name+".jar")
		if changed, err := newest(filepath.Dir(pom)); err != nil {
			return err
		} else if info, err := os.Stat(jar); err == nil && info.ModTime().After(changed) {
			continue
		}
		if err := maven(ctx, pom, out); err != nil {
			return fmt.Errorf("build sample job %q: %w", name, err)
		}
		if err := os.Chtimes(jar, time.Time{}, time.Now()); err != nil { // Maven leaves a jar that would be the same
			return err
		}
		_, _ = fmt.Fprintln(w, "built", jar)
	}
	return nil
}

// newest is when a file below a folder was last written.
func newest(dir string) (last time.Time, err error) {
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
	// #nosec G204 -- our own arguments
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "-Dstyle.color=never", "--file", pom, "-Dout="+out,
		"resources:resources", "compiler:compile", "jar:jar")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	return nil
}
