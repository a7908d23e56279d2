// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/kube"
)

// lines is an output that another goroutine reads.
type lines struct {
	mu  sync.Mutex
	got bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.got.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.got.String()
}

// begin runs a command until end is called, which returns its error.
func begin(t *testing.T, f *fake, run runner, change func(*Options)) (out *lines, end func() error) {
	t.Helper()
	r := cmdtest.New(t)
	r.Factory.IO.SetQuiet(true)
	out = &lines{}
	r.Factory.IO.Out = out
	opts := newOptions(r.Factory, func(context.Context) (Stack, error) { return f, nil })
	change(opts)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, opts) }()
	return out, func() error { cancel(); return <-ended }
}

func TestAListIsShownAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	f := cluster(t, "savepoint")
	out, end := begin(t, f, list, func(o *Options) { o.Watch = true })
	shown := func(times int) func() bool {
		return func() bool { return strings.Count(out.String(), "JOB\t") == times }
	}
	require.Eventually(t, shown(1), 10*time.Second, 5*time.Millisecond)
	_, err := f.store.Patch(t.Context(), kube.KindFlinkDeployment.Ref("flink-team-a", "basic"), "status",
		obj{"status": obj{"jobStatus": obj{"state": "RESTARTING"}}})
	require.NoError(t, err)
	require.Eventually(t, shown(2), 10*time.Second, 5*time.Millisecond)
	require.Contains(t, out.String(), "RESTARTING\tdegraded")
	require.NoError(t, end(), "Ctrl-C is how it ends")
	require.Equal(t, 2, strings.Count(out.String(), "JOB\t"), "what did not change is not shown again")
}

func TestTheWebUIIsServedUntilItIsEnded(t *testing.T) {
	t.Parallel()
	f := cluster(t, "savepoint")
	out, end := begin(t, f, ui, func(o *Options) { o.Job = "basic" })
	require.Eventually(t, func() bool { return strings.HasSuffix(out.String(), "\n") }, 10*time.Second, 5*time.Millisecond)
	at := strings.TrimSpace(out.String())
	require.Regexp(t, `^http://127\.0\.0\.1:\d+/flink-team-a/basic/$`, at)
	res, err := http.Get(strings.TrimSuffix(at, "flink-team-a/basic/"))
	require.NoError(t, err)
	page, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Contains(t, string(page), `<a `+
		`href="/flink-team-a/basic/">flink-team-a/basic</a></td><td>RUNNING</td><td>healthy</td>`)
	require.NoError(t, end())

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, end = begin(t, f, ui, func(o *Options) { o.Port = l.Addr().(*net.TCPAddr).Port })
	err = end()
	require.ErrorContains(t, err, "address already in use")
	require.Equal(t, cmdutil.ExitFailed, cmdtest.Code(err))
}
