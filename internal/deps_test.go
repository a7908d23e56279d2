// SPDX-License-Identifier: Apache-2.0

// Package internal_test enforces the import rules that keep the layers apart.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rule says that nothing may import Path (or below) but the packages below Allowed.
type rule struct {
	path    string
	allowed []string
	why     string
}

var rules = []rule{
	{"github.com/spf13/cobra", []string{"internal/cli", "internal/engine"},
		"commands are cobra's only place; the engine hosts Pulumi's own"},
	{"github.com/pulumi/pulumi/sdk/v3/go/auto", []string{"internal/engine"}, "nothing above the engine sees the Automation API"},
	{"github.com/pulumi/pulumi/pkg/v3", []string{"internal/engine"},
		"pkg promises no compatibility: one package lives with that"},
	{"github.com/aws/aws-sdk-go-v2/service", []string{"internal/awsapi"}, "AWS calls go through narrow interfaces"},
	{"k8s.io/client-go", []string{"internal/kube", "internal/localcloud"}, "Kubernetes is spoken to in one place"},
	{"emrflink/internal/localcloud", []string{
		"internal/localcloud", "internal/target", "internal/tools/policyproof", "internal/tools/refereeoperator",
		"internal/tools/terraform"},
		"commands do not know which target they run on"},
	{"emrflink/internal/tools", []string{"internal/tools"}, "nothing that is shipped needs what the project's tools need"},
	{"oras.land/oras-go/v2", []string{"internal/helmchart"}, "charts are fetched in one place"},
	{"emrflink/localkube", nil, "the control plane is a process, not a package"},
}

// public are the packages that other people import.
var public = []string{"stacks", "components", "karpenter", "examples", "observability"}

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestImportsGoOneWay(t *testing.T) {
	t.Parallel()
	met := map[string]bool{}
	for _, p := range list(t) {
		at := strings.TrimPrefix(p.ImportPath, "emrflink/")
		for _, imp := range p.Imports {
			for _, r := range rules {
				met[r.path] = met[r.path] || below(imp, r.path)
				if below(imp, r.path) && !anyBelow(at, r.allowed) {
					t.Errorf("%s imports %s: %s", at, imp, r.why)
				}
			}
			if anyBelow(at, public) && below(imp, "emrflink/internal") {
				t.Errorf("%s imports %s: other people import %s", at, imp, at)
			}
			if below(at, "internal") && !below(at, "internal/cli") && below(imp, "emrflink/internal/cli") {
				t.Errorf("%s imports %s: imports go from the commands down", at, imp)
			}
		}
	}
	for _, r := range rules {
		require.Equal(t, len(r.allowed) > 0, met[r.path], "who may import %s does, or it is misspelt", r.path)
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	out, err := goList("-f", "{{.ImportPath}}|{{.Doc}}")
	require.NoError(t, err)
	require.NotEmpty(t, out)
	for line := range strings.Lines(string(out)) {
		path, doc, _ := strings.Cut(strings.TrimSpace(line), "|")
		if doc == "" {
			t.Errorf("%s has no package comment", path)
		}
	}
}

// list returns the module's packages with what they import outside their tests.
func list(t *testing.T) []pkg {
	t.Helper()
	out, err := goList("-json=ImportPath,Imports")
	require.NoError(t, err)
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			require.NotEmpty(t, all)
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

// goList lists the packages of the main module; in the workspace, the pattern emrflink/... has localkube's too.
func goList(args ...string) ([]byte, error) {
	cmd := exec.Command("go", append(append([]string{"list"}, args...), "./...")...)
	cmd.Dir = ".."
	return cmd.Output()
}

func below(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func anyBelow(path string, roots []string) bool {
	for _, r := range roots {
		if below(path, r) {
			return true
		}
	}
	return false
}
