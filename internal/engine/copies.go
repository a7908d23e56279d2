// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
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

// Copies lists the copies of the state that can be read, newest first.
func (e *Engine) Copies(ctx context.Context) ([]plans.StateCopy, error) {
	if e.files == nil {
		return e.bucketCopies(ctx)
	}
	return e.files.copies(), nil
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
	slices.SortStableFunc(found, newestFirst)
	return found
}

// newestFirst orders copies. Of the same second, which is all that S3 tells, the one with more resources is the later one: the
// copy .bak is what an operation began with.
func newestFirst(a, b plans.StateCopy) int {
	return cmp.Or(b.Saved.Compare(a.Saved), cmp.Compare(b.Resources, a.Resources))
}

// lostOr is the Failure of a state that is gone from its place, or otherwise. The newest copy decides: after a cleanup it tells
// of nothing.
func lostOr(stack, place string, copies []plans.StateCopy, otherwise error) error {
	if len(copies) == 0 || copies[0].Resources == 0 {
		return otherwise
	}
	return &Failure{
		Code: CodeStateLost,
		Message: fmt.Sprintf("the state of stack %q is gone from %s, while a copy of it, saved %s, has %s; nothing was changed",
			stack, place, copies[0].Saved.Format(time.RFC3339), counted(copies[0].Resources)),
		Hint: restoreHint(stack, copies),
	}
}

// restoreHint is the command that puts a copy in the place of a state, with the newest copies, or the way that is left.
func restoreHint(stack string, copies []plans.StateCopy) string {
	var good []string
	for _, c := range copies[:min(3, len(copies))] {
		good = append(good, fmt.Sprintf("%s (%s)", c.Path, counted(c.Resources)))
	}
	if len(good) == 0 {
		return "emrflink cleanup --from-tags --stack " + stack +
			"   # no copy of it can be read; this deletes what has the deployment's tags and names in the account"
	}
	return fmt.Sprintf("emrflink state restore --stack %s   # readable copies, newest first: %s", stack, strings.Join(good, ", "))
}

// counted is a number of resources in words.
func counted(n int) string {
	if n == 1 {
		return "1 resource"
	}
	return fmt.Sprintf("%d resources", n)
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
		Code: CodeStateLost, Hint: restoreHint(e.opts.Stack, nil),
		Message: fmt.Sprintf("the state of stack %q is gone from %s, and there is no copy of it: what was deployed is not "+
			"known; nothing was changed", e.opts.Stack, path),
	}
}

// Restore puts a copy of the state in its place: that in the file from, else the newest that has resources. What is replaced
// becomes a copy itself. A state that is whole is left alone when no file is named: the copy that is returned is the zero one.
func (e *Engine) Restore(ctx context.Context, from string) (plans.StateCopy, error) {
	if d, err := e.deployment(ctx); err == nil && d.made() > 0 && from == "" {
		return plans.StateCopy{}, nil
	}
	if from == "" {
		copies, err := e.Copies(ctx)
		if err != nil {
			return plans.StateCopy{}, err
		}
		i := slices.IndexFunc(copies, func(c plans.StateCopy) bool { return c.Resources > 0 })
		if i < 0 {
			return plans.StateCopy{}, &Failure{
				Code: CodeStateLost, Message: fmt.Sprintf("no copy of the state of stack %q has resources", e.opts.Stack),
				Hint: restoreHint(e.opts.Stack, nil),
			}
		}
		from = copies[i].Path
	}
	release, err := e.acquire(ctx, func(text string) { e.opts.Logger.Info(text) })
	if err != nil {
		return plans.StateCopy{}, err
	}
	defer release()
	if e.files == nil {
		return e.bucketRestore(ctx, from)
	}
	raw, err := os.ReadFile(from)
	if err != nil {
		return plans.StateCopy{}, e.noCopy(from, err)
	}
	info, err := os.Stat(from)
	if err != nil {
		return plans.StateCopy{}, e.noCopy(from, err)
	}
	d, err := copyOf(raw, e.opts.Project, e.opts.Stack)
	if err != nil {
		return plans.StateCopy{}, e.noCopy(from, err)
	}
	path, _ := e.files.path()
	if err := e.files.putAside(path); err != nil {
		return plans.StateCopy{}, fmt.Errorf("keep the state that is replaced: %w", err)
	}
	return plans.StateCopy{Path: from, Saved: info.ModTime().UTC(), Resources: d.made()},
		writeFileAtomic(e.files.books("stacks", e.files.project, e.files.stack+".json"), raw, 0o600)
}

// noCopy refuses a file that is no copy of the stack's state.
func (e *Engine) noCopy(from string, why error) error {
	return &Failure{
		Code: CodeConfig, Message: fmt.Sprintf("%s is no copy of the state of stack %q: %v", from, e.opts.Stack, why),
		Hint: "list them: emrflink state restore --dry-run --stack " + e.opts.Stack,
	}
}

// copyOf reads a copy of the state of a stack, and refuses one of another stack.
func copyOf(raw []byte, project, stackName string) (*savedState, error) {
	d, err := decodeState(raw)
	if err != nil {
		return nil, err
	}
	for _, r := range d.Resources {
		if s, p, ok := untyped.URNOrigin(string(r.URN)); ok && (s != stackName || p != project) {
			return nil, fmt.Errorf("it is one of stack %q of project %q", s, p)
		}
	}
	return d, nil
}

// putAside makes the state file one of the copies; one that is not there or empty is no loss.
func (s fileState) putAside(path string) error {
	if s.size() == 0 {
		return nil
	}
	aside := s.books("backups", s.project, s.stack, asideName(s.stack))
	if err := os.MkdirAll(filepath.Dir(aside), 0o700); err != nil {
		return err
	}
	return os.Rename(path, aside)
}

// asideName is the name that Pulumi gives a copy.
func asideName(stack string) string { return fmt.Sprintf("%s.%d.json", stack, time.Now().UnixNano()) }

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
