// SPDX-License-Identifier: Apache-2.0

package outofband

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
	"emrflink/internal/localtarget"
	"emrflink/internal/plans"
	"emrflink/internal/proppath"
)

type edit struct {
	Type, ID string
	Changes  []proppath.Change
	Remove   bool
}

// world is an account and a cluster with one quota in it.
type world struct {
	edits   []edit
	patches []map[string]any
	deleted []string
}

func (w *world) Edit(_ context.Context, typ, id string, changes []proppath.Change, remove bool) error {
	w.edits = append(w.edits, edit{typ, id, changes, remove})
	return nil
}

func (w *world) Get(_ context.Context, ref kube.Ref) (*unstructured.Unstructured, error) {
	if ref.Name != "quota" || ref.Namespace != "team" {
		return nil, errors.New("no " + ref.String())
	}
	hard := map[string]any{"pods": "10", "cpu": int64(4)}
	return &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"hard": hard}}}, nil
}

func (w *world) Patch(_ context.Context, r kube.Ref, _ string, merge map[string]any) (*unstructured.Unstructured, error) {
	if _, unknown := merge["spce"]; unknown {
		return nil, kube.NewError("patch", r, "BadRequest", `unknown field "spce"`)
	}
	w.patches = append(w.patches, merge)
	return nil, nil
}

func (w *world) Delete(_ context.Context, ref kube.Ref, _ kube.Propagation) error {
	w.deleted = append(w.deleted, ref.Namespace+"/"+ref.Name)
	return nil
}

func recorded() []plans.StateResource {
	object := func(kind string) map[string]any { return map[string]any{"apiVersion": "v1", "kind": kind} }
	return []plans.StateResource{
		{URN: "urn:c", Name: "network", Type: "emrflink:network:Network", ID: "network"}, // a component
		{URN: "urn:v", Name: "network-vpc", Type: "aws:ec2/vpc:Vpc", ID: "vpc-1", Custom: true},
		{
			URN: "urn:q", Name: "quota", Type: "kubernetes:core/v1:ResourceQuota", ID: "team/quota", Custom: true,
			Inputs: object("ResourceQuota"),
		},
		{URN: "urn:n", Name: "team", Type: "kubernetes:core/v1:Namespace", ID: "team", Custom: true, Inputs: object("Namespace")},
		{URN: "urn:1", Name: "twin", Type: "aws:sqs/queue:Queue", ID: "q1", Custom: true},
		{URN: "urn:2", Name: "twin", Type: "aws:iam/role:Role", ID: "q2", Custom: true},
		{URN: "urn:r", Name: "random", Type: "random:index:Pet", ID: "pet", Custom: true},
	}
}

func TestAChangeIsMadeWhereTheResourceIs(t *testing.T) {
	t.Parallel()
	owner := []proppath.Change{{Path: "tags.owner", Value: "me"}, {Path: "tags.old", Unset: true}}
	for name, c := range map[string]struct {
		change localtarget.Change
		want   world
	}{
		"in the account, by name": {
			localtarget.Change{Resource: "network-vpc", Set: []string{"tags.owner=me"}, Unset: []string{"tags.old"}},
			world{edits: []edit{{"aws:ec2/vpc:Vpc", "vpc-1", owner, false}}},
		},
		"deleted in the account, by id": {
			localtarget.Change{Resource: "vpc-1", Delete: true}, world{edits: []edit{{"aws:ec2/vpc:Vpc", "vpc-1", nil, true}}},
		},
		"one of two of a name, by URN": {
			localtarget.Change{Resource: "urn:2", Delete: true}, world{edits: []edit{{"aws:iam/role:Role", "q2", nil, true}}},
		},
		"in the cluster, only what differs": {
			localtarget.Change{Resource: "quota", Set: []string{"spec.hard.pods=1"}},
			world{patches: []map[string]any{{"spec": map[string]any{"hard": map[string]any{"pods": "1"}}}}},
		},
		"removed in the cluster": {
			localtarget.Change{Resource: "team/quota", Unset: []string{"spec.hard.cpu"}},
			world{patches: []map[string]any{{"spec": map[string]any{"hard": map[string]any{"cpu": nil}}}}},
		},
		"deleted in the cluster": {
			localtarget.Change{Resource: "quota", Delete: true}, world{deleted: []string{"team/quota"}},
		},
		"deleted, an object of the cluster": {
			localtarget.Change{Resource: "team", Delete: true}, world{deleted: []string{"/team"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := world{}
			r, err := changer(&got).Change(t.Context(), c.change)
			require.NoError(t, err)
			require.Contains(t, []string{r.URN, r.Name, r.ID}, c.change.Resource)
			if d := cmp.Diff(c.want, got, cmp.AllowUnexported(world{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func changer(w *world) Changer {
	return Changer{
		Account:  w,
		Recorded: func(context.Context) ([]plans.StateResource, error) { return recorded(), nil },
		Cluster:  func(context.Context) (Cluster, error) { return w, nil },
	}
}

func TestWhatCannotBeChangedIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change     localtarget.Change
		code, want string
	}{
		"nothing of that name": {localtarget.Change{Resource: "none", Delete: true}, "not-found", `find resource "none"`},
		"a component": {
			localtarget.Change{Resource: "network", Delete: true}, "not-found", "no resource of that name",
		},
		"two of that name": {
			localtarget.Change{Resource: "twin", Delete: true}, "usage",
			"names 2 resources, urn:1 and urn:2 among them: give a URN",
		},
		"no value": {
			localtarget.Change{Resource: "vpc-1", Set: []string{"tags.owner"}}, "usage", `--set: "tags.owner" is not PATH=VALUE`,
		},
		"of neither AWS nor kube": {
			localtarget.Change{Resource: "pet", Delete: true}, "usage", "neither a resource of AWS nor an object",
		},
		"a field that the kind does not have": {
			localtarget.Change{Resource: "quota", Set: []string{"spce.hard.pods=1"}}, "usage", `unknown field "spce"`,
		},
		"a path that is not there": {
			localtarget.Change{Resource: "quota", Unset: []string{"spec.none"}}, "usage", `there is nothing at "spec.none"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := world{}
			_, err := changer(&got).Change(t.Context(), c.change)
			require.ErrorContains(t, err, c.want)
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.code, refused.Code())
			require.Equal(t, 2, refused.ExitCode())
			require.Empty(t, cmp.Diff(world{}, got, cmp.AllowUnexported(world{})), "nothing was changed")
		})
	}
}
