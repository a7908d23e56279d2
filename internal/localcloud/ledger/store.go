// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// The files of a state directory. A generation is a snapshot and the journal of the changes after it;
// the previous generation is kept: snapshotBackup and its journal.
const (
	snapshotFile   = "state.json"
	snapshotBackup = "state.json.bak"
	journalPattern = "journal-%d.jsonl"
	lockFile       = "lock"

	compactAt = 4 << 20 // bytes of journal that make a new snapshot worth its while
)

// write is one change of the store; a nil value deletes the key.
type write struct {
	Key   string          `json:"k"`
	Value json.RawMessage `json:"v,omitempty"`
}

// snapshot is the content of snapshotFile.
type snapshot struct {
	Format     int                        `json:"format"`
	Generation uint64                     `json:"generation"`
	Checksum   string                     `json:"checksum"` // CRC-32 over keys and values in order
	Data       map[string]json.RawMessage `json:"data"`
}

// StateError is an unreadable or unwritable state directory.
type StateError struct {
	File   string // the file in question
	Backup string // where the previous generation is, empty when there is none
	Err    error
}

// Error names the file, the reason and the backup.
func (e *StateError) Error() string {
	if e.Backup == "" {
		return fmt.Sprintf("account state %s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("account state %s: %v (the previous generation is %s)", e.File, e.Err, e.Backup)
}

// Unwrap returns the cause.
func (e *StateError) Unwrap() error { return e.Err }

// store keeps documents under keys: an append-only journal, and a snapshot now and then. An appended
// change survives the death of the process at once and a power failure after the next sync. With an empty
// directory nothing is kept: the account's own maps are the state.
type store struct {
	dir     string
	gen     uint64
	data    map[string]json.RawMessage
	journal *os.File
	size    int64 // length of the journal up to the last complete record
	dirty   bool
	before  func() error // see Ledger.BeforeSync; nil when there is nothing to do
	broken  error        // set when the journal could not be repaired after a failed write
	lock    *os.File
}

func openStore(dir string) (*store, error) {
	s := &store{dir: dir, data: map[string]json.RawMessage{}}
	if dir == "" {
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &StateError{File: dir, Err: err}
	}
	var err error
	if s.lock, err = lockDir(s.path(lockFile)); err != nil {
		return nil, &StateError{File: s.path(lockFile), Err: err}
	}
	if err = s.load(); err == nil {
		err = s.compact()
	}
	if err != nil {
		return nil, errors.Join(err, s.closeFiles())
	}
	return s, nil
}

// keys are sorted.
func (s *store) keys() []string { return slices.Sorted(maps.Keys(s.data)) }

func (s *store) path(name string) string { return filepath.Join(s.dir, name) }

func (s *store) journalPath(gen uint64) string { return s.path(fmt.Sprintf(journalPattern, gen)) }

// backup names the previous generation, or is empty.
func (s *store) backup() string {
	if _, err := os.Stat(s.path(snapshotBackup)); err != nil {
		return ""
	}
	return s.path(snapshotBackup)
}

func (s *store) bad(file string, err error) error {
	return &StateError{File: file, Backup: s.backup(), Err: err}
}

func (s *store) load() error {
	file := s.path(snapshotFile)
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		journals, _ := filepath.Glob(s.path("journal-*.jsonl"))
		if s.backup() != "" || slices.ContainsFunc(journals, s.holds) {
			return s.bad(file, errors.New("missing, although other files of the state exist"))
		}
		return nil
	}
	if err != nil {
		return s.bad(file, err)
	}
	var snap snapshot
	if err := json.Unmarshal(raw, &snap); err != nil {
		return s.bad(file, fmt.Errorf("corrupt: %w", err))
	}
	if snap.Format != 1 {
		return s.bad(file, fmt.Errorf("format %d is not 1", snap.Format))
	}
	if got := checksum(snap.Data); got != snap.Checksum {
		return s.bad(file, fmt.Errorf("corrupt: checksum %s, want %s", got, snap.Checksum))
	}
	s.gen = snap.Generation
	if snap.Data != nil {
		s.data = snap.Data
	}
	return s.replay(s.journalPath(s.gen))
}

// holds says whether a journal is a trace of a state. The first one, which is made just before the first snapshot, is none while
// it is empty: whoever made it was ended there.
func (s *store) holds(journal string) bool {
	info, err := os.Stat(journal)
	return err != nil || info.Size() > 0 || journal != s.journalPath(1)
}

// replay applies a journal. A last line without its end was never acknowledged and is dropped; anything
// else that does not parse is corruption.
func (s *store) replay(file string) error {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return s.bad(file, err)
	}
	for n := 1; len(raw) > 0; n++ {
		line, rest, complete := bytes.Cut(raw, []byte{'\n'})
		if !complete {
			return nil
		}
		raw = rest
		writes, err := decodeRecord(line)
		if err != nil {
			return s.bad(file, fmt.Errorf("line %d is corrupt: %w", n, err))
		}
		s.apply(writes)
	}
	return nil
}

func (s *store) apply(writes []write) {
	for _, w := range writes {
		if w.Value == nil {
			delete(s.data, w.Key)
		} else {
			s.data[w.Key] = w.Value
		}
	}
}

// append makes the changes durable, all of them or none. On an error the journal is as it was.
func (s *store) append(writes []write) error {
	if s.dir == "" || len(writes) == 0 {
		return nil
	}
	if s.broken != nil {
		return s.broken
	}
	record, err := encodeRecord(writes)
	if err != nil {
		return err
	}
	if _, err := s.journal.Write(record); err != nil {
		return s.repair(err)
	}
	s.size += int64(len(record))
	s.dirty = true
	s.apply(writes)
	if s.size > compactAt {
		// The change is in the journal already: a snapshot that cannot be written now is tried again.
		if err := s.compact(); err != nil && s.journal == nil {
			s.broken = err
		}
	}
	return nil
}

// repair cuts a half-written record off.
func (s *store) repair(cause error) error {
	err := s.bad(s.journal.Name(), fmt.Errorf("write: %w", cause))
	if terr := s.journal.Truncate(s.size); terr != nil {
		s.broken = s.bad(s.journal.Name(), fmt.Errorf("cut off a half-written record: %w", terr))
	}
	return err
}

// compact starts a new generation: a snapshot of everything and an empty journal.
func (s *store) compact() error {
	if s.dir == "" {
		return nil
	}
	if err := s.syncFiles(); err != nil {
		return s.bad(s.path(snapshotFile), err)
	}
	next := s.gen + 1
	raw, err := json.Marshal(snapshot{Format: 1, Generation: next, Checksum: checksum(s.data), Data: s.data})
	if err != nil {
		return s.bad(s.path(snapshotFile), err)
	}
	file, tmp := s.path(snapshotFile), s.path(snapshotFile+".tmp")
	if err := writeSynced(tmp, append(raw, '\n')); err != nil {
		return s.bad(tmp, errors.Join(err, os.Remove(tmp)))
	}
	journal, err := os.OpenFile(s.journalPath(next), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return s.bad(s.journalPath(next), errors.Join(err, os.Remove(tmp)))
	}
	old := s.journal
	if err := s.keepBackup(); err != nil {
		return errors.Join(err, journal.Close(), os.Remove(tmp))
	}
	if err := os.Rename(tmp, file); err != nil {
		return s.bad(file, errors.Join(err, journal.Close()))
	}
	syncDir(s.dir)
	s.journal, s.size, s.dirty = journal, 0, false
	if s.gen > 0 {
		_ = os.Remove(s.journalPath(s.gen - 1)) // older than the backup; absent is fine
	}
	s.gen = next
	if old != nil {
		return old.Close()
	}
	return nil
}

// keepBackup makes the present snapshot the backup; its journal stays where it is.
func (s *store) keepBackup() error {
	file, bak := s.path(snapshotFile), s.path(snapshotBackup)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.Remove(bak); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.bad(bak, err)
	}
	if err := os.Link(file, bak); err != nil {
		return s.bad(bak, err)
	}
	return nil
}

// sync brings the journal to the disk.
func (s *store) sync() error {
	if s.journal == nil || !s.dirty {
		return nil
	}
	if err := s.syncFiles(); err != nil {
		return err
	}
	s.dirty = false
	return s.journal.Sync()
}

// syncFiles brings the files that documents name to the disk.
func (s *store) syncFiles() error {
	if s.before == nil {
		return nil
	}
	return s.before()
}

func (s *store) close() error {
	if s.dir == "" {
		return nil
	}
	return errors.Join(s.compact(), s.closeFiles())
}

func (s *store) closeFiles() error {
	var errs []error
	for _, f := range []*os.File{s.journal, s.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	s.journal, s.lock = nil, nil
	return errors.Join(errs...)
}

func encodeRecord(writes []write) ([]byte, error) {
	body, err := json.Marshal(writes)
	if err != nil {
		return nil, fmt.Errorf("encode account state: %w", err)
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(body), body), nil
}

func decodeRecord(line []byte) ([]write, error) {
	sum, body, ok := bytes.Cut(line, []byte{' '})
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if !ok || err != nil {
		return nil, errors.New("no checksum")
	}
	if got := crc32.ChecksumIEEE(body); uint64(got) != want {
		return nil, fmt.Errorf("checksum %08x, want %08x", got, want)
	}
	var writes []write
	if err := json.Unmarshal(body, &writes); err != nil {
		return nil, err
	}
	return writes, nil
}

// checksum is independent of the formatting of the file: values are compacted.
func checksum(data map[string]json.RawMessage) string {
	h := crc32.NewIEEE()
	for _, k := range slices.Sorted(maps.Keys(data)) {
		h.Write([]byte(k))
		h.Write([]byte{0})
		h.Write(data[k])
		h.Write([]byte{0})
	}
	return fmt.Sprintf("%08x", h.Sum32())
}

func writeSynced(file string, b []byte) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir makes a rename durable; file systems that cannot do it are left to their own schedule.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
