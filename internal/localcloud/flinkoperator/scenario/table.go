// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

type object = map[string]any

// Namespace and Name are those of the job of all scenarios.
const (
	Namespace = "flink-team-a"
	Name      = "basic"
)

var (
	jobRef     = kube.KindFlinkDeployment.Ref(Namespace, Name)
	sessionRef = kube.KindFlinkSessionJob.Ref(Namespace, "session-job")
)

// The statuses that scenarios end with.
const (
	stable    = "STABLE RUNNING READY DEPLOYED"
	failing   = "DEPLOYED RECONCILING ERROR DEPLOYED"
	gone      = "gone"
	clusterUp = "STABLE None READY DEPLOYED"
	rollback  = "ROLLED_BACK RUNNING READY ROLLED_BACK"
)

// loss is for how long nothing is to be seen of a process that was lost: the next one starts.
const loss = 40 * time.Second

// crashing is how long a JobManager that ends again and again is looked at: long enough that a look of an operator falls into a
// moment at which its container waits.
const crashing = time.Minute

// runsAnything is why a simulated JobManager cannot be made to fail at its start.
const runsAnything = "a simulated JobManager does not read the jar"

func create(change object) func(ctx context.Context, w World) error {
	return func(ctx context.Context, w World) error {
		o := w.Job.DeepCopy()
		merge(o.Object["spec"].(object), change)
		_, err := w.Create(ctx, o)
		return err
	}
}

func spec(change object) func(ctx context.Context, w World) error {
	return patch(jobRef, object{"spec": change})
}

func job(change object) func(ctx context.Context, w World) error { return spec(object{"job": change}) }

func patch(ref kube.Ref, change object) func(ctx context.Context, w World) error {
	return func(ctx context.Context, w World) error {
		_, err := w.Patch(ctx, ref, "", change)
		return err
	}
}

func remove(refs ...kube.Ref) func(ctx context.Context, w World) error {
	return func(ctx context.Context, w World) error {
		var errs []error
		for _, ref := range refs {
			errs = append(errs, w.Delete(ctx, ref, kube.Background))
		}
		return errors.Join(errs...)
	}
}

// lose deletes what has the labels, as a node that is lost does.
func lose(kind kube.Kind, labels string) func(ctx context.Context, w World) error {
	return func(ctx context.Context, w World) error {
		list, err := w.List(ctx, kind, kube.ListOptions{Namespace: Namespace, Labels: "app=" + Name + "," + labels})
		for i := range list {
			err = errors.Join(err, w.Delete(ctx, kube.RefOf(&list[i]), kube.Background))
		}
		return err
	}
}

// fromSavepoint creates or changes a job that begins at a savepoint.
func fromSavepoint(nonce int) func(ctx context.Context, w World) error {
	return func(ctx context.Context, w World) error {
		path, err := w.Savepoint(ctx)
		if err != nil {
			return err
		}
		if nonce == 0 {
			return create(object{"job": object{"initialSavepointPath": path}})(ctx, w)
		}
		return job(object{"initialSavepointPath": path, "savepointRedeployNonce": nonce,
			"entryClass": nil})(ctx, w)
	}
}

// snapshot makes a FlinkStateSnapshot by hand, with the defaults of its CRD.
func snapshot(name, of string) func(ctx context.Context, w World) error {
	return func(ctx context.Context, w World) error {
		_, err := w.Create(ctx, kube.NewObject(kube.KindFlinkStateSnapshot, Namespace, name, object{"spec": object{
			"backoffLimit": int64(-1),
			"jobReference": object{"kind": "FlinkDeployment", "name": of},
			"savepoint":    object{"alreadyExists": false, "disposeOnDelete": true, "formatType": "CANONICAL"},
		}}))
		return err
	}
}

// sessionJob makes a job for the session cluster.
func sessionJob(ref kube.Ref, jar string) func(ctx context.Context, w World) error {
	return func(ctx context.Context, w World) error {
		uri := w.Jar
		if jar != "" {
			uri = jar
		}
		_, err := w.Create(ctx, kube.NewObject(ref.Kind, Namespace, ref.Name, object{"spec": object{
			"deploymentName": Name,
			"job":            object{"jarURI": uri, "parallelism": int64(1), "upgradeMode": "savepoint", "state": "running"},
		}}))
		return err
	}
}

// merge is a JSON merge patch.
func merge(into, change object) {
	for k, v := range change {
		sub, isMap := v.(object)
		have, hadMap := into[k].(object)
		switch {
		case v == nil:
			delete(into, k)
		case isMap && hadMap:
			merge(have, sub)
		default:
			into[k] = v
		}
	}
}

func snapshotRef(name string) kube.Ref { return kube.KindFlinkStateSnapshot.Ref(Namespace, name) }

var noFinalizers = object{"metadata": object{"finalizers": nil}}

// Table is all scenarios in their order.
func Table() []Scenario {
	all := life()
	all = append(all, failures()...)
	all = append(all, paths()...)
	all = append(all, rollbacks()...)
	return append(all, sessions()...)
}

func life() []Scenario {
	const chain = "life"
	return []Scenario{
		{chain, "create", "a FlinkDeployment with high availability", create(nil), stable, 0, ""},
		{chain, "savepoint upgrade", "`job.parallelism`", job(object{"parallelism": 1}), stable, 0, ""},
		{chain, "TaskManager lost", "DELETE of its pod", lose(kube.KindPod, "component=taskmanager"), "", loss, ""},
		{chain, "JobManager lost", "DELETE of its pod", lose(kube.KindPod, "component=jobmanager"), "", loss,
			"its Deployment is not simulated in memory"},
		{chain, "last-state upgrade", "`job.upgradeMode: last-state` and a setting",
			spec(object{"job": object{"upgradeMode": "last-state"}, "flinkConfiguration": object{"a": "b"}}), stable, 0, ""},
		{chain, "suspend, last-state", "`job.state: suspended`", job(object{"state": "suspended"}),
			"SUSPENDED FINISHED MISSING DEPLOYED", 0, ""},
		{chain, "resume, last-state", "`job.state: running`", job(object{"state": "running"}), stable, 0, ""},
		{chain, "suspend, savepoint", "`job.state: suspended`, `job.upgradeMode: savepoint`",
			job(object{"state": "suspended", "upgradeMode": "savepoint"}), "SUSPENDED FINISHED READY DEPLOYED", 0, ""},
		{chain, "resume, savepoint", "`job.state: running`", job(object{"state": "running"}), stable, 0, ""},
		{chain, "savepoint by nonce", "`job.savepointTriggerNonce`", job(object{"savepointTriggerNonce": 7}), stable, 0, ""},
		{chain, "checkpoint by nonce", "`job.checkpointTriggerNonce`", job(object{"checkpointTriggerNonce": 7}), stable, 0, ""},
		{chain, "snapshot by hand", "a FlinkStateSnapshot of the job", snapshot("hand", Name), "", 0, ""},
		{chain, "snapshot of no job", "a FlinkStateSnapshot of a name that is not there", snapshot("nobody", "no-such"),
			"", 0, ""},
		{chain, "disposal", "DELETE of the snapshot by hand", remove(snapshotRef("hand")), "", 0, ""},
		{chain, "a snapshot that nobody can delete", "DELETE of the snapshot of no job", remove(snapshotRef("nobody")),
			"", 0, ""},
		{chain, "its finalizer", "`metadata.finalizers` of the snapshot of no job", patch(snapshotRef("nobody"), noFinalizers),
			"", 0, ""},
		{chain, "refused change", "`job.parallelism: 0`", job(object{"parallelism": 0}), "", 0, ""},
		{chain, "good again", "`job.parallelism: 1`", job(object{"parallelism": 1}), "", 0, ""},
		{chain, "JobManager Deployment lost", "DELETE of the Deployment", remove(kube.KindDeployment.Ref(Namespace, Name)),
			stable, 0, ""},
		{chain, "stateless upgrade", "`job.upgradeMode: stateless`, `job.parallelism`",
			job(object{"upgradeMode": "stateless", "parallelism": 2}), stable, 0, ""},
		{chain, "another snapshot", "a FlinkStateSnapshot of the job", snapshot("late", Name), "", 0, ""},
		{chain, "delete", "DELETE", remove(jobRef), gone, 0, ""},
		{chain, "snapshot after its job", "DELETE of the FlinkStateSnapshot", remove(snapshotRef("late")), "", 0, ""},
		{chain, "born suspended", "a FlinkDeployment with `job.state: suspended`",
			create(object{"job": object{"state": "suspended"}}), "", 0, ""},
		{chain, "delete, never run", "DELETE", remove(jobRef), gone, 0, ""},
	}
}

// noJob is a session cluster, which takes the jars of its jobs by REST.
var noJob = object{"job": nil, "flinkConfiguration": object{"web.submit.enable": nil}}

const noClass = "org.example.Nope"

func failures() []Scenario {
	const chain = "failures"
	return []Scenario{
		{chain, "failure at start", "`job.jarURI` that is not there", create(object{"job": object{
			"jarURI": "local:///opt/flink/examples/streaming/Nope.jar"}}), failing, 0, runsAnything},
		{chain, "deletion of what never ran", "DELETE", remove(jobRef), gone, 0, runsAnything},
		{chain, "create for failures", "a FlinkDeployment", create(nil), stable, 0, ""},
		{chain, "failure at upgrade, savepoint", "`job.entryClass` that is not there", job(object{"entryClass": noClass}),
			failing, 0, runsAnything},
		{chain, "redeploy after it", "`job.savepointRedeployNonce`, and the savepoint as path", fromSavepoint(1), stable, 0,
			runsAnything},
		{chain, "failure at upgrade, last-state", "`job.entryClass` that is not there, `job.upgradeMode: last-state`",
			job(object{"entryClass": noClass, "upgradeMode": "last-state"}), failing, 0, runsAnything},
		{chain, "upgrade of a job that does not run", "`job.entryClass` as it was", job(object{"entryClass": nil}), stable, 0,
			runsAnything},
		{chain, "failure at upgrade, again", "`job.entryClass` that is not there", job(object{"entryClass": noClass}), failing, 0,
			runsAnything},
		{chain, "lost HA data", "DELETE of the ConfigMaps of the job, and the class as it was",
			func(ctx context.Context, w World) error {
				return errors.Join(lose(kube.KindConfigMap, "configmap-type=high-availability")(ctx, w),
					job(object{"entryClass": nil})(ctx, w))
			}, "", crashing, runsAnything},
		{chain, "deletion after it", "DELETE", remove(jobRef), gone, 0, runsAnything},
	}
}

func paths() []Scenario {
	const chain = "paths"
	return []Scenario{
		{chain, "create from a savepoint", "`job.initialSavepointPath` of another job", fromSavepoint(0), stable, 0, ""},
		{chain, "another path", "`job.initialSavepointPath`, without its nonce",
			job(object{"initialSavepointPath": "s3://none/x"}), "", 0, ""},
		{chain, "redeploy", "`job.savepointRedeployNonce`, with a path that is there", fromSavepoint(2), stable, 0, ""},
		{chain, "redeploy from nothing", "`job.savepointRedeployNonce`, with a path that is not there",
			job(object{"initialSavepointPath": "s3://none/savepoint-1", "savepointRedeployNonce": 3}), "", crashing,
			"a simulated JobManager reads no state"},
		{chain, "deletion of a failed job", "DELETE", remove(jobRef), gone, 0, "a simulated JobManager reads no state"},
	}
}

func rollbacks() []Scenario {
	const chain = "rollback"
	enabled := object{"job": object{"upgradeMode": "last-state"}, "flinkConfiguration": object{
		"kubernetes.operator.deployment.rollback.enabled": "true", "kubernetes.operator.deployment.readiness.timeout": "40 s",
	}}
	return []Scenario{
		{chain, "create with rollback", "`kubernetes.operator.deployment.rollback.enabled`", create(enabled), stable, 0, ""},
		{chain, "rollback", "`job.entryClass` that is not there", job(object{"entryClass": noClass}), rollback, 0, runsAnything},
		{chain, "after a rollback", "`job.entryClass` as it was", job(object{"entryClass": nil}), stable, 0, runsAnything},
		{chain, "deletion after a rollback", "DELETE", remove(jobRef), gone, 0, runsAnything},
	}
}

func sessions() []Scenario {
	const chain = "sessions"
	refused := kube.KindFlinkSessionJob.Ref(Namespace, "refused")
	running := "FlinkSessionJob session-job STABLE RUNNING None DEPLOYED"
	return []Scenario{
		{chain, "session job without cluster", "a FlinkSessionJob of a name that is not there", sessionJob(sessionRef, ""), "",
			0, ""},
		{chain, "session cluster", "a FlinkDeployment without a job", create(noJob), running, 0, ""},
		{chain, "session job upgrade", "`job.parallelism` of the session job",
			patch(sessionRef, object{"spec": object{"job": object{"parallelism": 2}}}), running, 0, ""},
		{chain, "session job suspended", "`job.state: suspended`",
			patch(sessionRef, object{"spec": object{"job": object{"state": "suspended"}}}),
			"FlinkSessionJob session-job SUSPENDED FINISHED None DEPLOYED", 0, ""},
		{chain, "session job resumed", "`job.state: running`",
			patch(sessionRef, object{"spec": object{"job": object{"state": "running"}}}), running, 0, ""},
		{chain, "session job with a local jar", "a FlinkSessionJob with `local://`", sessionJob(refused, "local:///x.jar"), "",
			12 * time.Second, ""},
		{chain, "deletion of a refused session job", "DELETE", remove(refused), "", 0, ""},
		{chain, "cluster before its job", "DELETE of the session cluster", remove(jobRef), "", 0, ""},
		{chain, "its job", "DELETE of the session job", remove(sessionRef), gone, 0, ""},
	}
}

// Spec is what a FlinkDeployment of a world must have besides its image, role and buckets.
func Spec(o *unstructured.Unstructured) error {
	return errors.Join(
		unstructured.SetNestedField(o.Object, int64(2), "spec", "job", "parallelism"),
		unstructured.SetNestedField(o.Object, "savepoint", "spec", "job", "upgradeMode"),
		unstructured.SetNestedField(o.Object, "running", "spec", "job", "state"),
		unstructured.SetNestedField(o.Object, "2", "spec", "flinkConfiguration", "taskmanager.numberOfTaskSlots"),
		unstructured.SetNestedField(o.Object, "2 s", "spec", "flinkConfiguration", "execution.checkpointing.interval"),
		unstructured.SetNestedField(o.Object, int64(1), "spec", "jobManager", "replicas"),
	)
}
