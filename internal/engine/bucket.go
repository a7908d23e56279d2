// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/spf13/cobra"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"

	"emrflink/internal/engine/save"
	"emrflink/internal/plans"
)

// bucketCopies lists the copies of a state that is in a bucket. Only a process of the engine has what is needed to reach it.
func (e *Engine) bucketCopies(ctx context.Context) ([]plans.StateCopy, error) {
	var found []plans.StateCopy
	return found, e.askBucket(ctx, &found)
}

// bucketRestore puts a copy in the place of a state that is in a bucket.
func (e *Engine) bucketRestore(ctx context.Context, key string) (plans.StateCopy, error) {
	var found []plans.StateCopy
	if err := e.askBucket(ctx, &found, key); err != nil {
		return plans.StateCopy{}, err
	}
	return found[0], nil
}

func (e *Engine) askBucket(ctx context.Context, into *[]plans.StateCopy, args ...string) error {
	raw, err := e.run(ctx, append([]string{copiesCommand, e.opts.Project, e.opts.Stack}, args...)...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(raw), into); err != nil {
		return fmt.Errorf("read the list of copies: %w", err)
	}
	return nil
}

// lostFromBucketOr is lostOr for a state that is in a bucket. Where the copies cannot be listed, nothing tells of a loss.
func (e *Engine) lostFromBucketOr(ctx context.Context, otherwise error) error {
	copies, err := e.bucketCopies(ctx)
	if err != nil {
		e.opts.Logger.Warn("look for copies of the state", "err", err)
		return otherwise
	}
	place, _, _ := strings.Cut(e.opts.BackendURL, "?")
	return lostOr(e.opts.Stack, place, copies, otherwise)
}

// copiesCommand lists the copies of a state in the backend, or puts one in its place.
const copiesCommand = "copies"

func newCopiesCmd() *cobra.Command {
	return &cobra.Command{
		Use: copiesCommand + " PROJECT STACK [COPY]", Hidden: true, Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			bucket, err := openBucket(cmd.Context(), os.Getenv(backendVar))
			if err != nil {
				return err
			}
			defer bucket.Close() // what was written is there by then
			b := bucketState{bucket: bucket, project: args[0], stack: args[1]}
			var found []plans.StateCopy
			if len(args) == 3 {
				found, err = b.restore(cmd.Context(), args[2])
			} else {
				found, err = b.copies(cmd.Context())
			}
			if err != nil {
				return err
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(found)
		},
	}
}

// locksCommand prints the locks of a stack in the backend, or removes some.
const locksCommand = "locks"

func newLocksCmd() *cobra.Command {
	return &cobra.Command{
		Use: locksCommand + " PROJECT STACK [GONE...]", Hidden: true, Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			bucket, err := openBucket(cmd.Context(), os.Getenv(backendVar))
			if err != nil {
				return err
			}
			defer bucket.Close() // what was removed is gone by then
			for _, key := range args[2:] {
				if err := bucket.Delete(cmd.Context(), key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
					return err
				}
			}
			locks, err := (bucketState{bucket: bucket, project: args[0], stack: args[1]}).locks(cmd.Context())
			if err != nil {
				return err
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(locks)
		},
	}
}

// locks reads the locks of the stack; one that cannot be read is of nobody known.
func (b bucketState) locks(ctx context.Context) ([]lockContent, error) {
	keys, err := b.list(ctx, b.folder("locks", "organization"))
	if err != nil {
		return nil, err
	}
	all := []lockContent{}
	for _, key := range keys {
		one := lockContent{Timestamp: key.Saved}
		raw, err := b.bucket.ReadAll(ctx, key.Path)
		if gcerrors.Code(err) == gcerrors.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		_ = json.Unmarshal(raw, &one)
		one.Key = key.Path
		all = append(all, one)
	}
	return all, nil
}

// bucketLocks are the owners of the locks of a state that is in a bucket. The name of this machine in a lock proves nothing
// there, since machines that share a bucket may share a name: gone is who is among ended, the engines of this state directory.
func (e *Engine) bucketLocks(ctx context.Context, ended []LockOwner) ([]LockOwner, error) {
	raw, err := e.run(ctx, locksCommand, e.opts.Project, e.opts.Stack)
	if err != nil {
		return nil, err
	}
	var locks []lockContent
	if err := json.Unmarshal([]byte(raw), &locks); err != nil {
		return nil, fmt.Errorf("read the locks: %w", err)
	}
	owners := make([]LockOwner, len(locks))
	for i, l := range locks {
		owners[i] = l.at(l.Key)
		owners[i].Stale = slices.ContainsFunc(ended, func(o LockOwner) bool {
			return o.PID == l.PID && o.Host == l.Hostname && l.Timestamp.After(o.Since.Add(-time.Second))
		})
	}
	return owners, nil
}

// openBucket opens the bucket of a backend as Pulumi does: the path of its URL is a folder in it.
func openBucket(ctx context.Context, backendURL string) (*blob.Bucket, error) {
	if root, ok := localRoot(backendURL); ok {
		return fileblob.OpenBucket(root, &fileblob.Options{Metadata: fileblob.MetadataDontWrite, NoTempDir: true})
	}
	u, err := url.Parse(backendURL)
	if err != nil {
		return nil, err
	}
	if err := renewS3(u); err != nil {
		return nil, err
	}
	bucket, err := blob.OpenBucket(ctx, u.String())
	if folder := strings.Trim(u.Path, "/"); err == nil && folder != "" {
		return blob.PrefixedBucket(bucket, folder+"/"), nil
	}
	return bucket, err
}

// renewS3 replaces the parameters of an s3 URL that only the first version of Amazon's SDK knew; Pulumi accepts them.
func renewS3(u *url.URL) error {
	query, scheme := u.Query(), "https://"
	if plain := query.Get("disableSSL"); u.Scheme == "s3" && plain != "" {
		off, err := strconv.ParseBool(plain)
		if err != nil {
			return fmt.Errorf("the parameter disableSSL of %s: %w", u.Redacted(), err)
		}
		if off {
			scheme = "http://"
		}
		query.Del("disableSSL")
		query.Set("disable_https", plain)
	}
	if endpoint := query.Get("endpoint"); u.Scheme == "s3" && endpoint != "" && !strings.Contains(endpoint, "://") {
		query.Set("endpoint", scheme+endpoint)
	}
	u.RawQuery = query.Encode()
	return nil
}

// oneBucket completes the URL of a state in a bucket, so that it means the same for every command: the environment of those that
// change something has the region of the stack, and on some targets an S3 of the target's own.
func (e *Engine) oneBucket(ctx context.Context) (string, error) {
	state := e.opts.BackendURL
	if !strings.HasPrefix(state, "s3://") {
		return state, nil
	}
	u, err := url.Parse(state)
	if err != nil {
		return "", &Failure{Code: CodeConfig, Message: fmt.Sprintf("the state %q is not a URL: %v", state, err)}
	}
	if e.opts.Env["AWS_ENDPOINT_URL"] != "" && u.Query().Get("endpoint") == "" {
		return "", &Failure{
			Code: CodeConfig,
			Message: fmt.Sprintf("the state %s would be in the target's own S3 for some commands and in AWS for others: "+
				"this target has an S3 of its own", state),
			Hint: "name the one that is meant: --state '" + state + "?endpoint=URL', or leave --state out",
		}
	}
	if e.opts.BucketRegion == nil {
		return state, nil
	}
	return InRegion(state, func() string { return e.opts.BucketRegion(ctx) }), nil
}

// InRegion adds a region to the URL of a bucket that names none.
func InRegion(state string, region func() string) string {
	u, err := url.Parse(state)
	if err != nil || u.Scheme != "s3" || u.Query().Get("region") != "" {
		return state
	}
	query := u.Query()
	query.Set("region", region())
	u.RawQuery = query.Encode()
	return u.String()
}

// openPlace opens the place to which an operation saves its states.
func openPlace(ctx context.Context, backendURL string) (save.Place, error) {
	root, _ := localRoot(backendURL)
	bucket, err := openBucket(ctx, backendURL)
	return save.Place{Bucket: bucket, Folder: root}, err
}

// bucketState knows the layout of Pulumi's backend, as fileState does, in a bucket.
type bucketState struct {
	bucket         *blob.Bucket
	project, stack string
}

// mostCopies is how many copies are read, the newest: each is a call.
const mostCopies = 10

// copies lists the newest copies that can be read, newest first.
func (b bucketState) copies(ctx context.Context) ([]plans.StateCopy, error) {
	state := path.Join(".pulumi/stacks", b.project, b.stack+".json")
	var all []plans.StateCopy
	for prefix, fits := range map[string]func(key string) bool{
		state: func(key string) bool {
			return slices.Contains([]string{".bak", encoding.GZIPExt + ".bak", encoding.ZSTDExt + ".bak"}, key[len(state):])
		},
		b.folder("history"): func(key string) bool { return strings.Contains(path.Base(key), ".checkpoint.json") },
		b.folder("backups"): func(string) bool { return true },
	} {
		found, err := b.list(ctx, prefix)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(found, func(c plans.StateCopy) bool { return !fits(c.Path) })...)
	}
	slices.SortFunc(all, newestFirst)
	good := []plans.StateCopy{}
	for _, c := range all[:min(mostCopies, len(all))] {
		raw, err := b.bucket.ReadAll(ctx, c.Path)
		if err != nil {
			return nil, err
		}
		if d, err := decodeState(raw); err == nil {
			c.Resources = d.made()
			good = append(good, c)
		}
	}
	slices.SortStableFunc(good, newestFirst)
	return good, nil
}

// folder is the prefix of one kind of the stack's files.
func (b bucketState) folder(kind ...string) string {
	return path.Join(".pulumi", path.Join(kind...), b.project, b.stack) + "/"
}

func (b bucketState) list(ctx context.Context, prefix string) ([]plans.StateCopy, error) {
	var found []plans.StateCopy
	for it := b.bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		found = append(found, plans.StateCopy{Path: o.Key, Saved: o.ModTime.UTC()})
	}
}

// restore puts a copy in the place of the state, which becomes a copy itself.
func (b bucketState) restore(ctx context.Context, key string) ([]plans.StateCopy, error) {
	locks, err := b.list(ctx, b.folder("locks", "organization"))
	if err != nil {
		return nil, err
	}
	if len(locks) > 0 {
		return nil, fmt.Errorf("the stack is currently locked by %s", locks[0].Path)
	}
	raw, err := b.bucket.ReadAll(ctx, key)
	if err != nil {
		return nil, err
	}
	d, err := copyOf(raw, b.project, b.stack)
	if err != nil {
		return nil, fmt.Errorf("%s is no copy of the state: %w", key, err)
	}
	attributes, err := b.bucket.Attributes(ctx, key)
	if err != nil {
		return nil, err
	}
	state := path.Join(".pulumi/stacks", b.project, b.stack+".json")
	if exists, err := b.bucket.Exists(ctx, state); err != nil {
		return nil, err
	} else if exists {
		if err := b.bucket.Copy(ctx, b.folder("backups")+asideName(b.stack), state, nil); err != nil {
			return nil, err
		}
	}
	found := []plans.StateCopy{{Path: key, Saved: attributes.ModTime.UTC(), Resources: d.made()}}
	return found, b.bucket.WriteAll(ctx, state, raw, nil)
}
