// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"cmp"
	"io"
	"os"
	"regexp"
	"strings"

	"emrflink/internal/localcloud/podlog"
)

const (
	logTail    = 64 << 10 // of a log is looked through for the reason of an end
	mostReason = 1000     // characters; a kubelet shows 4096 of a container's message
)

// endOf is the last part of a log.
func endOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // it was only read
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-logTail), logTail))
	var text strings.Builder
	for line := range strings.Lines(string(raw)) {
		e, _ := podlog.Parse(line) // the first one may be half a line
		text.WriteString(e.Text)
	}
	return text.String(), err
}

var (
	errorLine  = regexp.MustCompile(`(?:^|\s)(?:ERROR|FATAL)\s+\S+\s+(?:\[[^\]]*\]\s+)?-\s+(.*)$`)
	causedBy   = regexp.MustCompile(`^\s*Caused by: (.*)$`)
	threw      = regexp.MustCompile(`^(?:Exception in thread "[^"]*" )?((?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error)\b.*)$`)
	logLine    = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
	jvmRefused = regexp.MustCompile(`^Error(?: occurred during initialization of VM|: .*)$`)
)

// reasonIn is why a process ended, by what it said: the last ERROR that came with exceptions, and the root of those; what follows
// it is the noise of the end. Without one the last ERROR, else the last line.
func reasonIn(log string) string {
	var what, bare, rooted, loose, last string
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\r\n")
		switch cause := causeIn(line); {
		case errorLine.MatchString(line):
			what = strings.TrimSpace(errorLine.FindStringSubmatch(line)[1])
			bare = what
		case jvmRefused.MatchString(line):
			what, bare = line, line
		case cause != "" && what != "":
			rooted = what + ": " + cause
		case cause != "":
			loose = cause
		case logLine.MatchString(line):
			what = "" // exceptions of a line that is no error
		}
		if strings.TrimSpace(line) != "" {
			last = line
		}
	}
	return shorten(strings.TrimSpace(cmp.Or(rooted, bare, loose, last)))
}

// causeIn is the exception that a line of a stack trace names.
func causeIn(line string) string {
	for _, pattern := range []*regexp.Regexp{causedBy, threw} {
		if m := pattern.FindStringSubmatch(line); m != nil {
			return m[1]
		}
	}
	return ""
}

// outOfMemoryIn is the line with which a JVM ends that has no memory left.
func outOfMemoryIn(log string) string {
	for line := range strings.Lines(log) {
		if i := strings.Index(line, outOfMemoryError); i >= 0 && strings.HasPrefix(line, "Terminating due to") {
			return shorten(strings.TrimSpace(line[i:]))
		}
	}
	return ""
}

func shorten(s string) string {
	if len(s) > mostReason {
		return s[:mostReason] + "..."
	}
	return s
}
