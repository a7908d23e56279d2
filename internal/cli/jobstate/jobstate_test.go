// SPDX-License-Identifier: Apache-2.0

package jobstate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/flinkjob"
	"emrflink/internal/kube"
	"emrflink/internal/kube/kubetest"
	"emrflink/internal/stack"
)

type obj = map[string]any

// fake is a stack with one job, "basic", whose savepoint of Flink's own is in a bucket.
type fake struct {
	name   string
	bucket bucket
	kube   *kubetest.Store // nil: the job is not in the cluster
	absent string
}

func (f *fake) Info() stack.Info {
	i := cmdtest.Info()
	i.Stack = f.name
	return i
}
func (*fake) Close() error              { return nil }
func (*fake) Explained(err error) error { return err }

func (f *fake) FindStates(_ context.Context, job, _, below string, timeout time.Duration) (flinkjob.Store, error) {
	if job != "basic" {
		return flinkjob.Store{}, fmt.Errorf("job %q: %w", job, flinkjob.ErrNoJob)
	}
	team := "s3://" + f.name + "/team"
	s := flinkjob.Store{
		Job: job, Namespace: "team", Bucket: f.bucket, Below: []string{team + "/savepoints/basic", team + "/detached/basic"},
		Detached: team + "/detached/basic", Absent: f.absent,
	}
	if below != "" {
		s.Below = []string{below}
	}
	if f.kube != nil {
		r := flinkjob.Runner{Kube: f.kube, Poll: time.Millisecond, Timeout: timeout}
		d := flinkjob.Deployed{Connect: func(context.Context) (flinkjob.Runner, error) { return r, nil }}
		running, err := d.Find(context.Background(), job, "", timeout)
		s.Running = &running
		return s, err
	}
	return s, nil
}

// bucket is S3, by bucket/key.
type bucket map[string][]byte

func (b bucket) ListObjects(_ context.Context, name, prefix string) (all []awsapi.Object, _ error) {
	for _, full := range slices.Sorted(maps.Keys(b)) {
		if key, ok := strings.CutPrefix(full, name+"/"); ok && strings.HasPrefix(key, prefix) {
			all = append(all, awsapi.Object{
				Key: key, Size: int64(len(b[full])), LastModified: time.Date(2026, 1, 2, 1, 4, 5, 0, time.UTC),
			})
		}
	}
	return all, nil
}

func (b bucket) GetObject(_ context.Context, name, key string) ([]byte, error) {
	return b[name+"/"+key], nil
}

func (b bucket) PutObject(_ context.Context, name, key string, body io.Reader, _ string) error {
	raw, err := io.ReadAll(body)
	b[name+"/"+key] = raw
	return err
}

func (b bucket) CopyObject(_ context.Context, name, key string, _ int64, to, toKey string) error {
	b[to+"/"+toKey] = bytes.Clone(b[name+"/"+key])
	return nil
}

func (b bucket) DeleteObjects(_ context.Context, name string, keys ...string) error {
	for _, key := range keys {
		delete(b, name+"/"+key)
	}
	return nil
}

const savepoint = "savepoint-3a19c4-70005ec088d1"

// stacks are two: on "local" the job runs and has a canonical savepoint, which is one file, and half of a checkpoint; what the
// command makes of the job is carried out at once. On "dev" there is no job.
func stacks(t *testing.T) map[string]*fake {
	t.Helper()
	raw, err := os.ReadFile("../../flinkstate/testdata/canonical-savepoint")
	require.NoError(t, err)
	b := bucket{
		"local/team/savepoints/basic/" + savepoint + "/_metadata": raw,
		"local/team/savepoints/basic/chk-3/part":                  []byte("half"),
	}
	job := kube.KindFlinkDeployment.Ref("team", "basic")
	s := kubetest.New(kubetest.Object(job.Kind, job.Namespace, job.Name, obj{
		"metadata": obj{"generation": int64(1)}, "spec": obj{"job": obj{"parallelism": int64(2), "upgradeMode": "savepoint"}},
		"status": obj{
			"observedGeneration": int64(1), "lifecycleState": "STABLE", "jobStatus": obj{"state": "RUNNING", "jobId": "1"},
		},
	}))
	s.React(func(verb string, o *unstructured.Unstructured) {
		nonce, asked, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "job", "savepointRedeployNonce")
		observed, _, _ := unstructured.NestedFieldNoCopy(o.Object, "status", "observedGeneration")
		if verb == "patch" && asked && fmt.Sprint(observed) != fmt.Sprint(o.GetGeneration()) {
			_, err := s.Patch(context.Background(), job, "status", obj{"status": obj{
				"observedGeneration": o.GetGeneration(), "jobStatus": obj{"jobId": "after " + fmt.Sprint(nonce)},
			}})
			require.NoError(t, err)
		}
	})
	return map[string]*fake{"": {name: "local", bucket: b, kube: s}, "dev": {name: "dev", bucket: b}}
}

func exec(t *testing.T, all map[string]*fake, line string) (*cmdtest.Run, error) {
	t.Helper()
	return cmdtest.ExecOf(t, "job", "state "+line, func(f *cmdutil.Factory) []*cobra.Command {
		return []*cobra.Command{NewCmd(f, func(_ context.Context, name string) (Stack, error) { return all[name], nil })}
	})
}

func TestWhatTheCommandsShow(t *testing.T) {
	t.Parallel()
	const uri = "s3://local/team/savepoints/basic/" + savepoint
	const copied = "team/detached/basic/20260102T010405Z-" + savepoint
	for line, want := range map[string]string{
		"list basic": "STATE\tKIND\tAGE\tBYTES\tOPERATORS\tUSABLE\tURI\n" +
			savepoint + "\tcanonical savepoint\t2h00m\t7000\t5\tyes\t" + uri + "\n" +
			"chk-3\tcheckpoint\t-\t0\t0\tno\ts3://local/team/savepoints/basic/chk-3\n" +
			"chk-3: it has no _metadata, which Flink writes last: it was not completed, or is being written or deleted\n",
		"list basic --below s3://local/team/savepoints": savepoint,
		"show basic": uri + ": canonical savepoint of job basic, 2h00m ago, 7000 bytes\n" +
			"OPERATOR\tPARALLELISM\tMAX\tKEYED\tBYTES\tSTATES\n" +
			"ca88eee0095684d687a1b6495617f957\t1\t128\tno\t281\tSourceReaderState\n",
		"restore basic": "# kubectl -n team patch flinkdeployment basic --type merge --patch-file FILE\nspec:\n  job:\n" +
			"    initialSavepointPath: " + uri + "\n    savepointRedeployNonce: 1\n    state: running\n",
		"restore basic --start --discard-state": "job basic in namespace team is healthy; it started from " + uri,
		"restore basic --to dev": "emrflink job run --file FILE --name basic --set spec.job.initialSavepointPath=s3://dev/" +
			copied + " --stack dev\n",
		"detach basic " + savepoint: savepoint + " is kept as s3://local/" + copied + ": 1 file, ",
		"delete basic chk-3 --yes":  "s3://local/team/savepoints/basic/chk-3: 1 object deleted\n",
	} {
		r, err := exec(t, stacks(t), line)
		require.NoError(t, err, line)
		require.Contains(t, r.Out.String(), want, line)
	}
}

func TestTheJSONOfTheCommandsIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	state := "at bytes format kind name problem record uri usable"
	in := func(prefix string) string { return prefix + strings.Join(strings.Fields(state), " "+prefix) }
	const restored = "at command elapsedSeconds from health job namespace note path redeploy savepoint schemaVersion simulated " +
		"stack started"
	const moved = "bytes files from job kept namespace record schemaVersion simulated to"
	for line, fields := range map[string]string{
		"list basic": "below job namespace notAssessed schemaVersion simulated states states[].operators states[].files " +
			in("states[]."),
		"show basic": "files job namespace operators operators[].bytes operators[].id operators[].keyed " +
			"operators[].maxParallelism operators[].parallelism operators[].states schemaVersion simulated " + state,
		"restore basic":                         restored,
		"restore basic --start --discard-state": restored,
		"detach basic":                          moved,
		"delete basic chk-3 --yes":              moved,
	} {
		r, err := exec(t, stacks(t), line+" --output json")
		require.NoError(t, err, line)
		cmdtest.Fields(t, r.Out.Bytes(), strings.Fields(fields)...)
	}
}

func TestWhatIsRefusedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for line, c := range map[string]struct {
		code int
		says string
	}{
		"list nobody":                        {cmdutil.ExitNotFound, `there is no Flink job "nobody"`},
		"list":                               {cmdutil.ExitUsage, "needs the name of a job"},
		"list basic chk-3":                   {cmdutil.ExitUsage, "chk-3"},
		"show basic chk-3":                   {cmdutil.ExitNotFound, "it has no _metadata"},
		"restore basic chk-3 --start":        {cmdutil.ExitNotFound, "it has no _metadata"},
		"restore basic --to dev --start":     {cmdutil.ExitUsage, "it is not in the cluster"},
		"detach basic chk-9":                 {cmdutil.ExitNotFound, `no usable state "chk-9"`},
		"delete basic":                       {cmdutil.ExitUsage, "needs a state"},
		"delete basic chk-3":                 {cmdutil.ExitUsage, "there is no terminal to ask on"},
		"delete basic " + "chk-9" + " --yes": {cmdutil.ExitNotFound, `no usable state "chk-9"`},
		"restore basic --start --timeout 1s": {cmdutil.ExitTimeout, "stop it: "},
	} {
		_, err := exec(t, stacks(t), line)
		require.ErrorContains(t, err, c.says, line)
		require.Equal(t, c.code, cmdtest.Code(err), line)
	}
	all := stacks(t)
	all[""].absent = "the cluster was not asked: no route to host"
	r, err := exec(t, all, "delete basic chk-3 --yes")
	require.ErrorContains(t, err, "whether a job needs it is not known")
	require.Contains(t, r.Err.String(), "no route to host")
}
