// SPDX-License-Identifier: Apache-2.0

package leanstart

import (
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	highlight "github.com/alecthomas/chroma/quick"
	highlight2 "github.com/alecthomas/chroma/v2/quick"
	fork "github.com/ccojocar/zxcvbn-go"
	"github.com/go-git/go-git/v6"
	original "github.com/nbutton23/zxcvbn-go"
	"github.com/pb33f/libopenapi"
	"github.com/santhosh-tekuri/jsonschema/v5"
	"github.com/stretchr/testify/require"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob"
	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/azurekeyvault"
)

func TestEntropyIsLengthTimesAlphabet(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]float64{
		"":         0,
		"aaaa":     4 * math.Log2(26),
		"aA":       2 * math.Log2(52),
		"aA0 ":     4 * math.Log2(95),
		"ü":        math.Log2(100),
		"hunter2!": 8 * math.Log2(69),
	} {
		require.InDelta(t, want, original.PasswordStrength(value, nil).Entropy, 1e-9, value)
		require.InDelta(t, want, fork.PasswordStrength(value, nil).Entropy, 1e-9, value)
	}
}

// Pulumi calls a value a secret from 73 bits, or from 36.5 when a character has 3.
func TestWhatPulumiDecidesByIt(t *testing.T) {
	t.Parallel()
	require.Greater(t, original.PasswordStrength("AKIAIOSFODNN7EXAMPLE", nil).Entropy, 73.0)
	require.Less(t, original.PasswordStrength("us-west-2", nil).Entropy, 73.0)
}

func TestCodeIsPrintedAsItIs(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, highlight.Highlight(&out, "- a\n", "diff", "terminal256", "esc"))
	require.NoError(t, highlight2.Highlight(&out, "+ b\n", "diff", "terminal256", "esc"))
	require.Equal(t, "- a\n+ b\n", out.String())
}

func TestWhatIsLeftOutSaysSo(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for module, call := range map[string]func() error{
		"cloud.google.com/go/storage": func() error { _, err := storage.NewClient(ctx); return err },
		"github.com/go-git/go-git/v6": func() error { _, err := git.PlainOpen(t.TempDir()); return err },
		"github.com/pb33f/libopenapi": func() error { _, err := libopenapi.NewDocument(nil); return err },
		"github.com/Azure/azure-sdk-for-go/sdk/azidentity": func() error {
			_, err := blob.OpenBucket(ctx, "azblob://container?storage_account=a")
			return err
		},
		"github.com/Azure/azure-sdk-for-go/sdk/": func() error {
			_, err := secrets.OpenKeeper(ctx, "azurekeyvault://v.vault.azure.net/keys/k")
			return err
		},
	} {
		require.ErrorContains(t, call(), "emrflink is built without "+module)
	}
}

// Every line of lean.txt has its stand-in, and go.mod uses it.
func TestTheListIsWhatIsReplaced(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("lean.txt")
	require.NoError(t, err)
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	count := 0
	for line := range strings.Lines(string(list)) {
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[0] == "#" {
			continue
		}
		count++
		folder := strings.NewReplacer("/", "-", ".", "-").Replace(fields[0])
		require.Contains(t, string(mod), fields[0]+" => ./internal/leanstart/"+folder)
		require.FileExists(t, folder+"/go.mod")
	}
	require.Greater(t, count, 10)
}

func TestSchemasAreCheckedAtTheFirstUse(t *testing.T) {
	t.Parallel()
	loads := 0
	c := jsonschema.NewCompiler()
	c.LoadURL = func(url string) (io.ReadCloser, error) {
		loads++
		require.Equal(t, "blob://thing.json", url)
		return io.NopCloser(strings.NewReader(`{"$schema":"https://json-schema.org/draft/2020-12/schema",
			"$id":"https://x/thing.json",
			"type":"object","required":["name"],"properties":{"name":{"$ref":"#/$defs/name"}},"additionalProperties":false,
			"$defs":{"name":{"type":"string","minLength":1}}}`)), nil
	}
	schema := c.MustCompile("blob://thing.json")
	require.Zero(t, loads)
	require.NoError(t, schema.Validate(map[string]any{"name": "x"}))
	err := schema.Validate(map[string]any{"name": "", "other": 1})
	var wrong *jsonschema.ValidationError
	require.ErrorAs(t, err, &wrong)
	require.Len(t, wrong.Causes, 2)
	require.ErrorContains(t, err, `"/name": String length must be greater than or equal to 1`)
	require.ErrorContains(t, err, "Additional property other is not allowed")
	require.Equal(t, 1, loads)

	missing := jsonschema.NewCompiler().MustCompile("blob://none")
	require.ErrorContains(t, missing.Validate(1), "without loaders")
}
