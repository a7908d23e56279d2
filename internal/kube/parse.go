// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Objects reads a stream of YAML documents.
func Objects(stream []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	documents := yamlutil.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read manifest %d: %w", len(out)+1, err)
		}
		text, err := yaml.YAMLToJSON(document)
		if err != nil {
			return nil, fmt.Errorf("read manifest %d: %w", len(out)+1, err)
		}
		if string(text) == "null" {
			continue
		}
		obj := &unstructured.Unstructured{}
		if err := obj.UnmarshalJSON(text); err != nil {
			return nil, fmt.Errorf("read manifest %d: %w", len(out)+1, err)
		}
		out = append(out, obj)
	}
}
