// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/require"
)

// oneBucketState has a resource that depends on another.
const oneBucketState = `{"version":3,"checkpoint":{"stack":"organization/emrflink/local","latest":{
"manifest":{"time":"2026-01-01T00:00:00Z","magic":"","version":""},"resources":[
{"urn":"urn:pulumi:local::emrflink::pulumi:pulumi:Stack::emrflink-local","custom":false,"type":"pulumi:pulumi:Stack"},
{"urn":"urn:pulumi:local::emrflink::aws:s3/bucketV2:BucketV2::b","custom":true,"id":"b","type":"aws:s3/bucketV2:BucketV2",
"dependencies":["urn:pulumi:local::emrflink::pulumi:pulumi:Stack::emrflink-local"],
"propertyDependencies":{"bucket":["urn:pulumi:local::emrflink::pulumi:pulumi:Stack::emrflink-local"]}}]}}}`

func TestAStateIsParsedAgainWhenItsFileChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "local.json")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write(oneBucketState)
	var last LastState
	first, err := last.parse(path)
	require.NoError(t, err)
	parsed := last.state

	// What a caller does with the references and the list is its own.
	drop(first, func(r apitype.ResourceV3) bool { return string(r.Type) == "pulumi:pulumi:Stack" })
	require.Len(t, first.Resources, 1)
	require.Empty(t, first.Resources[0].Dependencies)
	again, err := last.parse(path)
	require.NoError(t, err)
	require.Same(t, parsed, last.state, "the same bytes are not parsed again")
	fresh, err := parseState(path)
	require.NoError(t, err)
	require.Equal(t, fresh.DeploymentV3, again.DeploymentV3)
	require.Equal(t, stateResources(fresh), last.resources(again))
	require.Same(t, &last.resources(again)[0], &last.resources(again)[0], "nor shown again")

	write(strings.ReplaceAll(oneBucketState, "::b\"", "::c\""))
	other, err := last.parse(path)
	require.NoError(t, err)
	require.Equal(t, "c", other.Resources[1].URN.Name())
	require.Equal(t, "c", last.resources(other)[1].Name)
	require.Equal(t, "b", last.resources(again)[1].Name)

	write(oneBucketState[:100])
	_, err = last.parse(path)
	require.Error(t, err, "half a file is none, whatever was there before")
	require.NoError(t, os.Remove(path))
	_, err = last.parse(path)
	require.ErrorIs(t, err, os.ErrNotExist)
}
