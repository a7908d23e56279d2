// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// copyIn does what the init containers of a pod do: copy objects of S3, and nothing else.
func (r *Runtime) copyIn(ctx context.Context, b *box) error {
	for _, c := range b.Pod.Spec.InitContainers {
		vars, err := r.environment(ctx, b, c)
		if err != nil {
			return err
		}
		words, err := unshell(commandWords(c, vars))
		if err != nil {
			return fmt.Errorf("read the command of init container %q: %w", c.Name, err)
		}
		words = slices.DeleteFunc(words, func(w string) bool {
			return slices.Contains([]string{"--quiet", "--only-show-errors", "--no-progress"}, w)
		})
		if len(words) > 0 {
			words[0] = path.Base(words[0])
		}
		if len(words) != 5 || !slices.Equal(words[:3], []string{"aws", "s3", "cp"}) ||
			!strings.HasPrefix(words[3], hadoopScheme) {
			return fmt.Errorf("init container %q runs %q: the local target does only `aws s3 cp s3://BUCKET/KEY PATH`", c.Name,
				strings.Join(words, " "))
		}
		if err := r.copyObject(ctx, b, c, words[3], words[4]); err != nil {
			return fmt.Errorf("init container %q: copy %s: %w", c.Name, words[3], err)
		}
	}
	return nil
}

func (r *Runtime) copyObject(ctx context.Context, b *box, c corev1.Container, from, to string) error {
	if r.o.Object == nil {
		return errors.New("no object of S3 can be read")
	}
	mounts := map[string]string{}
	for _, m := range c.VolumeMounts {
		mounts[filepath.Clean(m.MountPath)] = b.in(volumesFolder, m.Name, m.SubPath)
	}
	local := newPaths(b.Dir, mounts).path(filepath.Clean(to))
	if info, err := os.Stat(local); strings.HasSuffix(to, "/") || err == nil && info.IsDir() {
		local = filepath.Join(local, path.Base(from))
	}
	if err := os.MkdirAll(filepath.Dir(local), 0o700); err != nil {
		return err
	}
	if info, err := os.Lstat(local); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if err := os.Remove(local); err != nil { // the file of the home that it names is not the pod's
			return err
		}
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(from, hadoopScheme), "/")
	body, err := r.o.Object(ctx, b.Pod.Namespace, serviceAccount(b.Pod), bucket, key)
	if err != nil {
		return err
	}
	defer body.Close() // it was only read
	f, err := os.OpenFile(local, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	return errors.Join(err, f.Close())
}
