// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// PendingCreate is a resource whose creation was under way when an engine was killed. It may or may not exist.
type PendingCreate struct {
	URN, Type, Name string
	// Provider is the URN of the provider resource.
	Provider string
	// Inputs are the properties that the creation was asked with, secrets replaced by [Secret].
	Inputs map[string]any
	// Taken are the ids of the type that the state has: none of them is the wanted one.
	Taken []string
	// Notice tells the person what a look that takes long waits for; may be nil.
	Notice func(text string)
}

// AdoptFunc looks in the account for a resource whose creation was interrupted: by its name, or by the deployment's
// tags. It returns the id under which the provider reads that resource; found is false only when the resource
// certainly does not exist. A resource that is still being made must be waited for. One of the name that is somebody
// else's is a [ForeignError], one that AWS could not make well a [BrokenError].
//
// Why it is needed: an engine that is killed while a provider creates something has written down that it began, but
// no id. Creating again would fail for what has a fixed name and leave an orphan for what AWS names itself. With the
// id, the resource goes into the state as if its creation had ended, is read from the account, and the deployment goes
// on from there; cleanup then deletes it like any other.
type AdoptFunc func(ctx context.Context, p PendingCreate) (id string, found bool, err error)

// Pending lists the operations of an interrupted run in the order in which they were begun. The next Deploy or Destroy
// resolves them. While an engine works on the stack, they are its own: see Lock. A stack that was never deployed gives
// ErrNoStack.
func (e *Engine) Pending(ctx context.Context) ([]plans.Pending, error) {
	deployment, _, err := e.unfinished(ctx)
	if err != nil {
		return nil, err
	}
	out := []plans.Pending{}
	for _, op := range deployment.PendingOperations {
		urn := string(op.Resource.URN)
		out = append(out, plans.Pending{
			URN: urn, Type: string(op.Resource.Type), Name: untyped.URNName(urn), Kind: string(op.Type),
			Inputs: cleanMap(op.Resource.Inputs),
		})
	}
	return out, nil
}

// resolvePending clears what a killed engine left half done. Creations are looked up and taken over. Deletions are brought to
// their end: to a deployment, the state would say that a resource is there which AWS deletes, or has deleted. Interrupted updates
// need nothing: the engine asks the provider again.
//
// A resource of the name that is somebody else's stops a deployment; with deleting, it is told of and left alone.
func (e *Engine) resolvePending(ctx context.Context, deleting bool, notice func(string)) error {
	deployment, own, err := e.unfinished(ctx)
	if err != nil {
		return err
	}
	adopted, broken, err := e.adoptAll(ctx, deployment, deleting, notice)
	if err != nil {
		return err
	}
	halfDeleted, doubted := deletionsOf(deployment)
	if own > 0 || len(adopted) > 0 {
		deployment.PendingOperations = nil
		if err := e.importState(ctx, deployment); err != nil {
			return fmt.Errorf("write the state without its unfinished operations: %w", err)
		}
	}
	if err := e.journal().clear(); err != nil {
		return err
	}
	if !deleting {
		adopted = append(adopted, doubted...)
	}
	if len(adopted) > 0 {
		if err := e.refresh(ctx, adopted); err != nil {
			return err
		}
	}
	if gone := append(broken, halfDeleted...); !deleting && len(gone) > 0 {
		return e.delete(ctx, gone)
	}
	return nil
}

// deletionsOf are the resources of a state whose deletion was interrupted; doubted are those on which others depend: they may
// have been about to be replaced, and AWS is asked whether they are there. Left alone is one that has a successor: the engine
// deletes it again, and the URN is its successor's too.
func deletionsOf(d *savedState) (urns, doubted []string) {
	for _, op := range d.PendingOperations {
		urn, same, other, needed := op.Resource.URN, 0, false, false
		for _, r := range d.Resources {
			if r.URN == urn {
				same++
				other = other || r.Delete || r.ID != op.Resource.ID
			}
			needed = needed || r.Parent == urn || slices.Contains(r.Dependencies, urn)
		}
		switch {
		case op.Type != apitype.OperationTypeDeleting || same != 1 || other:
		case needed:
			doubted = append(doubted, string(urn))
		default:
			urns = append(urns, string(urn))
		}
	}
	return urns, doubted
}

// adoptAll puts every interrupted creation that exists in the account among the deployment's resources, and returns
// their URNs; broken are those among them that AWS could not make well.
func (e *Engine) adoptAll(ctx context.Context, d *savedState, deleting bool, notice func(string),
) (adopted, broken []string, err error) {
	if e.opts.Adopt == nil {
		if f := e.interrupted(d); f != nil {
			return nil, nil, f
		}
	}
	for _, op := range d.PendingOperations {
		urn := string(op.Resource.URN)
		what := fmt.Sprintf("%s %q", op.Resource.Type, untyped.URNName(urn))
		if op.Type != apitype.OperationTypeCreating {
			notice(fmt.Sprintf("%s was interrupted while %s; it is looked at again", what, op.Type))
			continue
		}
		wanted := PendingCreate{
			URN: urn, Type: string(op.Resource.Type), Name: untyped.URNName(urn), Notice: notice,
			Provider: untyped.ProviderURN(op.Resource.Provider), Inputs: cleanMap(op.Resource.Inputs),
		}
		for _, r := range d.Resources {
			if r.Type == op.Resource.Type {
				wanted.Taken = append(wanted.Taken, string(r.ID))
			}
		}
		id, found, err := e.opts.Adopt(ctx, wanted)
		var bad *BrokenError
		f := foreign(err, wanted)
		switch {
		case f != nil && deleting:
			notice(f.Message + "; it is left alone")
			continue
		case f != nil:
			return nil, nil, f
		case errors.As(err, &bad):
			id, broken = bad.ID, append(broken, urn)
			notice(fmt.Sprintf("%s was made as %s by the interrupted run and is %s; it is deleted", what, id, bad.State))
		case err != nil:
			return nil, nil, fmt.Errorf("look for %s, whose creation was interrupted: %w", what, err)
		case !found:
			notice(what + " was interrupted before it was made")
			continue
		default:
			notice(fmt.Sprintf("%s was made as %s by the interrupted run and is taken over", what, id))
		}
		if err := place(d, op.Resource, id); err != nil {
			return nil, nil, err
		}
		adopted = append(adopted, urn)
	}
	return adopted, broken, nil
}

// interrupted explains the interrupted creations of a state to who cannot look them up.
func (e *Engine) interrupted(d *savedState) *Failure {
	var lines []string
	for _, op := range d.PendingOperations {
		if op.Type == apitype.OperationTypeCreating {
			lines = append(lines, fmt.Sprintf("%s %q", op.Resource.Type, untyped.URNName(string(op.Resource.URN))))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	slices.Sort(lines)
	return &Failure{
		Code: CodePending,
		Message: "an earlier run was killed while it created " + strings.Join(lines, ", ") +
			"; they may exist without being in the state",
		Hint: "look them up in the account, then import or forget each: emrflink pulumi refresh --stack " + e.opts.Stack,
	}
}

// place puts an adopted resource into the list: at the end, or behind the resource that it was to replace, which is
// then marked for deletion.
func place(d *savedState, r apitype.ResourceV3, id string) error {
	r.ID = resource.ID(id)
	if r.Outputs == nil {
		// A provider may read a resource by its properties instead of its id.
		r.Outputs = maps.Clone(r.Inputs)
	}
	old := slices.IndexFunc(d.Resources, func(o apitype.ResourceV3) bool { return o.URN == r.URN && !o.Delete })
	if old < 0 {
		d.Resources = append(d.Resources, r)
		return nil
	}
	for _, later := range d.Resources[old+1:] {
		if slices.Contains(r.Dependencies, later.URN) {
			return &Failure{
				Code: CodePending, URN: string(r.URN), Type: string(r.Type), Name: untyped.URNName(string(r.URN)),
				Op:      plans.OpReplace,
				Message: "its replacement was interrupted and depends on resources that came later; it exists as " + id,
				Hint:    "delete that one by hand, then run: emrflink pulumi refresh --clear-pending-creates",
			}
		}
	}
	d.Resources[old].Delete = true
	d.Resources = slices.Insert(d.Resources, old+1, r)
	return nil
}

// importState hands an edited state to the engine, which checks it, keeps a backup and writes it. Secrets stay
// encrypted on the way.
func (e *Engine) importState(ctx context.Context, d *savedState) error {
	untyped, err := d.ToUntypedDeployment(d.version, d.features)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(untyped)
	if err != nil {
		return err
	}
	path := filepath.Join(e.workDir(), "import.json")
	if err := writeFileAtomic(path, raw, 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(path) }()
	_, err = e.run(ctx, "stack", "import", "--file", path, "--stack", e.opts.Stack)
	return err
}

// refresh reads the given resources from the account into the state.
func (e *Engine) refresh(ctx context.Context, urns []string) error {
	s, err := e.stackIn(ctx, e.workDir(), e.env)
	if err != nil {
		return err
	}
	c := collect(nil, nil)
	_, err = s.Refresh(ctx, optrefresh.EventStreams(c.in), optrefresh.Target(urns), optrefresh.SuppressProgress(),
		optrefresh.Color("never"))
	c.close()
	if err != nil {
		return e.failed(ctx, "refresh", c, err.Error(), err)
	}
	return nil
}

// delete deletes the given resources, on which nothing depends.
func (e *Engine) delete(ctx context.Context, urns []string) error {
	s, err := e.stackIn(ctx, e.workDir(), e.env)
	if err != nil {
		return err
	}
	c := collect(nil, nil)
	_, err = s.Destroy(ctx, optdestroy.EventStreams(c.in), optdestroy.Target(urns), optdestroy.SuppressProgress(),
		optdestroy.Color("never"))
	c.close()
	if err != nil {
		return e.failed(ctx, "destroy", c, err.Error(), err)
	}
	return nil
}
