// SPDX-License-Identifier: Apache-2.0

// Package flinkstate reads the _metadata file of a Flink checkpoint or savepoint without a Flink: what wrote it, the operators
// whose state it has, and the files that it refers to. It also writes the file anew for another place.
//
// The layout is that of Flink's MetadataV3Serializer and MetadataV4Serializer, which Flink 1.11 to 1.20 write; other versions are
// refused by name. A file that is cut off or damaged is an error, never a state with less in it.
package flinkstate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// What a state is.
const (
	Checkpoint = "checkpoint"
	Savepoint  = "savepoint"
)

// Metadata is what a _metadata file says.
type Metadata struct {
	Version int   // of the file's layout
	ID      int64 // number of the checkpoint
	// Kind and Format are as Flink recorded them: a checkpoint has no format, a savepoint is canonical or native. Both are ""
	// in a file of version 3, which does not say.
	Kind, Format string
	Operators    []Operator
	Files        []File

	data []byte
}

// Operator is the state of one operator.
type Operator struct {
	ID             string // the hash of its uid, in hex; of an operator without a uid, that of its place in the graph
	Parallelism    int
	MaxParallelism int
	Bytes          int64    // of its state
	Keyed          bool     // it has keyed state: MaxParallelism is fixed
	States         []string // names of its operator (not keyed) states, sorted
	Finished       bool     // all of it had finished
}

// File is a file that the state is in.
type File struct {
	// Path is below the folder of the _metadata file if Relative, else a URI.
	Path     string
	Relative bool
	Bytes    int64 // that the state uses of it

	at int // of the path's length in the data
}

// Error says why a file is no metadata that can be read.
type Error struct{ Why string }

// Error implements error.
func (e *Error) Error() string { return "read _metadata: " + e.Why }

// Code is a stable id of the failure.
func (e *Error) Code() string { return "flinkstate.unreadable" }

// magic begins every _metadata file.
const (
	magic       = 0x4960672d
	masterMagic = 0xc96b1696 // of a master state
)

// Read reads the content of a _metadata file.
func Read(data []byte) (Metadata, error) {
	r := reader{data: data}
	m := Metadata{data: data}
	if r.i32() != magic || r.err != nil {
		return m, &Error{"it does not begin as Flink's metadata does"}
	}
	m.Version = int(r.i32())
	if r.err == nil && m.Version != 3 && m.Version != 4 {
		return m, &Error{fmt.Sprintf("its version is %d; known are 3 and 4, of Flink 1.11 to 1.20", m.Version)}
	}
	m.ID = r.i64()
	for range r.count(1) {
		r.masterState()
	}
	for range r.count(operatorBytes) {
		m.Operators = append(m.Operators, r.operator())
	}
	if r.err != nil {
		return m, &Error{r.err.Error()}
	}
	m.Files = r.files
	if m.Version >= 4 {
		if err := m.properties(data[r.at:]); err != nil {
			return m, err
		}
	} else if r.at != len(data) {
		return m, &Error{fmt.Sprintf("%d bytes follow its end", len(data)-r.at)}
	}
	return m, nil
}

// properties takes kind and format out of Flink's CheckpointProperties, a serialized object of Java: the names of its enum values
// stand in it as texts.
func (m *Metadata) properties(raw []byte) error {
	const stream = "\xac\xed\x00\x05"
	if !bytes.HasPrefix(raw, []byte(stream)) || !bytes.Contains(raw, []byte("checkpoint.CheckpointProperties")) {
		return &Error{"its properties are cut off"}
	}
	text := func(s string) bool {
		return bytes.Contains(raw, append([]byte{'t', 0, byte(len(s))}, s...)) // TC_STRING, length
	}
	m.Kind = Checkpoint
	if bytes.Contains(raw, []byte("checkpoint.SavepointType")) {
		m.Kind = Savepoint
		switch {
		case text("CANONICAL"):
			m.Format = "canonical"
		case text("NATIVE"):
			m.Format = "native"
		}
	}
	return nil
}

// Empty is the file of a state without any operator, of version 3, as a simulated JobManager writes it: the note, which says so,
// is in it as the name of a master state.
func Empty(id int64, note string) []byte {
	number := binary.BigEndian.AppendUint32
	out := number(number(nil, magic), 3)
	out = binary.BigEndian.AppendUint64(out, uint64(id)) // #nosec G115 -- Java's long
	out = number(number(out, 1), masterMagic)
	out = number(number(out, uint32(4+2+len(note)+4)), 0)                        // #nosec G115 -- a sentence
	out = append(binary.BigEndian.AppendUint16(out, uint16(len(note))), note...) // #nosec G115 -- a sentence
	return number(number(out, 0), 0)
}

// Bytes are those of all operators.
func (m Metadata) Bytes() int64 {
	var n int64
	for _, o := range m.Operators {
		n += o.Bytes
	}
	return n
}

// Moved is the content of the file for a place in which its files have other URIs: move says which. Relative ones stay as they
// are. What refers to nothing by its URI is the same anywhere.
func (m Metadata) Moved(move func(File) string) ([]byte, error) {
	var out bytes.Buffer
	from := 0
	files := slices.Clone(m.Files)
	slices.SortFunc(files, func(a, b File) int { return a.at - b.at })
	for _, f := range files {
		if f.Relative {
			continue
		}
		to := move(f)
		if len(to) > 1<<16-1 || strings.ContainsFunc(to, func(c rune) bool { return c == 0 || c > 0xffff }) {
			return nil, &Error{fmt.Sprintf("the path %q is nothing that the file can name", to)}
		}
		out.Write(m.data[from:f.at])
		out.Write([]byte{byte(len(to) >> 8), byte(len(to))})
		out.WriteString(to)
		from = f.at + 2 + int(m.data[f.at])<<8 + int(m.data[f.at+1])
	}
	out.Write(m.data[from:])
	return out.Bytes(), nil
}
