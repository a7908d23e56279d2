// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"emrflink/internal/localcloud/kubelet"
)

// writeVolumes writes the volumes of a pod as files and returns the tokens in them, which are not written yet.
func (r *Runtime) writeVolumes(ctx context.Context, b *box) ([]kubelet.Tokens, error) {
	var tokens []kubelet.Tokens
	for _, v := range b.Pod.Spec.Volumes {
		w := volumeWriter{
			Runtime: r, pod: b.Pod, dir: b.in(volumesFolder, v.Name),
			tokens: kubelet.Tokens{
				Client: r.o.Client, Namespace: b.Pod.Namespace, Account: serviceAccount(b.Pod), Dir: b.in(volumesFolder, v.Name),
				Files: map[string]kubelet.Token{}, Log: r.log,
			},
		}
		if err := os.MkdirAll(w.dir, 0o700); err != nil {
			return nil, err
		}
		if err := w.write(ctx, v); err != nil {
			return nil, fmt.Errorf("volume %q: %w", v.Name, err)
		}
		if len(w.tokens.Files) > 0 {
			tokens = append(tokens, w.tokens)
		}
	}
	return tokens, nil
}

func serviceAccount(p *corev1.Pod) string {
	if n := p.Spec.ServiceAccountName; n != "" {
		return n
	}
	return "default"
}

// volumeWriter writes one volume.
type volumeWriter struct {
	*Runtime
	pod    *corev1.Pod
	dir    string
	tokens kubelet.Tokens
}

func (w volumeWriter) write(ctx context.Context, v corev1.Volume) error {
	switch {
	case v.EmptyDir != nil:
		return nil
	case v.ConfigMap != nil:
		return w.configMap(ctx, v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.Optional)
	case v.Secret != nil:
		return w.secret(ctx, v.Secret.SecretName, v.Secret.Items, v.Secret.Optional)
	case v.DownwardAPI != nil:
		return w.downward(v.DownwardAPI.Items)
	case v.Projected != nil:
		for _, s := range v.Projected.Sources {
			if err := w.source(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("it is a %s, which no pod on the local target gets", fieldOf(v.VolumeSource))
}

func (w volumeWriter) source(ctx context.Context, s corev1.VolumeProjection) error {
	switch {
	case s.ConfigMap != nil:
		return w.configMap(ctx, s.ConfigMap.Name, s.ConfigMap.Items, s.ConfigMap.Optional)
	case s.Secret != nil:
		return w.secret(ctx, s.Secret.Name, s.Secret.Items, s.Secret.Optional)
	case s.DownwardAPI != nil:
		return w.downward(s.DownwardAPI.Items)
	case s.ServiceAccountToken != nil:
		lifetime := time.Hour
		if seconds := s.ServiceAccountToken.ExpirationSeconds; seconds != nil {
			lifetime = time.Duration(*seconds) * time.Second
		}
		w.tokens.Files[s.ServiceAccountToken.Path] = kubelet.Token{Audience: s.ServiceAccountToken.Audience, Lifetime: lifetime}
		return os.MkdirAll(filepath.Dir(filepath.Join(w.dir, s.ServiceAccountToken.Path)), 0o700)
	}
	return fmt.Errorf("its source %s is not one that the local target has", fieldOf(s))
}

// fieldOf is the name of the one field that is set.
func fieldOf(source any) string {
	raw, _ := json.Marshal(source) // API types have an encoding
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(raw, &fields) // it was just encoded
	for name := range fields {
		return name
	}
	return "volume without a source"
}

func (w volumeWriter) configMap(ctx context.Context, name string, items []corev1.KeyToPath, optional *bool) error {
	data, err := w.configMapData(ctx, w.pod.Namespace, name, optional)
	if err != nil {
		return err
	}
	return w.keys("ConfigMap "+name, data, items, optional)
}

func (w volumeWriter) secret(ctx context.Context, name string, items []corev1.KeyToPath, optional *bool) error {
	data, err := w.secretData(ctx, w.pod.Namespace, name, optional)
	if err != nil {
		return err
	}
	return w.keys("Secret "+name, data, items, optional)
}

// keys writes the chosen keys, or all of them, as files.
func (w volumeWriter) keys(of string, data map[string][]byte, items []corev1.KeyToPath, optional *bool) error {
	if items == nil {
		for key := range data {
			items = append(items, corev1.KeyToPath{Key: key, Path: key})
		}
	}
	for _, item := range items {
		body, ok := data[item.Key]
		if !ok && optional != nil && *optional {
			continue
		}
		if !ok {
			return fmt.Errorf("%s has no key %q", of, item.Key)
		}
		if err := w.file(item.Path, body); err != nil {
			return err
		}
	}
	return nil
}

func (w volumeWriter) downward(items []corev1.DownwardAPIVolumeFile) error {
	for _, item := range items {
		if item.FieldRef == nil {
			return fmt.Errorf("its file %q is a resourceFieldRef, which the local target does not do", item.Path)
		}
		value, err := fieldValue(w.pod, item.FieldRef.FieldPath)
		if err != nil {
			return err
		}
		if err := w.file(item.Path, []byte(value)); err != nil {
			return err
		}
	}
	return nil
}

func (w volumeWriter) file(path string, body []byte) error {
	if !filepath.IsLocal(path) {
		return fmt.Errorf("its file %q leaves the volume", path)
	}
	path = filepath.Join(w.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, body, 0o600)
}

// configMapData is all that a ConfigMap has; nothing when it is optional and not there.
func (r *Runtime) configMapData(ctx context.Context, namespace, name string, optional *bool) (map[string][]byte, error) {
	m, err := r.o.Client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if missing(err, optional) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{}
	for key, v := range m.Data {
		data[key] = []byte(v)
	}
	for key, v := range m.BinaryData {
		data[key] = v
	}
	return data, nil
}

func (r *Runtime) secretData(ctx context.Context, namespace, name string, optional *bool) (map[string][]byte, error) {
	s, err := r.o.Client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if missing(err, optional) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.Data, nil
}

func missing(err error, optional *bool) bool {
	return optional != nil && *optional && apierrors.IsNotFound(err)
}

// fieldValue is a field of a pod as the downward API names it.
func fieldValue(p *corev1.Pod, path string) (string, error) {
	values := map[string]string{
		"metadata.name": p.Name, "metadata.namespace": p.Namespace, "metadata.uid": string(p.UID),
		"spec.nodeName": p.Spec.NodeName, "spec.serviceAccountName": serviceAccount(p),
		"status.podIP": p.Status.PodIP, "status.podIPs": p.Status.PodIP, "status.hostIP": p.Status.HostIP,
		"status.hostIPs": p.Status.HostIP,
	}
	if v, ok := values[path]; ok {
		return v, nil
	}
	for field, of := range map[string]map[string]string{"metadata.labels": p.Labels, "metadata.annotations": p.Annotations} {
		if key, ok := strings.CutPrefix(path, field+"['"); ok {
			return of[strings.TrimSuffix(key, "']")], nil
		}
		if path == field {
			var lines strings.Builder
			for key, v := range of {
				fmt.Fprintf(&lines, "%s=%q\n", key, v)
			}
			return lines.String(), nil
		}
	}
	return "", fmt.Errorf("the field %q of a pod is not one that the local target knows", path)
}
