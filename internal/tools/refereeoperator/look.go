// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"emrflink/internal/awsapi"
	"emrflink/internal/flinkjob"
	"emrflink/internal/flinkrest"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/daemon"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/flinkoperator/scenario"
	"emrflink/internal/localcloud/kubelet"
)

// connect reaches the cluster as its administrator, and the account.
func (t *tool) connect(ctx context.Context) error {
	local := filepath.Join(t.home, "local")
	found, err := filepath.Glob(filepath.Join(local, "clusters", "*", "admin.kubeconfig"))
	if err != nil || len(found) != 1 {
		return errors.Join(err, fmt.Errorf("the local target in %s has %d clusters, not one", local, len(found)))
	}
	t.kubeconfig = found[0]
	if t.cluster, t.watch, err = scenario.Connect(t.kubeconfig); err != nil {
		return err
	}
	client, _, err := daemon.Connect(ctx, local)
	if err != nil {
		return err
	}
	t.info = client.Info()
	t.aws, err = awsapi.New(ctx, awsapi.Options{Region: t.info.Region, Env: map[string]string{
		"AWS_ENDPOINT_URL": t.info.URL, "AWS_REGION": t.info.Region, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": t.info.AccessKey, "AWS_SECRET_ACCESS_KEY": t.info.SecretKey,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	}})
	return err
}

// permitSnapshots gives the stand-in the permission that the open-source operator has and EMR's has not.
func (t *tool) permitSnapshots(ctx context.Context) error {
	const name, rbac = "flink-state-snapshots", "rbac.authorization.k8s.io"
	role := kube.NewObject(kube.Kind{APIVersion: rbac + "/v1", Kind: "ClusterRole"}, "", name, map[string]any{
		"rules": []any{map[string]any{
			"apiGroups": []any{"flink.apache.org"}, "verbs": []any{"*"},
			"resources": []any{"flinkstatesnapshots", "flinkstatesnapshots/status", "flinkstatesnapshots/finalizers"},
		}},
	})
	binding := kube.NewObject(kube.Kind{APIVersion: rbac + "/v1", Kind: "ClusterRoleBinding"}, "", name, map[string]any{
		"roleRef": map[string]any{"apiGroup": rbac, "kind": "ClusterRole", "name": name},
		"subjects": []any{map[string]any{
			"kind": "ServiceAccount", "name": "emr-containers-sa-flink-operator", "namespace": operatorNamespace,
		}},
	})
	_, err := t.cluster.Apply(ctx, role)
	if err == nil {
		_, err = t.cluster.Apply(ctx, binding)
	}
	return err
}

// permitJob makes the service account of the job and its permissions, as EMR's operator does at the first submission: the
// open-source one finds them.
func (t *tool) permitJob(ctx context.Context, account, role string) error {
	const rbac = "rbac.authorization.k8s.io"
	for _, o := range []*unstructured.Unstructured{
		kube.NewObject(kube.KindServiceAccount, scenario.Namespace, account, map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{"eks.amazonaws.com/role-arn": role}},
		}),
		kube.NewObject(kube.KindRoleBinding, scenario.Namespace, "referee", map[string]any{
			"roleRef":  map[string]any{"apiGroup": rbac, "kind": "ClusterRole", "name": "edit"},
			"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": account, "namespace": scenario.Namespace}},
		}),
	} {
		if _, err := t.cluster.Apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// makeWorld makes the job of all scenarios from the sample `basic`: what EMR's operator derives from the role and its release
// is said in the words of the open-source one too.
func (t *tool) makeWorld(ctx context.Context) error {
	text, err := t.command(ctx, "sample-job", "render", scenario.Name)
	if err != nil {
		return err
	}
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &o.Object); err != nil {
		return err
	}
	get := func(path ...string) string {
		s, _, _ := unstructured.NestedString(o.Object, append([]string{"spec"}, path...)...)
		return s
	}
	set := func(v any, path ...string) error {
		return unstructured.SetNestedField(o.Object, v, append([]string{"spec"}, path...)...)
	}
	bucket, prefix := flinkconf.SplitURI(get("flinkConfiguration", flinkconf.Savepoints))
	const jarKey = scenario.Namespace + "/jars/StateMachineExample.jar"
	t.world = scenario.World{Cluster: t.cluster, Job: o, Jar: "s3://" + bucket + "/" + jarKey}
	t.world.Savepoint = func(ctx context.Context) (string, error) {
		list, err := t.aws.ListObjects(ctx, bucket, prefix)
		for _, o := range list {
			if path, ok := strings.CutSuffix(o.Key, "/_metadata"); ok {
				return "s3://" + bucket + "/" + path, err
			}
		}
		return "", errors.Join(err, fmt.Errorf("no job has left a savepoint in s3://%s/%s", bucket, prefix))
	}
	jar, err := os.ReadFile(t.exampleJar())
	if err != nil {
		return err
	}
	account, err := flinkjob.ServiceAccount(get("executionRoleArn"), "jobmanager")
	if err != nil {
		return err
	}
	return errors.Join(t.permitJob(ctx, account, get("executionRoleArn")),
		t.aws.PutObject(ctx, bucket, jarKey, bytes.NewReader(jar), ""),
		scenario.Spec(o), set("flink:1.20", "image"), set(account, "serviceAccount"),
		set("kubernetes", "flinkConfiguration", flinkconf.HA),
		// The real operator sends the setting to session clusters as it is, past what knows that there is no Presto plugin here.
		set(strings.Replace(get("flinkConfiguration", flinkconf.Checkpoints), "s3p:", "s3:", 1), "flinkConfiguration",
			flinkconf.Checkpoints),
		set(get("jobManager", "storageDir"), "flinkConfiguration", flinkconf.HAStorage))
}

// exampleJar is the jar of all jobs, which Flink's distribution brings.
func (t *tool) exampleJar() string {
	return filepath.Join(t.flink.Home.Dir, "examples", "streaming", "StateMachineExample.jar")
}

// look takes an operator through the chosen chains. What was seen in other chains stays.
func (t *tool) look(ctx context.Context, who string, seen *map[string]scenario.Seen) error {
	if *seen == nil {
		*seen = map[string]scenario.Seen{}
	}
	last := ""
	for _, s := range scenario.Table() {
		if !t.chosen(s.Chain) {
			continue
		}
		if s.Chain != last {
			if err := t.clean(ctx); err != nil {
				return err
			}
			last = s.Chain
		}
		began := time.Now()
		ended, err := t.play(ctx, s)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %s: %w", who, s.Name, err), t.clean(context.WithoutCancel(ctx)))
		}
		if err := t.note(ctx, who, s.Name, *seen); err != nil {
			return err
		}
		fmt.Printf("%s: %s: %s%s\n", who, s.Name, time.Since(began).Round(time.Second), ended)
	}
	return t.clean(ctx)
}

// note adds what was seen in a scenario, and what is there at its end.
func (t *tool) note(ctx context.Context, who, name string, all map[string]scenario.Seen) error {
	objects, err := t.objects(ctx)
	if err != nil {
		return err
	}
	seen := t.recorder.Seen()
	seen.Objects = scenario.Objects(objects)
	all[name] = seen
	if name == scenario.Detailed {
		details := scenario.Details(objects)
		if who == scenario.Real {
			t.seen.RealDetails = details
		} else {
			t.seen.StandInDetails = details
		}
	}
	return t.save()
}

// play does what a scenario does and waits for its end.
func (t *tool) play(ctx context.Context, s scenario.Scenario) (ended string, err error) {
	t.recorder.Begin()
	if err := s.Do(ctx, t.world); err != nil {
		return "", err
	}
	quiet := max(s.Quiet, scenario.Settle)
	if strings.Contains(s.Ends, "ERROR") {
		quiet = 0 // it comes and goes
	}
	before, since, began := t.recorder.Changes(), time.Now(), time.Now()
	for time.Since(began) < patience {
		if now := t.recorder.Changes(); now != before {
			before, since = now, time.Now()
		}
		if t.recorder.Ended(s) && time.Since(since) > quiet && (!strings.Contains(s.Ends, "RUNNING") || t.tasksRun(ctx)) {
			return "", nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
	return fmt.Sprintf(", and it did not end with %q", s.Ends), nil
}

// tasksRun says whether each task of the job runs: until then Flink takes no savepoint.
func (t *tool) tasksRun(ctx context.Context) bool {
	pods, err := t.cluster.Pods(ctx, scenario.Namespace, "component=jobmanager")
	if err != nil {
		return false
	}
	for _, p := range pods {
		at := fmt.Sprintf("http://%s:%d", kubelet.OnMachine(p.IP), flinkconf.RESTPort)
		client := flinkrest.New(at, &http.Client{Timeout: time.Second})
		jobs, err := client.Jobs(ctx)
		for _, j := range jobs {
			if j.State != "RUNNING" {
				continue
			}
			if c, err := client.Checkpoints(ctx, j.ID); err == nil && c.Latest.Completed != nil {
				return true // which takes all of them
			}
		}
		if err != nil {
			return false
		}
	}
	return false
}

// objects are those of jobs.
func (t *tool) objects(ctx context.Context) ([]unstructured.Unstructured, error) {
	var all []unstructured.Unstructured
	for _, k := range []kube.Kind{
		kube.KindDeployment, kube.KindService, kube.KindConfigMap, kube.KindPod, kube.KindFlinkDeployment,
		kube.KindFlinkSessionJob, kube.KindFlinkStateSnapshot,
	} {
		list, err := t.cluster.List(ctx, k, kube.ListOptions{Namespace: scenario.Namespace})
		if err != nil {
			return nil, err
		}
		for i := range list {
			if list[i].GetName() != "kube-root-ca.crt" {
				all = append(all, list[i])
			}
		}
	}
	return all, nil
}

// clean deletes what a chain has left, whatever holds it.
func (t *tool) clean(ctx context.Context) error {
	for range 2 {
		list, err := t.objects(ctx)
		if err != nil {
			return err
		}
		for i := range list {
			ref := kube.RefOf(&list[i])
			if err := t.cluster.Delete(ctx, ref, kube.Background); err != nil && !kube.IsNotFound(err) {
				return err
			}
		}
		time.Sleep(5 * time.Second)
		for i := range list {
			ref := kube.RefOf(&list[i])
			_, err := t.cluster.Patch(ctx, ref, "", map[string]any{"metadata": map[string]any{"finalizers": nil}})
			if err != nil && !kube.IsNotFound(err) {
				return err
			}
		}
	}
	return nil
}
