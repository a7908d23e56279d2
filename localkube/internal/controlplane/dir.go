// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// dir is the state directory. Everything in it belongs to one control plane at a time.
type dir string

func (d dir) path(name string) string { return filepath.Join(string(d), name) }

// Names inside the state directory.
const (
	caCertFile     = "ca.crt"
	caKeyFile      = "ca.key"
	servingCert    = "apiserver.crt"
	servingKey     = "apiserver.key"
	kubeletCert    = "kubelet-client.crt" // with which the API server asks kubelets
	kubeletKey     = "kubelet-client.key"
	signingKey     = "sa.key"
	signingPub     = "sa.pub"
	tokenFile      = "tokens.csv"
	adminConfig    = "admin.kubeconfig"
	managerConfig  = "controller-manager.kubeconfig"
	schedulerConf  = "scheduler.kubeconfig"
	webhookConfig  = "token-webhook.kubeconfig"
	egressConfig   = "egress.yaml"
	egressSocket   = "egress.sock"
	etcdDir        = "etcd"
	etcdSocket     = "etcd.sock"
	etcdPeerSocket = "peer.sock"
	logFile        = "localkube.log"
	lockFile       = "localkube.lock" // the daemon looks at it, too, for who works here
	tempMark       = ".tmp-"          // in the name of a file that is being written
)

// openDir makes the state directory private and takes its lock. The lock lives as long as the process: the
// kernel drops it even after a kill -9, so that a stale one cannot exist.
func openDir(path string) (dir, *os.File, error) {
	d := dir(path)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return d, nil, fmt.Errorf("make the state directory: %w", err)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return d, nil, fmt.Errorf("make the state directory private: %w", err)
	}
	f, err := os.OpenFile(d.path(lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return d, nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		owner, _ := os.ReadFile(d.path(lockFile))
		_ = f.Close()
		return d, nil, fmt.Errorf("lock %s: another localkube (pid %s) serves it: %w",
			path, strings.TrimSpace(string(owner)), err)
	}
	if err := f.Truncate(0); err != nil {
		return d, f, fmt.Errorf("write the lock: %w", err)
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		return d, f, fmt.Errorf("write the lock: %w", err)
	}
	left, _ := filepath.Glob(d.path("*" + tempMark + "*")) // of a process that was killed while it wrote
	for _, path := range left {
		_ = os.Remove(path)
	}
	return d, f, nil
}

// write replaces a file atomically, with mode 0600.
func (d dir) write(name string, body []byte) error {
	tmp, err := os.CreateTemp(string(d), name+tempMark+"*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(body); err != nil {
		_ = tmp.Close()
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(tmp.Name(), d.path(name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (d dir) exists(name string) bool {
	_, err := os.Stat(d.path(name))
	return err == nil
}
