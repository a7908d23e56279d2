// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"emrflink/internal/localtarget"
)

const stepPoll = 5 * time.Millisecond

// steps counts changes.
type steps struct {
	dir string
	mu  sync.Mutex
	n   int
}

// newSteps returns nil without a folder.
func newSteps(dir string) func(ctx context.Context, op, urn string) func() {
	if dir == "" {
		return nil
	}
	s := &steps{dir: dir}
	return func(ctx context.Context, op, urn string) func() {
		n := s.next(op, urn)
		s.wait(ctx, "before", n, op, urn)
		return func() { s.wait(ctx, "after", n, op, urn) }
	}
}

func (s *steps) next(op, urn string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	f, err := os.OpenFile(filepath.Join(s.dir, localtarget.StepsDone), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, _ = fmt.Fprintf(f, "%d %s %s\n", s.n, op, urn) // a folder that is gone: the test is over
		_ = f.Close()
	}
	return s.n
}

func (s *steps) wait(ctx context.Context, when string, n int, op, urn string) {
	pause := filepath.Join(s.dir, localtarget.StepsPause)
	said := false
	for ctx.Err() == nil {
		text, err := os.ReadFile(pause)
		if err != nil || strings.TrimSpace(string(text)) != when+" "+op+" "+urn {
			return
		}
		if !said {
			said = os.WriteFile(filepath.Join(s.dir, localtarget.StepsReached), fmt.Appendf(nil, "%d %s %s", n, op, urn),
				0o600) == nil
		}
		time.Sleep(stepPoll)
	}
}
