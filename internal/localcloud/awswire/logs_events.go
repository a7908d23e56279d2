// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"emrflink/internal/localcloud/logs"
)

// mostEvents is how many events a call may write, and how many a page has when nobody says.
const mostEvents = 10_000

// askedGroup is the group that a request names, or gives the ARN of.
func (q *request) askedGroup() string {
	id := cmp.Or(q.field("logGroupName"), q.field("logGroupIdentifier"))
	return id[strings.LastIndexByte(id, ':')+1:]
}

// existingGroup is askedGroup of a request that names one group, which exists.
func (q *request) existingGroup() (string, error) {
	if (q.field("logGroupName") == "") == (q.field("logGroupIdentifier") == "") {
		return "", invalid("InvalidParameterException", "Exactly one of logGroupName and logGroupIdentifier must be given.")
	}
	_, err := q.group(q.askedGroup())
	return q.askedGroup(), err
}

// event is one of a page.
type event struct {
	logs.Event

	id string
}

// eventFilter is what FilterLogEvents asks for.
type eventFilter struct {
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	FilterPattern       string   `json:"filterPattern"`
	StartTime           int64    `json:"startTime"`
	EndTime             int64    `json:"endTime"`
	LogStreamNames      []string `json:"logStreamNames"`
	NextToken           string   `json:"nextToken"`
	Limit               int      `json:"limit"`
}

func filterLogEvents(q *request) (answer, error) {
	var in eventFilter
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	group, err := q.existingGroup()
	if err != nil {
		return answer{}, err
	}
	if in.LogStreamNamePrefix != "" && len(in.LogStreamNames) > 0 {
		return answer{}, invalid("InvalidParameterException",
			"logStreamNamePrefix and logStreamNames are mutually exclusive parameters.")
	}
	matches, err := logs.Pattern(in.FilterPattern)
	if err != nil {
		return answer{}, err
	}
	all, err := q.account.Logs.Events(group, in.LogStreamNamePrefix)
	if err != nil {
		return answer{}, err
	}
	found := in.among(all, matches)
	part, next, known := pageOf(found, func(e event) string { return e.id }, cmp.Or(in.Limit, mostEvents), in.NextToken)
	if !known {
		return answer{}, noSuchToken()
	}
	events := []any{}
	for _, e := range part {
		fields := e.fields()
		fields["logStreamName"], fields["eventId"] = e.Stream, e.id
		events = append(events, fields)
	}
	return q.json(paged(map[string]any{"events": events, "searchedLogStreams": []any{}}, "nextToken", next))
}

// among selects events, each with an id that says when it was and which of that moment.
func (f eventFilter) among(all []logs.Event, matches func(string) bool) (found []event) {
	nth := map[int64]int{}
	for _, e := range all {
		at := e.Timestamp.UnixMilli()
		nth[at]++
		if at >= f.StartTime && (f.EndTime <= 0 || at < f.EndTime) && matches(e.Message) &&
			(len(f.LogStreamNames) == 0 || slices.Contains(f.LogStreamNames, e.Stream)) {
			found = append(found, event{e, fmt.Sprintf("%020d%012d", at, nth[at])})
		}
	}
	return found
}

// fields are what every operation says of an event.
func (e event) fields() map[string]any {
	ingested := e.Ingested
	if ingested.IsZero() {
		ingested = e.Timestamp
	}
	return map[string]any{
		"timestamp": e.Timestamp.UnixMilli(), "ingestionTime": ingested.UnixMilli(), "message": e.Message,
	}
}

func filtered(q *request) ([]need, error) { return on(q.groupARN(q.askedGroup())) }

// getLogEvents reads one stream, from its end backwards unless it is told otherwise. There is always a token for either
// direction: a client that is given back the one it sent has reached the end.
func getLogEvents(q *request) (answer, error) {
	var in struct {
		eventFilter

		StartFromHead bool `json:"startFromHead"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	group, err := q.existingGroup()
	if err != nil {
		return answer{}, err
	}
	stream := q.field("logStreamName")
	if !q.account.Logs.Has(group, stream) {
		return answer{}, noSuchStream()
	}
	all, err := q.account.Logs.Events(group, stream)
	if err != nil {
		return answer{}, err
	}
	in.LogStreamNames = []string{stream}
	w, ok := windowAt(in.NextToken, in.StartFromHead)
	if !ok {
		return answer{}, noSuchToken()
	}
	part := w.of(in.among(all, func(string) bool { return true }), cmp.Or(in.Limit, mostEvents))
	events := []any{}
	for _, e := range part {
		events = append(events, e.fields())
	}
	return q.json(map[string]any{
		"events": events, "nextForwardToken": w.forwardFrom(part), "nextBackwardToken": w.backFrom(part),
	})
}

func noSuchStream() error {
	return invalid("ResourceNotFoundException", "The specified log stream does not exist.")
}

// window is a place among the events of a stream, and the direction in which it is read from there.
type window struct {
	key     string // the ids of the events after it are greater; "" is the beginning, or read backwards the end
	forward bool
}

// What starts the tokens of the two directions.
const forwards, backwards = "f/", "b/"

// windowAt is where a token says, or without one at the end that a call reads from.
func windowAt(token string, fromHead bool) (w window, ok bool) {
	if token == "" {
		return window{forward: fromHead}, true
	}
	if key, is := strings.CutPrefix(token, forwards); is {
		return window{key, true}, true
	}
	key, is := strings.CutPrefix(token, backwards)
	return window{key, false}, is
}

// of are the events at the window, at most so many.
func (w window) of(all []event, limit int) []event {
	if w.forward {
		all = slices.DeleteFunc(all, func(e event) bool { return e.id <= w.key })
		return all[:min(limit, len(all))]
	}
	all = slices.DeleteFunc(all, func(e event) bool { return w.key != "" && e.id >= w.key })
	return all[max(0, len(all)-limit):]
}

// forwardFrom is the token of what comes after a page, now or later.
func (w window) forwardFrom(page []event) string {
	switch {
	case len(page) > 0:
		return forwards + page[len(page)-1].id
	case w.forward:
		return forwards + w.key
	}
	return forwards
}

// backFrom is the token of what was before a page. The key of an empty one that was read forwards is of an event that belongs
// to it.
func (w window) backFrom(page []event) string {
	switch {
	case len(page) > 0:
		return backwards + page[0].id
	case w.forward && w.key != "":
		return backwards + w.key + "0"
	}
	return backwards + w.key
}

// mostStreams is how many streams a page has when nobody says.
const mostStreams = 50

// Ways to sort streams.
const byStreamName, byLastEvent = "LogStreamName", "LastEventTime"

func describeLogStreams(q *request) (answer, error) {
	var in struct {
		LogStreamNamePrefix string `json:"logStreamNamePrefix"`
		OrderBy             string `json:"orderBy"`
		NextToken           string `json:"nextToken"`
		Limit               int    `json:"limit"`
		Descending          bool   `json:"descending"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	group, err := q.existingGroup()
	if err != nil {
		return answer{}, err
	}
	if !slices.Contains([]string{"", byStreamName, byLastEvent}, in.OrderBy) {
		return answer{}, invalid("InvalidParameterException", "1 validation error detected: Value '%s' at 'orderBy' failed to "+
			"satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]", in.OrderBy)
	}
	if in.OrderBy == byLastEvent && in.LogStreamNamePrefix != "" {
		return answer{}, invalid("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	all, err := q.account.Logs.Streams(group, in.LogStreamNamePrefix)
	if err != nil {
		return answer{}, err
	}
	key := func(s logs.Stream) string { return s.Name }
	if in.OrderBy == byLastEvent {
		key = func(s logs.Stream) string { return fmt.Sprintf("%020d %s", millis(s.Last), s.Name) }
	}
	compare := cmp.Compare[string]
	if in.Descending {
		compare = func(a, b string) int { return cmp.Compare(b, a) }
	}
	part, next, known := pageBy(all, key, compare, cmp.Or(in.Limit, mostStreams), in.NextToken)
	if !known {
		return answer{}, noSuchToken()
	}
	streams := []any{}
	for _, s := range part {
		streams = append(streams, q.streamFields(group, s))
	}
	return q.json(paged(map[string]any{"logStreams": streams}, "nextToken", next))
}

func (q *request) streamFields(group string, s logs.Stream) map[string]any {
	fields := map[string]any{
		"logStreamName": s.Name, "arn": q.groupARN(group) + ":log-stream:" + s.Name, "storedBytes": 0,
	}
	for name, at := range map[string]time.Time{
		"creationTime": s.Created, "lastIngestionTime": s.Ingested, "firstEventTimestamp": s.First, "lastEventTimestamp": s.Last,
	} {
		if !at.IsZero() {
			fields[name] = at.UnixMilli()
		}
	}
	return fields
}

// millis is a time as CloudWatch Logs writes it, 0 when there is none.
func millis(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}
