// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Info is what daemon.json says: how to reach the running daemon.
type Info struct {
	PID       int       `json:"pid"`
	URL       string    `json:"url"`   // AWS API and control API, http://127.0.0.1:PORT
	Token     string    `json:"token"` // bearer token of the control API
	Ports     Ports     `json:"ports"`
	Region    string    `json:"region"`
	Speed     float64   `json:"speed"`
	Version   string    `json:"version"` // of the binary that serves
	StartedAt time.Time `json:"startedAt"`
	AccountID string    `json:"accountId"`
	AccessKey string    `json:"accessKey"`
	SecretKey string    `json:"secretKey"` // of a simulated account: worth nothing elsewhere
}

// Ports are the loopback ports of the Pulumi provider servers.
type Ports struct {
	AWS        int `json:"aws"`
	EKS        int `json:"eks"`
	Kubernetes int `json:"kubernetes"`
}

func infoPath(dir string) string { return filepath.Join(dir, "daemon.json") }
func lockPath(dir string) string { return filepath.Join(dir, "daemon.lock") }

// LogPath is the daemon's log file below dir.
func LogPath(dir string) string { return filepath.Join(dir, "daemon.log") }

// readInfo reads what the last process to serve dir wrote of itself. It may be dead: who answers to its token is not.
func readInfo(dir string) (Info, error) {
	b, err := os.ReadFile(infoPath(dir))
	if err != nil {
		return Info{}, fmt.Errorf("read the local target's address: %w", err)
	}
	var i Info
	if err := json.Unmarshal(b, &i); err != nil {
		return Info{}, fmt.Errorf("read the local target's address in %q: %w", infoPath(dir), err)
	}
	return i, nil
}

// writeFile replaces path in one step, so that a reader never sees half a file.
func writeFile(path string, b []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// ErrServed says that another process serves the folder.
var ErrServed = errors.New("another daemon serves this folder")

// lock takes the folder's lock for the life of the returned file, and writes there who holds it.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(lockPath(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	// A reader that probes the lock holds it for an instant: ask a few times.
	for range 20 {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("take lock %q: %w: %w", lockPath(dir), ErrServed, err)
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write lock %q: %w", lockPath(dir), err)
	}
	return f, nil
}

// held says whether a live process holds a lock. The kernel frees it when its holder dies, so it tells a crash at once,
// as a PID file cannot.
func held(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return false
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return true
	}
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	return false
}

// removeLeftovers removes what a process that was killed in the middle of writeFile left. The lock must be held.
func removeLeftovers(dir string) {
	for _, pattern := range []string{"*.tmp", filepath.Join("clusters", "*", "*.tmp")} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern)) // fails on a bad pattern only
		for _, path := range paths {
			_ = os.Remove(path)
		}
	}
}
