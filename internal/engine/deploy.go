// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	"emrflink/internal/mask"
	"emrflink/internal/plans"
	"emrflink/internal/untyped"
)

// Deploy makes the account match the program. What a run that was stopped or killed left behind (its lock, its
// half-done creations) is resolved first; see [AdoptFunc].
//
// When ctx ends, the engine begins nothing more and tells the providers to end their waits. What an operation in flight
// has made is in the state, also when it is not usable yet; a provider that cannot be told finishes its operations. Then
// Deploy returns a Failure with CodeCancelled. sink is called from one goroutine at a time; it may be nil.
func (e *Engine) Deploy(ctx context.Context, sink func(plans.Event)) (plans.Result, error) {
	sink = orDiscard(sink)
	if err := e.Room(); err != nil {
		return plans.Result{}, err
	}
	if err := e.ready(ctx); err != nil {
		return plans.Result{}, err
	}
	if err := e.ensureStack(ctx); err != nil {
		return plans.Result{}, err
	}
	return e.operate(ctx, "deploy", sink, func(ctx context.Context, s auto.Stack, c *collector) error {
		opts := []optup.Option{optup.EventStreams(c.in), optup.SuppressProgress(), optup.Color("never")}
		if e.opts.Parallel > 0 {
			opts = append(opts, optup.Parallel(e.opts.Parallel))
		}
		if e.opts.Refresh {
			opts = append(opts, optup.Refresh())
		}
		_, err := s.Up(ctx, opts...)
		return err
	})
}

// Destroy deletes every resource of the stack, in the reverse order of their dependencies, and goes on with the others
// when one cannot be deleted. The empty stack stays; see Remove. A stack that was never deployed gives ErrNoStack.
func (e *Engine) Destroy(ctx context.Context, sink func(plans.Event)) (plans.Result, error) {
	sink = orDiscard(sink)
	if err := e.Room(); err != nil {
		return plans.Result{}, err
	}
	if err := e.ready(ctx); err != nil {
		return plans.Result{}, err
	}
	return e.operate(ctx, "destroy", sink, func(ctx context.Context, s auto.Stack, c *collector) error {
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

func orDiscard(sink func(plans.Event)) func(plans.Event) {
	if sink == nil {
		return func(plans.Event) {}
	}
	return sink
}

// operate runs one changing operation: checks, leftovers of earlier runs, the engine, the outcome.
func (e *Engine) operate(ctx context.Context, op string, sink func(plans.Event),
	run func(context.Context, auto.Stack, *collector) error) (plans.Result, error) {
	begin := time.Now()
	sink = interruptible(ctx, sink)
	notice := func(text string) { sink(plans.Event{Kind: plans.EventNotice, Message: text}) }
	if _, err := e.deployment(ctx); err != nil {
		return plans.Result{}, err
	}
	release, err := e.acquire(ctx, notice)
	if err != nil {
		return plans.Result{}, err
	}
	defer release()
	guarded, stop := e.guarded(ctx)
	summary, runErr := e.attempt(guarded, op, sink, run)
	full, spoilt := stop()
	res := plans.Result{Summary: summary, Duration: time.Since(begin), Outputs: map[string]plans.Output{}}
	if runErr != nil && full && ctx.Err() == nil {
		runErr = e.diskFull(op, runErr)
	}
	if runErr != nil || spoilt != nil {
		return res, cmp.Or(spoilt, runErr)
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

// interruptible marks the events of what an interrupt stopped.
func interruptible(ctx context.Context, sink func(plans.Event)) func(plans.Event) {
	return func(ev plans.Event) {
		ev.Interrupted = ctx.Err() != nil &&
			(ev.Kind == plans.EventFailed || ev.Kind == plans.EventDiagnostic && stopped(ev.Message))
		sink(ev)
	}
}

// stopped tells whether a diagnostic only says that an interrupt was heard.
func stopped(message string) bool {
	return strings.Contains(message, "cancel") || strings.HasSuffix(strings.TrimSpace(message), "update failed")
}

// attempt resolves what earlier runs left and runs the engine.
func (e *Engine) attempt(ctx context.Context, op string, sink func(plans.Event),
	run func(context.Context, auto.Stack, *collector) error) (plans.Summary, error) {
	notice := func(text string) { sink(plans.Event{Kind: plans.EventNotice, Message: text}) }
	if err := e.resolvePending(ctx, op == "destroy", notice); err != nil {
		return plans.Summary{}, err
	}
	if err := e.review(ctx, op == "destroy", notice); err != nil {
		return plans.Summary{}, err
	}
	s, err := e.stackIn(ctx, e.workDir(), e.env)
	if err != nil {
		return plans.Summary{}, err
	}
	c := collect(sink, e.journal())
	err = run(ctx, s, c)
	c.close()
	if err != nil {
		err = e.failed(ctx, op, c, err.Error(), err)
	}
	return plans.Summarize(c.steps()), err
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
		return e.files.init()
	}
	_, err = e.run(ctx, "stack", "init", e.opts.Stack)
	return err
}

// failed turns an error of the engine into a Failure, cut down to the first resource that failed.
func (e *Engine) failed(ctx context.Context, op string, c *collector, raw string, err error) error {
	raw = mask.Text(raw)
	if errors.Is(err, errKilled) || strings.Contains(err.Error(), errKilled.Error()) {
		return &Failure{
			Code: CodeKilled, Message: op + " was killed; the state may hold unfinished operations", Raw: raw,
			cause: context.Canceled,
			Hint:  "run the same command again: it clears the lock and takes over what was half done",
		}
	}
	var failures []Failure
	if c != nil {
		failures = c.failures()
	}
	if _, why, found := strings.Cut(err.Error(), died); found {
		why, _, _ = strings.Cut(why, "\n")
		return &Failure{
			Code: CodeDied, Message: mask.Text(op + " ended early: " + died + why), Raw: raw, Also: e.classified(failures),
			Hint: "run the same command again: it clears the lock and takes over what was half done; " +
				"a process that the system kills had no memory left",
		}
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
	for _, urn := range slices.Sorted(maps.Keys(c.messages)) {
		f := Failure{Message: strings.Join(c.messages[urn], "\n")}
		if urn != "" && untyped.URNType(urn) != "pulumi:pulumi:Stack" {
			f.URN, f.Type, f.Name = urn, untyped.URNType(urn), untyped.URNName(urn)
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
