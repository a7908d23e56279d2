// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
)

type fake struct{ merged string }

func (f *fake) Name() string            { return "arn:cluster" }
func (f *fake) Render() ([]byte, error) { return []byte("kind: Config\n"), nil }
func (f *fake) Merge(path string) error { f.merged = path; return nil }

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
		"no file can be found":           {nil, nil, 2, "", ""},
		"printed, nothing written":       {[]string{"--print"}, nil, 0, "", "kind: Config\n"},
		"printed and written is refused": {[]string{"--print", "--file", "f"}, nil, 2, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, f := cmdtest.New(t), &fake{}
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
