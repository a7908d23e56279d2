// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localtarget"
)

// serving is a daemon of dir as far as the control API goes.
func serving(t *testing.T, dir string) *Daemon {
	t.Helper()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	d := newDaemon(ctx, Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	d.account, d.token = a, "token of "+t.Name()
	srv := httptest.NewServer(d.control(cancel))
	t.Cleanup(srv.Close)
	d.url = srv.URL
	return d
}

func TestOnlyALockedFolderHasADaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := serving(t, dir)
	require.NoError(t, d.writeInfo(Ports{}))
	_, _, err := Connect(t.Context(), dir)
	require.ErrorIs(t, err, localtarget.ErrNotRunning, "the address of a daemon that crashed is not believed")

	l, err := lock(dir)
	require.NoError(t, err)
	c, s, err := Connect(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), c.Info().PID)
	require.Equal(t, localtarget.Starting, s.State, "the file alone does not make it ready")
	require.NotEmpty(t, s.Doing)
	d.resumed.Store(true)
	_, s, err = Connect(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, localtarget.Running, s.State)
	_, err = lock(dir)
	require.ErrorIs(t, err, ErrServed)
	require.ErrorContains(t, err, "another daemon")
	require.NoError(t, l.Close())
	require.True(t, awaitFree(t.Context(), lockPath(dir), killPatience), // a process of another test is just being forked
		"the lock is free once its holder has closed it")
	_, _, err = Connect(t.Context(), dir)
	require.ErrorIs(t, err, localtarget.ErrNotRunning)
}

// A new process holds the lock, and the file is still its predecessor's.
func TestTheFileOfAPredecessorIsNotBelieved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := lock(dir)
	require.NoError(t, err)
	defer l.Close()
	silent := func(why string) {
		t.Helper()
		_, _, err := Connect(t.Context(), dir)
		var s *SilentError
		require.ErrorAs(t, err, &s, why)
		require.ErrorContains(t, err, strconv.Itoa(os.Getpid()), "the process that holds the lock is named")
		require.Equal(t, "emrflink local stop", s.Hint())
	}
	silent("no file yet")
	require.NoError(t, os.WriteFile(infoPath(dir), []byte("{"), 0o600))
	silent("half a file")
	d := serving(t, dir)
	require.NoError(t, d.writeInfo(Ports{AWS: 1}))
	d.token = "that of the successor, on the same port"
	silent("the process that answers is another one")
	d.url = "http://127.0.0.1:1"
	require.NoError(t, d.writeInfo(Ports{}))
	silent("nobody answers")
}

func TestADaemonThatIsStoppingSaysSo(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	d := newDaemon(ctx, Options{})
	d.account = a
	d.resumed.Store(true)
	cancel()
	require.Equal(t, localtarget.Stopping, d.status().State)
}

func TestAPortThatWasAskedForIsTakenOrRefused(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	port := busy.Addr().(*net.TCPAddr).Port
	_, err = listen(port, 0)
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	ln, err := listen(0, port)
	require.NoError(t, err, "the last one is only a wish")
	require.NoError(t, ln.Close())
}

func TestTheControlAPINeedsItsToken(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	stopped := false
	d := newDaemon(t.Context(), Options{})
	d.account, d.token = a, "right"
	h := d.control(func() { stopped = true })
	for _, c := range []struct {
		method, path, token string
		want                int
	}{
		{http.MethodPost, "stop", "wrong", http.StatusUnauthorized},
		{http.MethodGet, "stop", "right", http.StatusMethodNotAllowed},
		{http.MethodGet, "inventory", "right", http.StatusOK},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), c.method, controlPath+c.path, nil)
		r.Header.Set("Authorization", "Bearer "+c.token)
		h.ServeHTTP(w, r)
		require.Equal(t, c.want, w.Code, "%s %s as %s: %s", c.method, c.path, c.token, w.Body)
	}
	require.False(t, stopped)
}

func TestATokenWithoutAnAccessEntryOpensNothing(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	d := &Daemon{account: a}
	require.False(t, d.authenticate("k8s-aws-v1.bm9uc2Vuc2U", "demo").Authenticated)
	_, ok := d.accessEntry("demo", a.Administrator().ARN)
	require.False(t, ok)
}

// The key of an object may look like a path that a browser would clean. Amazon's API refuses a request without a signature.
func TestPathsOfObjectsReachTheAPIAsTheyAre(t *testing.T) {
	t.Parallel()
	d := serving(t, t.TempDir())
	srv := httptest.NewServer(d.handler(func() {}))
	t.Cleanup(srv.Close)
	for path, want := range map[string]int{
		"/bucket//a/../b": http.StatusBadRequest, controlPath + "status": http.StatusUnauthorized, ownPath: http.StatusNotFound,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
		require.NoError(t, err)
		resp, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.StatusCode, path)
	}
}
