// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// Copies lists the copies of the state that can be read, newest first. Those of a state that is not in a local folder are not
// listed.
func (e *Engine) Copies() []plans.StateCopy {
	if e.files == nil {
		return nil
	}
	return e.files.copies()
}

func (s fileState) copies() []plans.StateCopy {
	path, _ := s.path()
	var found []plans.StateCopy
	for _, file := range append([]string{path + ".bak", s.safePath()}, matching(
		s.books("history", s.project, s.stack, "*.checkpoint.json*"), s.books("backups", s.project, s.stack, "*"))...) {
		info, err := os.Stat(file)
		if err != nil {
			continue
		}
		if d, err := parseState(file); err == nil {
			found = append(found, plans.StateCopy{Path: file, Saved: info.ModTime().UTC(), Resources: d.made()})
		}
	}
	slices.SortStableFunc(found, func(a, b plans.StateCopy) int { return b.Saved.Compare(a.Saved) })
	return found
}

// lostOr is the Failure of a state that is gone, or otherwise. The newest copy decides: after a cleanup it tells of nothing.
func (s fileState) lostOr(otherwise error) error {
	copies := s.copies()
	if len(copies) == 0 || copies[0].Resources == 0 {
		return otherwise
	}
	path, _ := s.path()
	return &Failure{
		Code: CodeStateLost,
		Message: fmt.Sprintf("the state of stack %q is gone from %s, while a copy of it, saved %s, has %d resources; nothing "+
			"was changed", s.stack, path, copies[0].Saved.Format(time.RFC3339), copies[0].Resources),
		Hint: s.restoreHint(),
	}
}

// restoreHint is the command that puts a copy in the place of a state, with the newest copies, or the way that is left.
func (s fileState) restoreHint() string {
	var good []string
	for _, c := range s.copies() {
		good = append(good, fmt.Sprintf("%s (%d resources)", c.Path, c.Resources))
	}
	if len(good) == 0 {
		return fmt.Sprintf("no readable copy was found beside it or below %s; look in the account for what carries the "+
			"deployment's tags: emrflink cleanup --from-tags --stack %s", s.books("history", s.project, s.stack), s.stack)
	}
	return fmt.Sprintf("emrflink state restore --stack %s   # readable copies, newest first: %s", s.stack,
		strings.Join(good[:min(3, len(good))], ", "))
}

// worked tells whether an engine has worked on the stack: the salt in our copy of the stack file is its own, while that folder
// goes with the stack. Of a state that the user keeps elsewhere, others may have disposed.
func (e *Engine) worked() bool {
	if !strings.HasPrefix(e.files.root, e.opts.Home+string(filepath.Separator)) {
		return false
	}
	salt := saltIn(e.stackFile(e.workDir()))
	return salt != "" && (e.opts.WorkFile == "" || salt != saltIn(e.opts.WorkFile))
}

// lostWithoutCopy is the Failure of a state of which nothing is left.
func (e *Engine) lostWithoutCopy() error {
	path, _ := e.files.path()
	return &Failure{
		Code: CodeStateLost, Hint: e.files.restoreHint(),
		Message: fmt.Sprintf("the state of stack %q is gone from %s, and there is no copy of it: what was deployed is not "+
			"known; nothing was changed", e.opts.Stack, path),
	}
}

// Restore puts a copy of the state in its place: that in the file from, else the newest that has resources. What is replaced
// becomes a copy itself. A state that is whole is left alone when no file is named: the copy that is returned is the zero one.
func (e *Engine) Restore(ctx context.Context, from string) (plans.StateCopy, error) {
	if e.files == nil {
		return plans.StateCopy{}, &Failure{
			Code: CodeConfig, Message: "the state is not in a local folder: its copies cannot be listed from here",
			Hint: "copy one of those below .pulumi/backups or .pulumi/history over the one below .pulumi/stacks",
		}
	}
	path, _ := e.files.path()
	if d, err := parseState(path); err == nil && d.made() > 0 && from == "" {
		return plans.StateCopy{}, nil
	}
	chosen, err := e.files.choose(from)
	if err != nil {
		return plans.StateCopy{}, err
	}
	release, err := e.acquire(ctx, func(text string) { e.opts.Logger.Info(text) })
	if err != nil {
		return plans.StateCopy{}, err
	}
	defer release()
	raw, err := os.ReadFile(chosen.Path)
	if err != nil {
		return plans.StateCopy{}, fmt.Errorf("read the copy of the state: %w", err)
	}
	if err := e.files.putAside(path); err != nil {
		return plans.StateCopy{}, fmt.Errorf("keep the state that is replaced: %w", err)
	}
	return chosen, writeFileAtomic(e.files.books("stacks", e.files.project, e.files.stack+".json"), raw, 0o600)
}

// choose finds the copy that is put in place.
func (s fileState) choose(from string) (plans.StateCopy, error) {
	if from == "" {
		copies := s.copies()
		if i := slices.IndexFunc(copies, func(c plans.StateCopy) bool { return c.Resources > 0 }); i >= 0 {
			return copies[i], nil
		}
		return plans.StateCopy{}, &Failure{
			Code: CodeStateLost, Message: fmt.Sprintf("no copy of the state of stack %q has resources", s.stack),
			Hint: "emrflink cleanup --from-tags --stack " + s.stack,
		}
	}
	refused := func(why string) error {
		return &Failure{
			Code: CodeConfig, Message: fmt.Sprintf("%s is no copy of the state of stack %q: %s", from, s.stack, why),
			Hint: "list them: emrflink state restore --dry-run --stack " + s.stack,
		}
	}
	d, err := parseState(from)
	if err != nil {
		return plans.StateCopy{}, refused(err.Error())
	}
	for _, r := range d.Resources {
		if stack, project, ok := untyped.URNOrigin(string(r.URN)); ok && (stack != s.stack || project != s.project) {
			return plans.StateCopy{}, refused(fmt.Sprintf("it is one of stack %q of project %q", stack, project))
		}
	}
	info, err := os.Stat(from)
	if err != nil {
		return plans.StateCopy{}, refused(err.Error())
	}
	return plans.StateCopy{Path: from, Saved: info.ModTime().UTC(), Resources: d.made()}, nil
}

// putAside makes the state file one of the copies; one that is not there or empty is no loss.
func (s fileState) putAside(path string) error {
	if s.size() == 0 {
		return nil
	}
	aside := s.books("backups", s.project, s.stack, fmt.Sprintf("%s.%d.json", s.stack, time.Now().UnixNano()))
	if err := os.MkdirAll(filepath.Dir(aside), 0o700); err != nil {
		return err
	}
	return os.Rename(path, aside)
}

// forget removes the state with all its copies. The copies go first: with the state gone, they would tell of a loss.
func (s fileState) forget(workDir string) error {
	base := s.books("stacks", s.project, s.stack+".json")
	remove([]string{s.safePath()})
	for _, dir := range []string{
		s.books("history", s.project, s.stack), s.books("backups", s.project, s.stack), workDir,
	} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	for _, ext := range []string{"", encoding.GZIPExt, encoding.ZSTDExt} {
		remove([]string{base + ext + ".bak"})
		if err := os.RemoveAll(base + ext); err != nil {
			return err
		}
	}
	return os.RemoveAll(s.books("stacks", s.project, s.stack+".pulumi-tags"))
}
