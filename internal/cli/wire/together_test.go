// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cleanup"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/root"
	"emrflink/internal/deploy"
	"emrflink/internal/engine"
	"emrflink/internal/flinkjob"
	"emrflink/internal/iostreams"
)

// commands begin what works on a stack, each up to where it would change or read something.
func commands() map[string]func(ctx context.Context, o root.Operations) error {
	return map[string]func(context.Context, root.Operations) error{
		"deploy": func(ctx context.Context, o root.Operations) error {
			s, err := o.Deploy.Open(ctx)
			if err != nil {
				return err
			}
			_, err = s.Deployment(ctx, deploy.Options{})
			return err
		},
		"cleanup": func(ctx context.Context, o root.Operations) error {
			s, err := o.Cleanup(ctx)
			if err != nil {
				return err
			}
			_, err = teardown{Teardown: &cleanup.Teardown{}, stack: s.(*onTarget)}.Run(ctx, nil)
			return err
		},
		"sample-job run": func(ctx context.Context, o root.Operations) error {
			s, err := o.SampleJob(ctx)
			if err != nil {
				return err
			}
			jobs, err := s.Jobs(ctx)
			if err != nil {
				return err
			}
			_, err = jobs.Run(ctx, flinkjob.Options{}, nil)
			return err
		},
		"drift": func(ctx context.Context, o root.Operations) error {
			_, err := o.Drift(ctx)
			return err
		},
		"local reset": func(ctx context.Context, o root.Operations) error {
			l, err := o.Local.Open()
			if err != nil {
				return err
			}
			_, err = l.Deployed(ctx)
			return err
		},
	}
}

// Two terminals at once: whichever of two commands comes second is refused with what the first one is, before anything is
// touched.
func TestOfTwoCommandsOnAStackTheSecondIsRefused(t *testing.T) {
	t.Parallel()
	for first := range commands() {
		for second, begin := range commands() {
			t.Run(first+" and "+second, func(t *testing.T) {
				t.Parallel()
				_, o, home := newRun(t, "")
				deployed(t, home, "emr-eks-flink", "us-west-2")
				held := &engine.Hold{}
				defer held.Release()
				e, err := engine.Open(t.Context(), engine.Options{Stack: "local", Home: home, Hold: held, Doing: first})
				require.NoError(t, err)
				require.NoError(t, e.Hold(t.Context(), nil))
				r := cmdutil.Describe(begin(t.Context(), o))
				require.Equal(t, engine.CodeLocked, r.Code, r)
				require.Equal(t, 1, r.Exit)
				require.Contains(t, r.Cause+r.Error, "another run works on stack \"local\": "+first+" by ")
				require.Contains(t, r.Next[0], "wait for it")
				require.NoDirExists(t, filepath.Join(home, "local"), "the target is not opened")
			})
		}
	}
}

func TestAResetClaimsEveryStackOfTheTarget(t *testing.T) {
	t.Parallel()
	_, o, home := newRun(t, "")
	deployed(t, home, "emr-eks-flink", "us-west-2")
	l, err := o.Local.Open()
	require.NoError(t, err)
	stacks, err := l.Deployed(t.Context())
	require.NoError(t, err)
	require.Len(t, stacks, 1)
	require.Equal(t, 1, stacks[0].Resources)
	ios, _, _, _ := iostreams.Test()
	ios.SetEnv(func(k string) string { return map[string]string{"EMRFLINK_HOME": home}[k] })
	f, other := New(Options{IO: ios, Interrupt: cmdutil.NewInterrupt(), Version: "v1", Command: "deploy"})
	f.Globals.Stack = "local"
	require.Equal(t, engine.CodeLocked, cmdutil.Describe(commands()["deploy"](t.Context(), other)).Code)
	require.NoError(t, l.Reset(t.Context()))
}
