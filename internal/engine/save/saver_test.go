// SPDX-License-Identifier: Apache-2.0

package save

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/pkg/v3/backend"
	"github.com/pulumi/pulumi/pkg/v3/resource/stack"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
)

// ref is a stack of a backend.
type ref struct{ backend.StackReference }

func (ref) FullyQualifiedName() tokens.QName { return "organization/p/dev" }
func (ref) Name() tokens.StackName           { return tokens.MustParseStackName("dev") }
func (ref) StackBasePath() string            { return ".pulumi/stacks/p/dev" }
func (ref) HistoryDir() string               { return ".pulumi/history/p/dev" }
func (ref) BackupDir() string                { return ".pulumi/backups/p/dev" }

const key = ".pulumi/stacks/p/dev.json"

// deployment is a state of n buckets.
func deployment(n int) apitype.TypedDeployment {
	d := &apitype.DeploymentV3{}
	for i := range n {
		urn := resource.URN(fmt.Sprintf("urn:pulumi:dev::p::aws:s3/bucket:Bucket::b%d", i))
		d.Resources = append(d.Resources, apitype.ResourceV3{
			URN: urn, Type: urn.Type(), Custom: true, ID: "<&>", Inputs: map[string]any{"n": i, "text": "a < b"},
		})
	}
	return apitype.TypedDeployment{Deployment: d, Version: 3}
}

func inMemory(t *testing.T) Place {
	t.Helper()
	b := memblob.OpenBucket(nil)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return Place{Bucket: b}
}

func inFolder(t *testing.T) Place {
	t.Helper()
	dir := t.TempDir()
	b, err := fileblob.OpenBucket(dir, &fileblob.Options{Metadata: fileblob.MetadataDontWrite, NoTempDir: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return Place{Bucket: b, Folder: dir}
}

// read is what Pulumi reads of a state, and how that is compressed.
func read(t *testing.T, p Place, key string) (*apitype.DeploymentV3, encoding.Compression) {
	t.Helper()
	raw, err := p.Bucket.ReadAll(t.Context(), key)
	require.NoError(t, err)
	how := encoding.DetectCompression(raw)
	c, _, _, err := stack.UnmarshalVersionedCheckpointToLatestCheckpoint(encoding.Compress(encoding.JSON, how), raw)
	require.NoError(t, err)
	return c.Latest, how
}

func TestAStateIsReplacedAndTheOneBeforeTheOperationKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		place   func(*testing.T) Place
		content encoding.Compression
	}{
		"in a folder, as it is":   {inFolder, encoding.CompressionNone},
		"in a bucket, compressed": {inMemory, encoding.CompressionGzip},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := c.place(t)
			// What the version before this one wrote: not compressed.
			old, err := (&encoder{stack: "organization/p/dev"}).encode(deployment(1))
			require.NoError(t, err)
			require.NoError(t, p.Bucket.WriteAll(t.Context(), key, old, nil))
			s := newSaver(t.Context(), p, ref{})
			for n := 2; n < 5; n++ {
				require.NoError(t, s.save(deployment(n)))
			}
			require.NoError(t, s.finish(backend.UpdateInfo{Result: backend.SucceededResult}))
			state, how := read(t, p, key)
			require.Len(t, state.Resources, 4)
			require.Equal(t, c.content, how)
			kept, _ := read(t, p, key+".bak")
			require.Len(t, kept.Resources, 1)

			next := newSaver(t.Context(), p, ref{})
			require.NoError(t, next.save(deployment(7)))
			kept, _ = read(t, p, key+".bak")
			require.Len(t, kept.Resources, 4)
			var keys []string
			it := p.Bucket.List(nil)
			for {
				o, err := it.Next(t.Context())
				if err != nil {
					break
				}
				keys = append(keys, o.Key)
			}
			require.Len(t, keys, 5, "state, .bak, history, checkpoint, backup: %v", keys)
		})
	}
}

func TestACompressionThatTheUserChoosesHasItsOwnName(t *testing.T) {
	p := inFolder(t)
	require.NoError(t, newSaver(t.Context(), p, ref{}).save(deployment(1)))
	t.Setenv("PULUMI_DIY_BACKEND_GZIP", "true")
	require.NoError(t, newSaver(t.Context(), p, ref{}).save(deployment(2)))
	state, how := read(t, p, key+".gz")
	require.Len(t, state.Resources, 2)
	require.Equal(t, encoding.CompressionGzip, how)
	require.NoFileExists(t, filepath.Join(p.Folder, key))
	require.FileExists(t, filepath.Join(p.Folder, key+".bak"))
}

func TestAStateThatIsNotConsistentIsWrittenAndRefused(t *testing.T) {
	t.Parallel()
	p := inFolder(t)
	broken := deployment(2)
	broken.Deployment.Resources[0].Dependencies = []resource.URN{"urn:pulumi:dev::p::aws:s3/bucket:Bucket::nobody"}
	require.ErrorContains(t, newSaver(t.Context(), p, ref{}).save(broken), "not consistent")
	state, _ := read(t, p, key)
	require.Len(t, state.Resources, 2)
	require.NotNil(t, state.Metadata.IntegrityErrorMetadata)
}

func TestAStateThatCannotBeWrittenLeavesTheOldOne(t *testing.T) {
	t.Parallel()
	p := inFolder(t)
	s := newSaver(t.Context(), p, ref{})
	require.NoError(t, s.save(deployment(1)))
	require.NoError(t, os.Mkdir(filepath.Join(p.Folder, key+".tmp"), 0o700)) // nothing can be written beside it
	require.Error(t, s.put(key, []byte("{")))
	state, _ := read(t, p, key)
	require.Len(t, state.Resources, 1)
}

func TestAnEncodedStateIsTheSameWithAndWithoutTheOneBefore(t *testing.T) {
	t.Parallel()
	e := &encoder{stack: "organization/p/dev"}
	d := deployment(5)
	for i, change := range []func(){
		func() {},
		func() { d.Deployment.Resources[1].Delete = true },
		func() { d.Deployment.Resources[2].Outputs = map[string]any{"x": "y"} },
		func() { d.Deployment.Resources = append(d.Deployment.Resources[:3:3], d.Deployment.Resources[4:]...) },
		func() { d.Deployment.Resources = nil },
		func() { d = deployment(3) },
		func() { d.Deployment.PendingOperations = []apitype.OperationV2{{Resource: d.Deployment.Resources[0]}} },
	} {
		change()
		got, err := e.encode(d)
		require.NoError(t, err)
		checkpoint, err := json.Marshal(apitype.CheckpointV3{Stack: e.stack, Latest: d.Deployment})
		require.NoError(t, err)
		want, err := json.Marshal(apitype.VersionedCheckpoint{Version: 3, Checkpoint: checkpoint})
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got), i)
		require.False(t, bytes.Contains(got, []byte(`\u003c`)), "texts are not escaped for HTML")
	}
}
