// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/findings"
	"emrflink/internal/golden"
	"emrflink/internal/localtarget"
	"emrflink/stacks/setting"
)

func tree() *cobra.Command {
	root := &cobra.Command{Use: "tool COMMAND", Short: "A tool", Long: "A tool."}
	root.CompletionOptions.DisableDefaultCmd = true
	child := &cobra.Command{
		Use: "make [flags]", Short: "Make it", Long: "Make it.\n\nExit codes: 0 made.",
		Example: "  tool make\n  tool make --fast",
		Run:     func(*cobra.Command, []string) {},
	}
	child.Flags().Bool("fast", false, "make it fast")
	hidden := &cobra.Command{Use: "secret", Short: "Hidden", Hidden: true, Run: func(*cobra.Command, []string) {}}
	root.PersistentFlags().String("stack", "local", "stack to work on")
	root.AddCommand(child, hidden)
	return root
}

func keys() []setting.Key {
	return []setting.Key{{Name: "region", Type: "text", Default: "us-west-2", Doc: "AWS region | any", Example: "eu-west-1"}}
}

func matrix() localtarget.Matrix {
	return localtarget.Matrix{
		Operations: []localtarget.Operation{
			{Service: "ec2", Name: "RunInstances", UsedBy: "karpenter", Notes: "subnet required"},
		},
		Types: []localtarget.ResourceType{
			{Token: "aws:ec2/vpc:Vpc", Provider: "aws 6", Kind: "ec2:vpc"}, {Token: "eks:index:Cluster", Provider: "eks 2"},
		},
		Charts: []string{"cert-manager"}, Addons: []string{"coredns", "vpc-cni"},
	}
}

func someRules() []findings.Rule {
	return []findings.Rule{{
		ID: "open-door", Severity: "high", Title: "the door is | open", Why: "Anybody comes in.", Fix: "Close it.",
		Source: "https://example.com/door",
	}}
}

func TestPages(t *testing.T) {
	t.Parallel()
	pages := Pages(Source{Root: tree(), Keys: keys(), Matrix: matrix(), Rules: someRules()})
	require.Len(t, pages, 8)
	require.Contains(t, pages["README.md"], "| [`tool make`](tool-make.md) | Make it |\n")
	require.Contains(t, pages["tool.md"], "## Commands\n\n- [tool make](tool-make.md): Make it\n")
	require.Contains(t, pages["configuration.md"], "| `emrflink:region` | text | `us-west-2` | AWS region \\| any | "+
		"`eu-west-1` |\n")
	require.Contains(t, pages["exit-codes.md"], "| 7 | cleanup is incomplete")
	require.Contains(t, pages["environment.md"], "| `EMRFLINK_STACK` | `--stack` | stack to work on |\n")
	require.Contains(t, pages["findings.md"], "| [`open-door`](#open-door) | high | the door is \\| open |\n")
	require.Contains(t, pages["findings.md"], "## open-door\n\nhigh: the door is | open. Anybody comes in.\n\nWhat to do: "+
		"Close it.\n\nSource: <https://example.com/door>\n")
	golden.Equal(t, "testdata/tool-make.md", pages["tool-make.md"])
	golden.Equal(t, "testdata/local-target.md", pages["local-target.md"])
}

func TestALongDefaultHasABlockOfItsOwn(t *testing.T) {
	t.Parallel()
	value := `{"text":"` + strings.Repeat("x", longValue) + `"}`
	text := configuration([]setting.Key{{Name: "nodePools", Type: "object", Default: value, Doc: "pools"}})
	require.Contains(t, text, "| `emrflink:nodePools` | object | [below](#nodepools) | pools |  |\n")
	require.Contains(t, text, "## nodePools\n\nThe default:\n\n```json\n{\n  \"text\": ")
}

func TestOldPagesGoAndForeignOnesStay(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	r.Factory.Reference = cmdutil.Reference{Keys: keys, Matrix: matrix, Rules: someRules}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tool-old.md"), []byte(header+"old"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.md"), []byte("mine"), 0o600))
	root := tree()
	root.AddCommand(NewCmd(r.Factory, nil))
	require.NoError(t, r.Exec(t, root, "docs", "--dir", dir))
	require.Equal(t, dir+": 8 pages\n", r.Out.String())
	require.NoFileExists(t, filepath.Join(dir, "tool-old.md"))
	require.FileExists(t, filepath.Join(dir, "notes.md"))
	require.FileExists(t, filepath.Join(dir, "tool-make.md"))
	require.NoFileExists(t, filepath.Join(dir, "tool-docs.md"), "the generator is hidden")
}
