// SPDX-License-Identifier: Apache-2.0

package adopt

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/components/helm"
	"emrflink/internal/engine"
	"emrflink/internal/kube"
	"emrflink/internal/plans"
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
	// Recorded has the ids of the releases that are in the state of the stack.
	Recorded func(ctx context.Context) (map[string]bool, error)

	mu       sync.Mutex
	cluster  Cluster
	recorded map[string]bool
}

// connected connects once; a cluster that is not there yet may come.
func (r *Releases) connected(ctx context.Context) (Cluster, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cluster != nil {
		return r.cluster, nil
	}
	c, err := r.Connect(ctx)
	if err == nil {
		r.cluster = c
	}
	return c, err
}

// has tells whether the state has the release. It is read once: what a run makes itself needs no look.
func (r *Releases) has(ctx context.Context, id string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recorded == nil {
		var err error
		if r.recorded, err = r.Recorded(ctx); err != nil {
			return false, err
		}
	}
	return r.recorded[id], nil
}

// Find returns the id of the release, "" when there is none. The records of its pending revisions are taken away before:
// an installation or an upgrade that nobody carries on any more. say is told of each.
func (r *Releases) Find(ctx context.Context, namespace, name, chart string, say func(string)) (string, error) {
	newest, _, err := r.settled(ctx, namespace, name, chart, say)
	if err != nil || newest == nil {
		return "", err
	}
	return newest.Namespace + "/" + newest.Name, nil
}

// Review looks at a release that the state has. Helm upgrades and uninstalls none that has no record, and the provider
// does not notice that one was cut off when nothing else changes. One that is to be deleted is left to Helm, which takes
// any state of it.
func (r *Releases) Review(ctx context.Context, res plans.StateResource, destroy bool, say func(string)) (engine.Verdict, error) {
	namespace, name, ok := strings.Cut(res.ID, "/")
	if res.Type != helm.Token || !ok {
		return engine.Whole, nil
	}
	chart, _ := res.Inputs["chart"].(string)
	look := r.settled
	if destroy {
		look = r.any
	}
	newest, known, err := look(ctx, namespace, name, chart, say)
	switch {
	case err != nil || !known:
		return engine.Whole, err
	case newest == nil:
		say(fmt.Sprintf("Helm release %s is recorded and does not exist any more", res.ID))
		return engine.Gone, nil
	case destroy || newest.Info.Status == kube.HelmDeployed:
		return engine.Whole, nil
	}
	say(fmt.Sprintf("Helm release %s is %s; it is upgraded", res.ID, newest.Info.Status))
	return engine.Broken, nil
}

// any is the newest revision of a release, whatever became of it; one of another chart is not the deployment's.
func (r *Releases) any(ctx context.Context, namespace, name, chart string, say func(string)) (*kube.HelmRelease, bool, error) {
	_, revisions, err := r.revisions(ctx, namespace, name, say)
	if err != nil || len(revisions) == 0 || revisions[len(revisions)-1].Chart.Metadata.Name != path.Base(chart) {
		return nil, revisions != nil, err
	}
	return &revisions[len(revisions)-1], true, nil
}

// settled is the newest revision of a release, without those that were cut off, whose records it takes away; nil when
// there is none. known says that the cluster has been asked.
func (r *Releases) settled(ctx context.Context, namespace, name, chart string, say func(string),
) (newest *kube.HelmRelease, known bool, err error) {
	id := namespace + "/" + name
	cluster, revisions, err := r.revisions(ctx, namespace, name, say)
	for ; len(revisions) > 0; revisions = revisions[:len(revisions)-1] {
		newest := revisions[len(revisions)-1]
		if made := newest.Chart.Metadata.Name; made != path.Base(chart) {
			return nil, true, &engine.ForeignError{
				What: "Helm release", ID: id, Tags: map[string]string{"chart": made},
				Wanted: map[string]string{"chart": path.Base(chart)}, Show: "helm status " + name + " --namespace " + namespace,
			}
		}
		if !newest.Pending() {
			return &newest, true, nil
		}
		if err := cluster.Delete(ctx, newest.Ref(), kube.Background); err != nil && !kube.IsNotFound(err) {
			return nil, false, unknown(ctx, id, fmt.Errorf("revision %d is %s and its record cannot be taken away: %w",
				newest.Version, newest.Info.Status, err), say)
		}
		say(fmt.Sprintf("Helm release %s: revision %d was cut off (%s); its record is taken away", id, newest.Version,
			newest.Info.Status))
	}
	return nil, revisions != nil, err
}

// revisions are those of a release, the oldest first; nil when no cluster answers.
func (r *Releases) revisions(ctx context.Context, namespace, name string, say func(string),
) (Cluster, []kube.HelmRelease, error) {
	id := namespace + "/" + name
	within, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	cluster, err := r.connected(within)
	if err != nil || cluster == nil {
		return nil, nil, unknown(ctx, id, err, say)
	}
	secrets, err := cluster.List(within, kube.KindSecret, kube.ListOptions{Namespace: namespace, Labels: kube.HelmSelector(name)})
	if err != nil {
		return nil, nil, unknown(ctx, id, err, say)
	}
	out, err := kube.HelmReleases(secrets)
	if err != nil {
		return nil, nil, unknown(ctx, id, err, say)
	}
	return cluster, out, nil
}

// unknown lets a run go on of which a release could not be looked for: what needs the cluster says so itself, and a look
// that a later run makes finds what there is.
func unknown(ctx context.Context, id string, err error, say func(string)) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	say(fmt.Sprintf("Helm release %s cannot be looked for: %v", id, err))
	return nil
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
	if recorded, err := r.has(ctx.Context(), namespace+"/"+name); err != nil || recorded {
		return "", err
	}
	say := func(text string) { _ = ctx.Log.Info(text, nil) }
	id, err := r.Find(ctx.Context(), namespace, name, chart, say)
	var foreign *engine.ForeignError
	if errors.As(err, &foreign) {
		return "", fmt.Errorf("%w; see whose it is: %s", err, foreign.Show)
	}
	if id == "" {
		return "", err
	}
	say(fmt.Sprintf("Helm release %s exists and is not recorded; it is taken over", id))
	return id, nil
}
