// SPDX-License-Identifier: Apache-2.0

package ekstoken

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
)

func TestToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args string
		err  error
		code int
		want Request
		out  string
	}{
		"as kubectl asks": {
			"--cluster c --region r", nil, 0, Request{Cluster: "c", Region: "r"}, "{\"kind\":\"ExecCredential\"}\n",
		},
		"of a target": {
			"--target local --cluster c --region r", nil, 0, Request{Cluster: "c", Region: "r", Target: "local"},
			"{\"kind\":\"ExecCredential\"}\n",
		},
		"a target that is none": {"--target gcp --cluster c", nil, 2, Request{}, ""},
		"no cluster":            {"--region r", nil, 2, Request{}, ""},
		"no credentials":        {"--cluster c", errors.New("no credentials"), 1, Request{Cluster: "c"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			var got Request
			token := func(_ context.Context, q Request) ([]byte, error) {
				got = q
				return []byte(`{"kind":"ExecCredential"}`), c.err
			}
			require.Equal(t, c.code, cmdtest.Code(r.Exec(t, NewCmd(r.Factory, token, nil), strings.Fields(c.args)...)))
			require.Equal(t, c.want, got)
			require.Equal(t, c.out, r.Out.String())
			require.Empty(t, r.Err.String(), "kubectl shows what is on standard error")
		})
	}
}
