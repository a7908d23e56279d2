// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// LogEvent is one line of a log stream. Stream is set on reading only.
type LogEvent struct {
	Time    time.Time
	Message string
	Stream  string
}

// PutLogEvents appends events, oldest first, to a stream of a log group. The
// stream is created when it is missing; the group is not.
func (c *Client) PutLogEvents(ctx context.Context, group, stream string, events []LogEvent) error {
	if len(events) == 0 {
		return nil
	}
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream}
	for _, e := range events {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Message: aws.String(e.Message), Timestamp: aws.Int64(e.Time.UnixMilli())})
	}
	where := group + "/" + stream
	_, err := c.logs.PutLogEvents(ctx, in)
	if err = wrap("logs:PutLogEvents", where, err); !IsCode(err, "ResourceNotFoundException") {
		return err
	}
	_, cerr := c.logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
	if cerr = wrap("logs:CreateLogStream", where, cerr); cerr != nil && !IsCode(cerr, "ResourceAlreadyExistsException") {
		return cerr
	}
	_, err = c.logs.PutLogEvents(ctx, in)
	return wrap("logs:PutLogEvents", where, err)
}

// LogEvents reads the events of a group whose stream starts with prefix, from
// a time on, oldest first, at most limit of them (0 means all).
func (c *Client) LogEvents(ctx context.Context, group, streamPrefix string, since time.Time, limit int) ([]LogEvent, error) {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group}
	if streamPrefix != "" {
		in.LogStreamNamePrefix = &streamPrefix
	}
	if !since.IsZero() {
		in.StartTime = aws.Int64(since.UnixMilli())
	}
	var events []LogEvent
	p := cloudwatchlogs.NewFilterLogEventsPaginator(c.logs.FilterLogEvents, in)
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, wrap("logs:FilterLogEvents", group, err)
		}
		for _, e := range page.Events {
			events = append(events, LogEvent{
				Time: time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), Message: aws.ToString(e.Message), Stream: aws.ToString(e.LogStreamName),
			})
			if limit > 0 && len(events) == limit {
				return events, nil
			}
		}
	}
	return events, nil
}

// logGroup reads the group of exactly this name.
func (c *Client) logGroup(ctx context.Context, name string) (Resource, bool, error) {
	p := cloudwatchlogs.NewDescribeLogGroupsPaginator(c.logs.DescribeLogGroups, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return Resource{}, false, wrap("logs:DescribeLogGroups", name, err)
		}
		for _, g := range page.LogGroups {
			if aws.ToString(g.LogGroupName) != name {
				continue
			}
			arn := aws.ToString(g.LogGroupArn)
			r := Resource{Service: "logs", Type: TypeLogGroup, ID: name, ARN: arn, Name: name, CreatedBy: "user"}
			out, err := c.logs.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn})
			if err != nil {
				return Resource{}, false, wrap("logs:ListTagsForResource", name, err)
			}
			r.Tags = out.Tags
			return r, true, nil
		}
	}
	return Resource{}, false, nil
}
