// SPDX-License-Identifier: Apache-2.0

package adopt

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/components/helm"
	"emrflink/internal/kube"
)

// lookTimeout bounds one look into a cluster. A cluster that does not answer has no release that could be taken over.
const lookTimeout = 20 * time.Second

// Cluster is where the records of releases are.
type Cluster interface {
	List(ctx context.Context, k kube.Kind, o kube.ListOptions) ([]unstructured.Unstructured, error)
	Delete(ctx context.Context, ref kube.Ref, p kube.Propagation) error
}

var _ Cluster = (*kube.Client)(nil)

// Releases finds Helm releases that are in the cluster of a deployment. It is needed because Helm refuses to install a
// release of which it has a record, whatever became of that, and to upgrade one whose record is pending: a run that was
// cut off in the middle would block every later one.
type Releases struct {
	// Connect returns the cluster, nil when there is none that could have a release.
	Connect func(ctx context.Context) (Cluster, error)
	// Recorded tells whether the state of the stack has the release already.
	Recorded func(ctx context.Context, id string) (bool, error)
}

// Find returns the id of the release, "" when there is none. The records of its pending revisions are taken away before:
// an installation or an upgrade that nobody carries on any more. say is told of each.
func (r *Releases) Find(ctx context.Context, namespace, name, chart string, say func(string)) (string, error) {
	id := namespace + "/" + name
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	cluster, err := r.Connect(ctx)
	if err != nil || cluster == nil {
		return "", unreachable(id, err, say)
	}
	secrets, err := cluster.List(ctx, kube.KindSecret, kube.ListOptions{Namespace: namespace, Labels: kube.HelmSelector(name)})
	if err != nil {
		return "", unreachable(id, err, say)
	}
	revisions, err := kube.HelmReleases(secrets)
	if err != nil {
		return "", fmt.Errorf("look for Helm release %q: %w", id, err)
	}
	for ; len(revisions) > 0; revisions = revisions[:len(revisions)-1] {
		newest := revisions[len(revisions)-1]
		if made := newest.Chart.Metadata.Name; made != path.Base(chart) {
			return "", &ForeignReleaseError{Namespace: namespace, Name: name, Made: made, Want: path.Base(chart)}
		}
		if !newest.Pending() {
			return id, nil
		}
		if err := cluster.Delete(ctx, newest.Ref(), kube.Background); err != nil && !kube.IsNotFound(err) {
			return "", fmt.Errorf("take away the record of Helm release %q, whose revision %d is %s: %w",
				id, newest.Version, newest.Info.Status, err)
		}
		say(fmt.Sprintf("Helm release %s: revision %d was cut off (%s); its record is taken away", id, newest.Version,
			newest.Info.Status))
	}
	return "", nil
}

// unreachable lets a run go on whose cluster does not answer: what needs the cluster will say so itself.
func unreachable(id string, err error, say func(string)) error {
	if err == nil || !kube.IsUnreachable(err) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	say(fmt.Sprintf("Helm release %s cannot be looked for: %v", id, err))
	return nil
}

// ForeignReleaseError is a release of another chart under the name of one of the deployment's.
type ForeignReleaseError struct{ Namespace, Name, Made, Want string }

// Error says whose it is.
func (e *ForeignReleaseError) Error() string {
	return fmt.Sprintf("Helm release %q in namespace %q is of chart %q, not of %q: the deployment did not make it and leaves "+
		"it alone; take it away to go on: helm uninstall %s --namespace %s", e.Name, e.Namespace, e.Made, e.Want, e.Name, e.Namespace)
}

// Into returns the program with the releases that are in the cluster and not in the state: they are imported by their
// ids, and then upgraded to what the program says of them.
func (r *Releases) Into(program pulumi.RunFunc) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		if ctx.DryRun() {
			return program(ctx)
		}
		err := ctx.RegisterStackTransformation(func(a *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
			inputs, ok := a.Props.(pulumi.Map)
			if !ok || a.Type != helm.Token {
				return nil
			}
			namespace, ok := inputs["namespace"].(pulumi.StringInput)
			name, _ := inputs["name"].(pulumi.String)
			chart, _ := inputs["chart"].(pulumi.String)
			if !ok || name == "" || chart == "" {
				return nil
			}
			id, ok := namespace.ToStringOutput().ApplyT(func(namespace string) (pulumi.ID, error) {
				id, err := r.unrecorded(ctx, namespace, string(name), string(chart))
				return pulumi.ID(id), err
			}).(pulumi.IDOutput)
			if !ok {
				return nil
			}
			return &pulumi.ResourceTransformationResult{Props: a.Props, Opts: append(a.Opts, pulumi.Import(id))}
		})
		if err != nil {
			return err
		}
		return program(ctx)
	}
}

// unrecorded is the id of a release that is in the cluster and not in the state, "" for any other.
func (r *Releases) unrecorded(ctx *pulumi.Context, namespace, name, chart string) (string, error) {
	say := func(text string) { _ = ctx.Log.Info(text, nil) }
	id, err := r.Find(ctx.Context(), namespace, name, chart, say)
	if err != nil || id == "" {
		return "", err
	}
	if recorded, err := r.Recorded(ctx.Context(), id); err != nil || recorded {
		return "", err
	}
	say(fmt.Sprintf("Helm release %s exists and is not recorded; it is taken over", id))
	return id, nil
}
