// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// nodeConfigType is the MIME type of a NodeConfig document of AL2023's nodeadm.
const nodeConfigType = "application/node.eks.aws"

// nodeConfig is the part of a NodeConfig (node.eks.aws/v1alpha1) that decides how the node registers.
type nodeConfig struct {
	Kind string `json:"kind"`
	Spec struct {
		Cluster struct {
			Name string `json:"name"`
		} `json:"cluster"`
		Instance struct {
			LocalStorage struct {
				Strategy string `json:"strategy"`
			} `json:"localStorage"`
		} `json:"instance"`
		Kubelet struct {
			Config kubeletConfig `json:"config"`
			Flags  []string      `json:"flags"`
		} `json:"kubelet"`
	} `json:"spec"`
}

type kubeletConfig struct {
	MaxPods            int               `json:"maxPods"`
	RegisterWithTaints []corev1.Taint    `json:"registerWithTaints"`
	KubeReserved       map[string]string `json:"kubeReserved"`
	SystemReserved     map[string]string `json:"systemReserved"`
	EvictionHard       map[string]string `json:"evictionHard"`
}

// registration is what user data says about the node: all NodeConfig documents merged, the later one winning.
type registration struct {
	cluster string
	labels  map[string]string
	taints  []corev1.Taint
	maxPods int
	raid0   bool
	kubelet kubeletConfig
}

// parseUserData reads the user data of an AL2023 node: empty, a NodeConfig, or a MIME archive with NodeConfigs
// and scripts. Scripts are left alone: nothing runs them.
func parseUserData(data string) (registration, error) {
	r := registration{labels: map[string]string{}}
	docs, err := nodeConfigs(data)
	if err != nil {
		return r, fmt.Errorf("parse user data: %w", err)
	}
	for _, doc := range docs {
		var c nodeConfig
		if err := yaml.Unmarshal(doc, &c); err != nil {
			return r, fmt.Errorf("parse NodeConfig: %w", err)
		}
		if c.Kind != "NodeConfig" {
			return r, fmt.Errorf("parse NodeConfig: kind is %q", c.Kind)
		}
		if err := r.merge(c); err != nil {
			return r, err
		}
	}
	return r, nil
}

func nodeConfigs(data string) ([][]byte, error) {
	data = strings.ReplaceAll(data, "\r\n", "\n")
	trimmed := strings.TrimSpace(data)
	switch {
	case trimmed == "", strings.HasPrefix(trimmed, "#!"):
		return nil, nil
	case !strings.HasPrefix(trimmed, "MIME-Version:") && !strings.HasPrefix(trimmed, "Content-Type:"):
		return [][]byte{[]byte(data)}, nil
	}
	msg, err := mail.ReadMessage(strings.NewReader(trimmed + "\n"))
	if err != nil {
		return nil, err
	}
	media, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(media, "multipart/") {
		return nil, fmt.Errorf("content type %q is not multipart", media)
	}
	var docs [][]byte
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err == nil && kind == nodeConfigType {
			docs = append(docs, bytes.TrimSpace(body))
		}
	}
}

func (r *registration) merge(c nodeConfig) error {
	if n := c.Spec.Cluster.Name; n != "" {
		r.cluster = n
	}
	r.raid0 = r.raid0 || c.Spec.Instance.LocalStorage.Strategy == "RAID0"
	k := c.Spec.Kubelet.Config
	if k.MaxPods > 0 {
		r.maxPods = k.MaxPods
	}
	if k.RegisterWithTaints != nil {
		r.taints = k.RegisterWithTaints
	}
	r.kubelet.KubeReserved = overlay(r.kubelet.KubeReserved, k.KubeReserved)
	r.kubelet.SystemReserved = overlay(r.kubelet.SystemReserved, k.SystemReserved)
	r.kubelet.EvictionHard = overlay(r.kubelet.EvictionHard, k.EvictionHard)
	for _, flag := range c.Spec.Kubelet.Flags {
		name, value, _ := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		value = strings.Trim(value, `"'`)
		switch name {
		case "node-labels":
			for pair := range strings.SplitSeq(value, ",") {
				if key, v, _ := strings.Cut(pair, "="); key != "" {
					r.labels[key] = v
				}
			}
		case "register-with-taints":
			taints, err := parseTaints(value)
			if err != nil {
				return err
			}
			r.taints = append(r.taints, taints...)
		}
	}
	return nil
}

// parseTaints reads kubelet's form key=value:Effect,key:Effect.
func parseTaints(s string) ([]corev1.Taint, error) {
	var out []corev1.Taint
	for one := range strings.SplitSeq(s, ",") {
		if one == "" {
			continue
		}
		key, effect, ok := strings.Cut(one, ":")
		if !ok {
			return nil, fmt.Errorf("parse taint %q: no effect", one)
		}
		key, value, _ := strings.Cut(key, "=")
		out = append(out, corev1.Taint{Key: key, Value: value, Effect: corev1.TaintEffect(effect)})
	}
	return out, nil
}

func overlay(base, over map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{base, over} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}
