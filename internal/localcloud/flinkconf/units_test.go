// SPDX-License-Identifier: Apache-2.0

package flinkconf

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUnitsAreFlinks(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{"2048m": 2048, "2g": 2048, "2 gb": 2048, "2Gi": 2048, "1048576": 1, "1048576b": 1} {
		got, err := MemoryMiB(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for in, want := range map[string]time.Duration{
		"10s": 10 * time.Second, "500": 500 * time.Millisecond, "1 min": time.Minute, "2 h": 2 * time.Hour,
	} {
		got, err := Duration(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "x", "10 parsecs", "-1s"} {
		_, err := Duration(in)
		require.Error(t, err, in)
		_, err = MemoryMiB(in)
		require.Error(t, err, in)
	}
}

func TestConfigurationIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	c := Conf{"a.b": "x: y", "job.args": "two\nlines", JobID: "1"}
	require.Equal(t, Conf{"a.b": "x: y", "job.args": "two lines", JobID: "1"}, Parse("# a comment: no key\n"+c.String()))
}
