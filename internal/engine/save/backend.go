// SPDX-License-Identifier: Apache-2.0

package save

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/backend"
	"github.com/pulumi/pulumi/pkg/v3/backend/display"
	"github.com/pulumi/pulumi/pkg/v3/backend/diy"
	cmdbackend "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi/backend"
	sdkdisplay "github.com/pulumi/pulumi/pkg/v3/display"
	"github.com/pulumi/pulumi/pkg/v3/engine"
	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/secrets"
	"github.com/pulumi/pulumi/pkg/v3/util/nosleep"
	pkgworkspace "github.com/pulumi/pulumi/pkg/v3/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// Opener opens the place to which the URL of a backend points.
type Opener func(ctx context.Context, url string) (Place, error)

// Logins makes the backends of Pulumi's commands. The changing operations of those for folders and buckets save the state
// as this package does, and print their headline to out; everything else is Pulumi's.
func Logins(pulumis cmdbackend.LoginManager, open Opener, out io.Writer) cmdbackend.LoginManager {
	return logins{LoginManager: pulumis, open: open, out: out}
}

type logins struct {
	cmdbackend.LoginManager
	open Opener
	out  io.Writer
}

var _ cmdbackend.LoginManager = logins{}

// Current returns the backend of url.
func (l logins) Current(ctx context.Context, ws pkgworkspace.Context, sink diag.Sink, url string, project *workspace.Project,
	setCurrent bool) (backend.Backend, error) {
	b, err := l.LoginManager.Current(ctx, ws, sink, url, project, setCurrent)
	return l.own(b, url), err
}

// Login returns the backend of url, too.
func (l logins) Login(ctx context.Context, ws pkgworkspace.Context, sink diag.Sink, url string, project *workspace.Project,
	setCurrent, insecure bool, color colors.Colorization) (backend.Backend, error) {
	b, err := l.LoginManager.Login(ctx, ws, sink, url, project, setCurrent, insecure, color)
	return l.own(b, url), err
}

func (l logins) own(b backend.Backend, url string) backend.Backend {
	if pulumis, ok := b.(lockable); ok {
		open := func(ctx context.Context) (Place, error) { return l.open(ctx, url) }
		return ownBackend{lockable: pulumis, open: open, out: l.out}
	}
	return b
}

// lockable is Pulumi's backend for folders and buckets.
type lockable interface {
	diy.Backend
	Unlock(ctx context.Context, ref backend.StackReference)
}

// ownBackend is Pulumi's backend with our way to save the state.
type ownBackend struct {
	lockable
	open func(context.Context) (Place, error)
	out  io.Writer
}

// ownStack is a stack whose operations are those of ownBackend.
type ownStack struct {
	backend.Stack
	own ownBackend
}

// Backend is the one whose operations the commands call.
func (s ownStack) Backend() backend.Backend { return s.own }

// CreateStack makes a stack.
func (b ownBackend) CreateStack(ctx context.Context, ref backend.StackReference, root string,
	initial *apitype.UntypedDeployment, opts *backend.CreateStackOptions) (backend.Stack, error) {
	return b.ours(b.lockable.CreateStack(ctx, ref, root, initial, opts))
}

// GetStack finds a stack; nil when there is none.
func (b ownBackend) GetStack(ctx context.Context, ref backend.StackReference) (backend.Stack, error) {
	return b.ours(b.lockable.GetStack(ctx, ref))
}

func (b ownBackend) ours(s backend.Stack, err error) (backend.Stack, error) {
	if s == nil || err != nil {
		return nil, err
	}
	return ownStack{Stack: s, own: b}, nil
}

// Update runs the program.
func (b ownBackend) Update(ctx context.Context, s backend.Stack, op backend.UpdateOperation, events chan<- engine.Event,
) (sdkdisplay.ResourceChanges, error) {
	return b.change(ctx, apitype.UpdateUpdate, s, op, events)
}

// Import takes resources into the state.
func (b ownBackend) Import(ctx context.Context, s backend.Stack, op backend.UpdateOperation, imports []deploy.Import,
) (sdkdisplay.ResourceChanges, error) {
	if op.Opts.PreviewOnly {
		return b.lockable.Import(ctx, s, op, imports)
	}
	op.Imports = imports
	return b.change(ctx, apitype.ResourceImportUpdate, s, op, nil)
}

// Refresh reads the resources.
func (b ownBackend) Refresh(ctx context.Context, s backend.Stack, op backend.UpdateOperation,
) (sdkdisplay.ResourceChanges, error) {
	if op.Opts.PreviewOnly {
		return b.lockable.Refresh(ctx, s, op)
	}
	return b.change(ctx, apitype.RefreshUpdate, s, op, nil)
}

// Destroy deletes the resources.
func (b ownBackend) Destroy(ctx context.Context, s backend.Stack, op backend.UpdateOperation,
) (sdkdisplay.ResourceChanges, error) {
	if op.Opts.PreviewOnly {
		return b.lockable.Destroy(ctx, s, op)
	}
	return b.change(ctx, apitype.DestroyUpdate, s, op, nil)
}

// change runs an operation under the lock of the stack.
func (b ownBackend) change(ctx context.Context, kind apitype.UpdateKind, s backend.Stack, op backend.UpdateOperation,
	events chan<- engine.Event) (sdkdisplay.ResourceChanges, error) {
	if err := b.Lock(ctx, s.Ref()); err != nil {
		return nil, err
	}
	defer b.Unlock(ctx, s.Ref())
	return backend.PreviewThenPromptThenExecute(ctx, kind, s, op, b.apply, nil, events)
}

// apply runs the engine, for the preview of an operation or for itself.
func (b ownBackend) apply(ctx context.Context, kind apitype.UpdateKind, s backend.Stack, op backend.UpdateOperation,
	opts backend.ApplierOptions, events chan<- engine.Event) (*deploy.Plan, sdkdisplay.ResourceChanges, error) {
	defer nosleep.KeepRunning()()
	info, err := b.updateInfo(ctx, s, op)
	if err != nil {
		return nil, nil, err
	}
	c := &engine.Context{BackendClient: backend.NewBackendClient(b.lockable, op.SecretsProvider)}
	var saver *saver
	if !opts.DryRun {
		if saver, err = b.saver(ctx, s); err != nil {
			return nil, nil, err
		}
		if c.SnapshotManager, err = manager(ctx, info.Target.Snapshot, op.SecretsManager, saver); err != nil {
			return nil, nil, err
		}
	}
	if op.Opts.Engine.HostFactory == nil {
		op.Opts.Engine.HostFactory = backend.DefaultHostFactory(b.GetReadOnlyCloudRegistry())
	}
	update := backend.UpdateInfo{
		Kind: kind, StartTime: time.Now().Unix(), Message: op.M.Message, Environment: op.M.Environment,
		Config: info.Target.Config, Result: backend.SucceededResult,
	}
	stop := b.show(ctx, c, kind, s, op, opts, events)
	plan, changes, failed := run(kind, info, c, op, opts.DryRun)
	update.EndTime, update.ResourceChanges = time.Now().Unix(), changes
	err = stop()
	if opts.DryRun {
		return plan, changes, failed
	}
	if err != nil {
		return plan, changes, fmt.Errorf("save the state: %w", err)
	}
	if failed != nil {
		update.Result = backend.FailedResult
	}
	return plan, changes, cmp.Or(failed, saver.finish(update))
}

// updateInfo is what the engine works on: the state as it is now.
func (b ownBackend) updateInfo(ctx context.Context, s backend.Stack, op backend.UpdateOperation) (engine.UpdateInfo, error) {
	fresh, err := b.lockable.GetStack(ctx, s.Ref())
	if err != nil {
		return engine.UpdateInfo{}, err
	}
	if fresh == nil {
		return engine.UpdateInfo{}, fmt.Errorf("no stack named '%s' found", s.Ref())
	}
	state, err := fresh.Snapshot(ctx, op.SecretsProvider)
	if err != nil {
		return engine.UpdateInfo{}, err
	}
	return engine.UpdateInfo{Root: op.Root, Project: op.Proj, Target: &deploy.Target{
		Name: s.Ref().Name(), Organization: "organization", Config: op.StackConfiguration.Config,
		Decrypter: op.StackConfiguration.Decrypter, Snapshot: state, Tags: fresh.Tags(),
	}}, nil
}

func (b ownBackend) saver(ctx context.Context, s backend.Stack) (*saver, error) {
	names, ok := s.Ref().(layout)
	if !ok {
		return nil, fmt.Errorf("where the state of %s is cannot be told", s.Ref())
	}
	place, err := b.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the place of the state: %w", err)
	}
	return newSaver(ctx, place, names), nil
}

// manager records the changes of the engine on a state.
func manager(ctx context.Context, base *deploy.Snapshot, crypter secrets.Manager, to *saver) (engine.SnapshotManager, error) {
	if base != nil && (crypter == nil || secrets.AreCompatible(crypter, base.SecretsManager)) {
		crypter = base.SecretsManager // it knows the secrets that are encrypted already
	}
	c, err := newCommitter(ctx, base, crypter, to.pause(), to.save)
	if err != nil {
		return nil, err
	}
	return engine.NewJournalSnapshotManager(c, base, crypter)
}

// run is the operation itself.
func run(kind apitype.UpdateKind, info engine.UpdateInfo, c *engine.Context, op backend.UpdateOperation, dryRun bool,
) (*deploy.Plan, sdkdisplay.ResourceChanges, error) {
	opts := op.Opts.Engine
	switch kind {
	case apitype.UpdateUpdate:
		return engine.Update(info, c, opts, dryRun)
	case apitype.ResourceImportUpdate:
		return engine.Import(info, c, opts, op.Imports, dryRun)
	case apitype.RefreshUpdate:
		if opts.RefreshProgram {
			return engine.RefreshV2(info, c, opts, dryRun)
		}
		return engine.Refresh(info, c, opts, dryRun)
	case apitype.DestroyUpdate:
		if opts.DestroyProgram {
			return engine.DestroyV2(info, c, opts, dryRun)
		}
		return engine.Destroy(info, c, opts, dryRun)
	default:
		return nil, nil, fmt.Errorf("no operation of the engine is called %q", kind)
	}
}

// show sends the events of the engine to the display, and to events when it is not nil. stop ends that after the operation,
// and saves what is not saved yet.
func (b ownBackend) show(ctx context.Context, c *engine.Context, kind apitype.UpdateKind, s backend.Stack,
	op backend.UpdateOperation, opts backend.ApplierOptions, events chan<- engine.Event) (stop func() error) {
	label, o := backend.ActionLabel(kind, opts.DryRun), op.Opts.Display
	if !o.JSONDisplay && !o.SummaryJSON && o.Type != display.DisplayWatch {
		headline := fmt.Sprintf("%s%s (%s):%s\n", colors.SpecHeadline, label, s.Ref(), colors.Reset)
		_, _ = io.WriteString(b.out, o.Color.Colorize(headline))
	}
	shown, displayed := make(chan engine.Event), make(chan bool)
	go display.ShowEvents(strings.ToLower(label), kind, s.Ref().Name(), op.Proj.Name, "", shown, displayed, o, opts.DryRun)
	all, passed := make(chan engine.Event), make(chan bool)
	c.Events = all
	scope := op.Scopes.NewScope(ctx, all, opts.DryRun)
	c.Cancel = scope.Context()
	go func() {
		defer close(passed)
		for e := range all {
			shown <- e
			if events != nil {
				events <- e
			}
		}
	}()
	return func() error {
		<-displayed
		scope.Close()
		close(all)
		var err error
		if c.SnapshotManager != nil {
			err = c.SnapshotManager.Close()
		}
		<-passed
		close(shown)
		return err
	}
}
