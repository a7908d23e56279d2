// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/golden"
	"emrflink/internal/iam"
	"emrflink/internal/policy"
)

type fake struct {
	purpose policy.Purpose
	account string
	err     error
}

func (f *fake) derive(_ context.Context, p policy.Purpose, account string) (policy.Document, error) {
	f.purpose, f.account = p, account
	if f.err != nil {
		return policy.Document{}, f.err
	}
	return policy.New(policy.Subject{
		Stack: "local", Deployment: "demo", Region: "us-west-2", Partition: "aws", Account: account, Tag: "emrflink:deployment",
		Resources: []policy.Resource{{Type: "aws:s3/bucketV2:BucketV2", Inputs: map[string]any{"bucket": "demo-checkpoints"}}, {
			Type: "aws:iam/role:Role", Inputs: map[string]any{"name": "demo-us-west-2-team-job", "path": "/"},
		}},
	}, p)
}

func exec(t *testing.T, f *fake, args ...string) (*cmdtest.Run, error) {
	t.Helper()
	r := cmdtest.New(t)
	return r, r.Exec(t, NewCmd(r.Factory, f.derive, nil), args...)
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for file, args := range map[string][]string{
		"job.txt": {"--for", "job", "--account", "444455556666"}, "job.json": {"--for", "job", "-o", "json"},
	} {
		f := &fake{}
		r, err := exec(t, f, args...)
		require.NoError(t, err)
		require.Equal(t, policy.Job, f.purpose)
		golden.Equal(t, "testdata/"+file, r.Out.String())
	}
}

func TestTheDocumentsAreWritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "policies")
	r, err := exec(t, &fake{}, "--for", "job", "--account", "444455556666", "--dir", dir)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "demo-us-west-2-job.json"))
	require.NoError(t, err)
	table, err := iam.Actions()
	require.NoError(t, err)
	require.Empty(t, table.Check(iam.KindManaged, string(text)))
	require.Contains(t, r.Out.String(),
		"aws iam create-policy --policy-name demo-us-west-2-job --policy-document file://"+dir+"/demo-us-west-2-job.json")
}

func TestWrongFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--for", "everything"}, {"--account", "12"}} {
		f := &fake{}
		_, err := exec(t, f, args...)
		require.Error(t, err)
		require.Empty(t, f.purpose, "%v: nothing is derived", args)
	}
}

func TestAFailureKeepsItsFacets(t *testing.T) {
	t.Parallel()
	refused := &cmdutil.Error{What: "read the settings", Cause: errors.New("no file"), Exit: cmdutil.ExitUsage}
	r, err := exec(t, &fake{err: refused})
	require.Equal(t, cmdutil.ExitUsage, cmdtest.Code(err))
	require.Empty(t, r.Out.String())
}

func TestJSONHasTheAgreedFields(t *testing.T) {
	t.Parallel()
	r, err := exec(t, &fake{}, "--for", "job", "-o", "json")
	require.NoError(t, err)
	var d struct {
		Policies []map[string]json.RawMessage `json:"policies"`
	}
	require.NoError(t, json.Unmarshal(r.Out.Bytes(), &d))
	require.Len(t, d.Policies[0], 4)
	for _, field := range []string{"name", "size", "statements", "document"} {
		require.Contains(t, d.Policies[0], field)
	}
}
