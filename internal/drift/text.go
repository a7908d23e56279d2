// SPDX-License-Identifier: Apache-2.0

package drift

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"emrflink/internal/untyped"
)

// maxValue is how many characters of a value are shown.
const maxValue = 100

// Text prints a report for a reader: what differs, what was ignored and why, and the counts.
func (r Report) Text(w io.Writer, stack string) error {
	var b bytes.Buffer
	for _, one := range r.Resources {
		if one.Kind == "" {
			continue
		}
		fmt.Fprintf(&b, "%s %s %q (%s)\n", one.Kind, one.Type, one.Name, one.ID)
		for _, d := range one.Diff {
			if d.changedInside() {
				fmt.Fprintf(&b, "  %s: the documents differ\n", d.Path)
				for _, line := range d.inside() {
					fmt.Fprintf(&b, "    %s\n", line)
				}
				continue
			}
			fmt.Fprintf(&b, "  %s: expected %s, actual %s\n", d.Path, value(d.Expected), value(d.Actual))
		}
	}
	for _, u := range r.Unmanaged {
		fmt.Fprintf(&b, "unmanaged %s %s %s: it carries the deployment's tags and is not in its state\n", u.Service, u.Type, u.ID)
	}
	for _, one := range r.Resources {
		for _, i := range one.Ignored {
			fmt.Fprintf(&b, "ignored %s %q %s: expected %s, actual %s: %s\n", one.Type, one.Name, i.Path, value(i.Expected),
				value(i.Actual), i.Reason)
		}
	}
	s := r.Summary
	verdict := "no drift"
	if r.Drifted() {
		verdict = "drift"
	}
	fmt.Fprintf(&b, "stack %s: %s: %d checked, %d changed, %d missing, %d ignored, %d unmanaged\n",
		stack, verdict, s.Checked, s.Drifted, s.Missing, s.Ignored, s.Unmanaged)
	_, err := w.Write(b.Bytes())
	return err
}

// value shows a property value on one line.
func value(v any) string {
	if v == nil {
		return "nothing"
	}
	if s := untyped.Text(v); strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") && !strings.ContainsAny(s, `"{`) {
		return s // a stand-in, also that of a file: [asset HASH]
	}
	return untyped.Line(v, maxValue)
}
