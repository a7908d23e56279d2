// SPDX-License-Identifier: Apache-2.0

package target

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRealTimeIsTheSpeedOfWhatIsNotSimulatedFaster(t *testing.T) {
	t.Parallel()
	aws, err := Open(t.Context(), Options{Kind: AWS, Region: "us-west-2"})
	require.NoError(t, err)
	require.InDelta(t, 1, aws.Speed(), 0)
	require.Empty(t, aws.Simulated())
	offline, err := Offline(t.Context(), Options{Region: "us-west-2"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, offline.Close()) })
	require.InDelta(t, 1, offline.Speed(), 0)
	require.InDelta(t, 50, (&Target{speed: 50}).Speed(), 0)
}

func TestOnlyALocalTargetThatIsNewNeedsRoom(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	require.Zero(t, Reserve(Options{Kind: AWS, Home: home}))
	require.Equal(t, uint64(localStore), Reserve(Options{Kind: Local, Home: home}))
	require.NoError(t, os.MkdirAll(filepath.Join(home, "local", "account"), 0o700))
	require.Zero(t, Reserve(Options{Kind: Local, Home: home}))
}

func TestAPortInUseIsRefusedBeforeAFolderIsMade(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	t.Setenv("EMRFLINK_LOCAL_PORT", port)
	home := filepath.Join(t.TempDir(), "home")
	_, err = Open(t.Context(), Options{Kind: Local, Home: home, Region: "us-west-2"})
	require.ErrorContains(t, err, "address already in use")
	var f *failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, 2, f.ExitCode())
	require.NoDirExists(t, home)
}

func TestAKindThatDoesNotExistIsNotOpened(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Options{Kind: "gcp"})
	require.ErrorContains(t, err, `open target "gcp"`)
}
