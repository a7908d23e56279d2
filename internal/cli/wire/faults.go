// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/kube"
	"emrflink/internal/plans"
	"emrflink/internal/proppath"
	"emrflink/internal/stack"
	"emrflink/internal/target"
)

// faults break the local target of a stack on purpose.
type faults struct {
	stack *onTarget
	local session.Local
	t     *target.LocalTarget
}

var _ session.Faults = (*faults)(nil)

// faults refuses a stack on a target that is no simulation.
func (a *app) faults() (session.Faults, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	if !stack.NeedsOf(s.config.Target).Daemon {
		return nil, &cmdutil.Error{
			What:  fmt.Sprintf("break the target of stack %q", s.info.Stack),
			Cause: fmt.Errorf("its target is %q: faults and drift are made on the local target only", s.config.Target),
			Next:  cmdutil.Command("local", "fault", "list", "--stack", "local"), ID: "not-local", Exit: cmdutil.ExitUsage,
		}
	}
	l, err := a.openLocal()
	if err != nil {
		return nil, err
	}
	return &faults{stack: &onTarget{app: a, settings: s}, local: l, t: l.t}, nil
}

// List asks the running target.
func (f *faults) List(ctx context.Context) ([]session.Fault, error) {
	s, err := f.local.Status(ctx)
	if errors.Is(err, session.ErrNotRunning) {
		return nil, nil
	}
	return s.Faults, err
}

// Set adds a fault.
func (f *faults) Set(ctx context.Context, one session.Fault) error {
	return f.t.SetFault(ctx, target.Fault(one))
}

// Clear forgets faults.
func (f *faults) Clear(ctx context.Context, action string) (int, error) {
	n, err := f.t.ClearFaults(ctx, action)
	if errors.Is(err, target.ErrNotRunning) {
		return 0, nil
	}
	return n, err
}

// Drift changes a recorded resource where it is: in the account, or in the cluster.
func (f *faults) Drift(ctx context.Context, m session.Meddle) (session.Meddled, error) {
	changes, err := changesOf(m)
	if err != nil {
		return session.Meddled{}, err
	}
	e, err := f.stack.engine(ctx, nil)
	if err != nil {
		return session.Meddled{}, err
	}
	resources, err := e.Resources(ctx)
	if err != nil {
		return session.Meddled{}, f.stack.noStack(err)
	}
	r, err := pick(resources, m.Resource)
	if err != nil {
		return session.Meddled{}, err
	}
	switch {
	case strings.HasPrefix(r.Type, "aws:"):
		err = f.t.Edit(ctx, target.Edit{Type: r.Type, ID: r.ID, Changes: changes, Delete: m.Delete})
	case r.Inputs["kind"] != nil && r.Inputs["apiVersion"] != nil:
		err = f.inCluster(ctx, r, changes, m.Delete)
	default:
		err = usage("%s %q cannot be changed from outside: it is neither a resource of AWS nor an object of Kubernetes", r.Type, r.Name)
	}
	return session.Meddled{URN: r.URN, Type: r.Type, Name: r.Name, ID: r.ID}, err
}

func usage(format string, args ...any) error {
	return &cmdutil.UsageError{Err: fmt.Errorf(format, args...)}
}

func changesOf(m session.Meddle) ([]proppath.Change, error) {
	var out []proppath.Change
	for _, text := range m.Set {
		c, err := proppath.Parse(text)
		if err != nil {
			return nil, usage("--set: %w", err)
		}
		out = append(out, c)
	}
	for _, path := range m.Unset {
		out = append(out, proppath.Change{Path: path, Unset: true})
	}
	return out, nil
}

// pick finds the one recorded resource that a text names.
func pick(resources []plans.StateResource, name string) (plans.StateResource, error) {
	for _, field := range []func(plans.StateResource) string{
		func(r plans.StateResource) string { return r.URN },
		func(r plans.StateResource) string { return r.Name },
		func(r plans.StateResource) string { return r.ID },
	} {
		var found []plans.StateResource
		for _, r := range resources {
			if r.Custom && field(r) == name {
				found = append(found, r)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			return plans.StateResource{}, usage("%q names %d resources, %s and %s among them: give a URN", name, len(found), found[0].URN, found[1].URN)
		}
	}
	return plans.StateResource{}, &cmdutil.Error{
		What: fmt.Sprintf("find resource %q", name), Cause: errors.New("the stack has no resource of that name, id or URN"),
		Next: cmdutil.Command("preview", "--output", "json"), ID: "not-found", Exit: cmdutil.ExitUsage,
	}
}

// inCluster changes an object through the API server, as kubectl would.
func (f *faults) inCluster(ctx context.Context, r plans.StateResource, changes []proppath.Change, remove bool) error {
	values, err := f.stack.values(ctx)
	if err != nil {
		return err
	}
	_, client, err := f.stack.cluster(ctx, values["clusterName"].(string)) // values checks it
	if err != nil {
		return err
	}
	apiVersion, _ := r.Inputs["apiVersion"].(string)
	kind, _ := r.Inputs["kind"].(string)
	namespace, name, namespaced := strings.Cut(r.ID, "/")
	if !namespaced {
		namespace, name = "", r.ID
	}
	ref := kube.Kind{APIVersion: apiVersion, Kind: kind}.Ref(namespace, name)
	if remove {
		return client.Delete(ctx, ref, kube.Background)
	}
	live, err := client.Get(ctx, ref)
	if err != nil {
		return err
	}
	next, err := proppath.Edit(live.Object, changes)
	if err != nil {
		return usage("change %s: %w", ref, err)
	}
	patch, _ := mergePatch(live.Object, next).(map[string]any)
	_, err = client.Patch(ctx, ref, "", patch)
	return err
}

// mergePatch is the JSON merge patch (RFC 7396) that makes after of before.
func mergePatch(before, after any) any {
	b, okB := before.(map[string]any)
	a, okA := after.(map[string]any)
	if !okA || !okB {
		return after
	}
	out := map[string]any{}
	keys := maps.Clone(b)
	maps.Copy(keys, a)
	for k := range keys {
		v, there := a[k]
		switch {
		case !there:
			out[k] = nil
		case !reflect.DeepEqual(plain(b[k]), plain(v)):
			out[k] = mergePatch(b[k], v)
		}
	}
	return out
}

// plain makes numbers comparable: the API server's are integers, those of an edit are not.
func plain(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	}
	return v
}
