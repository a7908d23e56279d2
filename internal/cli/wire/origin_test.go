// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/stack"
)

// deployed writes the state of a stack with one resource and the outputs of a deployment.
func deployed(t *testing.T, home, name, region string) {
	t.Helper()
	const of = `"urn":"urn:pulumi:local::emrflink::%s","type":"%s","custom":%t`
	state := `{"version":3,"checkpoint":{"stack":"organization/emrflink/local","latest":{` +
		`"manifest":{"time":"2026-01-02T03:04:05Z","magic":"","version":""},"resources":[{` +
		fmt.Sprintf(of, "pulumi:pulumi:Stack::emrflink-local", "pulumi:pulumi:Stack", false) +
		fmt.Sprintf(`,"outputs":{"deploymentName":%q,"region":%q,"accountId":"111122223333","clusterName":%[1]q}},{`,
			name, region) +
		fmt.Sprintf(of, "aws:s3/bucketV2:BucketV2::b", "aws:s3/bucketV2:BucketV2", true) + `,"id":"b"}]}}}`
	dir := filepath.Join(home, "backend", ".pulumi", "stacks", "emrflink")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "local.json"), []byte(state), 0o600))
}

func TestAStackStaysTheDeploymentThatItWasMadeAs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		made, region string
		rename       bool
		cause        string
		next         string
	}{
		"another name": {made: "old", region: "us-west-2",
			cause: "it was deployed from /src/first with the name old, now it is new: nothing of it would stay",
			next: "cp DIR/Pulumi.local.yaml DIR/Pulumi.local-new.yaml && emrflink deploy --stack local-new" +
				"   # a stack of its own\n" +
				"emrflink deploy --stack local --rename   # replaces everything and loses what it holds"},
		"another region, which no flag allows": {made: "new", region: "eu-west-1", rename: true,
			cause: "it was deployed from /src/first with the region eu-west-1, now it is us-west-2: nothing of it would stay" +
				"; --rename gives another name only: nothing can be moved to another region or account, or be deleted from there",
			next: "cp DIR/Pulumi.local.yaml DIR/Pulumi.local-us-west-2.yaml && emrflink deploy --stack local-us-west-2" +
				"   # a stack of its own\n" +
				"emrflink deploy --stack local   # with emrflink:region: eu-west-1 again in DIR/Pulumi.local.yaml"},
		"another region and name": {made: "old", region: "eu-west-1",
			cause: "it was deployed from /src/first with the region eu-west-1, now it is us-west-2: nothing of it would stay",
			next: "cp DIR/Pulumi.local.yaml DIR/Pulumi.local-us-west-2.yaml && emrflink deploy --stack local-us-west-2" +
				"   # a stack of its own\n" +
				"emrflink deploy --stack local   # with emrflink:region: eu-west-1 again in DIR/Pulumi.local.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, o, home := newRun(t, "config:\n  emrflink:target: local\n  emrflink:name: new\n")
			deployed(t, home, c.made, c.region)
			require.NoError(t, stack.OriginsIn(home).Remember(stack.Origin{Stack: "local", Folder: "/src/first"}))
			s, err := o.Deploy.Open(t.Context())
			require.NoError(t, err)
			r := cmdutil.Describe(s.CheckOrigin(t.Context(), c.rename))
			require.Equal(t, "another-deployment", r.Code)
			require.Equal(t, 2, r.Exit)
			require.Equal(t, c.cause, r.Cause)
			require.Equal(t, strings.ReplaceAll(c.next, "DIR", filepath.Dir(f.Globals.ConfigFile)), strings.Join(r.Next, "\n"))
			require.NoDirExists(t, filepath.Join(home, "local"), "no target is started")
		})
	}
}

func TestAStackThatWasNeverDeployedCanBeAnything(t *testing.T) {
	t.Parallel()
	_, o, home := newRun(t, "config:\n  emrflink:target: local\n  emrflink:name: new\n")
	s, err := o.Deploy.Open(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.CheckOrigin(t.Context(), false))
	require.NoDirExists(t, home, "nothing is touched")
}

func TestStacksAreListedWithWhatIsKnownOfThem(t *testing.T) {
	t.Parallel()
	_, o, home := newRun(t, "")
	deployed(t, home, "x", "us-west-2")
	all, err := o.Stacks(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.WithinDuration(t, time.Now(), all[0].Changed, time.Minute)
	require.Equal(t, stack.Origin{Stack: "local", Changed: all[0].Changed}, all[0], "of an older version")
	known := stack.Origin{Stack: "local", Folder: "/src", Target: "local", Changed: time.Unix(1, 0).UTC()}
	require.NoError(t, stack.OriginsIn(home).Remember(known))
	now, err := o.Stacks(t.Context())
	require.NoError(t, err)
	known.Changed = all[0].Changed
	require.Equal(t, []stack.Origin{known}, now, "the state tells of the last change")
}

func TestAnotherAccountHasTwoWaysOn(t *testing.T) {
	t.Parallel()
	_, o, _ := newRun(t, "config:\n  emrflink:target: local\n")
	opened, err := o.Deploy.Open(t.Context())
	require.NoError(t, err)
	s, is := opened.(*onTarget)
	require.True(t, is)
	r := cmdutil.Describe(s.anotherAccount("111122223333", "444455556666", true))
	require.Equal(t, 2, r.Exit)
	require.Contains(t, r.Cause, "the account 111122223333, now it is 444455556666: nothing of it would stay; --rename gives")
	require.Len(t, r.Next, 2)
	require.Contains(t, r.Next[0], "emrflink deploy --stack local-444455556666   # a stack of its own")
	require.Equal(t, "emrflink doctor --stack local   # shows whose the credentials are", r.Next[1])
}
