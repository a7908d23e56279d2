// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"time"
)

// LogEvent is one line of a log stream. Stream is set on reading only.
type LogEvent struct {
	Time    time.Time
	Message string
	Stream  string
}

// logEvent is a LogEvent as CloudWatch Logs spells it; its time is in milliseconds since 1970.
type logEvent struct {
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	LogStreamName string `json:"logStreamName,omitempty"`
}

// logs calls an operation of CloudWatch Logs.
func (c *Client) logs(ctx context.Context, op, resource string, in, out any) error {
	return c.raw.call(ctx, rawService{"logs", "Logs_20140328", "1.1"}, op, resource, in, out)
}

// PutLogEvents appends events, oldest first, to a stream of a log group. The
// stream is created when it is missing; the group is not.
func (c *Client) PutLogEvents(ctx context.Context, group, stream string, events []LogEvent) error {
	if len(events) == 0 {
		return nil
	}
	lines := make([]logEvent, 0, len(events))
	for _, e := range events {
		lines = append(lines, logEvent{Message: e.Message, Timestamp: e.Time.UnixMilli()})
	}
	in := map[string]any{"logGroupName": group, "logStreamName": stream, "logEvents": lines}
	where := group + "/" + stream
	err := c.logs(ctx, "PutLogEvents", where, in, nil)
	if !IsCode(err, "ResourceNotFoundException") {
		return err
	}
	err = c.logs(ctx, "CreateLogStream", where, map[string]string{"logGroupName": group, "logStreamName": stream}, nil)
	if err != nil && !IsCode(err, "ResourceAlreadyExistsException") {
		return err
	}
	return c.logs(ctx, "PutLogEvents", where, in, nil)
}

// LogEvents reads the events of a group whose stream starts with prefix, from
// a time on, oldest first, at most limit of them (0 means all).
func (c *Client) LogEvents(ctx context.Context, group, streamPrefix string, since time.Time, limit int) ([]LogEvent, error) {
	in := map[string]any{"logGroupName": group}
	if streamPrefix != "" {
		in["logStreamNamePrefix"] = streamPrefix
	}
	if !since.IsZero() {
		in["startTime"] = since.UnixMilli()
	}
	var events []LogEvent
	for {
		var page struct {
			Events    []logEvent `json:"events"`
			NextToken string     `json:"nextToken"`
		}
		if err := c.logs(ctx, "FilterLogEvents", group, in, &page); err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			events = append(events, LogEvent{
				Time: time.UnixMilli(e.Timestamp).UTC(), Message: e.Message, Stream: e.LogStreamName,
			})
			if limit > 0 && len(events) == limit {
				return events, nil
			}
		}
		if page.NextToken == "" {
			return events, nil
		}
		in["nextToken"] = page.NextToken
	}
}

// logGroup reads the group of exactly this name, with its tags.
func (c *Client) logGroup(ctx context.Context, name string) (Resource, bool, error) {
	arn, found, err := c.describeLogGroup(ctx, name)
	if err != nil || !found {
		return Resource{}, false, err
	}
	var out struct {
		Tags map[string]string `json:"tags"`
	}
	err = c.logs(ctx, "ListTagsForResource", name, map[string]string{"resourceArn": arn}, &out)
	return Resource{
		Service: "logs", Type: TypeLogGroup, ID: name, ARN: arn, Name: name, CreatedBy: "user", Tags: out.Tags,
	}, err == nil, err
}

// describeLogGroup looks for the group of exactly this name.
func (c *Client) describeLogGroup(ctx context.Context, name string) (arn string, found bool, err error) {
	in := map[string]string{"logGroupNamePrefix": name}
	for {
		var page struct {
			LogGroups []struct {
				LogGroupName string `json:"logGroupName"`
				LogGroupArn  string `json:"logGroupArn"`
			} `json:"logGroups"`
			NextToken string `json:"nextToken"`
		}
		if err := c.logs(ctx, "DescribeLogGroups", name, in, &page); err != nil {
			return "", false, err
		}
		for _, g := range page.LogGroups {
			if g.LogGroupName == name {
				return g.LogGroupArn, true, nil
			}
		}
		if page.NextToken == "" {
			return "", false, nil
		}
		in["nextToken"] = page.NextToken
	}
}
