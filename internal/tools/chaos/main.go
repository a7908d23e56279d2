// SPDX-License-Identifier: Apache-2.0

// Command chaos makes the experiments with deploy and cleanup on the local target that take too long for a test: five rounds
// under one name, the cleanup of a stack that was used, a job that counts in real Flink while what it runs on is killed (it needs
// Java, Maven and the jar of make samples), and kills at every change of a resource or at random times, of which it
// writes a table. It goes on where it was stopped: what the table has is not run again. It ends with exit code 1 when something
// was not clean.
package main

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"emrflink/internal/chaos"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	bin := flag.String("bin", "bin", "folder of the binaries")
	var p plan
	flag.StringVar(&p.table, "table", "chaos.tsv", "file of the results of kills, appended to")
	flag.IntVar(&p.atOnce, "at-once", 1, "how many kills are tried side by side")
	flag.IntVar(&p.sample, "sample", 0, "try only so many kills, drawn by chance; 0 tries all")
	flag.Uint64Var(&p.seed, "seed", 1, "of the draw")
	flag.BoolVar(&p.again, "again", false, "try the kills of the table again that were not clean, and write the table anew")
	flag.IntVar(&p.randomly, "kills", 0,
		"instead of at every change, kill so many deploys with their engines, each at a random time")
	page := flag.String("page", "", "run nothing: write this page of the table")
	teams := flag.Int("teams", 0, "number of teams of the stack; 0 is the default of the blueprint")
	only := flag.String("only", "", "run only this: "+strings.Join(names(), ", "))
	flag.Parse()
	abs, err := filepath.Abs(*bin)
	switch {
	case err != nil:
	case *page != "":
		err = writePage(p.table, *page)
	default:
		err = run(ctx, &chaos.Bench{Bin: abs, Teams: *teams}, *only, p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// The experiments, in the order in which they run: the short ones come first, and what needs Flink last.
const (
	rounds   = "rounds" // deploy and cleanup under one name, again and again
	used     = "used"   // the cleanup of a stack with jobs, data, volumes and a load balancer
	killed   = "kills"  // a kill at every change
	losses   = "losses" // kills under a job that counts, in real Flink
	howOften = 5
	howMany  = 10_000
	howMuch  = 20
)

func names() []string { return []string{rounds, used, killed, losses} }

// plan says which kills are tried.
type plan struct {
	table          string
	atOnce, sample int
	randomly       int // so many at random times, instead of at every change
	seed           uint64
	again          bool
}

func run(ctx context.Context, bench *chaos.Bench, only string, p plan) error {
	if only != "" && !slices.Contains(names(), only) {
		return fmt.Errorf("there is no experiment %q; there are %s", only, strings.Join(names(), ", "))
	}
	for _, name := range names() {
		if only != "" && only != name {
			continue
		}
		tell := func(text string) { fmt.Printf("%s: %s\n", name, text) }
		var err error
		switch name {
		case rounds:
			err = bench.Rounds(ctx, howOften, tell)
		case used:
			err = bench.Used(ctx, howMany, tell)
		case losses:
			err = bench.Losses(ctx, howMuch, p.seed, tell)
		default:
			err = p.kill(ctx, bench)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (p plan) kill(ctx context.Context, bench *chaos.Bench) error {
	done, err := read(p.table)
	if err != nil {
		return err
	}
	if p.again && p.randomly == 0 {
		return repeat(ctx, bench, p.table, p.atOnce, done)
	}
	deploy, cleanup, err := bench.Changes(ctx)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(p.seed, 0)) // #nosec G404 -- a draw, not a secret
	cases := all(deploy, cleanup)
	if p.randomly > 0 {
		cases = nil
	}
	for range p.randomly {
		cases = append(cases, chaos.Case{
			Command: "deploy", Then: "deploy", Who: chaos.Engine, When: chaos.Around,
			Change: strconv.Itoa(1 + r.IntN(len(deploy))),
		})
	}
	fmt.Printf("a deploy makes %d changes, a cleanup %d: %d experiments", len(deploy), len(cleanup), len(cases))
	cases = slices.DeleteFunc(cases, func(c chaos.Case) bool { _, ran := done[c.Key()]; return ran })
	fmt.Printf(", of which %d are left\n", len(cases))
	r.Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
	slices.SortStableFunc(cases, func(a, b chaos.Case) int { return cmp.Compare(mildness(a), mildness(b)) })
	if p.sample > 0 {
		cases = cases[:min(p.sample, len(cases))]
	}
	return experiment(ctx, bench, p.table, p.atOnce, cases)
}

// mildness orders cases: kills of a command, of its engine and of the daemon come first, and of them those of a deploy that is
// cleaned up.
func mildness(c chaos.Case) int {
	n := 0
	if c.Signal != chaos.Kill || c.Who == chaos.Target {
		n += 4
	}
	if c.Command == "cleanup" {
		n++
	}
	if c.Then == "deploy" {
		n += 2
	}
	return n
}

// all are the cases of the whole matrix.
func all(deploy, cleanup []string) []chaos.Case {
	var out []chaos.Case
	for _, plan := range []struct {
		command, then string
		changes       []string
	}{
		{"deploy", "cleanup", deploy}, {"deploy", "deploy", deploy}, {"cleanup", "cleanup", cleanup},
		{"cleanup", "deploy", cleanup},
	} {
		for _, change := range plan.changes {
			for _, end := range chaos.Ends() {
				for _, when := range []string{"before", "after"} {
					out = append(out, chaos.Case{
						Command: plan.command, Then: plan.then, Who: end[0], Signal: end[1], When: when, Change: change,
					})
				}
			}
		}
	}
	return out
}

func experiment(ctx context.Context, bench *chaos.Bench, table string, atOnce int, cases []chaos.Case) error {
	f, err := os.OpenFile(table, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	var mu sync.Mutex
	clean, ran := 0, 0
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, c := range cases {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			o, err := bench.Run(ctx, c)
			if ctx.Err() != nil {
				return ctx.Err() // what was stopped in the middle says nothing, and is run again
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				fmt.Printf("not run: %s: %v\n", strings.ReplaceAll(c.Key(), "\t", " "), err)
				return nil
			}
			ran++
			if o.Clean {
				clean++
			}
			outcome := isClean
			if !o.Clean {
				outcome = o.Why
			}
			fmt.Printf("%d of %d clean: %s, SIG%s, %s %s (%s), then %s: %s (%s)\n",
				clean, ran, c.Who, cmp.Or(c.Signal, chaos.Kill), c.When, o.Change, c.Command, c.Then,
				outcome, o.Elapsed.Round(time.Second))
			_, err = fmt.Fprintf(f, "%s\t%d\t%s\n", c.Key(), o.Commands, strings.ReplaceAll(outcome, "\t", " "))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if clean < len(cases) {
		return fmt.Errorf("%d of %d experiments were clean", clean, len(cases))
	}
	fmt.Printf("%d of %d clean\n", clean, len(cases))
	return nil
}

// repeat runs the cases that were not clean.
func repeat(ctx context.Context, bench *chaos.Bench, table string, atOnce int, done map[string]result) error {
	var cases []chaos.Case
	var kept []byte
	for _, key := range slices.Sorted(maps.Keys(done)) {
		if done[key].clean {
			kept = append(kept, done[key].line+"\n"...)
			continue
		}
		c, err := chaos.ParseCase(strings.Split(key, "\t"))
		if err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		cases = append(cases, c)
	}
	if err := os.WriteFile(table, kept, 0o600); err != nil {
		return err
	}
	return experiment(ctx, bench, table, atOnce, cases)
}

// The cells of a line of a table: those of the key, how many commands it took, and the outcome.
const (
	columns = 8
	isClean = "clean"
)

// result is a line of a table.
type result struct {
	line  string
	clean bool
}

// read finds the cases that a table has, by their keys.
func read(table string) (map[string]result, error) {
	done := map[string]result{}
	f, err := os.Open(table)
	if os.IsNotExist(err) {
		return done, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if cells := strings.Split(lines.Text(), "\t"); len(cells) == columns {
			done[strings.Join(cells[:6], "\t")] = result{lines.Text(), cells[7] == isClean}
		}
	}
	return done, lines.Err()
}
