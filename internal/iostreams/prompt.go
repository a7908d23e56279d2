// SPDX-License-Identifier: Apache-2.0

package iostreams

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"emrflink/internal/exitcode"
)

// ErrDeclined is returned when the user answered no. Nothing was changed.
var ErrDeclined error = declined{}

type declined struct{}

func (declined) Error() string { return "declined; nothing was changed" }

// ExitCode of a declined prompt is that of an interrupt.
func (declined) ExitCode() int { return exitcode.Interrupted }

// Code is the stable identifier of the error.
func (declined) Code() string { return "declined" }

// NoPromptError says that a question had to be asked and no terminal is there to answer it.
type NoPromptError struct {
	Question string
	Flag     string // the flag that answers it, as typed: "--yes"
}

// Error names the flag to pass.
func (e *NoPromptError) Error() string {
	return fmt.Sprintf("%s needs an answer and there is no terminal to ask on", e.Question)
}

// Hint names the flag to pass.
func (e *NoPromptError) Hint() string { return "pass " + e.Flag }

// ExitCode is that of a usage error.
func (e *NoPromptError) ExitCode() int { return exitcode.Usage }

// Code is the stable identifier of the error.
func (e *NoPromptError) Code() string { return "no-terminal" }

// Confirm asks a yes-or-no question on standard error; the default is no. flag is what to pass where nobody can be
// asked.
func (s *IOStreams) Confirm(ctx context.Context, question, flag string) error {
	if !s.CanPrompt() {
		return &NoPromptError{Question: question, Flag: flag}
	}
	answer, err := s.ask(ctx, question+" [y/N] ")
	if err != nil {
		return err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return nil
	}
	return ErrDeclined
}

// ConfirmName asks the user to type a name before something is deleted. Anything else than the exact name declines.
func (s *IOStreams) ConfirmName(ctx context.Context, name, question, flag string) error {
	if !s.CanPrompt() {
		return &NoPromptError{Question: strings.TrimSuffix(question, ":"), Flag: flag}
	}
	answer, err := s.ask(ctx, question+" ")
	if err != nil {
		return err
	}
	if answer != name {
		return ErrDeclined
	}
	return nil
}

// ask prints a question and reads one line. A cancelled context wins over a user who does not answer; the reader is
// then left behind, which only happens on the way out of the process.
func (s *IOStreams) ask(ctx context.Context, question string) (string, error) {
	s.ReleaseTerminal()
	if _, err := io.WriteString(s.ErrOut, question); err != nil {
		return "", fmt.Errorf("print question: %w", err)
	}
	type reply struct {
		text string
		err  error
	}
	ch := make(chan reply, 1)
	go func() {
		line, err := bufio.NewReader(s.In).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		ch <- reply{strings.TrimSpace(line), err}
	}()
	select {
	case <-ctx.Done():
		_, _ = io.WriteString(s.ErrOut, "\n")
		return "", context.Cause(ctx)
	case r := <-ch:
		s.display.answered()
		if r.err != nil {
			return "", fmt.Errorf("read answer: %w", r.err)
		}
		return r.text, nil
	}
}
