// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// LogQuery is a usual question to a log, by name.
type LogQuery struct {
	Name, Title string
	// Words is a regular expression for an entry, in a form that Go and CloudWatch Logs Insights both read.
	Words string
}

// LogQueries are all of them, in the order in which trouble is looked for.
func LogQueries() []LogQuery {
	return []LogQuery{
		{"restarts", "when the job changed its state, and which task failed",
			`switched from state \w+ to \w+|switched from \w+ to FAILED`},
		{"checkpoints", "checkpoints: begun, completed, refused", `Triggering (checkpoint|savepoint) |Completed checkpoint |` +
			`Failed to trigger (checkpoint|savepoint)|[Cc]heckpoint .*(declined|expired|failed)|Decline checkpoint`},
		{"errors", "what went wrong: errors, and exceptions with their traces", `\bERROR\b|Exception\b|Error: `},
		{"memory", "memory that is used up", `OutOfMemoryError|GC overhead limit|Insufficient number of network buffers|` +
			`Cannot reserve \d+ bytes`},
		{"taskmanagers", "TaskManagers that come and go", `Registering TaskManager|Closing TaskExecutor connection|` +
			`Worker .* (is )?terminated|[Hh]eartbeat of TaskManager|no longer reachable|Requesting new worker`},
		{"connections", "sources, sinks and services that are not reached, or refuse the job",
			`UnknownHostException|ConnectException|ConnectTimeout|TimeoutException|AccessDenied|Sasl|AuthorizationException|` +
				`disconnected`},
	}
}

// LogQueryNames are their names.
func LogQueryNames() []string {
	var out []string
	for _, q := range LogQueries() {
		out = append(out, q.Name)
	}
	return out
}

// Insights is the same question in the language of CloudWatch Logs Insights.
func (q LogQuery) Insights() string {
	return fmt.Sprintf("fields @timestamp, @logStream, @message | filter @message like /%s/ | sort @timestamp desc | limit 200",
		q.Words)
}

// FindLogQuery finds one by its name.
func FindLogQuery(name string) (q LogQuery, found bool) {
	all := LogQueries()
	i := slices.IndexFunc(all, func(q LogQuery) bool { return q.Name == name })
	if i < 0 {
		return LogQuery{}, false
	}
	return all[i], true
}

// asked keeps the entries that a query of a name asks for; "" asks for all.
func asked(name string, each func(Entry) error) func(Entry) error {
	q, found := FindLogQuery(name)
	if !found {
		return each
	}
	words := regexp.MustCompile(q.Words)
	return func(e Entry) error {
		if words.MatchString(strings.Join(e.Lines, "\n")) {
			return each(e)
		}
		return nil
	}
}
