// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"emrflink/internal/flinkhome"
	"emrflink/internal/localcloud/kubelet"
)

// box is one run of a pod's container.
type box struct {
	kubelet.Sandbox
	home     flinkhome.Home
	mounts   map[string]string // path in the container -> path here
	launch   launch
	settings settings
	vars     map[string]string // of the process
}

// What is in the folder of a pod. The volumes stay when its container is started again; all else is made anew, as the file
// system of a container is.
const (
	flinkFolder   = "flink" // stands for /opt/flink: links to what the home has, and what volumes put there
	rootFS        = "rootfs"
	tmpFolder     = "tmp"
	volumesFolder = "volumes"
	confFolder    = "conf" // Flink's configuration, with what this machine needs
	logFolder     = "log"
	hostsFile     = "hosts"
	roleToken     = "role.token"
)

func (b *box) root() string              { return b.Dir }
func (b *box) in(names ...string) string { return filepath.Join(append([]string{b.Dir}, names...)...) }
func (b *box) ip() string                { return b.Pod.Status.PodIP }

// clean removes what the run before left and makes the folders.
func (b *box) clean() error {
	for _, name := range []string{flinkFolder, rootFS, tmpFolder, confFolder} {
		if err := os.RemoveAll(b.in(name)); err != nil {
			return err
		}
	}
	for _, name := range []string{flinkFolder, rootFS, tmpFolder, volumesFolder, confFolder, logFolder} {
		if err := os.MkdirAll(b.in(name), 0o700); err != nil {
			return err
		}
	}
	return linkAll(b.home.Dir, b.in(flinkFolder))
}

// linkAll links all entries of a folder into another.
func linkAll(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// mount makes the volumes of a container known under their paths. What is mounted below Flink's folder is also there on disk,
// because Flink itself finds usrlib and plugins beside its lib folder.
func (b *box) mount(c corev1.Container) error {
	b.mounts = map[string]string{}
	for _, m := range c.VolumeMounts {
		if m.SubPathExpr != "" {
			return fmt.Errorf("container %q mounts volume %q with a subPathExpr: the local target does not do that",
				c.Name, m.Name)
		}
		at, to := filepath.Clean(m.MountPath), b.in(volumesFolder, m.Name, m.SubPath)
		if m.SubPath != "" && !filepath.IsLocal(m.SubPath) {
			return fmt.Errorf("container %q mounts %q of volume %q: the path leaves the volume", c.Name, m.SubPath, m.Name)
		}
		if _, err := os.Stat(to); errors.Is(err, fs.ErrNotExist) { // a subPath that is not there is made as a folder
			if err := os.MkdirAll(to, 0o700); err != nil {
				return err
			}
		}
		b.mounts[at] = to
	}
	for _, at := range slices.Sorted(maps.Keys(b.mounts)) { // a folder before what is mounted in it
		for _, root := range flinkRoots {
			if rest, ok := strings.CutPrefix(at, root+"/"); ok {
				if err := place(b.in(flinkFolder), rest, b.mounts[at]); err != nil {
					return fmt.Errorf("mount %s: %w", at, err)
				}
			}
		}
	}
	return nil
}

// place links a path below dir to a target. A link to a folder on the way becomes a folder of links.
func place(dir, rest, target string) error {
	first, more, deeper := strings.Cut(rest, "/")
	path := filepath.Join(dir, first)
	if !deeper {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		return os.Symlink(target, path)
	}
	if to, err := os.Readlink(path); err == nil {
		if err := os.Remove(path); err != nil {
			return err
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			return err
		}
		if err := linkAll(to, path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return place(path, more, target)
}

// paths are those of the container; its configuration is the one with what this machine needs.
func (b *box) paths() paths {
	mounts := maps.Clone(b.mounts)
	for _, root := range flinkRoots {
		mounts[root+"/conf"] = b.in(confFolder)
	}
	return newPaths(b.Dir, mounts)
}

func (b *box) environ() []string {
	var env []string
	for _, name := range slices.Sorted(maps.Keys(b.vars)) {
		env = append(env, name+"="+b.vars[name])
	}
	return env
}

// says is what the log of a container begins with: that this is no container, and what was replaced.
func (b *box) says(have install) []string {
	lines := []string{fmt.Sprintf("Flink %s of %s on Java %s, as a process of this machine on %s", have.home.Version,
		have.home.Dir, have.java.Version, b.ip())}
	for _, c := range b.Pod.Spec.Containers {
		if c.Name != b.Container.Name {
			lines = append(lines, fmt.Sprintf("container %q of the pod does not run: it is only marked as running", c.Name))
		}
	}
	return append(lines, b.settings.said...)
}

// refused is what of a pod is not done here, and what would change how the pod behaves.
func refused(p *corev1.Pod, c corev1.Container) error {
	var what string
	switch {
	case p.Spec.HostNetwork:
		what = "hostNetwork: Flink would listen on the addresses of this machine"
	case c.Lifecycle != nil && (c.Lifecycle.PostStart != nil || c.Lifecycle.PreStop != nil):
		what = "a lifecycle hook of container " + c.Name
	case len(c.VolumeDevices) > 0:
		what = "volumeDevices of container " + c.Name
	default:
		return nil
	}
	return fmt.Errorf("the local target does not do what pod %s asks for: %s", p.Name, what)
}
