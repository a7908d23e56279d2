// SPDX-License-Identifier: Apache-2.0

package flinkstate

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden reads a file that Flink 1.20.1 wrote: the counting sample with RocksDB, parallelism 2. The incremental checkpoint and
// the native savepoint are those of state.storage.fs.memory-threshold 0 and unaligned checkpoints: everything is in files.
func golden(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return raw
}

// The operators of the counting sample, in the order of the files.
const (
	source    = "ca88eee0095684d687a1b6495617f957"
	committer = "b28acc58982414beb9e34fa13ba2def8"
	runs      = "13aadfaaeea8aec62297c2374b57edaa"
	counts    = "b71731f1c0df9c3076c4a455334d0ad6"
	writer    = "99f81c8b796ac910503cd5b0f1cd3d1d"
)

// properties is where the serialized object of Java begins.
const properties = "\xac\xed\x00\x05sr"

func TestWhatFlinkWroteIsRead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		kind, format    string
		files, relative int
		keyed           int64 // bytes of the keyed operator
	}{
		"canonical-savepoint":    {Savepoint, "canonical", 0, 0, 3602},
		"native-savepoint":       {Savepoint, "native", 20, 20, 31394},
		"incremental-checkpoint": {Checkpoint, "", 18, 8, 28042},
	} {
		m, err := Read(golden(t, name))
		require.NoError(t, err, name)
		require.Equal(t, 4, m.Version)
		require.Equal(t, want.kind, m.Kind, name)
		require.Equal(t, want.format, m.Format, name)
		var relative int
		for _, f := range m.Files {
			if f.Relative {
				relative++
			}
		}
		require.Equal(t, []int{want.files, want.relative}, []int{len(m.Files), relative}, name)
		operators := map[string]Operator{}
		for _, o := range m.Operators {
			operators[o.ID] = o
		}
		require.Len(t, operators, 5, name)
		require.Equal(t, Operator{
			ID: source, Parallelism: 1, MaxParallelism: 128, Bytes: operators[source].Bytes,
			States: []string{"SourceReaderState"},
		}, operators[source], name)
		require.Equal(t, []string{"run"}, operators[runs].States)
		require.True(t, operators[counts].Keyed, name)
		require.Equal(t, 2, operators[counts].Parallelism)
		require.Equal(t, want.keyed, operators[counts].Bytes, name)
		require.Equal(t, []string{"end_of_input_state", "writer_raw_states"}, operators[writer].States)
		require.Contains(t, operators, committer)
	}
}

// A file that was cut off anywhere, or whose numbers are wrong, is an error: a state with less in it would be started from.
func TestADamagedFileIsAnError(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"canonical-savepoint", "native-savepoint", "incremental-checkpoint"} {
		raw := golden(t, name)
		end := strings.Index(string(raw), properties)
		require.Positive(t, end)
		for n := range end {
			_, err := Read(raw[:n])
			require.Error(t, err, "%s, %d bytes of %d", name, n, len(raw))
		}
		for at := 0; at < end; at++ { // whatever a number becomes, nothing is read beyond the end
			broken := append([]byte{}, raw...)
			broken[at] ^= 0xff
			_, _ = Read(broken)
		}
	}
	for version, why := range map[uint32]string{2: "its version is 2", 5: "its version is 5"} {
		raw := golden(t, "native-savepoint")
		binary.BigEndian.PutUint32(raw[4:], version)
		_, err := Read(raw)
		require.ErrorContains(t, err, why)
	}
	_, err := Read([]byte("PK\x03\x04 a jar"))
	require.ErrorContains(t, err, "does not begin as Flink's metadata does")
}

// Version 3 is version 4 without its properties.
func TestAnOlderVersionDoesNotSayWhatItIs(t *testing.T) {
	t.Parallel()
	raw := golden(t, "native-savepoint")
	end := strings.Index(string(raw), properties)
	binary.BigEndian.PutUint32(raw[4:], 3)
	m, err := Read(raw[:end])
	require.NoError(t, err)
	require.Empty(t, m.Kind)
	require.Len(t, m.Operators, 5)
	_, err = Read(raw[:end+1])
	require.ErrorContains(t, err, "1 bytes follow its end")
}

func TestAnEmptyStateIsRead(t *testing.T) {
	t.Parallel()
	m, err := Read(Empty(7, "simulated"))
	require.NoError(t, err)
	require.EqualValues(t, 7, m.ID)
	require.Empty(t, m.Operators)
}

func TestTheFilesOfACopyAreNamedAnew(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"native-savepoint", "incremental-checkpoint"} {
		raw := golden(t, name)
		m, err := Read(raw)
		require.NoError(t, err)
		same, err := m.Moved(func(f File) string { return f.Path })
		require.NoError(t, err)
		require.True(t, bytes.Equal(raw, same), name)
		moved, err := m.Moved(func(f File) string { return "s3://elsewhere/" + f.Path })
		require.NoError(t, err)
		again, err := Read(moved)
		require.NoError(t, err, name)
		require.Equal(t, m.Operators, again.Operators)
		require.Equal(t, m.Kind, again.Kind)
		for i, f := range m.Files {
			want := "s3://elsewhere/" + f.Path
			if f.Relative {
				want = f.Path
			}
			require.Equal(t, want, again.Files[i].Path)
		}
	}
	m, err := Read(golden(t, "incremental-checkpoint"))
	require.NoError(t, err)
	_, err = m.Moved(func(File) string { return strings.Repeat("x", 1<<16) })
	require.ErrorContains(t, err, "nothing that the file can name")
}
