// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"emrflink/internal/iostreams"
	"emrflink/internal/mask"
	"emrflink/internal/runlog"
)

// SchemaVersion is the version of every JSON document that the commands print. Fields are added, never changed.
const SchemaVersion = 1

// errorJSON is what --output json prints on standard error.
type errorJSON struct {
	SchemaVersion int      `json:"schemaVersion"`
	Error         string   `json:"error"`
	Cause         string   `json:"cause"`
	Next          []string `json:"next"`
	Code          string   `json:"code"`
	ExitCode      int      `json:"exitCode"`
	Problems      []string `json:"problems"`
	Log           string   `json:"log"`
}

// PrintError prints an error in its parts, as text or as one JSON object, on standard error. log is the path of the
// log file, "" when none was written.
func PrintError(ios *iostreams.IOStreams, err error, exit int, asJSON bool, log string) {
	var silent ExitStatus
	if errors.As(err, &silent) {
		return
	}
	r := hidden(Describe(err), runlog.Secrets(ios.Getenv))
	if exit == ExitUsage {
		log = "" // a usage error is complete on the screen
	}
	if asJSON {
		_ = WriteJSON(ios.ErrOut, errorJSON{
			SchemaVersion: SchemaVersion, Error: r.Error, Cause: r.Cause, Next: r.Next, Code: r.Code,
			ExitCode: exit, Problems: r.Problems, Log: log,
		})
		return
	}
	p := ios.ErrPalette()
	part(ios.ErrOut, p.Red("error:"), r.Error)
	if r.Cause != "" {
		part(ios.ErrOut, p.Bold("cause:"), r.Cause)
	}
	for _, line := range r.Problems {
		part(ios.ErrOut, "   -", line)
	}
	for i, line := range r.Next {
		if i == 0 {
			part(ios.ErrOut, p.Bold("next:")+" ", line)
			continue
		}
		part(ios.ErrOut, "      ", line)
	}
	if log != "" {
		part(ios.ErrOut, p.Dim("log:")+"  ", log)
	}
}

func part(w io.Writer, label, text string) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n       ")
	_, _ = fmt.Fprintf(w, "%s %s\n", label, text)
}

// WriteJSON prints a document, indented, without escaping HTML.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// PrintBug prints the report of a recovered panic.
func PrintBug(w io.Writer, version string, command string, recovered any) {
	_, _ = fmt.Fprintf(w, `bug: emrflink stopped because of a mistake in itself, not in what was asked of it
  panic:    %s
  command:  %s
  version:  %s (%s, %s/%s)
  stack:
%s
Report the lines above. Nothing was rolled back: "emrflink status" shows what exists.
`, mask.Text(fmt.Sprint(recovered)), command, version, runtime.Version(), runtime.GOOS, runtime.GOARCH,
		indent(string(debug.Stack())))
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ")
}

// hidden is a report without secrets.
func hidden(r Report, secrets []string) Report {
	r.Error, r.Cause = mask.Known(r.Error, secrets), mask.Known(r.Cause, secrets)
	for i := range r.Next {
		r.Next[i] = mask.Known(r.Next[i], secrets)
	}
	for i := range r.Problems {
		r.Problems[i] = mask.Prose(r.Problems[i], secrets)
	}
	return r
}
