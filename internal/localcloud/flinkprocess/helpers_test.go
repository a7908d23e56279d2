// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"emrflink/internal/flinkhome"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/kubelet"
)

const (
	testNamespace = "flink-team-a"
	testIP        = "127.99.0.7"
)

// client is a cluster with the objects, whose service accounts get the token "a token for NAME".
func client(objects ...runtime.Object) *fake.Clientset {
	c := fake.NewClientset(objects...)
	c.PrependReactor("create", "serviceaccounts", func(a ktesting.Action) (bool, runtime.Object, error) {
		create, ok := a.(ktesting.CreateActionImpl)
		if !ok || create.Subresource != "token" {
			return false, nil, nil
		}
		return true, &authv1.TokenRequest{Status: authv1.TokenRequestStatus{Token: "a token for " + create.Name}}, nil
	})
	return c
}

// newRuntime is a Runtime over a cluster; its Flink is an empty folder unless the options name another.
func newRuntime(t *testing.T, o Options) *Runtime {
	t.Helper()
	o.Dir = t.TempDir()
	if o.APIServer == "" {
		o.APIServer = "https://127.0.0.1:6443"
	}
	r, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// job is a JobManager's pod as Flink's native mode makes it, changed by the given functions.
func job(change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: testNamespace, Name: "orders-7d4b9-x2", UID: "uid-1",
			Labels: map[string]string{labelType: nativeType, labelPart: string(jobManager), labelCluster: "orders"},
		},
		Spec: corev1.PodSpec{
			NodeName: "node-1", ServiceAccountName: "flink",
			Containers: []corev1.Container{{
				Name: flinkconf.MainContainer, Command: []string{"/docker-entrypoint.sh"},
				Args: []string{"bash", "-c", "kubernetes-jobmanager.sh kubernetes-session "},
			}},
		},
		Status: corev1.PodStatus{PodIP: testIP, HostIP: "10.0.1.5"},
	}
	for _, f := range change {
		f(p)
	}
	return p
}

// mounted adds a volume to the pod and mounts it into its main container.
func mounted(path string, v corev1.VolumeSource) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		name := "volume-" + filepath.Base(path)
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: v})
		c := &p.Spec.Containers[0]
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: path})
	}
}

func configMap(name string) corev1.VolumeSource {
	return corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}},
	}
}

// boxOf is a run of the pod in a new folder, with a home of two jars.
func boxOf(t *testing.T, p *corev1.Pod) *box {
	t.Helper()
	home := t.TempDir()
	for _, file := range []string{"lib/flink-runtime-1.20.1.jar", "plugins/s3-fs-hadoop/flink-s3-fs-hadoop-1.20.1.jar"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(home, file)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(home, file), nil, 0o600))
	}
	dir := t.TempDir()
	return &box{
		Sandbox: kubelet.Sandbox{Pod: p, Container: p.Spec.Containers[0], Dir: dir, Log: filepath.Join(dir, "0.log")},
		home:    flinkhome.Home{Dir: home, Version: flinkhome.Version},
	}
}

func settingsMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name}, Data: data}
}
