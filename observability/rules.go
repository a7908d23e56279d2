// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Groups are the rules of alerts as Prometheus takes them, in the form of JSON: a file of rules, and the spec of a
// PrometheusRule.
func Groups(alerts []Alert) map[string]any {
	var rules []any
	for _, a := range alerts {
		rules = append(rules, a.rule())
	}
	return object{"groups": []any{object{"name": "emrflink", "interval": "30s", "rules": rules}}}
}

// RulesFile is Groups as a file: JSON is YAML.
func RulesFile(alerts []Alert) string {
	raw, _ := json.MarshalIndent(Groups(alerts), "", " ") // maps of JSON values always encode
	return string(raw) + "\n"
}

func (a Alert) rule() object {
	about, command := "", a.Trouble.Command
	if a.Job {
		about = "{{ $labels.namespace }}/{{ $labels.flink_deployment }}: "
		command = a.Trouble.Of("{{ $labels.flink_deployment }}")
	}
	r := object{
		"alert": a.Name, "expr": a.Expr, "labels": object{"severity": string(a.Severity)},
		"annotations": object{
			"summary": about + a.Trouble.Title, "description": a.Trouble.Cause,
			"runbook": strings.ReplaceAll(command, "{job}", "JOB"),
		},
	}
	if a.For > 0 {
		r["for"] = fmt.Sprintf("%dm", int(a.For.Minutes()))
	}
	return r
}
