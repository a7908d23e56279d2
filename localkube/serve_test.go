// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

func crdResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
}

func nodePools() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodepools"}
}

func TestControlPlane(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir(), "127.0.0.1:0")
	t.Run("says which Kubernetes it is", func(t *testing.T) {
		v, err := i.client.Discovery().ServerVersion()
		if err != nil || v.GitVersion != kubernetesVersion || v.Minor != "35" {
			t.Fatalf("version %+v, %v", v, err)
		}
	})
	t.Run("keeps its state private", func(t *testing.T) { privateState(t, i) })
	t.Run("establishes Karpenter's definitions and rejects what they forbid", func(t *testing.T) { karpenterCRDs(t, i) })
	t.Run("runs deployments as far as unscheduled pods", func(t *testing.T) { deployment(t, i) })
	t.Run("maps tokens through the webhook to users under RBAC", func(t *testing.T) { webhookUsers(t, i) })
	t.Run("signs tokens for AWS that do not open the API", func(t *testing.T) { audiences(t, i) })
	t.Run("keeps a namespace terminating while a finalizer is left", func(t *testing.T) { stuckNamespace(t, i) })
	t.Run("refuses to change what the replacement table says", func(t *testing.T) { immutableFields(t, i) })
	t.Run("refuses a second process on the same directory", func(t *testing.T) {
		out, err := exec.Command(binary, "serve", "--dir", i.dir, "--issuer", "https://a", "--token-webhook", "http://b").
			CombinedOutput()
		if err == nil || !strings.Contains(string(out), "another localkube") {
			t.Fatalf("%v: %s", err, out)
		}
	})
}

func privateState(t *testing.T, i *instance) {
	for name, want := range map[string]os.FileMode{
		"": 0o700, "admin.kubeconfig": 0o600, "tokens.csv": 0o600, "sa.key": 0o600, "ca.key": 0o600, "localkube.log": 0o600,
	} {
		info, err := os.Stat(filepath.Join(i.dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: mode %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func karpenterCRDs(t *testing.T, i *instance) {
	out, err := exec.Command(binary, "crds").Output()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for doc := range strings.SplitSeq(string(out), "\n---\n") {
		var crd unstructured.Unstructured
		if err := yaml.Unmarshal([]byte(strings.TrimPrefix(doc, "---\n")), &crd.Object); err != nil {
			t.Fatal(err)
		}
		names = append(names, crd.GetName())
		if _, err := i.dynamic.Resource(crdResource()).Apply(t.Context(), crd.GetName(), &crd,
			metav1.ApplyOptions{FieldManager: "one"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(names) != 5 {
		t.Fatalf("definitions %v, want 5", names)
	}
	pool := &unstructured.Unstructured{}
	manifest := `{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: p}, spec: {template: {spec: {
		nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: c},
		requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]}}}}`
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(manifest, "\t", " ")), &pool.Object); err != nil {
		t.Fatal(err)
	}
	api := i.dynamic.Resource(nodePools())
	eventually(t, "apply a NodePool", func(ctx context.Context) (bool, string) {
		_, err := api.Apply(ctx, "p", pool, metav1.ApplyOptions{FieldManager: "one"})
		return err == nil, fmt.Sprint(err)
	})
	bad := pool.DeepCopy()
	_ = unstructured.SetNestedField(bad.Object, "sometimes", "spec", "disruption", "consolidationPolicy")
	if _, err := api.Apply(t.Context(), "p", bad, metav1.ApplyOptions{FieldManager: "one"}); !apierrors.IsInvalid(err) {
		t.Errorf("a value outside the enum: %v, want Invalid", err)
	}
	other := pool.DeepCopy()
	_ = unstructured.SetNestedSlice(other.Object, []any{map[string]any{
		"key": "karpenter.sh/capacity-type", "operator": "In", "values": []any{"on-demand"},
	}}, "spec", "template", "spec", "requirements")
	if _, err := api.Apply(t.Context(), "p", other, metav1.ApplyOptions{FieldManager: "two"}); !apierrors.IsConflict(err) {
		t.Errorf("another field manager: %v, want Conflict", err)
	}
}

func deployment(t *testing.T, i *instance) {
	replicas := int32(2)
	labels := map[string]string{"app": "web"}
	_, err := i.client.AppsV1().Deployments("default").Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "example.test/web"}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "two pods that wait for a node", func(ctx context.Context) (bool, string) {
		pods, err := i.client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
		if err != nil || len(pods.Items) != 2 {
			return false, fmt.Sprint(err)
		}
		for _, p := range pods.Items {
			if len(p.Status.Conditions) == 0 || !strings.Contains(p.Status.Conditions[0].Message, "no nodes available") {
				return false, fmt.Sprint(p.Status.Conditions)
			}
		}
		return true, ""
	})
}

func webhookUsers(t *testing.T, i *instance) {
	user := i.as(webhookToken)
	me, err := user.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authv1.SelfSubjectReview{},
		metav1.CreateOptions{})
	if err != nil || me.Status.UserInfo.Username != "arn:aws:iam::111122223333:user/dev" {
		t.Fatalf("user %+v, %v", me, err)
	}
	if _, err := user.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("before the role binding: %v, want Forbidden", err)
	}
	_, err = i.client.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "viewers"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "viewers"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "list pods as a viewer", func(ctx context.Context) (bool, string) {
		_, err := user.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
		return err == nil, fmt.Sprint(err)
	})
	if _, err := i.as("unknown").CoreV1().Pods("default").List(t.Context(),
		metav1.ListOptions{}); !apierrors.IsUnauthorized(err) {
		t.Errorf("an unknown token: %v, want Unauthorized", err)
	}
}

func audiences(t *testing.T, i *instance) {
	for audience, want := range map[string]func(error) bool{
		"sts.amazonaws.com":              apierrors.IsUnauthorized,
		"https://kubernetes.default.svc": apierrors.IsForbidden, // authenticated, without any right
	} {
		r, err := i.client.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "default", &authv1.TokenRequest{
			Spec: authv1.TokenRequestSpec{Audiences: []string{audience}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.as(r.Status.Token).CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{}); !want(err) {
			t.Errorf("audience %s: %v", audience, err)
		}
	}
}

func stuckNamespace(t *testing.T, i *instance) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "stuck"}}
	if _, err := i.client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	maps := i.client.CoreV1().ConfigMaps("stuck")
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "held", Finalizers: []string{"example.test/hold"}}}
	if _, err := maps.Create(t.Context(), cm, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := i.client.CoreV1().Namespaces().Delete(t.Context(), "stuck", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace names the finalizer", func(ctx context.Context) (bool, string) {
		n, err := i.client.CoreV1().Namespaces().Get(ctx, "stuck", metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return strings.Contains(fmt.Sprint(n.Status.Conditions), "example.test/hold"), fmt.Sprint(n.Status)
	})
	patch := []byte(`{"metadata":{"finalizers":null}}`)
	if _, err := maps.Patch(t.Context(), "held", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace is gone", func(ctx context.Context) (bool, string) {
		_, err := i.client.CoreV1().Namespaces().Get(ctx, "stuck", metav1.GetOptions{})
		return apierrors.IsNotFound(err), fmt.Sprint(err)
	})
}

func TestRestart(t *testing.T) {
	t.Parallel()
	// A path that is too long for a unix socket address must not matter.
	dir := filepath.Join(t.TempDir(), strings.Repeat("long-", 20))
	i := start(t, dir, "127.0.0.1:0")
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}, Data: map[string]string{"a": "b"}}
	if _, err := i.client.CoreV1().ConfigMaps("default").Create(t.Context(), cm, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	kept := func(i *instance) {
		t.Helper()
		got, err := i.client.CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{})
		if err != nil || got.Data["a"] != "b" {
			t.Fatalf("after a restart: %v, %v", got, err)
		}
	}
	old, address := i.config, strings.TrimPrefix(i.Endpoint, "https://")
	i.stop(t, syscall.SIGKILL)
	i = start(t, dir, address)
	if i.Endpoint != old.Host || i.config.BearerToken != old.BearerToken {
		t.Errorf("endpoint or token changed: %s, %s", i.Endpoint, old.Host)
	}
	kept(i)
	if took := i.stop(t, syscall.SIGTERM); took > 3*time.Second {
		t.Errorf("SIGTERM took %s, want less than 3s", took)
	}
	if code := i.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d after SIGTERM\n%s", code, logOf(dir))
	}
	i = start(t, dir, address)
	kept(i)
	_ = i.stdin.Close()
	i.waitExit(t)
	if code := i.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d after the end of standard input", code)
	}
}

func TestOlderVersionIsEmulated(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir(), "127.0.0.1:0", "--version", "1.33")
	v, err := i.client.Discovery().ServerVersion()
	if err != nil || v.EmulationMinor != "33" || v.GitVersion != kubernetesVersion {
		t.Fatalf("version %+v, %v", v, err)
	}
}

func TestBadFlagsTouchNothing(t *testing.T) {
	t.Parallel()
	good := []string{"serve", "--issuer", "https://a", "--token-webhook", "http://b"}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a public listen address": {append(good, "--listen", "0.0.0.0:0"), "not a loopback address"},
		"an unknown version":      {append(good, "--version", "1.99"), `--version "1.99"`},
		"an http issuer":          {append(good, "--issuer", "http://a"), "the scheme must be https"},
		"an argument":             {append(good, "more"), "takes no argument"},
		"no subcommand":           {nil, "a subcommand is missing"},
		"unknown definitions":     {[]string{"crds", "velero"}, "crds knows only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "state")
			args := c.args
			if len(args) > 0 && args[0] == "serve" {
				args = append([]string{"serve", "--dir", dir}, args[1:]...)
			}
			cmd := exec.Command(binary, args...)
			out, _ := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), c.want) {
				t.Errorf("exit %d: %s, want 2 with %q", cmd.ProcessState.ExitCode(), out, c.want)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Errorf("%s was made", dir)
			}
		})
	}
}
