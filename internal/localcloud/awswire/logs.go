// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/logs"
)

// groupARN is the ARN of a log group as policies name it.
func (q *request) groupARN(name string) string { return q.arn("logs", "log-group:"+name) }

func allGroups(q *request) ([]need, error) { return on(q.groupARN("*")) }

// oneGroup has the tags that a new group is to get.
func oneGroup(q *request) ([]need, error) {
	var in struct{ Tags map[string]string }
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	return on(q.groupARN(q.field("logGroupName")), requestTags(in.Tags))
}

// oneStream is named as policies do: GROUP:log-stream:STREAM, which GROUP:* covers.
func oneStream(q *request) ([]need, error) {
	return on(q.groupARN(q.field("logGroupName")) + ":log-stream:" + q.field("logStreamName"))
}

// byARN is the need of an operation on what a field names by its ARN.
func byARN(field string) func(*request) ([]need, error) {
	return func(q *request) ([]need, error) { return on(q.field(field)) }
}

// group finds a log group; its absence is the service's usual error.
func (q *request) group(name string) (account.Resource, error) {
	r, ok := q.account.Get(account.KindLogGroup, name)
	if !ok || !q.visible(r) {
		return r, invalid("ResourceNotFoundException", "The specified log group does not exist.")
	}
	return r, nil
}

func describeLogGroups(q *request) (answer, error) {
	var in struct {
		LogGroupNamePrefix string `json:"logGroupNamePrefix"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	groups := []any{}
	for _, r := range q.account.List(account.KindLogGroup) {
		if !q.visible(r) || !strings.HasPrefix(r.ID, in.LogGroupNamePrefix) {
			continue
		}
		g := map[string]any{"logGroupName": r.ID, "logGroupArn": q.groupARN(r.ID), "arn": q.groupARN(r.ID) + ":*",
			"creationTime": r.CreatedAt.UnixMilli(),
			"storedBytes":  0, "metricFilterCount": 0, "logGroupClass": "STANDARD"}
		if days := whole(r.All(), "retentionInDays", 0); days > 0 {
			g["retentionInDays"] = days
		}
		groups = append(groups, g)
	}
	return q.json(map[string]any{"logGroups": groups})
}

func deleteLogGroup(q *request) (answer, error) {
	var in struct {
		LogGroupName string `json:"logGroupName"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, err := q.group(in.LogGroupName)
	if err != nil {
		return answer{}, err
	}
	if err := q.account.Delete(q.ctx, q.caller, account.KindLogGroup, r.ID); err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{})
}

func createLogGroup(q *request) (answer, error) {
	var in struct {
		LogGroupName string            `json:"logGroupName"`
		Tags         map[string]string `json:"tags"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	if _, err := q.account.Create(q.ctx, q.caller, account.KindLogGroup,
		account.Props{"name": in.LogGroupName, "tags": tagMap(in.Tags)}); err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{})
}

// createLogStream makes the stream by writing no event to it.
func createLogStream(q *request) (answer, error) {
	return q.writeStream(nil)
}

func putLogEvents(q *request) (answer, error) {
	var in struct {
		LogEvents []struct {
			Timestamp int64  `json:"timestamp"`
			Message   string `json:"message"`
		} `json:"logEvents"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	events := make([]logs.Event, 0, len(in.LogEvents))
	for _, e := range in.LogEvents {
		events = append(events, logs.Event{Timestamp: time.UnixMilli(e.Timestamp).UTC(), Message: e.Message})
	}
	return q.writeStream(events)
}

func (q *request) writeStream(events []logs.Event) (answer, error) {
	var in struct {
		LogGroupName  string `json:"logGroupName"`
		LogStreamName string `json:"logStreamName"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	if _, err := q.group(in.LogGroupName); err != nil {
		return answer{}, err
	}
	if err := q.account.Logs.Put(in.LogGroupName, in.LogStreamName, events); err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{})
}

func filterLogEvents(q *request) (answer, error) {
	var in struct {
		LogGroupName        string   `json:"logGroupName"`
		LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
		FilterPattern       string   `json:"filterPattern"`
		StartTime           int64    `json:"startTime"`
		EndTime             int64    `json:"endTime"`
		LogStreamNames      []string `json:"logStreamNames"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	if in.FilterPattern != "" {
		return answer{}, refuse(501, "NotImplemented", "logs:FilterLogEvents with a filter pattern is not simulated")
	}
	if _, err := q.group(in.LogGroupName); err != nil {
		return answer{}, err
	}
	all, err := q.account.Logs.Events(in.LogGroupName, in.LogStreamNamePrefix)
	if err != nil {
		return answer{}, err
	}
	slices.SortStableFunc(all, func(a, b logs.Event) int { return a.Timestamp.Compare(b.Timestamp) })
	events := []any{}
	for i, e := range all {
		at := e.Timestamp.UnixMilli()
		if at < in.StartTime || in.EndTime > 0 && at >= in.EndTime || len(in.LogStreamNames) > 0 &&
			!slices.Contains(in.LogStreamNames, e.Stream) {
			continue
		}
		events = append(events, map[string]any{"timestamp": at, "ingestionTime": at, "message": e.Message,
			"logStreamName": e.Stream, "eventId": eventID(i)})
	}
	return q.json(map[string]any{"events": events, "searchedLogStreams": []any{}})
}

// eventID is unique within a group.
func eventID(i int) string { return fmt.Sprintf("%032d", i) }

func listLogTags(q *request) (answer, error) {
	var in struct {
		ResourceARN string `json:"resourceArn"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	_, name, _ := strings.Cut(in.ResourceARN, ":log-group:")
	r, err := q.group(strings.TrimSuffix(name, ":*"))
	if err != nil {
		return answer{}, err
	}
	tags := map[string]string{}
	for k, v := range r.Tags {
		tags[k] = v
	}
	return q.json(map[string]any{"tags": tags})
}
