// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/components/mirror"
	"emrflink/components/versions"
	"emrflink/internal/flinkspec"
)

// pull lets a job pull its images from the stack's mirrors: those of its pod templates, and in the place of those that the
// operator would choose by the release, the same ones of the mirror.
func (s Spec) pull(o *unstructured.Unstructured) {
	spec, ok := o.Object["spec"].(obj)
	if len(s.ImageMirrors) == 0 || !ok || o.GetKind() != "FlinkDeployment" {
		return
	}
	m := mirror.Mirrors{Images: s.ImageMirrors}
	release, _ := emrRelease(spec["emrReleaseLabel"])
	name := func(in obj, of string) {
		image, _ := in["image"].(string)
		if to := m.Image(orElse(image, of)); image != "" || to != of {
			in["image"] = to
		}
	}
	if text(spec["image"]) != "" || release.Version != "" {
		name(spec, release.FlinkImage())
	}
	if logs, ok := spec["monitoringConfiguration"].(obj); ok && release.Version != "" {
		name(logs, release.LogImage())
	}
	for _, of := range [][]string{{"podTemplate"}, {"jobManager", "podTemplate"}, {"taskManager", "podTemplate"}} {
		for _, kind := range []string{"initContainers", "containers"} {
			list, _, _ := unstructured.NestedFieldNoCopy(spec, append(of, "spec", kind)...)
			containers, _ := list.([]any)
			for _, c := range containers {
				if c, ok := c.(obj); ok && text(c["image"]) != "" {
					c["image"] = m.Image(text(c["image"]))
				}
			}
		}
	}
}

// emrRelease is the release of a label.
func emrRelease(label any) (versions.EMRRelease, bool) {
	m := flinkspec.ReleaseLabel().FindStringSubmatch(text(label))
	if m == nil {
		return versions.EMRRelease{Label: "-"}, false
	}
	return versions.EMRRelease{Version: m[1], Label: text(label)}, true
}

// followRelease gives a spec of another release the images of that release, where it had those of the old one in a mirror: a
// label alone would change what the operator does and not what runs.
func followRelease(old, spec obj) {
	was, known := emrRelease(old["emrReleaseLabel"])
	is, also := emrRelease(spec["emrReleaseLabel"])
	if !known || !also || was.Label == is.Label {
		return
	}
	follow := func(in obj, of, to string) {
		_, of, _ = strings.Cut(of, "/")
		_, to, _ = strings.Cut(to, "/")
		if below, ok := strings.CutSuffix(text(in["image"]), "/"+of); ok {
			in["image"] = below + "/" + to
		}
	}
	follow(spec, was.FlinkImage(), is.FlinkImage())
	if logs, ok := spec["monitoringConfiguration"].(obj); ok {
		follow(logs, was.LogImage(), is.LogImage())
	}
}
