// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localtarget"
)

func TestOnlyALockedFolderHasADaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, err := json.Marshal(Info{PID: 1, URL: "http://127.0.0.1:1"})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(infoPath(dir), b, 0o600))
	_, err = ReadInfo(dir)
	require.ErrorIs(t, err, localtarget.ErrNotRunning, "the address of a daemon that crashed is not believed")

	l, err := lock(dir)
	require.NoError(t, err)
	got, err := ReadInfo(dir)
	require.NoError(t, err)
	require.Equal(t, 1, got.PID)
	_, err = lock(dir)
	require.ErrorContains(t, err, "another daemon")
	require.NoError(t, l.Close())
	_, err = ReadInfo(dir)
	require.ErrorIs(t, err, localtarget.ErrNotRunning)
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
	d := &Daemon{account: a, token: "right", clusters: map[string]*cluster{}}
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
