// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/disk"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
)

// noBaseline says how to make a baseline that can be compared with.
func noBaseline(err error, stack, file string) error {
	return &cmdutil.Error{
		What: "compare with a baseline", Cause: err, ID: "baseline", Exit: cmdutil.ExitUsage,
		Next: cmdutil.Command("preview", "--stack", stack, "--save-baseline", file) + "   # on the branch to compare with",
	}
}

// basis is what a plan of these settings is made from, without the state.
func (a *app) basis(s settings) (preview.Basis, error) {
	program, err := programDigest()
	if err != nil {
		return preview.Basis{}, err
	}
	return preview.Basis{
		Project: stack.Project, Stack: s.info.Stack, Target: s.config.Target, Region: s.config.Region,
		Program: a.version + " " + program, Configuration: preview.DigestMap(s.config.Encode()),
	}, nil
}

// programDigest is the digest of the running binary: builds of one version may differ.
func programDigest() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this binary: %w", err)
	}
	f, err := os.Open(exe)
	if err != nil {
		return "", fmt.Errorf("read this binary: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("read this binary: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// SavePlan writes a plan with what it was made from.
func (s *onTarget) SavePlan(ctx context.Context, r preview.Report, to disk.Writer) error {
	b, err := s.basisNow(ctx)
	if err != nil {
		return err
	}
	if err := r.Plan(b).Save(to); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

func (s *onTarget) basisNow(ctx context.Context) (preview.Basis, error) {
	b, err := s.app.basis(s.settings)
	if err != nil {
		return preview.Basis{}, err
	}
	e, err := s.engine(ctx, nil)
	if err != nil {
		return preview.Basis{}, err
	}
	if b.State, err = e.StateID(ctx); err != nil {
		return preview.Basis{}, classify(err)
	}
	return b, nil
}

// checkPlan reads a saved plan and compares what can be compared without contacting anybody.
func (a *app) checkPlan(file string) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	p, err := preview.ReadPlan(file)
	if err != nil {
		return refused(s.info.Stack, file, err)
	}
	now, err := a.basis(s)
	if err != nil {
		return err
	}
	return moved(s.info.Stack, file, p.Basis.Changes(now, true))
}

// Matches compares a saved plan with the one that was just computed.
func (s *onTarget) Matches(ctx context.Context, r preview.Report, file string) error {
	p, err := preview.ReadPlan(file)
	if err != nil {
		return refused(s.settings.info.Stack, file, err)
	}
	now, err := s.basisNow(ctx)
	if err != nil {
		return err
	}
	return moved(s.settings.info.Stack, file, append(p.Basis.Changes(now, false), p.Differences(r.Plan(now))...))
}

// moved refuses a plan for reasons; none is no refusal.
func moved(stack, file string, reasons []string) error {
	const most = 10
	switch n := len(reasons); {
	case n == 0:
		return nil
	case n > most:
		reasons = append(reasons[:most:most], fmt.Sprintf("and %d more", n-most))
	}
	return refused(stack, file, errors.New(strings.Join(reasons, "; ")))
}

func refused(stack, file string, cause error) error {
	return &cmdutil.Error{
		What: fmt.Sprintf("the plan %s is not carried out, nothing was changed", file), Cause: cause, ID: "plan-moved",
		Exit: cmdutil.ExitUsage,
		Next: cmdutil.Command("preview", "--stack", stack, "--save-plan", file),
	}
}
