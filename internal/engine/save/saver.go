// SPDX-License-Identifier: Apache-2.0

package save

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/backend"
	"github.com/pulumi/pulumi/pkg/v3/resource/stack/snapshot"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/env"
	utilenv "github.com/pulumi/pulumi/sdk/v3/go/common/util/env"
	"gocloud.dev/blob"
)

// Place is where the states are.
type Place struct {
	Bucket *blob.Bucket
	// Folder is the folder that the bucket is, "" when it is none.
	Folder string
}

// layout is what a reference to a stack in Pulumi's backend tells of the names of its files.
type layout interface {
	backend.StackReference
	StackBasePath() string
	HistoryDir() string
	BackupDir() string
}

// saver writes the states of one operation on a stack.
type saver struct {
	ctx   context.Context // of the operation: the engine's interfaces have none
	place Place
	stack layout
	key   string // of the state
	// content is how the state is compressed, and name how its name says that. In a bucket it is compressed under its plain
	// name: every reader looks at the content, and there is never a second file that could be taken for the state.
	content, name encoding.Compression
	encoder       encoder
	written       []byte // the last state
}

func newSaver(ctx context.Context, place Place, stack layout) *saver {
	s := &saver{ctx: ctx, place: place, stack: stack, encoder: encoder{stack: stack.FullyQualifiedName()}}
	switch {
	case env.DIYBackendGzip.Value():
		s.name = encoding.CompressionGzip
	case env.DIYBackendZstd.Value():
		s.name = encoding.CompressionZstd
	}
	s.content = s.name
	if place.Folder == "" && s.content == encoding.CompressionNone {
		s.content = encoding.CompressionGzip
	}
	s.key = s.plainKey() + s.name.Ext()
	return s
}

func (s *saver) plainKey() string {
	return filepath.ToSlash(s.stack.StackBasePath()) + encoding.JSONExt
}

// uploadPause is how long changes are collected for an upload, which is paid for and limited in number.
const uploadPause = time.Second

// pause is the time between two writes, at least.
func (s *saver) pause() time.Duration {
	if s.place.Folder == "" {
		return uploadPause
	}
	return 0
}

// save writes a state. One that is not consistent is written all the same, since it may tell of what was made, and refused then.
func (s *saver) save(d apitype.TypedDeployment) error {
	broken := snapshot.VerifyIntegrity(d.Deployment)
	d.Deployment.Metadata.IntegrityErrorMetadata = nil
	if broken != nil {
		d.Deployment.Metadata.IntegrityErrorMetadata = &apitype.SnapshotIntegrityErrorMetadataV1{
			Version: strconv.Itoa(d.Version), Command: strings.Join(os.Args, " "), Error: broken.Error(),
			EnvVars: utilenv.ConfiguredVariables(),
		}
	}
	raw, err := s.encoder.encode(d)
	if err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	if raw, err = compressed(raw, s.content); err != nil {
		return fmt.Errorf("compress the state: %w", err)
	}
	if err := s.write(raw); err != nil {
		return err
	}
	if broken != nil && !backend.DisableIntegrityChecking {
		return fmt.Errorf("the state is not consistent; it was written to %s: %w", s.key, broken)
	}
	return nil
}

// write puts a state in its place. The first of an operation leaves the one before it as the copy .bak.
func (s *saver) write(raw []byte) error {
	var others []string
	if s.written == nil {
		others = s.keepOld()
	}
	if err := s.persist(raw); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	s.written = raw
	for _, other := range others {
		if err := s.place.Bucket.Delete(s.ctx, other); err != nil {
			return fmt.Errorf("remove the state of another compression: %w", err)
		}
	}
	if env.DIYBackendRetainCheckpoints.Value() {
		return s.put(fmt.Sprintf("%s.%d", s.key, time.Now().UnixNano()), raw)
	}
	return nil
}

// keepOld copies the state, and returns those that the new one takes the place of under another name. There is no state yet
// or no room for a copy: neither is a reason not to write the new one.
func (s *saver) keepOld() (others []string) {
	for it := s.place.Bucket.List(&blob.ListOptions{Prefix: s.plainKey()}); ; {
		o, err := it.Next(s.ctx)
		if err != nil {
			return others
		}
		if ext := strings.TrimPrefix(o.Key, s.plainKey()); ext != "" && ext != encoding.GZIPExt && ext != encoding.ZSTDExt {
			continue
		}
		if raw, err := s.place.Bucket.ReadAll(s.ctx, o.Key); err == nil {
			_ = s.put(o.Key+".bak", raw)
		}
		if o.Key != s.key {
			others = append(others, o.Key)
		}
	}
}

// persist writes until it succeeds, for some twenty seconds: the state may be the only trace of what was made.
func (s *saver) persist(raw []byte) error {
	for pause := time.Second; ; pause += pause / 5 {
		err := s.put(s.key, raw)
		if err == nil || pause > 5*time.Second {
			return err
		}
		time.Sleep(pause)
	}
}

// put writes a file as a whole.
func (s *saver) put(key string, content []byte) error {
	if s.place.Folder == "" {
		return s.place.Bucket.WriteAll(s.ctx, key, content, nil)
	}
	// The bucket of a folder would compute a checksum of each file, and keep it nowhere.
	file := filepath.Join(s.place.Folder, filepath.FromSlash(key))
	beside := file + ".tmp"
	err := os.MkdirAll(filepath.Dir(file), 0o700)
	if err == nil {
		err = os.WriteFile(beside, content, 0o600)
	}
	if err == nil {
		err = os.Rename(beside, file)
	}
	if err != nil {
		_ = os.Remove(beside) // a full disk needs the room
	}
	return err
}

// finish adds the operation to the history of the stack, with a copy of its last state, and another copy to the backups.
func (s *saver) finish(update backend.UpdateInfo) error {
	raw, err := compact(update)
	if err != nil {
		return fmt.Errorf("encode the history: %w", err)
	}
	if raw, err = compressed(raw, s.name); err != nil {
		return fmt.Errorf("compress the history: %w", err)
	}
	name, now, ext := s.stack.Name().String(), time.Now().UnixNano(), encoding.JSONExt+s.name.Ext()
	entry := path.Join(filepath.ToSlash(s.stack.HistoryDir()), fmt.Sprintf("%s-%d", name, now))
	if err := s.put(entry+".history"+ext, raw); err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	if err := s.put(entry+".checkpoint"+ext, s.written); err != nil {
		return fmt.Errorf("keep the state in the history: %w", err)
	}
	if env.DIYBackendDisableCheckpointBackups.Value() {
		return nil
	}
	backup := path.Join(filepath.ToSlash(s.stack.BackupDir()), fmt.Sprintf("%s.%d%s", name, now, ext))
	if err := s.put(backup, s.written); err != nil {
		return fmt.Errorf("keep the state in the backups: %w", err)
	}
	return nil
}

// compressed compresses what is encoded already.
func compressed(raw []byte, how encoding.Compression) ([]byte, error) {
	return encoding.Compress(verbatim{}, how).Marshal(raw)
}

// verbatim encodes bytes as themselves.
type verbatim struct{ encoding.Marshaler }

func (verbatim) Marshal(v any) ([]byte, error) {
	raw, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is not encoded", v)
	}
	return raw, nil
}
