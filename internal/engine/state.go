// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/resource/stack"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"

	"emrflink/internal/mask"
	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// fileState knows the layout of Pulumi's file backend (version 1, with projects).
type fileState struct {
	root, project, stack string

	last *LastState // nil where a state is read once
}

// LastState is the state file that was parsed last, with its bytes: a command asks for it many times between two operations, and
// with a thousand resources the parsing, and the masking of secrets, take longer than all that is done with it. The zero value is
// ready for use.
type LastState struct {
	mu    sync.Mutex
	raw   []byte
	state *savedState
	shown []plans.StateResource // of state, in its order; nil before somebody asks
}

// parse is parseState, without parsing the bytes of the last time again. What is returned is the caller's to change.
func (l *LastState) parse(path string) (*savedState, error) {
	if l == nil {
		return parseState(path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == nil || !bytes.Equal(l.raw, raw) {
		state, err := decodeState(raw)
		if err != nil {
			return nil, err
		}
		l.raw, l.state, l.shown = raw, state, nil
	}
	return l.state.clone(), nil
}

// resources are those of d, in its order, as they are shown: what they hold is not to be changed.
func (l *LastState) resources(d *savedState) []plans.StateResource {
	if l == nil || d.origin == nil {
		return stateResources(d)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if d.origin != l.state {
		return stateResources(d.origin)
	}
	if l.shown == nil {
		l.shown = stateResources(l.state)
	}
	return l.shown
}

func stateResources(d *savedState) []plans.StateResource {
	all := make([]plans.StateResource, len(d.Resources))
	for i, r := range d.Resources {
		all[i] = stateResource(r)
	}
	return all
}

// localRoot returns the directory of a file backend URL; false for any other backend.
func localRoot(backendURL string) (string, bool) {
	rest, ok := strings.CutPrefix(backendURL, "file://")
	if !ok {
		return "", false
	}
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		rest = rest[:i]
	}
	if home, err := os.UserHomeDir(); err == nil && (rest == "~" || strings.HasPrefix(rest, "~/")) {
		return filepath.Join(home, rest[1:]), true
	}
	if path, err := url.PathUnescape(rest); err == nil {
		rest = path
	}
	return filepath.FromSlash(rest), true
}

// AbsoluteBackend makes the URL of a folder that is named from dir, such as file://./state, one that is the same from every
// folder: the engine works in another one.
func AbsoluteBackend(backendURL, dir string) string {
	rest, ok := strings.CutPrefix(backendURL, "file://")
	path, query, asks := strings.Cut(rest, "?")
	if !ok || path == "" || path == "~" || strings.HasPrefix(path, "~/") || filepath.IsAbs(filepath.FromSlash(path)) {
		return backendURL
	}
	absolute := "file://" + filepath.ToSlash(filepath.Join(dir, filepath.FromSlash(path)))
	if asks {
		absolute += "?" + query
	}
	return absolute
}

// withoutAttributes makes the URL of a file backend one whose files have no companions for their attributes.
//
// Pulumi reads nothing in them, and they are written over in place: an engine that is killed in between leaves half a one, and
// no command could open the state beside it any more ("failed to load checkpoint: EOF").
func withoutAttributes(backendURL string) string {
	path, query, _ := strings.Cut(backendURL, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return backendURL // the engine says what is wrong with it
	}
	values.Set("metadata", "skip")
	return path + "?" + values.Encode()
}

// own finds the files of the stack in the folders of the backend whose name ends as the pattern does.
func (s fileState) own(ending string) []string {
	return matching(
		s.books("meta.yaml"+ending), s.books("stacks", s.project, s.stack+".json"+ending),
		s.books("locks", "organization", s.project, s.stack, ending), s.books("history", s.project, s.stack, ending),
		s.books("backups", s.project, s.stack, ending))
}

// matching finds the files that one of the patterns describes. A pattern that is none, by a bracket in a folder that the user
// chose, describes nothing.
func matching(patterns ...string) []string {
	var found []string
	for _, p := range patterns {
		if files, err := filepath.Glob(p); err == nil {
			found = append(found, files...)
		}
	}
	return found
}

// remove removes files that may be gone already, and that cost nothing but room when they stay.
func remove(paths []string) {
	for _, path := range paths {
		_ = os.Remove(path)
	}
}

func (s fileState) books(parts ...string) string {
	return filepath.Join(append([]string{s.root, ".pulumi"}, parts...)...)
}

// path returns the state file that exists: plain, or compressed when the user's environment asked for that.
func (s fileState) path() (string, bool) {
	base := s.books("stacks", s.project, s.stack+".json")
	for _, ext := range []string{"", encoding.GZIPExt, encoding.ZSTDExt} {
		if _, err := os.Stat(base + ext); err == nil {
			return base + ext, true
		}
	}
	return base, false
}

// Saved finds the stacks that have a state in a local folder, that of home when no backend is named, and when each was written.
// What is in a bucket is not looked up.
func Saved(home, backendURL string) (map[string]time.Time, error) {
	if backendURL == "" {
		backendURL = defaultBackend(home)
	}
	found := map[string]time.Time{}
	root, ok := localRoot(backendURL)
	if !ok {
		return found, nil
	}
	files, err := os.ReadDir(fileState{root: root}.books("stacks", defaultProject))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the states: %w", err)
	}
	for _, f := range files {
		name, _, is := strings.Cut(f.Name(), ".json")
		info, err := f.Info()
		if is && err == nil && !strings.HasSuffix(f.Name(), ".bak") && !strings.HasPrefix(name, ".") {
			found[name] = info.ModTime().UTC().Truncate(time.Second)
		}
	}
	return found, nil
}

// Claimed finds the stacks that a command claimed, now or earlier, whose states are where Saved looks.
func Claimed(home, backendURL string) []string {
	if backendURL == "" {
		backendURL = defaultBackend(home)
	}
	root, _ := localRoot(backendURL)
	var names []string
	for _, path := range matching(filepath.Join(root, claimPrefix+"*")) {
		names = append(names, strings.TrimPrefix(filepath.Base(path), claimPrefix))
	}
	return names
}

// init makes an empty stack, as `stack init` does, without starting a process for it.
func (s fileState) init() error {
	if err := writeFileAtomic(s.books("meta.yaml"), []byte("version: 1\n"), 0o600); err != nil {
		return err
	}
	name := "organization/" + s.project + "/" + s.stack
	empty := fmt.Sprintf(`{"version":3,"checkpoint":{"stack":%q}}`, name)
	// Created and not replaced: another run may have begun meanwhile, and this is where it writes down what it makes.
	return createWhole(s.books("stacks", s.project, s.stack+".json"), []byte(empty))
}

// savedState is a deployment together with the schema that it was written in.
type savedState struct {
	*apitype.DeploymentV3
	version  int
	features []string
	written  bool // by an operation, not only by the making of an empty stack

	origin *savedState // whose clone it is; nil for none
}

// clone is a state whose lists and references can be changed without changing s. The values of resources are shared.
func (s *savedState) clone() *savedState {
	c, d := *s, *s.DeploymentV3
	c.DeploymentV3, c.origin = &d, s
	d.PendingOperations = slices.Clone(d.PendingOperations)
	d.Resources = slices.Clone(d.Resources)
	for i := range d.Resources {
		r := &d.Resources[i]
		r.Dependencies, r.ReplaceWith = slices.Clone(r.Dependencies), slices.Clone(r.ReplaceWith)
		r.PropertyDependencies = maps.Clone(r.PropertyDependencies)
		for name, on := range r.PropertyDependencies {
			r.PropertyDependencies[name] = slices.Clone(on)
		}
	}
	return &c
}

// read parses the state file. A file that is not a state, and one that is gone while a copy of it tells of resources, is a
// Failure that names the copies.
func (s fileState) read() (*savedState, error) {
	path, exists := s.path()
	if _, err := os.Stat(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, s.hidden(path, err)
	}
	if !exists {
		return nil, lostOr(s.stack, path, s.copies(), fmt.Errorf("stack %q: %w", s.stack, ErrNoStack))
	}
	deployment, err := s.last.parse(path)
	if err == nil && !deployment.written {
		return deployment, lostOr(s.stack, path, s.copies(), nil)
	}
	if err == nil {
		return deployment, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, s.hidden(path, err)
	}
	return nil, &Failure{
		Code:    CodeStateCorrupt,
		Message: fmt.Sprintf("the state file %s cannot be read: %v; nothing was changed", path, err),
		Hint:    restoreHint(s.stack, s.copies()),
	}
}

// hidden is the failure of a state that cannot be looked at: whether the stack is deployed is not known then.
func (s fileState) hidden(path string, err error) *Failure {
	return &Failure{
		Code: CodeStateHidden, Hint: "see who may read it: ls -ld " + filepath.Dir(path), cause: err,
		Message: fmt.Sprintf("the state of stack %q cannot be looked at: %v; nothing was changed", s.stack, err),
	}
}

// parseState reads one state file or a copy of one.
func parseState(path string) (*savedState, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decodeState(raw)
}

func decodeState(raw []byte) (*savedState, error) {
	if len(raw) == 0 {
		return nil, errors.New("the file is empty")
	}
	codec := encoding.Compress(encoding.JSON, encoding.DetectCompression(raw))
	checkpoint, version, features, err := stack.UnmarshalVersionedCheckpointToLatestCheckpoint(codec, raw)
	if err != nil {
		return nil, err
	}
	saved := &savedState{DeploymentV3: &apitype.DeploymentV3{}, version: version, features: features}
	if checkpoint != nil && checkpoint.Latest != nil {
		saved.DeploymentV3, saved.written = checkpoint.Latest, true
	}
	return saved, nil
}

// size returns the bytes of the state file; 0 when there is none.
func (s fileState) size() int64 {
	path, _ := s.path()
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// recorded reads a state in a local folder.
func (e *Engine) recorded() (*savedState, error) {
	d, err := e.files.read()
	if errors.Is(err, ErrNoStack) && e.worked() {
		err = e.lostWithoutCopy()
	}
	return d, err
}

// deployment returns the deployed state: from the file, or through the engine for any other backend.
func (e *Engine) deployment(ctx context.Context) (*savedState, error) {
	if e.files != nil {
		return e.recorded()
	}
	if err := e.prepareWorkDir(e.workDir()); err != nil {
		return nil, err
	}
	raw, err := e.run(ctx, "stack", "export", "--stack", e.opts.Stack)
	if errors.Is(err, ErrNoStack) {
		return nil, e.lostFromBucketOr(ctx, err)
	}
	if err != nil {
		return nil, err
	}
	var untyped apitype.UntypedDeployment
	if err := json.Unmarshal([]byte(raw), &untyped); err != nil {
		return nil, fmt.Errorf("read the exported state: %w", err)
	}
	deployment := &savedState{
		DeploymentV3: &apitype.DeploymentV3{}, version: untyped.Version, features: untyped.Features,
	}
	if len(untyped.Deployment) == 0 {
		return deployment, nil
	}
	if err := json.Unmarshal(untyped.Deployment, deployment.DeploymentV3); err != nil {
		return nil, fmt.Errorf("read the exported state: %w", err)
	}
	return deployment, nil
}

// Exists tells whether the stack was ever deployed. A state that was lost is an error.
func (e *Engine) Exists(ctx context.Context) (bool, error) {
	if e.opts.Ephemeral {
		return false, nil
	}
	if e.files != nil {
		if _, exists := e.files.path(); exists {
			return true, nil
		}
	}
	_, err := e.deployment(ctx)
	if errors.Is(err, ErrNoStack) {
		return false, nil
	}
	return err == nil, err
}

// Resources lists the deployed resources in dependency order, without the stack itself and without providers, and
// without leftovers of a replacement. A stack that was never deployed gives ErrNoStack.
func (e *Engine) Resources(ctx context.Context) ([]plans.StateResource, error) {
	deployment, err := e.deployment(ctx)
	if err != nil {
		return nil, err
	}
	out := []plans.StateResource{}
	for i, shown := range e.shown(deployment) {
		if !(plans.Step{Type: shown.Type}).Internal() && !deployment.Resources[i].Delete {
			out = append(out, shown)
		}
	}
	return out, nil
}

// shown are the resources of a state that nobody changed yet, in its order.
func (e *Engine) shown(d *savedState) []plans.StateResource {
	if e.files == nil {
		return stateResources(d)
	}
	return e.files.last.resources(d)
}

func stateResource(r apitype.ResourceV3) plans.StateResource {
	res := plans.StateResource{
		URN: string(r.URN), Type: string(r.Type), Name: untyped.URNName(string(r.URN)), ID: string(r.ID),
		Parent: string(r.Parent), Provider: untyped.ProviderURN(r.Provider), Custom: r.Custom, Protect: r.Protect,
		Inputs: shown(r.Inputs), Outputs: shown(r.Outputs),
		Dependencies: sortedURNs(r.Dependencies), PropertyDependencies: byProperty(r.PropertyDependencies),
	}
	if r.Created != nil {
		res.Created = *r.Created
	}
	return res
}

// Outputs returns the stack's outputs of the last deployment, secret ones decrypted. A stack that was never deployed
// gives ErrNoStack.
func (e *Engine) Outputs(ctx context.Context) (map[string]plans.Output, error) {
	deployment, err := e.deployment(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]plans.Output{}
	secrets := false
	for _, r := range deployment.Resources {
		if r.Type != "pulumi:pulumi:Stack" || r.Delete {
			continue
		}
		for k, v := range r.Outputs {
			secret := hasSecret(v)
			secrets = secrets || secret
			_, found := mask.Map(map[string]any{k: clean(v)})
			out[k] = plans.Output{Value: clean(v), Secret: secret || len(found) > 0}
		}
	}
	if !secrets {
		return out, nil
	}
	plainValues, err := e.decryptedOutputs(ctx)
	if err != nil {
		return nil, err
	}
	for k, o := range out {
		if v, found := plainValues[k]; found && o.Secret { // one that only looks like a secret is the same there
			out[k] = plans.Output{Value: v, Secret: true}
		}
	}
	return out, nil
}

// decryptedOutputs asks the engine for the outputs, which alone knows every secrets provider.
func (e *Engine) decryptedOutputs(ctx context.Context) (map[string]any, error) {
	if err := e.prepareWorkDir(e.workDir()); err != nil {
		return nil, err
	}
	// With the flag first, this call is not one of those that command answers by itself.
	raw, err := e.run(ctx, "--non-interactive", "stack", "output", "--json", "--show-secrets", "--stack", e.opts.Stack)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if err := json.Unmarshal([]byte(raw), &values); err != nil {
		return nil, fmt.Errorf("read the stack's outputs: %w", err)
	}
	return values, nil
}
