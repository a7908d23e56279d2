// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
)

// own is a job of somebody's own.
func own(spec obj) obj {
	whole := obj{"executionRoleArn": "arn:aws:iam::111122223333:role/r", "job": obj{"jarURI": "s3://jars/a/job.jar"}}
	for k, v := range spec {
		whole[k] = v
	}
	return kubetest.Object(kube.KindFlinkDeployment, "", "own", obj{"spec": whole}).Object
}

func TestAJobIsMadeOfTheObjectsOfAFile(t *testing.T) {
	t.Parallel()
	team := Spec{Namespace: "flink-team-a", OperatorNamespace: "operator"}
	config := kubetest.Object(kube.KindConfigMap, "", "c", nil).Object
	jobs, err := JobsOf([]map[string]any{config, own(obj{
		"flinkConfiguration": obj{"state.checkpoints.dir": "s3p://b/c"},
		"podTemplate":        obj{"spec": obj{"nodeSelector": obj{"a": "b"}, "volumes": []any{}}},
		"jobManager":         obj{"podTemplate": obj{"spec": obj{"nodeSelector": obj{"a": "jm"}}}},
	})}, team)
	require.NoError(t, err)
	j := jobs[0]
	require.Equal(t, "flink-team-a own s3p://b/c operator",
		j.Namespace+" "+j.Name+" "+j.CheckpointDir+" "+j.OperatorNamespace)
	require.Equal(t, "emrflink", j.Object.GetLabels()[labelManagedBy])
	require.Equal(t, "flink-team-a", j.Beside[0].GetNamespace())
	spec, err := j.podSpec(RoleJobManager)
	require.NoError(t, err)
	require.Equal(t, obj{"nodeSelector": obj{"a": "jm"}, "volumes": []any{}}, spec)

	elsewhere := own(nil)
	elsewhere["metadata"] = obj{"name": "own", "namespace": "default"}
	for want, objects := range map[string][]map[string]any{
		"there is no FlinkDeployment":      {config},
		"two FlinkDeployments":             {own(nil), own(nil)},
		"suspended from the start":         {own(obj{"job": obj{"state": "suspended"}})},
		`of namespace "default"`:           {elsewhere},
		`FlinkStateSnapshot "s"`:           {own(nil), kubetest.Object(kube.KindFlinkStateSnapshot, "", "s", nil).Object},
		"nothing that a team's job brings": {own(nil), kubetest.Object(kube.KindRole, "", "r", nil).Object},
	} {
		_, err := JobsOf(objects, team)
		var f *FileError
		require.ErrorAs(t, err, &f, want)
		require.Contains(t, f.Error(), want)
		require.Equal(t, 2, f.ExitCode())
	}
}

func TestWhatAJobIsStartedWithIsLookedFor(t *testing.T) {
	t.Parallel()
	s := healthyCluster()
	objects := &bucket{objects: []awsapi.Object{{Key: "a/job.jar.sha1"}, {Key: "s/savepoint-1/_metadata"}}}
	file := own(obj{
		"job": obj{"jarURI": "s3://jars/a/job.jar", "initialSavepointPath": "s3://b/s/savepoint-1"},
		"podTemplate": obj{"spec": obj{
			"volumes": []any{
				obj{"name": "v", "configMap": obj{"name": "rules"}}, obj{"name": "w", "secret": obj{"secretName": "tls"}},
			},
			"containers": []any{obj{"name": "flink-main-container", "envFrom": []any{obj{"secretRef": obj{"name": "db"}},
				obj{"configMapRef": obj{"name": "brought"}}}}},
		}},
	})
	brought := kubetest.Object(kube.KindConfigMap, "", "brought", nil).Object
	s.Put(kubetest.Object(kube.KindSecret, "flink-team-a", "tls", nil))
	jobs, err := JobsOf([]map[string]any{file, brought}, spec(t))
	require.NoError(t, err)
	err = Runner{Kube: s, Objects: objects}.Preflight(t.Context(), jobs[0])
	var failed *PreflightError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, []string{
		"the jar s3://jars/a/job.jar is not there",
		`the pods need the ConfigMap "rules", which is not in namespace "flink-team-a"`,
		`the pods need the Secret "db", which is not in namespace "flink-team-a"`,
	}, failed.Problems)
}

// A bounded job has FINISHED, one without checkpoints is RUNNING, and one whose pods are refused fails with the reason.
func TestARunEndsAsItsJobDoes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		then func(*testing.T, *kubetest.Store)
		want string
	}{
		"bounded": {func(t *testing.T, s *kubetest.Store) {
			s.Put(pod("basic-1", RoleJobManager, "n1", running))
			setStatus(t, s, obj{"observedGeneration": 1, "jobStatus": obj{"state": "FINISHED"}})
		}, "FINISHED"},
		"without checkpoints": {func(t *testing.T, s *kubetest.Store) {
			s.Put(pod("basic-1", RoleJobManager, "n1", running))
			setStatus(t, s, obj{"observedGeneration": 1, "jobStatus": obj{"state": "RUNNING"}})
		}, "RUNNING"},
		"refused": {func(t *testing.T, s *kubetest.Store) {
			setStatus(t, s, obj{"observedGeneration": 1, "jobStatus": obj{"state": "RECONCILING"}})
			s.Put(kubetest.Object(kube.KindDeployment, "flink-team-a", "basic", obj{"status": obj{"conditions": []any{
				obj{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}}}}))
		}, "Kubernetes refuses the JobManager's pods: FailedCreate: exceeded quota"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := healthyCluster()
			j := job(t)
			unstructured.RemoveNestedField(j.Object.Object, "spec", "flinkConfiguration", "execution.checkpointing.interval")
			clock := newClock(map[time.Duration]func(){time.Second: func() { tc.then(t, s) }})
			r := Runner{
				Kube: s, Objects: &bucket{}, Clock: clock, Poll: time.Second, Grace: 5 * time.Second, Timeout: time.Minute,
			}
			res, err := r.Run(t.Context(), j, nil)
			if tc.want == "FINISHED" || tc.want == "RUNNING" {
				require.NoError(t, err)
				require.Equal(t, tc.want, res.State)
				require.Zero(t, res.Checkpoint)
				return
			}
			var f *Failure
			require.ErrorAs(t, err, &f)
			require.Equal(t, "refused", f.ID)
			require.Equal(t, tc.want, f.Cause)
		})
	}
}
