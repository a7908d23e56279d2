// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// Rebuilt is the state of a stack as the account tells it.
type Rebuilt struct {
	Resources []plans.StateResource
	// Foreign names what has the name of a resource of the stack and is somebody else's.
	Foreign []string
	// Remains says that something is left of the lost state, be it an empty file.
	Remains bool

	state []apitype.ResourceV3
}

// Rebuild looks in the account for each AWS resource that the program would make, and makes a state of those that exist, for a
// stack whose state is lost with every copy of it. It changes nothing: see Keep. What is in the cluster is not looked for; it
// goes with the cluster.
//
// Ids that follow from others are known once those are found. So the program is previewed against what was found, until
// nothing is found any more.
func (e *Engine) Rebuild(ctx context.Context, notice func(string)) (Rebuilt, error) {
	remains, err := e.lost(ctx)
	if err != nil {
		return Rebuilt{}, err
	}
	tmp, err := os.MkdirTemp("", "emrflink-rebuild-")
	if err != nil {
		return Rebuilt{}, fmt.Errorf("make a throw-away state: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }() // nothing in it is needed any more
	throwAway, err := e.in(ctx, tmp)
	if err != nil {
		return Rebuilt{}, err
	}
	b := builder{Engine: throwAway, notice: notice, steps: map[string]plans.Step{}, found: map[string]apitype.ResourceV3{}}
	for more := true; more && err == nil; {
		more, err = b.round(ctx)
	}
	if err != nil {
		return Rebuilt{}, err
	}
	out := Rebuilt{Resources: []plans.StateResource{}, Remains: remains, state: b.state()}
	slices.Sort(b.foreign)
	out.Foreign = slices.Compact(b.foreign)
	for _, r := range out.state {
		if _, found := b.found[string(r.URN)]; found {
			out.Resources = append(out.Resources, stateResource(r))
		}
	}
	return out, nil
}

// lost refuses when the state, or a copy of it, tells what the stack has. remains says that there is something of a state.
func (e *Engine) lost(ctx context.Context) (remains bool, err error) {
	d, _, err := e.unfinished(ctx)
	var f *Failure
	switch {
	case errors.Is(err, ErrNoStack):
		return false, nil
	case err == nil && d.made() == 0:
		return true, nil
	case err == nil:
		return true, &Failure{
			Code: CodeStateWhole, Hint: "emrflink cleanup --stack " + e.opts.Stack,
			Message: fmt.Sprintf("the state of stack %q can be read and has %s: it says better than tags what is to be deleted; "+
				"nothing was changed", e.opts.Stack, counted(d.made())),
		}
	case errors.As(err, &f) && (f.Code == CodeStateLost || f.Code == CodeStateCorrupt):
		copies, cerr := e.Copies(ctx)
		if cerr != nil {
			return true, cerr
		}
		if !slices.ContainsFunc(copies, func(c plans.StateCopy) bool { return c.Resources > 0 }) {
			return true, nil
		}
	}
	return true, err
}

// in is the same engine with its state below another folder.
func (e *Engine) in(ctx context.Context, home string) (*Engine, error) {
	o := e.opts
	o.Home, o.BackendURL = home, "file://"+filepath.ToSlash(filepath.Join(home, "backend"))
	if o.WorkFile != "" && saltIn(o.WorkFile) != "" { // the stack file's own secrets
		phrase, err := e.passphraseFor(e.opts.Home, saltIn(o.WorkFile))
		if err != nil {
			return nil, err
		}
		if phrase != "" {
			env := map[string]string{passphraseFileVar: phrase}
			maps.Copy(env, o.Env)
			o.Env = env
		}
	}
	return Open(ctx, o)
}

// builder makes a state of what is found, round by round.
type builder struct {
	*Engine
	notice  func(string)
	steps   map[string]plans.Step // of the program, by URN
	found   map[string]apitype.ResourceV3
	foreign []string
	gone    []string // looked found, and the provider could not read it
}

// round looks for what was not found so far, and reports whether it found something.
func (b *builder) round(ctx context.Context) (more bool, err error) {
	plan, err := b.Preview(ctx)
	if err != nil && len(b.found) == 0 {
		return false, err
	}
	if err != nil { // what could not be previewed is not looked for; the inventory tells what is left
		b.notice("not all of the program could be computed: " + err.Error())
	}
	for _, s := range plan.Steps {
		if known, seen := b.steps[s.URN]; seen {
			s.Dependencies = known.Dependencies // a preview that fails does not tell them
		}
		b.steps[s.URN] = s
	}
	var found []string
	for _, s := range plan.Steps {
		if !b.wants(s) {
			continue
		}
		id, err := b.look(ctx, s)
		if err != nil {
			return false, err
		}
		if id != "" {
			in := inputsOf(s, id)
			b.found[s.URN] = apitype.ResourceV3{ID: resource.ID(id), Inputs: in, Outputs: maps.Clone(in)}
			found = append(found, s.URN)
		}
	}
	if len(found) == 0 {
		return false, nil
	}
	return true, b.read(ctx, found)
}

// wants says that a step is about an AWS resource that was not found so far.
func (b *builder) wants(s plans.Step) bool {
	_, have := b.found[s.URN]
	return !have && !s.Component && s.Op == plans.OpCreate && strings.HasPrefix(s.Type, "aws:") &&
		!slices.Contains(b.gone, s.URN)
}

// inputsOf are the inputs of what was found. A name that Pulumi made by chance is kept, so that it does not make another.
func inputsOf(s plans.Step, id string) map[string]any {
	in := maps.Clone(s.New)
	if name, _ := in["name"].(string); strings.HasPrefix(name, s.Name+"-") && strings.HasPrefix(id, s.Name+"-") {
		in["name"], in["__defaults"] = id, []any{"name"}
	}
	return in
}

// look is the id of what a step would create, "" when there is none.
func (b *builder) look(ctx context.Context, s plans.Step) (string, error) {
	wanted := PendingCreate{URN: s.URN, Type: s.Type, Name: s.Name, Provider: s.Provider, Inputs: s.New, Notice: b.notice}
	for urn, r := range b.found {
		if untyped.URNType(urn) == s.Type {
			wanted.Taken = append(wanted.Taken, string(r.ID))
		}
	}
	id, found, err := b.opts.Adopt(ctx, wanted)
	var bad *BrokenError
	if errors.As(err, &bad) {
		return bad.ID, nil // to be deleted, it is as good as any
	}
	if f := foreign(err, wanted); f != nil {
		b.foreign = append(b.foreign, f.Message+"; it is left alone")
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for %s %q: %w", s.Type, s.Name, err)
	}
	if !found {
		return "", nil
	}
	return id, nil
}

// read fills in what the account says of resources that were found, and drops those that it does not have.
func (b *builder) read(ctx context.Context, urns []string) error {
	if err := b.write(ctx, b.state()); err != nil {
		return err
	}
	if err := b.refresh(ctx, urns); err != nil {
		return err
	}
	d, err := b.deployment(ctx)
	if err != nil {
		return err
	}
	before := b.found
	b.found = map[string]apitype.ResourceV3{}
	for _, r := range d.Resources {
		if _, looked := before[string(r.URN)]; looked {
			if hasSecret(r.Outputs) { // the key of this state is thrown away
				r.Inputs, r.Outputs = cleanMap(r.Inputs), cleanMap(r.Outputs)
			}
			b.found[string(r.URN)] = r
		}
	}
	for urn := range before {
		if _, there := b.found[urn]; !there {
			b.gone = append(b.gone, urn)
		}
	}
	return nil
}

// state orders what was found as the engine wants it: behind its provider, its parents, and what it depends on.
func (b *builder) state() []apitype.ResourceV3 {
	o := ordered{builder: b, needs: map[string][]resource.URN{}}
	for _, urn := range slices.Sorted(maps.Keys(b.found)) {
		o.add(urn)
	}
	return o.list
}

// ordered is a state that is being put in order.
type ordered struct {
	*builder
	list  []apitype.ResourceV3
	needs map[string][]resource.URN // what an entry stands for to those that depend on it
}

// add puts a resource behind all that it needs. One that was not found, as all in the cluster, is left out, and who depends on
// it depends on what that needs.
func (o *ordered) add(urn string) []resource.URN {
	if needs, done := o.needs[urn]; done {
		return needs
	}
	s, planned := o.steps[urn]
	if !planned {
		return nil
	}
	var needs []resource.URN
	for _, on := range s.Dependencies {
		needs = append(needs, o.add(on)...)
	}
	if inCluster := untyped.URNType(s.Provider) == kubernetesProvider; inCluster {
		needs = append(needs, o.add(s.Provider)...)
	}
	slices.Sort(needs)
	needs = slices.Compact(needs)
	o.needs[urn] = needs
	if !o.kept(urn) {
		return needs
	}
	parent := s.Parent
	for parent != "" && !o.kept(parent) {
		parent = o.steps[parent].Parent
	}
	o.add(parent)
	r, found := o.found[urn]
	r.URN, r.Type, r.Parent, r.Custom = resource.URN(urn), resource.URN(urn).Type(), resource.URN(parent), !s.Component
	r.Dependencies, r.PropertyDependencies = needs, nil
	switch {
	case found:
		o.add(s.Provider)
		r.Provider = s.Provider + "::" + providerID
	case !s.Component && s.Type != string(resource.RootStackType):
		r.ID, r.Inputs, r.Outputs = providerID, s.New, s.New
	}
	o.list = append(o.list, r)
	o.needs[urn] = []resource.URN{r.URN}
	return o.needs[urn]
}

// kept says that the state has a resource: it was found, or it is in no account.
func (o *ordered) kept(urn string) bool {
	_, found := o.found[urn]
	s := o.steps[urn]
	return found || s.Component || s.Internal() && s.Type != kubernetesProvider
}

// providerID is the id of the providers of a state that was rebuilt: any will do.
const providerID = "rebuilt"

// write makes resources all that the state has.
func (e *Engine) write(ctx context.Context, resources []apitype.ResourceV3) error {
	if err := e.ensureStack(ctx); err != nil {
		return err
	}
	d, err := e.deployment(ctx)
	if err != nil {
		return err
	}
	d.DeploymentV3 = &apitype.DeploymentV3{
		Manifest: apitype.ManifestV1{Magic: deploy.Manifest{}.NewMagic()}, Resources: resources,
	}
	return e.importState(ctx, d)
}

// Keep makes what was rebuilt the state of the stack. What is left of the lost one becomes a copy of it.
func (e *Engine) Keep(ctx context.Context, r Rebuilt) error {
	if err := e.Room(); err != nil {
		return err
	}
	release, err := e.acquire(ctx, func(text string) { e.opts.Logger.Info(text) })
	if err != nil {
		return err
	}
	defer release()
	if _, err := e.lost(ctx); err != nil { // another run may have found it meanwhile
		return err
	}
	remove([]string{e.stackFile(e.workDir())}) // its salt is that of the lost state
	if e.files != nil {
		if path, exists := e.files.path(); exists {
			if err := e.files.putAside(path); err != nil {
				return fmt.Errorf("keep what is left of the state: %w", err)
			}
		}
		if err := e.files.init(); err != nil {
			return err
		}
	}
	if err := e.write(ctx, r.state); err != nil {
		return fmt.Errorf("write the state that was made from the account: %w", err)
	}
	return nil
}
