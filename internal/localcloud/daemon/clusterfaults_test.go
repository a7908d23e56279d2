// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localtarget"
)

// fakeAPIServer is the process that stands for a control plane; it ends with the test that started it.
func fakeAPIServer() int {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	fmt.Println("url", s.URL)
	_, _ = os.Stdin.Read(make([]byte, 1)) // until the parent ends
	return 0
}

func startAPIServer(t *testing.T) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "api-server")
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return cmd, strings.TrimSpace(strings.TrimPrefix(line, "url "))
}

func TestAnAPIServerThatIsGoneAnswersNothing(t *testing.T) {
	t.Parallel()
	cmd, url := startAPIServer(t)
	d := daemonOf(t)
	d.planes["c"] = &plane{current: &cluster{name: "c", cmd: cmd}}
	remove := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodDelete, url, nil)
		require.NoError(t, err)
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	require.NoError(t, remove(time.Minute))
	require.NoError(t, d.order(t.Context(), localtarget.Fault{Action: localtarget.APIServerGone, Match: "c*"}))
	require.Eventually(t, func() bool { return errors.Is(remove(time.Second), context.DeadlineExceeded) }, time.Minute,
		time.Millisecond, "the kernel stops a process in its own time")
	require.Equal(t, []localtarget.Fault{{Action: localtarget.APIServerGone, Match: "c*", Left: -1}}, d.faults())
	n, err := d.clear(t.Context(), localtarget.APIServerGone)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, d.faults())
	require.NoError(t, remove(time.Minute))
}

func daemonOf(t *testing.T) *Daemon {
	t.Helper()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	return &Daemon{account: a, planes: map[string]*plane{}}
}

func TestAFaultOfAClusterIsRefusedWhenItCannotBite(t *testing.T) {
	t.Parallel()
	d := daemonOf(t)
	for name, c := range map[string]struct {
		fault localtarget.Fault
		want  string
	}{
		"no such fault": {
			localtarget.Fault{Action: "kubernetes:StuckNamespaces"}, `the nearest is "kubernetes:StuckNamespace"`,
		},
		"no cluster":       {localtarget.Fault{Action: localtarget.DeadWebhook}, "no cluster that runs"},
		"an error":         {localtarget.Fault{Action: localtarget.DeadWebhook, Error: "AccessDenied"}, "it takes a match only"},
		"no such leftover": {localtarget.Fault{Action: "account:LostVolumes"}, `the nearest is "account:LostVolume"`},
		"nothing to leave": {localtarget.Fault{Action: localtarget.UsedBucket}, "the account has no cluster or bucket"},
		"no such end":      {localtarget.Fault{Action: "instance:Terminated"}, `the nearest is "instance:Termination"`},
		"no instance":      {localtarget.Fault{Action: localtarget.SpotInterruption}, "no instance of the kind runs"},
		"a late leftover":  {localtarget.Fault{Action: localtarget.LostVolume, DelaySeconds: 1}, "it takes a match only"},
	} {
		var refused *RefusedError
		err := d.order(t.Context(), c.fault)
		require.ErrorAs(t, err, &refused, name)
		require.ErrorContains(t, err, c.want, name)
	}
	require.NoError(t, d.order(t.Context(), localtarget.Fault{Action: "s3:CreateBucket", Error: "AccessDenied"}))
	n, err := d.clear(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, 1, n)
}
