// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// request is one marker of a page.
type request struct {
	command    string
	head, tail int    // lines shown; both 0 = all
	only       string // "stdout", "stderr" or "" for both
	exit       int
	again      bool
}

const (
	opening = "```text"
	closing = "```"
)

var marker = regexp.MustCompile(`^<!-- screen ?([^:]*): (.+) -->$`)

// fill returns the page with the block below each marker replaced by what show answers.
func fill(page string, show func(request) ([]string, error)) (string, error) {
	lines := strings.Split(page, "\n")
	var out []string
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		m := marker.FindStringSubmatch(lines[i])
		if m == nil {
			continue
		}
		r, err := parse(m[1], m[2])
		if err != nil {
			return "", fmt.Errorf("line %d: %w", i+1, err)
		}
		if i+1 >= len(lines) || lines[i+1] != opening {
			return "", fmt.Errorf("line %d: want a block %s below the marker", i+1, opening)
		}
		end := i + 2
		for end < len(lines) && lines[end] != closing {
			end++
		}
		if end == len(lines) {
			return "", fmt.Errorf("line %d: the block does not end", i+2)
		}
		screen, err := show(r)
		if err != nil {
			return "", fmt.Errorf("line %d: %w", i+1, err)
		}
		out = append(out, opening, "$ "+r.command)
		out = append(out, screen...)
		out = append(out, closing)
		i = end
	}
	return strings.Join(out, "\n"), nil
}

// parse reads the options of a marker.
func parse(options, command string) (request, error) {
	r := request{command: command}
	for _, o := range strings.Fields(options) {
		key, value, _ := strings.Cut(o, "=")
		var err error
		switch key {
		case "head":
			r.head, err = strconv.Atoi(value)
		case "tail":
			r.tail, err = strconv.Atoi(value)
		case "exit":
			r.exit, err = strconv.Atoi(value)
		case "only":
			r.only = value
			if value != "stdout" && value != "stderr" {
				err = fmt.Errorf("want stdout or stderr")
			}
		case "again":
			r.again = true
		default:
			err = fmt.Errorf("unknown option")
		}
		if err != nil {
			return request{}, fmt.Errorf("%q: %w", o, err)
		}
	}
	return r, nil
}

// omission begins the line that stands for those that are not shown.
const omission = "... "

// cut keeps the head and the tail of a longer text and says how much is not shown.
func cut(text string, head, tail int) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if head+tail == 0 || len(lines) <= head+tail+1 {
		return lines
	}
	shown := append([]string{}, lines[:head]...)
	shown = append(shown, fmt.Sprintf("%s%d more lines", omission, len(lines)-head-tail))
	return append(shown, lines[len(lines)-tail:]...)
}
