// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

const mirrorOfAll = "111122223333.dkr.ecr.us-west-2.amazonaws.com/all"

// mirrored is the stack with mirrors.
func mirrored(o Options) (Spec, error) {
	s := stack()
	s["imageMirrors"] = map[string]any{"*": mirrorOfAll}
	return SpecFrom(s, o)
}

// TestSamplesPullFromMirrors: no sample names a public registry, and Flink and the log sidecar, which the operator would
// choose, come from the mirror.
func TestSamplesPullFromMirrors(t *testing.T) {
	t.Parallel()
	for _, sample := range List() {
		s, err := mirrored(Options{Sample: sample.Name, Jars: jarsFor(t), Set: exampleOf(sample)})
		require.NoError(t, err)
		objects, err := Render(s)
		require.NoError(t, err)
		raw, err := json.Marshal(objects)
		require.NoError(t, err)
		for _, registry := range []string{"public.ecr.aws", "docker.io", "quay.io", "registry.k8s.io"} {
			require.NotContains(t, string(raw), registry, sample.Name)
		}
		for _, o := range objects {
			if o.GetKind() != "FlinkDeployment" {
				continue
			}
			spec := o.Object["spec"].(obj)
			require.Equal(t, mirrorOfAll+"/emr-on-eks/flink/emr-7.13.0-flink:latest", spec["image"])
			if logs, ok := spec["monitoringConfiguration"].(obj); ok {
				require.Equal(t, mirrorOfAll+"/emr-on-eks/fluentd/emr-7.13.0:latest", logs["image"])
			}
		}
		plain, err := SpecFrom(stack(), Options{Sample: sample.Name, Jars: jarsFor(t), Set: exampleOf(sample)})
		require.NoError(t, err)
		objects, err = Render(plain)
		require.NoError(t, err)
		require.NotContains(t, objects[0].Object["spec"], "image", "without a mirror the operator chooses")
	}
}

// TestAJobFilePullsFromMirrors: what people wrote in a file.
func TestAJobFilePullsFromMirrors(t *testing.T) {
	t.Parallel()
	team, err := mirrored(Options{})
	require.NoError(t, err)
	for name, c := range map[string]struct{ spec, want string }{
		"the release's": {`{"emrReleaseLabel":"emr-7.12.0-flink-20251111"}`, "/emr-on-eks/flink/emr-7.12.0-flink:20251111"},
		"Docker Hub's":  {`{"image":"flink:1.20"}`, "/library/flink:1.20"},
		"one's own":     {`{"image":"ghcr.io/me/job:1","emrReleaseLabel":"emr-7.13.0-flink-latest"}`, "ghcr.io/me/job:1"},
		"none":          {`{"emrReleaseLabel":"odd"}`, ""},
	} {
		var spec obj
		require.NoError(t, json.Unmarshal([]byte(c.spec), &spec))
		jobs, err := JobsOf([]map[string]any{{
			"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": obj{"name": "a"}, "spec": spec,
		}}, team)
		require.NoError(t, err, name)
		want := c.want
		if strings.HasPrefix(want, "/") {
			want = mirrorOfAll + want
		}
		require.Equal(t, want, jobs[0].str("spec", "image"), name)
	}
}

// TestImagesFollowTheRelease: a label that changes takes the mirror's images along, and leaves others alone.
func TestImagesFollowTheRelease(t *testing.T) {
	t.Parallel()
	const label = "emrReleaseLabel"
	spec := func(label, image, logs string) obj {
		return obj{"emrReleaseLabel": label, "image": image, "monitoringConfiguration": obj{"image": logs}}
	}
	was := spec("emr-7.12.0-flink-20251111", mirrorOfAll+"/emr-on-eks/flink/emr-7.12.0-flink:20251111",
		mirrorOfAll+"/emr-on-eks/fluentd/emr-7.12.0:latest")
	is := spec("emr-7.13.0-flink-20260410", was["image"].(string), was["monitoringConfiguration"].(obj)["image"].(string))
	followRelease(was, is)
	require.Empty(t, cmp.Diff(spec("emr-7.13.0-flink-20260410", mirrorOfAll+"/emr-on-eks/flink/emr-7.13.0-flink:20260410",
		mirrorOfAll+"/emr-on-eks/fluentd/emr-7.13.0:latest"), is))
	own := spec("emr-7.13.0-flink-20260410", "ghcr.io/me/job:1", "ghcr.io/me/logs:1")
	followRelease(was, own)
	require.Equal(t, "ghcr.io/me/job:1", own["image"])
	same := spec(was[label].(string), was["image"].(string), "x")
	followRelease(was, same)
	require.Equal(t, was["image"], same["image"])
}
