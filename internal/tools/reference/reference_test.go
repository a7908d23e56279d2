// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"go/doc"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

// TestEveryExportedNameIsDocumented: other people read these packages.
func TestEveryExportedNameIsDocumented(t *testing.T) {
	t.Parallel()
	packages, err := load(root)
	require.NoError(t, err)
	require.Greater(t, len(packages), 10)
	names := 0
	for _, p := range packages {
		need := func(name, text string) {
			if names++; strings.TrimSpace(text) == "" {
				t.Errorf("%s.%s has no comment", p.path, name)
			}
		}
		need("(package)", p.doc.Doc)
		values := append(append([]*doc.Value{}, p.doc.Consts...), p.doc.Vars...)
		funcs := append([]*doc.Func{}, p.doc.Funcs...)
		for _, typ := range p.doc.Types {
			need(typ.Name, typ.Doc)
			for _, f := range p.fields(typ) {
				need(typ.Name+"."+f.name, f.doc)
			}
			values = append(append(values, typ.Consts...), typ.Vars...)
			funcs = append(append(funcs, typ.Funcs...), typ.Methods...)
		}
		for _, f := range funcs {
			need(f.Name, f.Doc)
		}
		for _, v := range values {
			shared := ""
			for _, s := range v.Decl.Specs {
				spec := s.(*ast.ValueSpec)
				text := spec.Doc.Text() + spec.Comment.Text()
				if text == "" && strings.Contains(shared, spec.Names[0].Name) {
					text = shared
				}
				shared = text
				need(spec.Names[0].Name, v.Doc+text)
			}
		}
	}
	require.Greater(t, names, 200)
}

func TestEachComponentHasItsPage(t *testing.T) {
	t.Parallel()
	pages, err := pagesOf(root)
	require.NoError(t, err)
	for _, name := range []string{
		"network", "cluster", "addons", "irsa", "checkpoints", "flinkoperator", "team", "observability", "karpenter",
		"deployment", "stacks",
	} {
		require.Contains(t, pages, name+".md")
		require.Contains(t, pages["README.md"], "("+name+".md)")
	}
	require.NotContains(t, pages, "componenttest.md", "it is for tests")
	for page, says := range map[string][]string{
		"network.md": {
			"Pulumi type `emrflink:network:Network`", "| `VpcCidr` | `string` | VpcCidr is the VPC's range; see ParseCidr. |",
			"| `PublicSubnetIds` | `publicSubnetIds` | `pulumi.StringArrayOutput` | PrivateSubnetIds and PublicSubnetIds have " +
				"one subnet per zone",
			"| `aws:ec2/vpc:Vpc` | `network-vpc` |", "func NewNetwork(ctx *pulumi.Context, name string, args *Args",
		},
		"cluster.md": {"## Nodes\n\nPulumi type `emrflink:cluster:CoreNodes`", "| `eks:index:Cluster` |"},
		"karpenter.md": {"Pulumi type `emrflink:karpenter:NodePools`",
			"| `kubernetes:karpenter.sh/v1:NodePool` | `pools-flink-compute-optimized`"},
		"deployment.md": {"## type Deployment", "func Lookup(ctx *pulumi.Context"},
	} {
		for _, s := range says {
			require.Contains(t, pages[page], s)
		}
	}
}

func TestOldPagesGoAndForeignOnesStay(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(out, "gone.md"), []byte(header), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(out, "mine.md"), []byte("mine"), 0o600))
	require.NoError(t, run(root, out))
	require.NoFileExists(t, filepath.Join(out, "gone.md"))
	require.FileExists(t, filepath.Join(out, "mine.md"))
	require.FileExists(t, filepath.Join(out, "network.md"))
}
