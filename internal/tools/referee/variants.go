// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"emrflink/stacks"
)

// variant is a configuration.
type variant struct {
	label    string
	settings map[string]string
}

// variants are the default and, for each key, its documented example: an option that is added later is in it by itself.
func variants() []variant {
	out := []variant{{label: "default"}}
	for _, k := range stacks.Keys() {
		value := k.Example
		if k.Type == "text" {
			value = strconv.Quote(value)
		}
		if k.Name != "target" {
			out = append(out, variant{k.Name, map[string]string{k.Name: value}})
		}
	}
	return out
}

// exception is a refusal that is accepted.
type exception struct{ address, text, reason string }

func parseAccepted(table string) ([]exception, error) {
	var out []exception
	heading := true
	for line := range strings.Lines(table) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != 3 || cells[2] == "" {
			return nil, fmt.Errorf("accepted.tsv: %q is not address, message and reason", line)
		}
		if heading {
			heading = false
			continue
		}
		out = append(out, exception{cells[0], cells[1], cells[2]})
	}
	return out, nil
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
