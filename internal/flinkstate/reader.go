// SPDX-License-Identifier: Apache-2.0

package flinkstate

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// reader reads what Java's DataOutputStream wrote. After an error it reads zeros.
type reader struct {
	data  []byte
	at    int
	err   error
	files []File
	now   *Operator // whose state is being read
	depth int
}

var errShort = errors.New("it is cut off")

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) bytes(n int) []byte {
	if r.err == nil && (n < 0 || n > len(r.data)-r.at) {
		r.err = errShort
	}
	if r.err != nil {
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) i32() int32 {
	if b := r.bytes(4); b != nil {
		return int32(binary.BigEndian.Uint32(b)) // #nosec G115 -- Java's int
	}
	return 0
}

func (r *reader) i64() int64 {
	if b := r.bytes(8); b != nil {
		return int64(binary.BigEndian.Uint64(b)) // #nosec G115 -- Java's long
	}
	return 0
}

func (r *reader) text() string {
	b := r.bytes(2)
	if b == nil {
		return ""
	}
	return string(r.bytes(int(binary.BigEndian.Uint16(b))))
}

// count is the number of things that follow, each of so many bytes at least: a damaged number is found before it is counted to.
func (r *reader) count(least int) int {
	n := int(r.i32())
	if r.err == nil && (n < 0 || n > (len(r.data)-r.at)/least) {
		r.err = errShort
	}
	if r.err != nil {
		return 0
	}
	return n
}

func (r *reader) masterState() {
	if uint32(r.i32()) != masterMagic && r.err == nil { // #nosec G115 -- Java's int
		r.fail("a master state has another mark than Flink's")
	}
	r.bytes(r.count(1))
}

// operatorBytes is the least that an operator takes: id, parallelism twice, coordinator, number of subtasks.
const operatorBytes = 16 + 8 + 1 + 4

func (r *reader) operator() Operator {
	o := Operator{ID: hex.EncodeToString(r.bytes(16))}
	o.Parallelism = int(r.i32())
	o.MaxParallelism = int(r.i32())
	r.now = &o
	r.stream() // of the coordinator
	if finished := r.i32(); finished < 0 {
		o.Finished = true
		return o
	}
	r.at -= 4 // it was their number
	for range r.count(4) {
		if index := r.i32(); index >= 0 { // else it had finished
			r.subtask()
		}
		if r.err != nil {
			break
		}
	}
	slices.Sort(o.States)
	o.States = slices.Compact(o.States)
	return o
}

func (r *reader) subtask() {
	for range 2 { // managed, raw
		if r.i32() != 0 {
			r.operatorState()
		}
	}
	for range 2 {
		r.keyed()
	}
	for range 2 { // channels in, channels out: of an unaligned checkpoint
		for range r.count(channelBytes) {
			r.bytes(12) // subtask, gate, channel
			r.bytes(8 * r.count(8))
			r.i64()
			r.stream()
		}
	}
}

// channelBytes is the least that the state of a channel takes.
const channelBytes = 12 + 4 + 8 + 1

// The kinds of handles, by Flink's numbers.
const (
	noHandle           = 0
	bytesHandle        = 1
	fileHandle         = 2
	keyGroups          = 3
	partitionable      = 4
	incremental        = 5
	relativeFile       = 6
	savepointKeyGroups = 7
	changelog          = 8
	changelogBytes     = 9
	changelogFile      = 10
	incrementalV2      = 11
	keyGroupsV2        = 12
	changelogFileV2    = 13
	changelogV2        = 14
	segmentFile        = 44
	emptySegmentFile   = 45
	segmentOperator    = 46
)

func (r *reader) operatorState() {
	kind := r.byte()
	if kind == noHandle || r.err != nil {
		return
	}
	if kind != partitionable && kind != segmentOperator {
		r.fail("operator state of kind %d is not known", kind)
		return
	}
	for range r.count(2 + 1 + 4) {
		r.now.States = append(r.now.States, r.text())
		r.byte() // how it is distributed
		r.bytes(8 * r.count(8))
	}
	if kind == segmentOperator {
		r.text() // its folder: the files have their whole paths
		r.byte()
	}
	r.stream()
}

// deepest is how deep handles may be in each other: Flink's are three deep at most.
const deepest = 16

// deeper says that another handle in a handle may be read.
func (r *reader) deeper() (done func(), ok bool) {
	if r.depth++; r.depth > deepest {
		r.fail("its handles are in each other")
	}
	return func() { r.depth-- }, r.err == nil
}

func (r *reader) keyed() {
	done, ok := r.deeper()
	defer done()
	kind := r.byte()
	if kind == noHandle || !ok || r.err != nil {
		return
	}
	r.now.Keyed = true
	switch kind {
	case keyGroups, keyGroupsV2, savepointKeyGroups:
		r.groups()
		if kind == keyGroupsV2 {
			r.text()
		}
	case incremental, incrementalV2:
		r.incremental(kind)
	case changelog, changelogV2:
		r.changelog(kind)
	case changelogBytes:
		r.bytes(8 + 16) // key groups, from, to
		for range r.count(8) {
			r.i32()
			n := r.count(1)
			r.bytes(n)
			r.now.Bytes += int64(n)
		}
		r.text()
	case changelogFile, changelogFileV2:
		r.bytes(8)
		for range r.count(9) {
			r.i64()
			r.stream()
		}
		r.bytes(16)
		r.text()
		if kind == changelogFileV2 {
			r.text()
		}
	default:
		r.fail("keyed state of kind %d is not known", kind)
	}
}

func (r *reader) groups() {
	r.i32()
	r.bytes(8 * r.count(8))
	r.stream()
}

func (r *reader) incremental(kind byte) {
	r.i64()
	r.text()
	r.bytes(8)
	if kind == incrementalV2 {
		r.i64()
	}
	r.stream()
	for range 2 { // shared, private
		for range r.count(3) {
			r.text()
			r.stream()
		}
	}
	if kind == incrementalV2 {
		r.text()
	}
}

func (r *reader) changelog(kind byte) {
	r.bytes(8 + 8)
	for range 2 { // materialized or not
		for range r.count(1) {
			r.keyed()
		}
	}
	r.i64()
	if kind == changelogV2 {
		r.i64()
	}
	r.text()
}

// stream reads where the bytes of a state are.
func (r *reader) stream() {
	done, ok := r.deeper()
	defer done()
	if !ok {
		return
	}
	switch kind := r.byte(); kind {
	case noHandle, emptySegmentFile:
	case bytesHandle:
		r.text()
		n := r.count(1)
		r.bytes(n)
		r.now.Bytes += int64(n)
	case fileHandle:
		r.file(false, r.i64())
	case relativeFile:
		r.file(true, 0)
	case keyGroups:
		r.groups()
	case segmentFile:
		r.i64()
		size := r.i64()
		r.text()
		r.i32()
		r.file(false, size)
	default:
		r.fail("a state of kind %d is not known", kind)
	}
}

// file reads the name of a file, and its size where that follows.
func (r *reader) file(relative bool, size int64) {
	f := File{at: r.at, Relative: relative, Bytes: size}
	f.Path = r.text()
	if relative {
		f.Bytes = r.i64()
	}
	if r.err == nil {
		r.files = append(r.files, f)
		r.now.Bytes += f.Bytes
	}
}
