// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/versions"
	"emrflink/internal/plans"
)

// defaultProject is the Pulumi project of this tool.
const defaultProject = "emrflink"

// Options configure an Engine. Stack, Home and Program are required; Home is not for an ephemeral one.
type Options struct {
	Stack string
	// Project is the Pulumi project; "" means emrflink.
	Project string
	// Home is the state directory of this tool.
	Home string
	// BackendURL is where the state is. "" means PULUMI_BACKEND_URL, else a file backend below Home.
	BackendURL string
	// BucketRegion tells the region of the bucket of a state whose URL names none. May be nil.
	BucketRegion func(context.Context) string
	// WorkFile is the user's Pulumi.<stack>.yaml; "" means that Config holds the settings.
	WorkFile string
	// Config maps full keys (`emrflink:region`) to values as Pulumi stores them. Ignored when there is a WorkFile.
	Config map[string]string
	// Defaults are settings by their full keys, for those that neither WorkFile nor Config has.
	Defaults map[string]any
	// Env is laid over this process's environment for the engine: the target's endpoints and credentials.
	Env     map[string]string
	Program pulumi.RunFunc
	Logger  *slog.Logger
	// Plugins are the provider plugins that the program needs where the target attaches no providers; Fetching is told how far
	// their download is. May be nil.
	Plugins  []versions.Plugin
	Fetching func(text string)
	// Ephemeral engines preview against an empty, throw-away state. They can do nothing else.
	Ephemeral bool
	// Adopt finds resources whose creation was interrupted; see [AdoptFunc]. May be nil.
	Adopt AdoptFunc
	// Review finds recorded resources that are not as they were left; see [ReviewFunc]. May be nil.
	Review ReviewFunc
	// Hold is shared by the engines of one command; see [Engine.Hold]. May be nil when nothing is held.
	Hold *Hold
	// Last is shared by the engines of one command, so that a state is parsed once. May be nil.
	Last *LastState
	// Doing is the command, for who finds the stack claimed: "deploy".
	Doing string
	// Kill, when closed, kills a running engine at once: the second Ctrl-C. May be nil. State may then hold a lock
	// and pending operations, which the next Deploy or Destroy resolves.
	Kill <-chan struct{}
	// Command is the program and its first arguments that run [Main]; empty means this binary with `pulumi`.
	Command []string
	// Reserve is the room that others need beside the state in its folder, in bytes.
	Reserve uint64
	// Refresh makes Preview and Deploy read every resource from the account first, so that what was changed there is
	// changed back.
	Refresh bool
	// Parallel limits how many resources are worked on at once; 0 leaves it to the engine.
	Parallel int
}

// Engine runs operations on one stack. It is for one operation at a time.
type Engine struct {
	opts       Options
	files      *fileState // nil when the backend is not a local directory
	classifier *classifier
	env        []string
	pluginHome string                           // of an ephemeral engine, made for each preview
	free       func(dir string) (uint64, error) // bytes that may still be written
}

// Open checks the options and prepares the environment. It starts no process and contacts nobody; what a killed engine left
// lying about is removed.
func Open(ctx context.Context, o Options) (*Engine, error) {
	if err := checkName(o.Stack); err != nil {
		return nil, err
	}
	if o.Project == "" {
		o.Project = defaultProject
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if len(o.Command) == 0 {
		argv, err := selfCommand()
		if err != nil {
			return nil, err
		}
		o.Command = argv
	}
	e := &Engine{opts: o, classifier: newClassifier(), free: freeBytes}
	if o.Ephemeral {
		return e, nil
	}
	if o.Home == "" {
		return nil, errors.New("open engine: no state directory given")
	}
	home, err := filepath.Abs(o.Home)
	if err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	e.opts.Home = home
	if e.pluginHome, err = filepath.Abs(cmp.Or(e.lookupEnv(homeVar), filepath.Join(home, "pulumi"))); err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	if e.opts.BackendURL == "" {
		e.opts.BackendURL = e.lookupEnv(backendVar)
	}
	if e.opts.BackendURL == "" {
		e.opts.BackendURL = defaultBackend(home)
	}
	if err := checkBackend(e.opts.BackendURL); err != nil {
		return nil, err
	}
	if e.opts.BackendURL, err = e.oneBucket(ctx); err != nil {
		return nil, err
	}
	if root, ok := localRoot(e.opts.BackendURL); ok {
		e.files = &fileState{root: root, project: e.opts.Project, stack: o.Stack, last: cmp.Or(o.Last, &LastState{})}
		e.opts.BackendURL = withoutAttributes(e.opts.BackendURL)
	}
	e.sweep(ctx)
	return e, nil
}

// defaultBackend is where the states are when nothing else is said.
func defaultBackend(home string) string {
	return "file://" + filepath.ToSlash(filepath.Join(home, "backend"))
}

// checkName accepts what Pulumi accepts as a stack name of a file backend.
func checkName(name string) error {
	if len(name) <= 100 && regexp.MustCompile(`^[A-Za-z0-9_.-]+$`).MatchString(name) && strings.Trim(name, ".") != "" {
		return nil
	}
	return &Failure{
		Code:    CodeStackName,
		Message: fmt.Sprintf("%q is no stack name: 1 to 100 letters, digits, dots, hyphens and underscores", name),
	}
}

// lookup reads a variable as the engine will see it.
func (e *Engine) lookup(name string) (value string, set bool) {
	if v, ok := e.opts.Env[name]; ok {
		return v, true
	}
	return os.LookupEnv(name)
}

// lookupEnv is lookup for variables that mean the same when they are empty and when they are not set.
func (e *Engine) lookupEnv(name string) string {
	value, _ := e.lookup(name)
	return value
}

func (e *Engine) workDir() string { return filepath.Join(e.opts.Home, "work", e.opts.Stack) }

// environment composes what the engine process sees. The user's own passphrase wins.
func (e *Engine) environment(backendURL, passphraseFile string) []string {
	ours := map[string]string{
		homeVar:                    e.pluginHome,
		backendVar:                 backendURL,
		"PULUMI_SKIP_UPDATE_CHECK": "true",
		"PULUMI_DEBUG_COMMANDS":    "true",
		"PULUMI_SUPPRESS_NEO_LINK": "true",
	}
	if passphraseFile != "" {
		ours[passphraseFileVar] = passphraseFile
	}
	if e.lookupEnv("GOGC") == "" {
		// The engine lives for one operation: fewer collections save a sixth of a preview's CPU time.
		ours["GOGC"] = "400"
	}
	return mergeEnv(os.Environ(), e.opts.Env, ours)
}

// ready prepares the work directory, the passphrase and the environment of a persistent stack.
func (e *Engine) ready(ctx context.Context) error {
	if e.opts.Ephemeral {
		return errors.New("an offline engine has no state: it can only preview")
	}
	if e.files != nil {
		remove(e.files.own("*.attrs"))
	}
	if err := e.prepareWorkDir(e.workDir()); err != nil {
		return err
	}
	if e.env != nil {
		return nil
	}
	phrase, err := e.passphraseFor(e.opts.Home, saltIn(e.stackFile(e.workDir())))
	if err != nil {
		return err
	}
	e.env = e.environmentOf(phrase)
	return nil
}

// environmentOf is the environment of a persistent stack.
func (e *Engine) environmentOf(passphraseFile string) []string {
	return e.environment(e.opts.BackendURL, passphraseFile)
}

func (e *Engine) command(env []string) *command {
	return &command{
		argv: e.opts.Command, env: env, kill: e.opts.Kill, logger: e.opts.Logger,
		started: e.recordStart, stopped: e.recordStop, apart: e.apart,
	}
}

// run runs one engine command in the work directory and returns its standard output.
func (e *Engine) run(ctx context.Context, args ...string) (string, error) {
	if err := e.ready(ctx); err != nil {
		return "", err
	}
	stdout, stderr, _, err := e.command(e.env).Run(ctx, e.workDir(), nil, nil, nil, nil, args...)
	if err != nil {
		return "", e.failed(ctx, strings.Join(args[:min(2, len(args))], " "), nil, stdout+stderr, err)
	}
	return stdout, nil
}

// stackIn binds the Automation API to a work directory, with the plugins that an operation needs. It runs no process of its own:
// see cannedAnswer.
func (e *Engine) stackIn(ctx context.Context, dir string, env []string) (auto.Stack, error) {
	if err := e.FetchPlugins(ctx); err != nil {
		return auto.Stack{}, err
	}
	ws, err := auto.NewLocalWorkspace(ctx, auto.WorkDir(dir), auto.Program(e.opts.Program), auto.Pulumi(e.command(env)))
	if err != nil {
		return auto.Stack{}, fmt.Errorf("open the work directory: %w", err)
	}
	return auto.SelectStack(ctx, e.opts.Stack, ws)
}

// Remove forgets a stack of which nothing can be left in the account, with all copies of its state. One that was never deployed
// gives ErrNoStack.
func (e *Engine) Remove(ctx context.Context) error {
	deployment, _, err := e.unfinished(ctx)
	if err != nil {
		return err
	}
	if n := deployment.made(); n > 0 {
		return &Failure{
			Code: CodeStackNotEmpty, Hint: "delete them first: emrflink cleanup --stack " + e.opts.Stack,
			Message: fmt.Sprintf("stack %q still has %d resources: forgetting it would lose the only list of them",
				e.opts.Stack, n),
		}
	}
	return e.Forget(ctx)
}

// Forget drops the stack with all copies of its state, whatever that has, also one that was lost. It is for a caller that has
// seen in the account that nothing is left; see Remove.
func (e *Engine) Forget(ctx context.Context) error {
	release, err := e.acquire(ctx, func(text string) { e.opts.Logger.Info(text) })
	if err != nil {
		return err
	}
	defer release()
	if e.files != nil {
		if err := e.files.forget(e.workDir()); err != nil {
			return fmt.Errorf("forget stack %q: %w", e.opts.Stack, err)
		}
		return nil
	}
	// Components and providers, which exist nowhere but in the state, are resources to this command: so it is forced.
	if _, err := e.run(ctx, "stack", "rm", "--yes", "--force", "--remove-backups", "--stack", e.opts.Stack); err != nil {
		return err
	}
	return os.RemoveAll(e.workDir())
}

// made counts what is in an account, or may be: resources, also those that a replacement left to be deleted, and creations that
// were interrupted. Components and providers are in none.
func (d *savedState) made() int {
	n := 0
	for _, r := range d.Resources {
		if r.Custom && !r.External && !(plans.Step{Type: string(r.Type)}).Internal() {
			n++
		}
	}
	for _, op := range d.PendingOperations {
		if op.Type == apitype.OperationTypeCreating {
			n++
		}
	}
	return n
}
