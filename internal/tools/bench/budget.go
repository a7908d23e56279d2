// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed budget.tsv
var budgetText string

// The quantities of the budget.
const (
	limitsExponent = "exponent"
	limitsSeconds  = "seconds"
)

// limit is a line of the budget.
type limit struct {
	command, quantity string
	teams             int // 0 for the exponent
	most              float64
}

func parseBudget(text string) ([]limit, error) {
	var limits []limit
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "command\t") {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != 4 {
			return nil, fmt.Errorf("line %d of the budget: %d columns instead of 4", i+1, len(cells))
		}
		l := limit{command: cells[0], quantity: cells[1]}
		var err error
		if l.most, err = strconv.ParseFloat(cells[3], 64); err == nil && l.quantity == limitsSeconds {
			l.teams, err = strconv.Atoi(cells[2])
		}
		known := l.command == "*" || slices.ContainsFunc(works(), func(w work) bool { return w.name == l.command })
		if err != nil || !known || l.quantity != limitsSeconds && l.quantity != limitsExponent {
			return nil, fmt.Errorf("line %d of the budget is not understood: %q (%w)", i+1, line, err)
		}
		limits = append(limits, l)
	}
	return limits, nil
}

// passed says where curves are over the budget. Sizes that were not measured are not.
func passed(limits []limit, curves []curve) (over []string) {
	for _, l := range limits {
		for _, c := range curves {
			if l.command != "*" && l.command != c.Command {
				continue
			}
			if l.quantity == limitsExponent && c.Exponent > l.most {
				over = append(over, fmt.Sprintf("%s: exponent %.2f, at most %g", c.Command, c.Exponent, l.most))
			}
			for _, p := range c.Points {
				if l.quantity == limitsSeconds && p.Teams == l.teams && p.WallSeconds > l.most {
					over = append(over,
						fmt.Sprintf("%s, teams: %d: %.1f s, at most %g", c.Command, p.Teams, p.WallSeconds, l.most))
				}
			}
		}
	}
	return over
}
