// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"io"
	"os"
	"regexp"
	"strings"
)

const (
	logTail    = 64 << 10 // of a log is looked through for the reason of an end
	mostReason = 1000     // characters; a kubelet shows 4096 of a container's message
)

// endOf is the last part of a file.
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
	return string(raw), err
}

var (
	errorLine  = regexp.MustCompile(`(?:^|\s)(?:ERROR|FATAL)\s+\S+\s+(?:\[[^\]]*\]\s+)?-\s+(.*)$`)
	causedBy   = regexp.MustCompile(`^\s*Caused by: (.*)$`)
	threw      = regexp.MustCompile(`^(?:Exception in thread "[^"]*" )?((?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error)\b.*)$`)
	jvmRefused = regexp.MustCompile(`^Error(?: occurred during initialization of VM|: .*)$`)
)

// reasonIn is why a process ended, by what it said last: its last ERROR with the root of the exceptions after that.
func reasonIn(log string) string {
	var what, why, last string
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\r\n")
		if m := errorLine.FindStringSubmatch(line); m != nil {
			what, why = strings.TrimSpace(m[1]), ""
		} else if m := causedBy.FindStringSubmatch(line); m != nil {
			why = m[1]
		} else if m := threw.FindStringSubmatch(line); m != nil {
			why = m[1]
		} else if jvmRefused.MatchString(line) {
			what, why = line, ""
		}
		if strings.TrimSpace(line) != "" {
			last = line
		}
	}
	switch {
	case what != "" && why != "":
		return shorten(what + ": " + why)
	case what+why != "":
		return shorten(what + why)
	}
	return shorten(strings.TrimSpace(last))
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
