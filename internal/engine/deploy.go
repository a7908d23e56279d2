// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
)

// Deploy makes the account match the program. What a run that was stopped or killed left behind (its lock, its
// half-done creations) is resolved first; see [AdoptFunc].
//
// When ctx ends, the engine begins nothing more and tells the providers to end their waits. What an operation in flight
// has made is in the state, also when it is not usable yet; a provider that cannot be told finishes its operations. Then
// Deploy returns a Failure with CodeCancelled. sink is called from one goroutine at a time; it may be nil.
func (e *Engine) Deploy(ctx context.Context, sink func(Event)) (Result, error) {
	sink = orDiscard(sink)
	if err := e.ready(); err != nil {
		return Result{}, err
	}
	if err := e.ensureStack(ctx); err != nil {
		return Result{}, err
	}
	return e.operate(ctx, "deploy", sink, func(s auto.Stack, c *collector) error {
		opts := []optup.Option{optup.EventStreams(c.in), optup.SuppressProgress(), optup.Color("never")}
		if e.opts.Parallel > 0 {
			opts = append(opts, optup.Parallel(e.opts.Parallel))
		}
		_, err := s.Up(ctx, opts...)
		return err
	})
}

// Destroy deletes every resource of the stack, in the reverse order of their dependencies, and goes on with the others
// when one cannot be deleted. The empty stack stays; see Remove. A stack that was never deployed gives ErrNoStack.
func (e *Engine) Destroy(ctx context.Context, sink func(Event)) (Result, error) {
	sink = orDiscard(sink)
	if err := e.ready(); err != nil {
		return Result{}, err
	}
	return e.operate(ctx, "destroy", sink, func(s auto.Stack, c *collector) error {
		opts := []optdestroy.Option{
			optdestroy.EventStreams(c.in), optdestroy.SuppressProgress(), optdestroy.Color("never"),
			optdestroy.ContinueOnError(),
		}
		if e.opts.Parallel > 0 {
			opts = append(opts, optdestroy.Parallel(e.opts.Parallel))
		}
		_, err := s.Destroy(ctx, opts...)
		return err
	})
}

func orDiscard(sink func(Event)) func(Event) {
	if sink == nil {
		return func(Event) {}
	}
	return sink
}

// operate runs one changing operation: checks, leftovers of earlier runs, the engine, the outcome.
func (e *Engine) operate(ctx context.Context, op string, sink func(Event), run func(auto.Stack, *collector) error) (Result, error) {
	begin := time.Now()
	notice := func(text string) { sink(Event{Kind: EventNotice, Message: text}) }
	if _, err := e.deployment(ctx); err != nil {
		return Result{}, err
	}
	if err := e.enoughSpace(); err != nil {
		return Result{}, err
	}
	if err := e.acquireable(ctx, notice); err != nil {
		return Result{}, err
	}
	if err := e.resolvePending(ctx, notice); err != nil {
		return Result{}, err
	}
	s, err := e.stackIn(ctx, e.workDir(), e.env)
	if err != nil {
		return Result{}, err
	}
	c := collect(sink)
	runErr := run(s, c)
	c.close()
	res := Result{Summary: summarize(c.steps()), Duration: time.Since(begin), Outputs: map[string]Output{}}
	if runErr != nil {
		return res, e.failed(ctx, op, c, runErr.Error(), runErr)
	}
	if op != "destroy" {
		outputs, err := e.Outputs(ctx)
		if err != nil {
			return res, err
		}
		res.Outputs = outputs
	}
	res.Duration = time.Since(begin)
	return res, nil
}

// ensureStack makes the stack when it does not exist yet.
func (e *Engine) ensureStack(ctx context.Context) error {
	exists, err := e.Exists(ctx)
	if err != nil || exists {
		return err
	}
	if e.files != nil {
		if err := os.MkdirAll(e.files.root, 0o700); err != nil {
			return fmt.Errorf("make the state directory: %w", err)
		}
		if err := e.enoughSpace(); err != nil {
			return err
		}
		return e.files.init()
	}
	_, err = e.run(ctx, "stack", "init", e.opts.Stack)
	return err
}

// minimumFree is what a deployment of the default blueprint writes, several times over: the state is rewritten after
// every step, each time beside its predecessor and its backup.
const minimumFree = 32 << 20

// enoughSpace refuses to start when the state could not be saved: a full disk in the middle would cost the record of
// what was made last.
func (e *Engine) enoughSpace() error {
	if e.files == nil {
		return nil
	}
	free, err := e.free(e.files.root)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	need := uint64(minimumFree) + 4*uint64(e.files.size())
	if free >= need {
		return nil
	}
	return &Failure{
		Code: CodeNoSpace,
		Message: fmt.Sprintf("only %d MiB are free for the state in %s, %d MiB are needed; nothing was changed",
			free>>20, e.files.root, need>>20),
		Hint: "free some space, or choose another place with --state or EMRFLINK_HOME",
	}
}

// failed turns an error of the engine into a Failure, cut down to the first resource that failed.
func (e *Engine) failed(ctx context.Context, op string, c *collector, raw string, err error) error {
	if errors.Is(err, errKilled) || strings.Contains(err.Error(), errKilled.Error()) {
		return &Failure{
			Code: CodeKilled, Message: op + " was killed; the state may hold unfinished operations", Raw: raw, cause: context.Canceled,
			Hint: "run the same command again: it clears the lock and takes over what was half done",
		}
	}
	var failures []Failure
	if c != nil {
		failures = c.failures()
	}
	if ctx.Err() != nil {
		f := cancelled(ctx, op, raw)
		f.Also = e.classified(failures)
		return f
	}
	if strings.Contains(raw, "no stack named") {
		return &Failure{
			Code: "NoStack", Message: fmt.Sprintf("there is no stack %q", e.opts.Stack), Raw: raw, cause: ErrNoStack,
		}
	}
	if len(failures) == 0 {
		failures = []Failure{{Message: firstError(stderrOf(raw))}}
	}
	failures = e.classified(failures)
	first := failures[0]
	first.Raw, first.Also = raw, failures[1:]
	return &first
}

func (e *Engine) classified(failures []Failure) []Failure {
	for i := range failures {
		e.classifier.classify(&failures[i])
	}
	return failures
}

// stderrOf cuts the standard error out of the Automation API's error text.
func stderrOf(raw string) string {
	if i := strings.LastIndex(raw, "\nstderr: "); i >= 0 && strings.TrimSpace(raw[i+9:]) != "" {
		return raw[i+9:]
	}
	return raw
}

// failures joins the failed resources with what was said about them. Errors that belong to no failed resource (the
// program's own) come last, and only when there is nothing better.
func (c *collector) failures() []Failure {
	var out []Failure
	seen := map[string]bool{}
	for _, f := range c.failed {
		if seen[f.URN] {
			continue
		}
		seen[f.URN] = true
		f.Message = resourceMessage(c.messages[f.URN])
		out = append(out, f)
	}
	if len(out) > 0 {
		return out
	}
	for _, urn := range sortedKeys(c.messages) {
		f := Failure{Message: strings.Join(c.messages[urn], "\n")}
		if urn != "" && urnType(urn) != "pulumi:pulumi:Stack" {
			f.URN, f.Type, f.Name = urn, urnType(urn), urnName(urn)
		}
		out = append(out, f)
	}
	return out
}

// resourceMessage joins what was said about one resource.
func resourceMessage(messages []string) string {
	if len(messages) == 0 {
		return "the provider gave no reason"
	}
	return strings.Join(messages, "\n")
}
