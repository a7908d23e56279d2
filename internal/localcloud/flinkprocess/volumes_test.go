// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func secret(name, key, value string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name}, Data: map[string][]byte{key: []byte(value)},
	}
}

// written makes the folder of a pod and returns its run.
func written(t *testing.T, r *Runtime, p *corev1.Pod) *box {
	t.Helper()
	b := boxOf(t, p)
	require.NoError(t, b.clean())
	tokens, err := r.writeVolumes(t.Context(), b)
	require.NoError(t, err)
	for _, token := range tokens {
		require.NoError(t, token.Write(t.Context()))
	}
	require.NoError(t, b.mount(b.Container))
	return b
}

func content(t *testing.T, b *box, path string) string {
	t.Helper()
	raw, err := os.ReadFile(b.paths().path(path))
	require.NoError(t, err)
	return string(raw)
}

func TestVolumesAreFiles(t *testing.T) {
	t.Parallel()
	conf := settingsMap("conf", map[string]string{"a": "1", "b": "2"})
	r := newRuntime(t, Options{Client: client(conf, secret("keys", "k", "hidden"))})
	p := job(
		mounted("/etc/all", configMap("conf")),
		mounted("/etc/one", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "conf"},
			Items:                []corev1.KeyToPath{{Key: "b", Path: "sub/file"}},
		}}),
		mounted("/etc/keys", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "keys"}}),
		mounted("/etc/none", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "nowhere", Optional: new(true)}}),
		mounted("/etc/pod",
			corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
				{Path: "app", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['app']"}}}}}),
		mounted("/opt/flink/usrlib", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}),
		mounted(accountFolder, corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
				{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}}},
			{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "keys"}}},
		}}}),
	)
	p.Spec.Containers[0].VolumeMounts = append(p.Spec.Containers[0].VolumeMounts,
		corev1.VolumeMount{Name: "volume-all", MountPath: "/opt/flink/lib/extra.jar", SubPath: "a"})
	b := written(t, r, p)
	for path, want := range map[string]string{
		"/etc/all/a": "1", "/etc/all/b": "2", "/etc/one/sub/file": "2", "/etc/keys/k": "hidden", "/etc/pod/app": "orders",
		accountFolder + "/token": "a token for flink", accountFolder + "/namespace": testNamespace, accountFolder + "/a": "1",
		accountFolder + "/k": "hidden", "/opt/flink/lib/extra.jar": "1", "/usr/lib/flink/lib/extra.jar": "1",
	} {
		require.Equal(t, want, content(t, b, path), path)
	}
	require.NoFileExists(t, b.paths().path("/etc/one/sub/a"))
	require.DirExists(t, b.paths().path("/opt/flink/usrlib"))
	extra, err := b.extraJars()
	require.NoError(t, err)
	require.Equal(t, []string{b.in(flinkFolder, "lib", "extra.jar")}, extra)
	require.FileExists(t, b.in(flinkFolder, "lib", "flink-runtime-1.20.1.jar"), "what the home has is still there")
	_, err = os.Stat(filepath.Join(b.home.Dir, "lib", "extra.jar"))
	require.ErrorIs(t, err, os.ErrNotExist, "the home is never written to")
	info, err := os.Stat(b.paths().path("/etc/keys/k"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
}

func TestAnEmptyDirOutlivesARun(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Options{Client: client()})
	b := written(t, r, job(mounted("/data", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})))
	kept, lost := b.paths().path("/data/kept"), b.paths().path("/scratch")
	require.NoError(t, os.WriteFile(kept, nil, 0o600))
	require.NoError(t, os.WriteFile(lost, nil, 0o600))
	require.NoError(t, b.clean())
	require.FileExists(t, kept)
	require.NoFileExists(t, lost)
}

func TestWhatAPodDoesNotGetIsRefusedByName(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Options{Client: client(settingsMap("conf", nil))})
	for want, change := range map[string]func(*corev1.Pod){
		`volume "volume-x": it is a hostPath`: mounted("/x",
			corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/etc"}}),
		`volume "volume-x": it is a persistentVolumeClaim`: mounted("/x",
			corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c"}}),
		`configmaps "nowhere" not found`: mounted("/x", configMap("nowhere")),
		`ConfigMap conf has no key "k"`: mounted("/x", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}, Items: []corev1.KeyToPath{{Key: "k", Path: "k"}}}}),
		`its file "../k" leaves the volume`: mounted("/x", corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
			Items: []corev1.DownwardAPIVolumeFile{{
				Path: "../k", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"},
			}}}}),
		"hostNetwork": func(p *corev1.Pod) { p.Spec.HostNetwork = true },
		"a lifecycle hook of container flink-main-container": func(p *corev1.Pod) {
			p.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{}}
		},
		"with a subPathExpr": func(p *corev1.Pod) {
			p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "x", MountPath: "/x", SubPathExpr: "$(A)"}}
		},
		`variable "A" of container "flink-main-container": a resourceFieldRef`: func(p *corev1.Pod) {
			p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{
				ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"}}}}
		},
		`init container "init" runs "sh -x -c id": the local target does only`: func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "init", Command: []string{"sh", "-x", "-c", "id"}}}
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			b := boxOf(t, job(change))
			err := refused(b.Pod, b.Container)
			if err == nil {
				err = r.prepare(t.Context(), b)
			}
			require.ErrorContains(t, err, want)
		})
	}
}

func TestTheEnvironmentIsThePodsWithWhatThisMachineNeeds(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Options{
		Client:     client(settingsMap("conf", map[string]string{"A": "from the map"}), secret("keys", "K", "hidden")),
		Region:     "us-west-2",
		S3Endpoint: "http://127.0.0.1:4566",
	})
	p := job(func(p *corev1.Pod) {
		c := &p.Spec.Containers[0]
		c.EnvFrom = []corev1.EnvFromSource{{Prefix: "M_", ConfigMapRef: &corev1.ConfigMapEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}}}
		ref := func(path string) *corev1.EnvVarSource {
			return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
		}
		c.Env = []corev1.EnvVar{
			{Name: "_POD_IP_ADDRESS", ValueFrom: ref("status.podIP")}, {Name: "_POD_NODE_ID", ValueFrom: ref("spec.nodeName")},
			{Name: "WHERE", Value: "$(_POD_NODE_ID) of /opt/flink/lib"},
			{Name: "KEY", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "keys"}, Key: "K"}}},
			{Name: "NONE", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}, Key: "no", Optional: new(true)}}},
			{Name: "AWS_WEB_IDENTITY_TOKEN_FILE", Value: "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"},
		}
	})
	b := written(t, r, p)
	pod, err := r.environment(t.Context(), b, b.Container)
	require.NoError(t, err)
	vars, err := r.machineVars(b, pod)
	require.NoError(t, err)
	for name, want := range map[string]string{
		"M_A": "from the map", "_POD_IP_ADDRESS": testIP, "_POD_NODE_ID": "node-1", "KEY": "hidden", "NONE": "",
		"WHERE": "node-1 of " + b.in(flinkFolder, "lib"), "FLINK_CONF_DIR": b.in(confFolder), "AWS_REGION": "us-west-2",
		"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "6443",
	} {
		require.Equal(t, want, vars[name], name)
	}
	require.NotContains(t, vars, "AWS_WEB_IDENTITY_TOKEN_FILE")
}
