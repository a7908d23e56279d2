// SPDX-License-Identifier: Apache-2.0

package flinkhome

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"emrflink/internal/disk"
)

// Progress is how far a fetch is. Jars that Maven's repository has already are not fetched again.
type Progress struct {
	Jars, Of int    // fetched and in the list
	Bytes    int64  // of the list, by the jars fetched so far
	Doing    string // "fetching", "checking"
}

// Install fetches Flink with Maven unless it is there and whole, and returns it with whether something was done. A fetch that
// was broken off goes on where it was: Maven keeps what it has. progress is called from one goroutine.
func (h Homes) Install(ctx context.Context, maven Program, progress func(Progress)) (Home, bool, error) {
	home := Home{Dir: h.fetched(), Version: Version, Fetched: true}
	if home.whole(h.jars(), true) == nil {
		return home, false, h.forgetUsed()
	}
	if maven.Problem != "" {
		return Home{}, false, &Error{
			What: "fetch Flink " + Version, Err: errors.New(maven.Problem),
			Next: "install Apache Maven 3.6.3 or newer, or use an official distribution: emrflink local flink install --home DIR",
		}
	}
	if err := h.room(); err != nil {
		return Home{}, false, err
	}
	stage := Home{Dir: h.staging(), Version: Version, Fetched: true}
	if err := os.RemoveAll(stage.Dir); err != nil {
		return Home{}, false, err
	}
	if err := os.MkdirAll(stage.Dir, 0o700); err != nil {
		return Home{}, false, err
	}
	if err := h.fetch(ctx, maven.Path, stage.Dir, progress); err != nil {
		return Home{}, false, err
	}
	progress(Progress{Jars: len(h.jars()), Of: len(h.jars()), Bytes: sum(h.jars()), Doing: "checking"})
	if err := stage.whole(h.jars(), true); err != nil {
		return Home{}, false, &Error{
			What: "check what Maven fetched", Err: err,
			Next: "delete the artifact from Maven's local repository (~/.m2/repository), then: emrflink local flink install",
		}
	}
	if err := makeExamples(filepath.Join(stage.Dir, "examples", "streaming")); err != nil {
		return Home{}, false, fmt.Errorf("make the examples: %w", err)
	}
	if err := os.RemoveAll(home.Dir); err != nil {
		return Home{}, false, err
	}
	if err := os.Rename(stage.Dir, home.Dir); err != nil {
		return Home{}, false, err
	}
	return home, true, h.forgetUsed()
}

// forgetUsed makes what was fetched the one that is found.
func (h Homes) forgetUsed() error {
	if err := os.Remove(h.used()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// room refuses a fetch for which the disk has no room: the jars twice, since Maven keeps its own copy.
func (h Homes) room() error {
	dir, err := disk.Existing(h.base())
	if err != nil {
		return err
	}
	free, err := disk.Free(dir)
	need := uint64(2 * sum(h.jars()))
	if errors.Is(err, disk.ErrUnknown) || err == nil && free >= need {
		return nil
	}
	if err != nil {
		return err
	}
	return &Error{
		What: "fetch Flink " + Version, Err: fmt.Errorf("%s has %d MB free, and %d MB are needed", dir, free>>20, need>>20),
		Next: "free some space, or set EMRFLINK_HOME to a folder on another disk",
	}
}

// gives up is how long Maven has to end after it was told to.
const givesUp = 5 * time.Second

// fetch runs Maven. All that it says goes to a log, which is kept beside the home.
func (h Homes) fetch(ctx context.Context, mvn, dir string, progress func(Progress)) error {
	file := filepath.Join(dir, "pom.xml")
	if err := os.WriteFile(file, pom, 0o600); err != nil {
		return err
	}
	logPath := filepath.Join(h.base(), "maven.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // its loss would cost an explanation only
	cmd := exec.CommandContext(ctx, mvn, "--batch-mode", "--file", file, "-Dhome="+dir, "-Dstyle.color=never", "package")
	cmd.Dir, cmd.WaitDelay = dir, givesUp
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	said := make(chan []string)
	go func() { said <- follow(io.TeeReader(r, log), h.jars(), progress) }()
	err = cmd.Run()
	_ = w.Close() // ends follow; a PipeWriter's Close has no error
	problems := <-said
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return mavenFailed(err, problems, logPath)
	}
	return os.Remove(file)
}

// got is a file that Maven fetched.
var got = regexp.MustCompile(`^\[INFO\] Downloaded from \S+: \S*/([^/\s]+\.jar) `)

// follow reads what Maven says, to its end: it reports each jar of the list and returns the lines of errors.
func follow(r io.Reader, list []jar, progress func(Progress)) (problems []string) {
	listed := map[string]int64{}
	for _, j := range list {
		listed[filepath.Base(j.path)] = j.bytes
	}
	now := Progress{Of: len(listed), Doing: "fetching"}
	progress(now)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if text, is := strings.CutPrefix(line, "[ERROR] "); is {
			problems = append(problems, text)
		}
		m := got.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if n, is := listed[m[1]]; is {
			delete(listed, m[1])
			now.Jars, now.Bytes = now.Jars+1, now.Bytes+n
			progress(now)
		}
	}
	_, _ = io.Copy(io.Discard, r) // a line that is too long ends the reading, not Maven
	return problems
}

// mavenFailed is the first of Maven's own reasons.
func mavenFailed(err error, problems []string, log string) error {
	next := "see " + log + ", settle the cause and run again: what was fetched is kept"
	if len(problems) > 0 {
		err = errors.New(strings.TrimSpace(problems[0]))
	}
	for _, sign := range []string{"Could not transfer", "Unknown host", "Could not resolve", "status code"} {
		if strings.Contains(err.Error(), sign) {
			next = "make Maven reach Maven Central or a mirror (~/.m2/settings.xml), then: emrflink local flink install   " +
				"# what was fetched is kept; all that Maven said: " + log
			break
		}
	}
	return &Error{What: "fetch Flink " + Version + " with Maven", Err: err, Next: next}
}
