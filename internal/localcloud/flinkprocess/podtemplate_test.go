// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// classOf is the start of a class file with these constants, and something behind it.
func classOf(entries int, constants string) []byte {
	head := binary.BigEndian.AppendUint32(nil, 0xCAFEBABE)
	head = append(head, 0, 0, 0, 61)
	head = binary.BigEndian.AppendUint16(head, uint16(entries+1))
	return append(head, constants+"the rest"...)
}

func text(s string) string { return "\x01" + string([]byte{0, byte(len(s))}) + s }

func TestATextOfAClassIsReplaced(t *testing.T) {
	t.Parallel()
	const long, ref = "\x05\x00\x00\x00\x00\x00\x00\x00\x07", "\x08\x00\x01"
	class := classOf(5, text(templatePath)+long+ref+text("/opt/flink/pod-template/x"))
	got, err := replaceText(class, templatePath, ownTemplate)
	require.NoError(t, err)
	require.Equal(t, classOf(5, text(ownTemplate)+long+ref+text("/opt/flink/pod-template/x")), got)

	for name, c := range map[string]struct {
		class []byte
		want  string
	}{
		"no class":              {[]byte("PK\x03\x04 a jar, not a class"), "no class file"},
		"a class that is cut":   {classOf(3, text(templatePath)), "no class file"},
		"an unknown constant":   {classOf(1, "\x02xx"), "no class file"},
		"the text is not there": {classOf(1, text("x")), "0 times"},
		"the text is twice":     {classOf(2, text(templatePath)+text(templatePath)), "2 times"},
	} {
		_, err := replaceText(c.class, templatePath, ownTemplate)
		require.ErrorContains(t, err, c.want, name)
	}
}
