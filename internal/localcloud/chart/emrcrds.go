// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"io/fs"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/kube"
)

// EMRFlinkCRDs returns the definitions of FlinkDeployment, FlinkSessionJob and
// FlinkStateSnapshot: the open-source ones of release 1.10.0 with the fields
// that EMR documents (EMR on EKS Development Guide, jobruns-flink pages). Where
// the documentation and the deployed examples disagree on a type, both are taken.
func EMRFlinkCRDs() ([]*unstructured.Unstructured, error) {
	files, err := fs.Glob(crdFiles, "crds/*.yml")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []*unstructured.Unstructured
	for _, f := range files {
		b, err := crdFiles.ReadFile(f)
		if err != nil {
			return nil, err
		}
		crds, err := kube.Objects(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		out = append(out, crds...)
	}
	for _, crd := range out {
		if crd.GetName() == "flinkdeployments.flink.apache.org" {
			if err := addEMRFields(crd); err != nil {
				return nil, fmt.Errorf("%s: %w", crd.GetName(), err)
			}
		}
	}
	return out, nil
}

// addEMRFields adds the documented fields to the spec of every version.
func addEMRFields(crd *unstructured.Unstructured) error {
	versions, ok, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	if err != nil || !ok {
		return fmt.Errorf("no versions: %w", err)
	}
	for _, v := range versions {
		version, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("version is a %T", v)
		}
		spec := []string{"schema", "openAPIV3Schema", "properties", "spec", "properties"}
		for name, field := range specFields() {
			if err := unstructured.SetNestedField(version, field, append(slices.Clone(spec), name)...); err != nil {
				return err
			}
		}
		for name, field := range jobManagerFields() {
			path := append(slices.Clone(spec), "jobManager", "properties", name)
			if err := unstructured.SetNestedField(version, field, path...); err != nil {
				return err
			}
		}
	}
	return unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions")
}

func text() object { return object{"type": "string"} }

func structure(properties object, required ...any) object {
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func specFields() object {
	return object{
		"emrReleaseLabel":  text(),
		"executionRoleArn": text(),
		"monitoringConfiguration": structure(object{
			"image":                     text(),
			"s3MonitoringConfiguration": structure(object{"logUri": text()}, "logUri"),
			"cloudWatchMonitoringConfiguration": structure(
				object{"logGroupName": text(), "logStreamNamePrefix": text()}, "logGroupName"),
			"sideCarResources": structure(object{
				"limits": structure(object{"cpuLimit": text(), "memoryLimit": text()}),
			}),
			"containerLogRotationConfiguration": structure(object{
				"rotationSize":   text(),
				"maxFilesToKeep": object{"x-kubernetes-int-or-string": true},
			}, "rotationSize", "maxFilesToKeep"),
		}),
	}
}

func jobManagerFields() object {
	return object{"highAvailabilityEnabled": object{"type": "boolean"}, "storageDir": text()}
}
