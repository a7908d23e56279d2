// SPDX-License-Identifier: Apache-2.0

package flinkoperator

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/flinkjob"
	"emrflink/internal/golden"
)

// lossOp is a command of the matrix. prepare is done before, without a fault.
type lossOp struct {
	name    string
	prepare func(l *lossWorld)
	do      func(l *lossWorld) error
}

// modes are the upgrade modes of the command's job. What is suspended without a state has none to resume from.
func (op lossOp) modes() []string {
	if op.name == "resume" {
		return []string{"savepoint", "last-state"}
	}
	return []string{"savepoint", "last-state", "stateless"}
}

// world is a job that is prepared for the command.
func (op lossOp) world(t *testing.T, mode string) *lossWorld {
	t.Helper()
	l := newLossWorld(t, mode)
	if op.prepare != nil {
		op.prepare(l)
	}
	l.calls, l.ticks = 0, 0
	return l
}

var lossOps = []lossOp{
	{name: "upgrade", do: func(l *lossWorld) error { return l.upgrade(int64(4), "job", "parallelism") }},
	{name: "upgrade of the release", do: func(l *lossWorld) error {
		return l.upgrade("emr-7.12.0-flink-latest", "emrReleaseLabel")
	}},
	{name: "rescale", do: func(l *lossWorld) error {
		_, err := l.store().Running.Rescale(l.t.Context(), 4, false, nil)
		return err
	}},
	{name: "restart", do: func(l *lossWorld) error {
		_, err := l.store().Running.Restart(l.t.Context(), false, nil)
		return err
	}},
	{name: "suspend", do: func(l *lossWorld) error {
		_, err := l.store().Running.Suspend(l.t.Context(), false, nil)
		return err
	}},
	{name: "resume", prepare: func(l *lossWorld) {
		_, err := l.store().Running.Suspend(l.t.Context(), true, nil)
		require.NoError(l.t, err)
	}, do: func(l *lossWorld) error {
		_, err := l.store().Running.Resume(l.t.Context(), nil)
		return err
	}},
	{name: "savepoint", do: func(l *lossWorld) error {
		_, err := l.store().Running.Savepoint(l.t.Context(), nil)
		return err
	}},
	{name: "restore", do: func(l *lossWorld) error { return l.restore("") }},
	{name: "restore of a checkpoint", prepare: func(l *lossWorld) {
		all, err := l.store().List(l.t.Context())
		require.NoError(l.t, err)
		l.allowed = all[0].Name
	}, do: func(l *lossWorld) error { return l.restore(l.allowed) }},
}

// follow carries out what an error says is next. When that is only to look, a job that is suspended is resumed, and one that does
// not run is restored.
func (l *lossWorld) follow(err error) error {
	var hinted interface{ Hint() string }
	hint := ""
	if errors.As(err, &hinted) {
		hint, _, _ = strings.Cut(hinted.Hint(), "\n")
	}
	words, s := strings.Fields(hint), l.store()
	switch {
	case strings.HasPrefix(hint, "emrflink job rollback"):
		r, err := s.Running.Revision(l.t.Context(), 0)
		if err != nil {
			return err
		}
		u := flinkjob.Upgrade{From: words[len(words)-1]}
		if u.Spec, err = s.Running.SpecOf(l.t.Context(), r); err != nil {
			return err
		}
		return l.apply(u)
	case strings.HasPrefix(hint, "emrflink job state restore"):
		return l.restore(words[5])
	case l.wanted() == "suspended":
		_, err := s.Running.Resume(l.t.Context(), nil)
		return err
	}
	return l.restore("")
}

func (l *lossWorld) wanted() string {
	state, _ := l.get(jobRef).Object["spec"].(object)["job"].(object)["state"].(string)
	return state
}

func (l *lossWorld) healthy() bool {
	return l.running && l.wanted() != "suspended" && l.status("jobStatus", "state") == "RUNNING" &&
		l.status("lifecycleState") == "STABLE" && l.status("error") == ""
}

// settles lets the world go on without a fault, until the job has run for a while or is not going to.
func (l *lossWorld) settles() bool {
	for stood, n := 0, 0; n < 45; n++ {
		l.tick()
		if stood++; !l.healthy() {
			stood = 0
		}
		if stood >= 8 {
			return true
		}
	}
	return false
}

// ends is what became of a command: it was refused, or the job runs, after so many more commands as its error named.
func (l *lossWorld) ends(err error) (refused bool, wrong error) {
	touched := l.calls
	l.fault, l.dead, l.dieAt, l.dieTick, l.onCall, l.onTick = "", false, 0, 0, nil, nil
	var r *flinkjob.Refusal
	if refused = errors.As(err, &r); refused && touched > 0 {
		return true, fmt.Errorf("refused after something was touched: %w", err)
	}
	for range 3 {
		runs := l.settles()
		switch {
		case len(l.losses) > 0:
			return refused, errors.New(strings.Join(l.losses, "; "))
		case runs:
			return refused, nil
		}
		err = l.follow(err)
	}
	return refused, fmt.Errorf("it does not run: %s %s %s, wanted %s: %w", l.status("lifecycleState"),
		l.status("jobStatus", "state"), l.status("error"), l.wanted(), err)
}

// lossFaults are what can fail, but our process.
func lossFaults() []string {
	return []string{"JobManager slow", "JobManager gone", "TaskManager gone", "S3 denied to the job", "S3 denied to the command",
		"S3 slow", "operator gone", "API server gone"}
}

const killed = "command killed"

// lossCase is one cell's case: a fault that begins at a moment of the command, and how long it lasts.
type lossCase struct {
	fault, name string
	set         func(l *lossWorld)
}

// lossCases are those of a command that changes something so many times, and waits so many seconds.
func lossCases(calls, ticks int) []lossCase {
	var all []lossCase
	for _, fault := range lossFaults() {
		for _, lasts := range []time.Duration{30 * time.Second, time.Hour} {
			add := func(name string, set func(l *lossWorld)) {
				all = append(all, lossCase{fault, fmt.Sprintf("%s for %s, %s", fault, lasts, name), set})
			}
			add("before", func(l *lossWorld) {
				l.fail(fault, lasts)
				for range 3 {
					l.tick()
				}
			})
			for n := 1; n <= calls; n++ {
				add(fmt.Sprintf("at change %d", n), func(l *lossWorld) {
					l.onCall = func(c int) {
						if c == n {
							l.fail(fault, lasts)
						}
					}
				})
			}
			for n := 1; n <= ticks && lasts < time.Hour; n *= 2 {
				add(fmt.Sprintf("after %d s", n), func(l *lossWorld) {
					l.onTick = func(c int) {
						if c == n {
							l.fail(fault, lasts)
						}
					}
				})
			}
		}
	}
	kill := func(name string, set func(l *lossWorld)) {
		all = append(all, lossCase{killed, killed + " " + name, set})
	}
	for n := 1; n <= calls; n++ {
		kill(fmt.Sprintf("before change %d", n), func(l *lossWorld) { l.dieAt = n })
		kill(fmt.Sprintf("after change %d", n), func(l *lossWorld) { l.dieAt, l.after = n, true })
	}
	for n := 1; n <= ticks; n++ {
		kill(fmt.Sprintf("after %d s", n), func(l *lossWorld) { l.dieTick = n })
	}
	return all
}

var wholeMatrix = flag.Bool("whole-matrix", false, "try every case (minutes) and compare with the page; else a few of them")

// fewCases is how many cases there are for each that a test without -whole-matrix tries.
const fewCases = 40

// lossCell is what became of the cases of a command, an upgrade mode and a fault.
type lossCell struct{ exact, refused, wrong int }

func (c lossCell) String() string {
	switch {
	case c.exact == 0:
		return fmt.Sprintf("%d refused", c.refused)
	case c.refused == 0:
		return fmt.Sprint(c.exact)
	}
	return fmt.Sprintf("%d, %d refused", c.exact, c.refused)
}

// Whatever fails at whatever moment of a command, the job counts on from the newest state, or the command is refused before
// anything was touched. The page has the table.
func TestNoStateIsLost(t *testing.T) {
	t.Parallel()
	m := lossMatrix{cells: map[string]*lossCell{}}
	t.Run("matrix", func(t *testing.T) {
		for _, op := range lossOps {
			for _, mode := range op.modes() {
				t.Run(op.name+" "+mode, func(t *testing.T) {
					t.Parallel()
					m.row(t, op, mode)
				})
			}
		}
	})
	if *wholeMatrix {
		golden.Equal(t, "../../../docs/state-loss.md", lossPage(m.cells))
	}
}

type lossMatrix struct {
	mu    sync.Mutex
	cells map[string]*lossCell // COMMAND|MODE|FAULT
	tried int
}

func (m *lossMatrix) row(t *testing.T, op lossOp, mode string) {
	t.Helper()
	healthy := op.world(t, mode)
	err := op.do(healthy)
	var r *flinkjob.Refusal
	if mode != "stateless" || !errors.As(err, &r) {
		require.NoError(t, err)
	}
	for _, c := range lossCases(healthy.calls, healthy.ticks) {
		if !m.next() {
			continue
		}
		l := op.world(t, mode)
		c.set(l)
		err := op.do(l)
		refused, wrong := l.ends(err)
		if wrong != nil {
			t.Errorf("%s: %v (the command: %v)", c.name, wrong, err)
		}
		m.add(op.name+"|"+mode+"|"+c.fault, refused, wrong != nil)
	}
}

// next says whether the next case is tried.
func (m *lossMatrix) next() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tried++
	return *wholeMatrix || m.tried%fewCases == 0
}

func (m *lossMatrix) add(key string, refused, wrong bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cells[key] == nil {
		m.cells[key] = &lossCell{}
	}
	switch c := m.cells[key]; {
	case wrong:
		c.wrong++
	case refused:
		c.refused++
	default:
		c.exact++
	}
}

// What the commands avoid is a loss here: the matrix can fail.
func TestTheMatrixSeesALoss(t *testing.T) {
	t.Parallel()
	newest := func(l *lossWorld) string {
		all, err := l.store().List(l.t.Context())
		require.NoError(l.t, err)
		return all[0].URI
	}
	patch := func(l *lossWorld, spec object) {
		_, err := l.Patch(l.t.Context(), jobRef, "", object{"spec": spec})
		require.NoError(l.t, err)
	}
	redeploy := func(l *lossWorld, path string) {
		patch(l, object{"job": object{"initialSavepointPath": path, "savepointRedeployNonce": int64(1)}})
	}
	for name, c := range map[string]struct {
		do   func(l *lossWorld)
		says string
	}{
		"a redeploy from a checkpoint that Flink drops meanwhile": {func(l *lossWorld) {
			path := newest(l)
			for range 12 {
				l.tick()
			}
			redeploy(l, path)
		}, "which is not there"},
		"a savepoint while it runs, then a redeploy from that": {func(l *lossWorld) {
			res, err := l.store().Running.Savepoint(l.t.Context(), nil)
			require.NoError(l.t, err)
			for range 6 {
				l.tick()
			}
			redeploy(l, res.Path)
		}, "events"},
		"a restart in the mode stateless": {func(l *lossWorld) {
			patch(l, object{"restartNonce": int64(7), "job": object{"upgradeMode": "stateless"}})
		}, `started from "" with 0 of`},
	} {
		l := newLossWorld(t, "savepoint")
		c.do(l)
		_, err := l.ends(nil)
		require.ErrorContains(t, err, c.says, name)
	}
}

func lossPage(cells map[string]*lossCell) string {
	var rows strings.Builder
	columns := append(lossFaults(), killed)
	fmt.Fprintf(&rows, "| command | upgrade mode | %s |\n|---|---|%s\n", strings.Join(columns, " | "),
		strings.Repeat("---:|", len(columns)))
	all := lossCell{}
	for _, op := range lossOps {
		for _, mode := range op.modes() {
			fmt.Fprintf(&rows, "| %s | %s |", op.name, mode)
			for _, fault := range columns {
				c := cells[op.name+"|"+mode+"|"+fault]
				if c == nil { // it changes nothing, so there is no step to be killed at
					rows.WriteString(" - |")
					continue
				}
				all = lossCell{all.exact + c.exact, all.refused + c.refused, all.wrong + c.wrong}
				fmt.Fprintf(&rows, " %s |", c)
			}
			rows.WriteString("\n")
		}
	}
	n := all.exact + all.refused
	return fmt.Sprintf(lossHead, n, n+all.wrong, all.exact, all.refused) + rows.String()
}

const lossHead = `<!-- Written by "make state-loss"; do not edit. -->

# No state is lost

Each command that changes a job, while something fails at a moment of it: before it begins, right at each change that it makes,
one, two, four and eight seconds into its waits; for half a minute, or, of the first two, until the command gives up. The
command itself is killed before and after each change, and in each second of its waits. The job is one of the simulated
JobManager, under the local target's stand-in of the operator: it counts, checkpoints commit what was counted, and so does the
savepoint that it is stopped with. A start from a state that has less than was committed is a loss, and so is one from a state
that is not there.

Then the fault ends. If the job does not run by itself, the command that the error names is run; when that is only to look at
it, "job resume" of a job that is suspended, else "job state restore --start". A case is good when the job runs, at most two
commands later, with an exact count, or when the command was refused before anything was touched. Of a job whose mode is
stateless, what is refused is what would start from nothing.

**%d of %d good**: %d exact, %d refused.

`
