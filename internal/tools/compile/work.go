// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// work is what has to be compiled, measured in bytes of Go source: compile time follows them closely enough.
type work struct {
	packages map[string]int64

	mu      sync.Mutex
	started int
	done    int64 // of the packages whose compilation began
	total   int64
}

// linking is what one program costs at the end, in bytes of source.
const linking = 3 << 20

// measure asks go which packages of the programs the build cache does not have. It fetches the modules first.
func measure(ctx context.Context, w io.Writer, flags, packages []string) (*work, error) {
	fetched := time.AfterFunc(heartbeat/4, func() {
		_, _ = fmt.Fprintln(w, "fetching modules and looking at what has to be compiled")
	})
	defer fetched.Stop()
	// Without EmbedFiles go leaves them out, and takes every package that embeds something for stale.
	args := append(append([]string{"list", "-deps", "-json=ImportPath,Dir,GoFiles,EmbedFiles,Stale"}, flags...), packages...)
	cmd := exec.CommandContext(ctx, "go", args...) // #nosec G204 -- our own arguments
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list what has to be compiled: %w\n%s", err, stderr.Bytes())
	}
	all := &work{packages: map[string]int64{}}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir string
			GoFiles         []string
			Stale           bool
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read what has to be compiled: %w", err)
		}
		if !p.Stale {
			continue
		}
		size := int64(0)
		for _, f := range p.GoFiles {
			if info, err := os.Stat(filepath.Join(p.Dir, f)); err == nil {
				size += info.Size()
			}
		}
		all.packages[p.ImportPath] = size
		all.total += size
	}
	return all, nil
}

// compiling notes that the compiler began with a package. A line that names none is part of a message.
func (w *work) compiling(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if size, known := w.packages[strings.TrimSpace(line)]; known {
		w.started++
		w.done += size
	}
}

// progress says how much is done, and how long the rest will take if it goes on like this.
func (w *work) progress(elapsed time.Duration) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	share := min(float64(w.done)/float64(w.total), 0.99)
	left := ""
	if share > 0.05 {
		left = fmt.Sprintf(", about %s left", roughly(time.Duration(float64(elapsed)*(1-share)/share)))
	}
	return fmt.Sprintf("%5s  compiling: %2.0f %%, %d of %d packages%s", elapsed.Round(time.Second), 100*share, w.started,
		len(w.packages), left)
}

// roughly does not promise seconds.
func roughly(d time.Duration) string {
	if d > 90*time.Second {
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f s", max(10, 10*math.Round(d.Seconds()/10)))
}
