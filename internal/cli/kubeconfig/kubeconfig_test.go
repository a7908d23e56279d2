// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/kube"
)

// fake is an entry for files whose current context is another one, or for such as have none.
type fake struct {
	other  bool
	merged string
}

func (f *fake) Render(string) ([]byte, error) { return []byte("kind: Config\n"), nil }

func (f *fake) Merge(path, alias string, use bool) (kube.Merged, error) {
	f.merged = path
	return kube.Merged{Context: cmp.Or(alias, "arn:cluster"), Current: use || !f.other}, nil
}

func TestKubeconfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args   []string
		env    map[string]string
		code   int
		merged string
		stdout string
	}{
		"the file that is named": {
			[]string{"--file", "f"}, map[string]string{"KUBECONFIG": "/k"}, 0, "f", "f: current context is arn:cluster\n",
		},
		"the first of KUBECONFIG": {
			nil, map[string]string{"KUBECONFIG": ":/k1:/k2", "HOME": "/h"}, 0, "/k1", "/k1: current context is arn:cluster\n",
		},
		"the file in the home folder": {
			nil, map[string]string{"HOME": "/h"}, 0, "/h/.kube/config", "/h/.kube/config: current context is arn:cluster\n",
		},
		"another context stays the current one": {
			[]string{"--file", "other"}, nil, 0, "other",
			"other: context arn:cluster is added; switch to it with: kubectl config use-context arn:cluster\n",
		},
		"unless it is asked for": {
			[]string{"--file", "other", "--alias", "dev", "--use"}, nil, 0, "other", "other: current context is dev\n",
		},
		"printed and used is refused":    {[]string{"--print", "--use"}, nil, 2, "", ""},
		"no file can be found":           {nil, nil, 2, "", ""},
		"printed, nothing written":       {[]string{"--print"}, nil, 0, "", "kind: Config\n"},
		"printed and written is refused": {[]string{"--print", "--file", "f"}, nil, 2, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, f := cmdtest.New(t), &fake{other: slices.Contains(c.args, "other")}
			r.Factory.IO.SetEnv(func(k string) string { return c.env[k] })
			read := func(context.Context) (Entry, []string, error) { return f, []string{"the account"}, nil }
			require.Equal(t, c.code, cmdtest.Code(r.Exec(t, NewCmd(r.Factory, read, nil), c.args...)))
			require.Equal(t, c.merged, f.merged)
			require.Equal(t, c.stdout, r.Out.String())
			if c.merged != "" {
				require.Equal(t, "simulated: the account\n", r.Err.String())
			}
		})
	}
}
