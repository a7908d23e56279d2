// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/examples"
	"emrflink/internal/iam"
)

// exampleOf gives each setting that has no default its example.
func exampleOf(s Sample) []string {
	var set []string
	for _, setting := range s.Settings {
		if setting.Default == "" {
			set = append(set, setting.Name+"="+setting.Example)
		}
	}
	return set
}

// inFolder makes a sample of files that extend the default one.
func inFolder(t *testing.T, files map[string]string) (Sample, error) {
	t.Helper()
	files["README.md"] = "# T\n\nD.\n"
	tree := withFolder(t, files)
	all, err := samplesIn(tree)
	if err != nil {
		return Sample{}, err
	}
	return all[1], nil
}

func TestAManifestSaysOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	s, err := inFolder(t, map[string]string{"manifest.yaml": "extends: basic\nspec:\n  flinkConfiguration:\n" +
		"    web.submit.enable: null\n    a.key: \"1\"\n  job:\n    args: [x]\n"})
	require.NoError(t, err)
	basic, err := findSample(defaultSample)
	require.NoError(t, err)
	whole := func(s Sample) *unstructured.Unstructured {
		objs, err := s.render(Spec{Sample: "x", Name: "n", Parallelism: 2})
		require.NoError(t, err)
		return objs[0]
	}
	want, got := whole(basic), whole(s)
	require.NoError(t, unstructured.SetNestedField(want.Object, "1", "spec", "flinkConfiguration", "a.key"))
	unstructured.RemoveNestedField(want.Object, "spec", "flinkConfiguration", "web.submit.enable")
	require.NoError(t, unstructured.SetNestedSlice(want.Object, []any{"x"}, "spec", "job", "args"))
	require.Equal(t, want.Object["spec"], got.Object["spec"])
	require.NotContains(t, got.Object, "extends")

	_, err = inFolder(t, map[string]string{"manifest.yaml": "extends: no-such\n"})
	require.ErrorContains(t, err, `extends "no-such": open jobs/no-such/manifest.yaml`)
}

func TestASettingIsGivenOrHasADefault(t *testing.T) {
	t.Parallel()
	s, err := inFolder(t, map[string]string{"manifest.yaml": "extends: basic\nsettings:\n" +
		"  topic: {text: a topic, default: \"${name}-in\"}\n  brokers: {text: the brokers, example: \"b:9098\"}\n" +
		"spec:\n  job:\n    args: [\"${set:topic}\", \"${set:brokers}\"]\n"})
	require.NoError(t, err)
	args := func(settings map[string]string) []string {
		objs, err := s.render(Spec{Sample: s.Name, Name: "n", Settings: settings})
		require.NoError(t, err)
		out, _, err := unstructured.NestedStringSlice(objs[0].Object, "spec", "job", "args")
		require.NoError(t, err)
		return out
	}
	require.Equal(t, []string{"n-in", "x:1"}, args(map[string]string{"brokers": "x:1"}))
	require.Equal(t, []string{"${name}", "x:1"}, args(map[string]string{"brokers": "x:1", "topic": "${name}"}),
		"what a user gives is no variable")
	for manifest, want := range map[string]string{
		"settings: {a: {text: t}}\n":                           "a needs a text, and a default or else an example",
		"settings: {a: {default: d}}\n":                        "a needs a text",
		"settings: {a: {text: t, default: d, example: e}}\n":   "a needs a text",
		"settings: {a: {text: t, default: d, exampel: eee}}\n": `unknown field "exampel"`,
	} {
		_, err := inFolder(t, map[string]string{"manifest.yaml": "extends: basic\n" + manifest})
		require.ErrorContains(t, err, want)
	}
}

func TestTheUsersSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for want, set := range map[string][]string{
		"--set brokers=VALUE: bootstrap servers of the cluster, such as b-1.events": nil,
		`--set "brokers": it has the form NAME=VALUE`:                               {"brokers"},
		`unknown setting of sample job "kafka" "broker" (known: brokers, cluster,`:  {"brokers=b:1", "broker=b:1"},
	} {
		_, err := settingsFrom(Options{Sample: "kafka", Set: set})
		require.ErrorContains(t, err, want)
	}
	got, err := settingsFrom(Options{Sample: "kafka", Set: []string{"brokers=b:1,c:1", "topic=a=b"}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"brokers": "b:1,c:1", "topic": "a=b"}, got)
}

// TestThePolicyOfASampleIsValid: IAM knows each action and resource, and nothing is left open.
func TestThePolicyOfASampleIsValid(t *testing.T) {
	t.Parallel()
	table, err := iam.Actions()
	require.NoError(t, err)
	policies := 0
	for _, s := range List() {
		text, err := Deployed{Outputs: stack()}.Render(t.Context(), Options{Sample: s.Name, Policy: true})
		if _, none := fs.Stat(s.folder, policyFile); none != nil {
			require.ErrorContains(t, err, "needs no permissions beside those")
			continue
		}
		require.NoError(t, err)
		require.Empty(t, table.Check(iam.KindInline, string(text)), s.Name)
		require.NotContains(t, string(text), "${", s.Name)
		require.NotEmpty(t, actions(text))
		policies++
	}
	require.Positive(t, policies)
}

// TestFilesOfASampleAreUploaded: those that the manifest names go to the jars, its input to the folder that the job reads.
func TestFilesOfASampleAreUploaded(t *testing.T) {
	t.Parallel()
	const bucket = "emr-eks-flink-111122223333-us-west-2-checkpoints"
	for name, want := range map[string]string{
		"sql": "/flink-team-a/jars/job-", "s3": "/flink-team-a/input/mine/orders-",
	} {
		s, err := SpecFrom(stack(), Options{Sample: name, Name: "mine", Jars: jarsFor(t)})
		require.NoError(t, err)
		require.NotEmpty(t, s.Uploads)
		jobs, err := s.Jobs()
		require.NoError(t, err)
		require.Equal(t, s.Uploads, jobs[0].Uploads)
		for _, u := range s.Uploads {
			objects := store{}
			require.NoError(t, Runner{Objects: objects, Upload: objects}.upload(t.Context(), u))
			require.True(t, strings.HasPrefix(u.URI, "s3://"+bucket+want), u.URI)
			text, err := fs.ReadFile(examples.Jobs, path.Join("jobs", name, u.File))
			require.NoError(t, err)
			require.Equal(t, store{strings.TrimPrefix(u.URI, "s3://"): string(text)}, objects)
		}
	}
}

func TestVerifyComparesCopiedFiles(t *testing.T) {
	t.Parallel()
	const in, run = "flink-team-a/input/s3/", "flink-team-a/checkpoints/s3/output/2026-01-02/"
	input := store{in + "a.csv": "0,d1,x,5\n1,d2,y,6\n\n", in + "b.csv": "2,d1,z,7\n"}
	for name, c := range map[string]struct {
		files store
		want  Verified
	}{
		"all": {store{run + "day=d1/part-0": "0,x,5\n2,z,7\n", run + "day=d2/part-0": "1,y,6\n"},
			Verified{Events: 3, Last: 2, Files: 2}},
		"not yet": {store{run + "day=d1/part-0": "2,z,7\n"}, Verified{Events: 1, Last: 2, Files: 1, Lost: 2}},
		"again": {
			store{run + "day=d1/part-0": "0,x,5\n2,z,7\n", run + "day=d1/part-1": "2,z,7\n", run + "day=d2/part-0": "1,y,6\n"},
			Verified{Events: 3, Last: 2, Files: 3, Twice: 1}},
		"another day, another value, and what nobody wrote": {
			store{run + "day=d1/part-0": "0,x,5\n1,y,6\n2,z,8\n9,x,1\n"},
			Verified{Events: 1, Last: 9, Files: 1, Lost: 2, Wrong: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for key, text := range input {
				c.files[key] = text
			}
			got, err := deployedOn(c.files).Verify(t.Context(), "s3", "")
			require.NoError(t, err)
			c.want.SchemaVersion, c.want.Job, c.want.Namespace = 1, "s3", "flink-team-a"
			c.want.Output = "s3://emr-eks-flink-111122223333-us-west-2-checkpoints/" + path.Clean(run)
			require.Equal(t, c.want, got)
		})
	}
}
