// SPDX-License-Identifier: Apache-2.0

package chaos

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
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/kube"
)

// writersAtOnce fills a bucket in a few seconds.
const writersAtOnce = 16

// Used cleans up a stack that was used: a running job, so many objects with versions, delete markers and unfinished uploads, a
// volume of a claim, a Service with a load balancer. The jobs are stopped with a savepoint. tell is told what it has made, how
// long the cleanup took. The error is what went wrong.
func (b Bench) Used(ctx context.Context, objects int, tell func(string)) error {
	u, clean, err := b.user()
	if err != nil {
		return err
	}
	defer clean()
	for _, args := range [][]string{{"deploy", "--yes"}, {"sample-job", "run", "basic"}} {
		if out, err := u.run(ctx, args...); err != nil {
			return fmt.Errorf("%s: %w: %s", args[0], err, tail(out))
		}
	}
	if err := u.use(ctx, objects, tell); err != nil {
		return fmt.Errorf("use the stack: %w", err)
	}
	began := time.Now()
	out, err := u.run(ctx, cleanupArgs("--stop-with-savepoint", "--output", "json")...)
	if err != nil {
		return fmt.Errorf("cleanup: %w: %s", err, tail(out))
	}
	var report struct {
		Savepoints []struct{ Job, Path string }
		Warnings   []string
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		return fmt.Errorf("read the report of the cleanup: %w", err)
	}
	if len(report.Savepoints) != 1 || !strings.HasPrefix(report.Savepoints[0].Path, "s3://") {
		return fmt.Errorf("the job was not stopped with a savepoint: %v", report.Savepoints)
	}
	if left := u.left(ctx); left != "" {
		return errors.New(left)
	}
	tell(fmt.Sprintf("clean after %s; %s is in %s; warnings: %v", time.Since(began).Round(time.Second), report.Savepoints[0].Job,
		report.Savepoints[0].Path, report.Warnings))
	return nil
}

// use fills the bucket, and puts into the cluster what makes resources in AWS.
func (u *user) use(ctx context.Context, objects int, tell func(string)) error {
	out, err := u.run(ctx, "outputs", "--output", "json")
	var document struct {
		Outputs struct{ CheckpointBucket, ClusterName string }
	}
	if err == nil {
		err = json.Unmarshal([]byte(out), &document)
	}
	if err != nil {
		return err
	}
	aws, err := u.aws(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := fill(ctx, aws, document.Outputs.CheckpointBucket, objects, tell); err != nil {
		return err
	}
	tell(fmt.Sprintf("%d objects were written in %s", objects, time.Since(began).Round(time.Second)))
	cluster, err := connect(ctx, aws, document.Outputs.ClusterName)
	if err != nil {
		return err
	}
	return inhabit(ctx, cluster, aws, document.Outputs.ClusterName)
}

// connect is a client of a cluster, as its administrator.
func connect(ctx context.Context, aws *awsapi.Client, name string) (*kube.Client, error) {
	described, err := aws.DescribeCluster(ctx, name)
	if err != nil {
		return nil, err
	}
	return kube.Connect(ctx, kube.Source{
		ClusterName: described.Name, Endpoint: described.Endpoint, CABase64: described.CABase64,
		Token: func(ctx context.Context) (string, time.Time, error) { return aws.EKSToken(ctx, described.Name) },
	})
}

// aws is a client of the simulated account, as its administrator.
func (u *user) aws(ctx context.Context) (*awsapi.Client, error) { return LocalAWS(ctx, u.home) }

// LocalAWS is the account of the local target that runs in a state folder, as its owner has it.
func LocalAWS(ctx context.Context, home string) (*awsapi.Client, error) {
	raw, err := os.ReadFile(filepath.Join(home, "local", "daemon.json"))
	var at struct{ URL, Region, AccessKey, SecretKey string }
	if err == nil {
		err = json.Unmarshal(raw, &at)
	}
	if err != nil {
		return nil, fmt.Errorf("find the local target: %w", err)
	}
	return awsapi.New(ctx, awsapi.Options{Region: at.Region, Env: map[string]string{
		awsapi.EnvEndpoint: at.URL, awsapi.EnvAccessKey: at.AccessKey, awsapi.EnvSecretKey: at.SecretKey,
	}})
}

// fill writes objects, of which every second has an older version and every fourth a delete marker, and begins an upload.
func fill(ctx context.Context, aws *awsapi.Client, bucket string, objects int, tell func(string)) error {
	if err := aws.BeginUpload(ctx, bucket, "used/upload"); awsapi.IsCode(err, "NotImplemented") {
		tell("unfinished uploads are left out: " + err.Error())
	} else if err != nil {
		return err
	}
	var writers errgroup.Group
	writers.SetLimit(writersAtOnce)
	for n := range objects {
		writers.Go(func() error {
			key := fmt.Sprintf("used/%05d", n)
			var errs []error
			for range 1 + (n+1)%2 {
				errs = append(errs, aws.PutObject(ctx, bucket, key, strings.NewReader(key), ""))
			}
			if n%4 == 0 {
				errs = append(errs, aws.DeleteObjects(ctx, bucket, key))
			}
			return errors.Join(errs...)
		})
	}
	return writers.Wait()
}

// inhabit makes a claim with a pod that uses it, and a Service and an Ingress with load balancers, and waits until AWS has their
// part.
func inhabit(ctx context.Context, c *kube.Client, aws *awsapi.Client, name string) error {
	for _, manifest := range []string{
		`{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "used", "namespace": "default"}, "spec": {
			"accessModes": ["ReadWriteOnce"], "storageClassName": "gp3", "resources": {"requests": {"storage": "10Gi"}}}}`,
		`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "used", "namespace": "default", "labels": {"app": "used"}},
			"spec": {"containers": [{"name": "main", "image": "public.ecr.aws/docker/library/busybox:1.37",
				"volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
			"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "used"}}]}}`,
		`{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "used", "namespace": "default"}, "spec": {
			"type": "LoadBalancer", "selector": {"app": "used"}, "ports": [{"port": 80, "targetPort": 8080}]}}`,
		// The pod stands for the AWS Load Balancer Controller, by the name of its chart.
		`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "load-balancers", "namespace": "kube-system", "labels":
			{"app.kubernetes.io/name": "aws-load-balancer-controller"}}, "spec": {"containers": [{"name": "controller",
			"image": "public.ecr.aws/eks/aws-load-balancer-controller:v3.0.0"}]}}`,
		`{"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "alb"}, "spec": {
			"controller": "ingress.k8s.aws/alb"}}`,
		`{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "used", "namespace": "default"}, "spec": {
			"ingressClassName": "alb", "defaultBackend": {"service": {"name": "used", "port": {"number": 80}}}}}`,
	} {
		var o unstructured.Unstructured
		if err := json.Unmarshal([]byte(manifest), &o.Object); err != nil {
			return err
		}
		if _, err := c.Create(ctx, &o); err != nil {
			return err
		}
	}
	wanted := map[string]bool{awsapi.TypeVolume: true, awsapi.TypeClassicBalancer: true, awsapi.TypeLoadBalancer: true}
	for range 60 {
		found, err := aws.DeploymentResources(ctx, awsapi.Deployment{Name: name, Cluster: name})
		if err != nil {
			return err
		}
		for _, r := range found {
			delete(wanted, r.Type)
		}
		if len(wanted) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return fmt.Errorf("within half a minute this was not made for a claim, a Service or an Ingress: %v",
		slices.Sorted(maps.Keys(wanted)))
}
