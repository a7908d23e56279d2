// SPDX-License-Identifier: Apache-2.0

package flinkconf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfigurationIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	c := Conf{"a.b": "x: y", "job.args": "two\nlines", JobID: "1"}
	require.Equal(t, Conf{"a.b": "x: y", "job.args": "two lines", JobID: "1"}, Parse("# a comment: no key\n"+c.String()))
}

func TestAListIsWrittenAsFlinkReadsIt(t *testing.T) {
	t.Parallel()
	require.Equal(t, `--sql;'SELECT ''a;b''';c`, List([]string{"--sql", "SELECT 'a;b'", "c"}))
}
