// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"emrflink/internal/disk"
	"emrflink/internal/kube"
)

// kubeEntry is the entry of the stack's cluster. What is written is noted, so that a cleanup takes it away again.
type kubeEntry struct {
	kube.Access
	notes string
}

// Merge adds the entry to a file.
func (e kubeEntry) Merge(path, alias string, use bool) (kube.Merged, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return kube.Merged{}, fmt.Errorf("find kubeconfig: %w", err)
	}
	if err := note(e.notes, e.Name()+"\t"+path); err != nil {
		return kube.Merged{}, err
	}
	return e.Access.Merge(path, alias, use)
}

// note adds a line to a file that does not have it.
func note(file, line string) error {
	lines, err := noted(file)
	if err != nil || slices.Contains(lines, line) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("note the kubeconfig: %w", err)
	}
	if err := disk.Replace(file, []byte(strings.Join(append(lines, line), "\n")+"\n")); err != nil {
		return fmt.Errorf("note the kubeconfig: %w", err)
	}
	return nil
}

func noted(file string) ([]string, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what kubeconfigs were written: %w", err)
	}
	lines := strings.Split(string(raw), "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" }), nil
}

// kubeNotes is the file with the kubeconfigs that have the stack's cluster.
func (s *onTarget) kubeNotes() string {
	return filepath.Join(s.settings.info.Home, "kubeconfigs", s.settings.info.Stack)
}

// leaver is a recorder that, with the stack, forgets the entries in kubeconfigs: they lead to a cluster that is gone.
type leaver struct{ recorder }

// Remove forgets the stack.
func (l leaver) Remove(ctx context.Context) error {
	if err := l.recorder.Remove(ctx); err != nil {
		return err
	}
	return l.stack.forgetEntries()
}

// forgetEntries takes the stack's cluster out of the kubeconfigs that have it.
func (s *onTarget) forgetEntries() error {
	file := s.kubeNotes()
	lines, err := noted(file)
	if err != nil {
		return err
	}
	for _, line := range lines {
		name, path, _ := strings.Cut(line, "\t")
		switch found, err := kube.Forget(path, name); {
		case err != nil: // the deployment is gone; an entry that is left harms nobody
			s.app.io.Say(fmt.Sprintf("%s still has the cluster %s: %v", path, name, err))
		case found:
			s.app.io.Say(fmt.Sprintf("%s: the cluster %s is taken out", path, name))
		}
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget what kubeconfigs were written: %w", err)
	}
	return nil
}
