// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/dashboards"
)

// boarded is a board on a listener.
type boarded struct {
	at     string
	fails  error
	viewed *dashboards.View
	closed *bool
}

func (b boarded) Info() dashboards.Info {
	return dashboards.Info{URL: b.at, Prometheus: "http://p", Simulated: []string{"much"}}
}

func (b boarded) Page(_ context.Context, v dashboards.View) ([]byte, error) {
	*b.viewed = v
	return []byte("<page>"), nil
}

func (b boarded) Wait(context.Context) error { return b.fails } // nil: as after Ctrl-C
func (b boarded) Close() error               { *b.closed = true; return nil }

func TestDashboards(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	file := filepath.Join(t.TempDir(), "d.html")
	for name, c := range map[string]struct {
		args           string
		opens, fails   error
		code           int
		stdout, stderr string
		fields         string
	}{
		"served":            {"--port 0", nil, nil, 0, "http://127.0.0.1:", "until Ctrl-C", ""},
		"served, as JSON":   {"--port 0 --output json", nil, nil, 0, "", "", "schemaVersion url prometheus simulated"},
		"a file":            {"--collect 1ms --file " + file, nil, nil, 0, "wrote " + file, "collecting metrics for 1ms", ""},
		"a file, as JSON":   {"--collect 1ms --output json --file " + file, nil, nil, 0, "", "", "schemaVersion file simulated"},
		"standard output":   {"--collect 1ms --since 1h --file -", nil, nil, 0, "<page>", "", ""},
		"a port in use":     {"--port " + port, nil, nil, 1, "", "--port 0", ""},
		"no Prometheus":     {"--port 0", dashboards.ErrNoPrometheus, nil, 1, "", "apt-get install prometheus", ""},
		"not deployed":      {"--port 0", &cmdutil.Error{What: "x", Exit: 4}, nil, 4, "", "", ""},
		"Prometheus ends":   {"--port 0", nil, errors.New("prometheus ended"), 1, "http://127.0.0.1:", "", ""},
		"it ends at a file": {"--file " + file, nil, errors.New("prometheus ended"), 1, "", "", ""},
		"too long":          {"--since 25h", nil, nil, 2, "", "", ""},
		"too short":         {"--since 1s", nil, nil, 2, "", "", ""},
		"no file":           {"--collect 1m", nil, nil, 2, "", "", ""},
		"a file on a port":  {"--file x --port 1", nil, nil, 2, "", "", ""},
		"backwards":         {"--file x --collect -1m", nil, nil, 2, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			var viewed dashboards.View
			var closed bool
			o := Operations{Dashboards: func(_ context.Context, l net.Listener, since time.Duration) (Board, error) {
				if c.opens != nil {
					return nil, c.opens
				}
				t.Cleanup(func() { _ = l.Close() })
				require.GreaterOrEqual(t, since, time.Minute)
				return boarded{"http://" + l.Addr().String() + "/", c.fails, &viewed, &closed}, nil
			}}
			err := r.Exec(t, NewDashboardsCmd(r.Factory, o, nil), strings.Fields(c.args)...)
			require.Equal(t, c.code, cmdtest.Code(err), "%v", err)
			out := r.Out.String()
			require.Contains(t, out, c.stdout)
			said := r.Err.String()
			var with *cmdutil.Error
			if errors.As(err, &with) {
				said += with.Next
			}
			require.Contains(t, said, c.stderr)
			if c.fields != "" {
				cmdtest.Fields(t, []byte(out), strings.Fields(c.fields)...)
			}
			require.Equal(t, c.opens == nil && (c.code == 0 || c.fails != nil), closed)
			if name == "standard output" {
				require.Equal(t, dashboards.View{Since: time.Hour}, viewed)
				require.Equal(t, "<page>", out)
			}
			if name == "a file" {
				raw, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Equal(t, "<page>", string(raw))
			}
		})
	}
}
