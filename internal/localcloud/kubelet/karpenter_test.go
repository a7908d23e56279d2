// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

// program is a stand-in for localkube: it shows its arguments and environment and lives until its input ends.
const program = "#!/bin/sh\necho \"args $*\"\nenv | sort\necho ready\ncat >/dev/null\necho input ended\n"

type karpenterCase struct {
	runner  *KarpenterRunner
	ref     PodRef
	reports chan error
	stop    func() error
	open    string
}

func startKarpenter(t *testing.T, script string, change func(*corev1.Pod, *corev1.ServiceAccount)) *karpenterCase {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "localkube")
	require.NoError(t, os.WriteFile(binary, []byte(script), 0o700))
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: "karpenter", Annotations: map[string]string{AnnotationRole: "arn:aws:iam::1:role/k"},
	}}
	p := pod("karpenter-1", "k", func(p *corev1.Pod) {
		p.Spec.ServiceAccountName = "karpenter"
		p.Spec.Containers[0].Env = []corev1.EnvVar{
			{Name: "CLUSTER_NAME", Value: testCluster}, {Name: "INTERRUPTION_QUEUE", Value: "q"},
			{Name: "BATCH_IDLE_DURATION", Value: "2s"}, {Name: "METRICS_PORT", Value: "8080"},
			{
				Name: "SYSTEM_NAMESPACE", ValueFrom: &corev1.EnvVarSource{
					FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"},
				},
			},
		}
	})
	if change != nil {
		change(p, sa)
	}
	client := fake.NewClientset(sa)
	client.PrependReactor("create", "serviceaccounts", func(a ktesting.Action) (bool, runtime.Object, error) {
		req, ok := a.(ktesting.CreateAction).GetObject().(*authv1.TokenRequest)
		if !ok {
			return false, nil, nil
		}
		req.Status.Token = "token for " + strings.Join(req.Spec.Audiences, ",")
		return true, req, nil
	})
	c := &karpenterCase{reports: make(chan error, 20)}
	c.runner = &KarpenterRunner{
		Binary: binary, Client: client, APIServerURL: "https://127.0.0.1:1", CABase64: "Y2E=",
		AWSEndpoint: "http://127.0.0.1:2", Region: "us-west-2", Dir: filepath.Join(dir, "karpenter"),
	}
	c.ref = PodRef{Namespace: "default", Name: p.Name, Container: p.Spec.Containers[0], Pod: p, Log: io.Discard,
		Report: func(err error) { c.reports <- err }, Open: func(port int, at string) { c.open = fmt.Sprint(port, " ", at) }}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.runner.Start(ctx, c.ref) }()
	c.stop = func() error { cancel(); return <-done }
	t.Cleanup(cancel)
	return c
}

func (c *karpenterCase) log() string {
	b, _ := os.ReadFile(filepath.Join(c.runner.Dir, "karpenter.log"))
	return string(b)
}

func TestKarpenterRunsWithTheRightsOfItsPod(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of the user")
	c := startKarpenter(t, program, nil)
	eventually(t, "it runs", func() bool { return contains(c.log(), "\nready\n") })
	log := c.log()
	for _, want := range []string{
		"args karpenter --exit-on-stdin-eof\n", "CLUSTER_NAME=demo\n", "INTERRUPTION_QUEUE=q\n", "SYSTEM_NAMESPACE=default\n",
		"AWS_ROLE_ARN=arn:aws:iam::1:role/k\n", "AWS_ENDPOINT_URL=http://127.0.0.1:2\n",
		"AWS_ENDPOINT_URL_STS=http://127.0.0.1:2\n", "AWS_REGION=us-west-2\n", "AWS_EC2_METADATA_DISABLED=true\n",
		"DISABLE_LEADER_ELECTION=true\n", "HEALTH_PROBE_PORT=0\n", "BATCH_IDLE_DURATION=2s\n",
		"BATCH_MAX_DURATION=500ms\n", "GOMEMLIMIT=",
	} {
		require.Contains(t, log, want)
	}
	_, port, ok := strings.Cut(c.open, "8080 127.0.0.1:")
	require.True(t, ok, c.open)
	require.Contains(t, log, "METRICS_PORT="+port+"\n", "the pod's port is reached where the program has it")
	require.NotContains(t, log, "of the user")
	for name, want := range map[string]string{"aws.token": "token for sts.amazonaws.com", "kube.token": "token for "} {
		b, err := os.ReadFile(filepath.Join(c.runner.Dir, name))
		require.NoError(t, err)
		require.Equal(t, want, string(b), "no newline: the SDK would send it")
	}
	info, err := os.Stat(filepath.Join(c.runner.Dir, "kube.token"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.ErrorIs(t, <-c.reports, ErrStarting)
	require.NoError(t, <-c.reports, "it works after a while")
	require.NoError(t, c.stop())
}

func TestKarpenterTakesItsRoleFromPodIdentity(t *testing.T) {
	t.Parallel()
	r := &KarpenterRunner{
		Client: fake.NewClientset(&corev1.ServiceAccount{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "karpenter"},
		}),
		Dir: "/run", AWSEndpoint: "http://127.0.0.1:2", AgentPath: "/v1/credentials",
		PodIdentity: func(namespace, account string) bool { return namespace == "kube-system" && account == "karpenter" },
	}
	p := PodRef{Namespace: "kube-system", Pod: pod("k", "k", func(p *corev1.Pod) { p.Spec.ServiceAccountName = "karpenter" })}
	got, err := r.identity(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, "pods.eks.amazonaws.com", got.token.Audience)
	require.Equal(t, map[string]string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI":     "http://127.0.0.1:2/v1/credentials",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/run/aws.token",
	}, got.env, "and no web identity, which SDKs prefer")
	r.PodIdentity = func(string, string) bool { return false }
	_, err = r.identity(t.Context(), p)
	require.ErrorContains(t, err, "no AWS credentials")
}

func TestKarpenterThatStopsIsStartedAgain(t *testing.T) {
	t.Parallel()
	c := startKarpenter(t,
		"#!/bin/sh\necho run\necho '{\"level\":\"ERROR\",\"message\":\"ec2 api connectivity check failed\"}'\nexit 1\n", nil)
	require.ErrorIs(t, <-c.reports, ErrStarting)
	require.ErrorContains(t, <-c.reports, "ec2 api connectivity check failed")
	eventually(t, "a second run", func() bool { return strings.Count(c.log(), "run\n") > 1 })
	begin := time.Now()
	require.NoError(t, c.stop())
	require.Less(t, time.Since(begin), 2*time.Second)
}

func TestKarpenterWithoutARoleSaysSo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*corev1.Pod, *corev1.ServiceAccount)
		want   string
	}{
		"no annotation": {func(_ *corev1.Pod, sa *corev1.ServiceAccount) { sa.Annotations = nil },
			"has no annotation eks.amazonaws.com/role-arn and no Pod Identity association"},
		"no service account": {func(p *corev1.Pod, _ *corev1.ServiceAccount) { p.Spec.ServiceAccountName = "x" },
			`read service account "x"`},
		"no cluster name": {func(p *corev1.Pod, _ *corev1.ServiceAccount) {
			p.Spec.Containers[0].Env = nil
		}, "CLUSTER_NAME of Karpenter is not set"},
		"a secret in its environment": {func(p *corev1.Pod, _ *corev1.ServiceAccount) {
			p.Spec.Containers[0].Env = []corev1.EnvVar{
				{Name: "S", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{}}},
			}
		}, `variable "S"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := startKarpenter(t, program, c.change)
			require.ErrorIs(t, <-k.reports, ErrStarting)
			require.ErrorContains(t, k.stop(), c.want)
		})
	}
}
