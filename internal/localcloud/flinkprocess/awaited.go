// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/kubelet"
)

// lookTime bounds the look for the objects of a pod.
const lookTime = 5 * time.Second

// awaited is what a pod's container waits for: a ConfigMap or a Secret that is not there yet. A kubelet starts nothing before
// the volumes are mounted and the environment is known, and looks again (kubernetes.io/docs/concepts/configuration/configmap).
// What else is wrong, the start says.
func (r *Runtime) awaited(p *corev1.Pod) (reason, why string) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	for _, v := range p.Spec.Volumes {
		for _, source := range sources(v) {
			if err := r.look(ctx, p.Namespace, source); apierrors.IsNotFound(err) {
				return kubelet.Creating, fmt.Sprintf("MountVolume.SetUp failed for volume %q : %v", v.Name, err)
			}
		}
	}
	for _, c := range p.Spec.Containers {
		if c.Name != flinkconf.MainContainer {
			continue
		}
		for _, source := range environmentOf(c) {
			if err := r.look(ctx, p.Namespace, source); apierrors.IsNotFound(err) {
				return kubelet.ConfigError, err.Error()
			}
		}
	}
	return "", ""
}

// source is a ConfigMap or a Secret that a pod names.
type source struct {
	name     string
	secret   bool
	optional *bool
}

func (r *Runtime) look(ctx context.Context, namespace string, s source) (err error) {
	if s.secret {
		_, err = r.secretData(ctx, namespace, s.name, s.optional)
	} else {
		_, err = r.configMapData(ctx, namespace, s.name, s.optional)
	}
	return err
}

// sources are those of a volume.
func sources(v corev1.Volume) (out []source) {
	if m := v.ConfigMap; m != nil {
		out = append(out, source{m.Name, false, m.Optional})
	}
	if s := v.Secret; s != nil {
		out = append(out, source{s.SecretName, true, s.Optional})
	}
	if v.Projected == nil {
		return out
	}
	for _, p := range v.Projected.Sources {
		if m := p.ConfigMap; m != nil {
			out = append(out, source{m.Name, false, m.Optional})
		}
		if s := p.Secret; s != nil {
			out = append(out, source{s.Name, true, s.Optional})
		}
	}
	return out
}

// environmentOf are those of the variables of a container.
func environmentOf(c corev1.Container) (out []source) {
	for _, from := range c.EnvFrom {
		if m := from.ConfigMapRef; m != nil {
			out = append(out, source{m.Name, false, m.Optional})
		}
		if s := from.SecretRef; s != nil {
			out = append(out, source{s.Name, true, s.Optional})
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		if m := e.ValueFrom.ConfigMapKeyRef; m != nil {
			out = append(out, source{m.Name, false, m.Optional})
		}
		if s := e.ValueFrom.SecretKeyRef; s != nil {
			out = append(out, source{s.Name, true, s.Optional})
		}
	}
	return out
}
