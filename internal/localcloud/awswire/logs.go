// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"net/http"
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
	return on(q.groupARN(q.askedGroup()) + ":log-stream:" + q.field("logStreamName"))
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

// noSuchToken is CloudWatch Logs' answer for a token that no page gave.
func noSuchToken() error {
	return invalid("InvalidParameterException", "The specified nextToken is invalid.")
}

// mostGroups is how many groups a page has when nobody says.
const mostGroups = 50

func describeLogGroups(q *request) (answer, error) {
	var in struct {
		LogGroupNamePrefix  string `json:"logGroupNamePrefix"`
		LogGroupNamePattern string `json:"logGroupNamePattern"`
		Limit               int    `json:"limit"`
		NextToken           string `json:"nextToken"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	if in.LogGroupNamePrefix != "" && in.LogGroupNamePattern != "" {
		return answer{}, invalid("InvalidParameterException",
			"LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	all := q.account.Find(account.KindLogGroup, func(r account.Resource) bool {
		return q.visible(r) && strings.HasPrefix(r.ID, in.LogGroupNamePrefix) && strings.Contains(r.ID, in.LogGroupNamePattern)
	})
	part, next, known := pageOf(all, idOf, cmp.Or(in.Limit, mostGroups), in.NextToken)
	if !known {
		return answer{}, noSuchToken()
	}
	groups := []any{}
	for _, r := range part {
		g := map[string]any{"logGroupName": r.ID, "logGroupArn": q.groupARN(r.ID), "arn": q.groupARN(r.ID) + ":*",
			"creationTime": r.CreatedAt.UnixMilli(),
			"storedBytes":  0, "metricFilterCount": 0, "logGroupClass": "STANDARD"}
		if days := whole(r.All(), "retentionInDays", 0); days > 0 {
			g["retentionInDays"] = days
		}
		if key := str(r.All(), "kmsKeyId"); key != "" {
			g["kmsKeyId"] = key
		}
		groups = append(groups, g)
	}
	return q.json(paged(map[string]any{"logGroups": groups}, "nextToken", next))
}

func idOf(r account.Resource) string { return r.ID }

// paged adds the token of the next page, when there is one.
func paged(fields map[string]any, name, next string) map[string]any {
	if next != "" {
		fields[name] = next
	}
	return fields
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
		LogGroupName  string            `json:"logGroupName"`
		LogGroupClass string            `json:"logGroupClass"`
		KmsKeyID      string            `json:"kmsKeyId"`
		Tags          map[string]string `json:"tags"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	if class := in.LogGroupClass; class != "" && class != "STANDARD" {
		return answer{}, refuse(http.StatusNotImplemented, "NotImplemented", "log groups of the class %s are not simulated",
			class)
	}
	props := account.Props{"name": in.LogGroupName, "tags": tagMap(in.Tags)}
	if in.KmsKeyID != "" {
		props["kmsKeyId"] = in.KmsKeyID
	}
	if _, err := q.account.Create(q.ctx, q.caller, account.KindLogGroup, props); err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{})
}

// stream is the stream that a request names, of a group that exists.
func (q *request) stream() (group, name string, err error) {
	group, name = q.field("logGroupName"), q.field("logStreamName")
	_, err = q.group(group)
	return group, name, err
}

func createLogStream(q *request) (answer, error) {
	group, stream, err := q.stream()
	if err == nil {
		err = q.account.Logs.Create(group, stream)
	}
	if err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{})
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
	group, stream, err := q.stream()
	if err != nil {
		return answer{}, err
	}
	if !q.account.Logs.Has(group, stream) {
		return answer{}, noSuchStream()
	}
	if n := len(in.LogEvents); n == 0 || n > mostEvents {
		return answer{}, invalid("InvalidParameterException", "1 validation error detected: Value '[%d events]' at 'logEvents' "+
			"failed to satisfy constraint: Member must have length between 1 and %d", n, mostEvents)
	}
	events := make([]logs.Event, 0, len(in.LogEvents))
	for i, e := range in.LogEvents {
		if i > 0 && e.Timestamp < in.LogEvents[i-1].Timestamp {
			return answer{}, invalid("InvalidParameterException",
				"Log events in a single PutLogEvents request must be in chronological order.")
		}
		events = append(events, logs.Event{Timestamp: time.UnixMilli(e.Timestamp).UTC(), Message: e.Message})
	}
	if err := q.account.Logs.Put(group, stream, events); err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{})
}

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
