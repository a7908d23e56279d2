// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/logs"
)

// putLines writes events into a stream of the group /a, a line for each at so many milliseconds.
func (w *world) putLines(stream string, at int64, lines ...string) {
	w.t.Helper()
	var events []logs.Event
	for _, line := range lines {
		events = append(events, logs.Event{Timestamp: time.UnixMilli(at).UTC(), Message: line})
	}
	require.NoError(w.t, w.account.Logs.Put("/a", stream, events))
}

// read asks for a page of the stream s of the group /a and returns its messages and its tokens.
func (w *world) read(rest string) (messages, forward, backward string) {
	w.t.Helper()
	a, m := w.target(w.cfg, "logs", "Logs_20140328.GetLogEvents", `{"logGroupName":"/a","logStreamName":"s"`+rest+`}`)
	require.Equal(w.t, 200, a.status, string(a.body))
	events, _ := m["events"].([]any)
	for _, e := range events {
		fields, _ := e.(map[string]any)
		require.NotZero(w.t, fields["ingestionTime"])
		messages += fields["message"].(string)
	}
	return messages, m["nextForwardToken"].(string), m["nextBackwardToken"].(string)
}

func token(t string) string { return fmt.Sprintf(`,"nextToken":%q`, t) }

func TestAStreamIsReadInBothDirections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(account.KindLogGroup, account.Props{"name": "/a"})
	w.putLines("s", 1000, "a", "b", "c")
	w.putLines("s2", 1000, "of another stream whose name begins alike")
	w.putLines("s", 2000, "d", "e")

	got, forward, backward := w.read(`,"limit":2`)
	require.Equal(t, "de", got, "without a word about it, the end is what is read")
	got, _, backward = w.read(`,"limit":2` + token(backward))
	require.Equal(t, "bc", got)
	got, again, backward := w.read(`,"limit":2` + token(backward))
	require.Equal(t, "a", got)
	got, _, end := w.read(`,"limit":2` + token(backward))
	require.Empty(t, got)
	require.Equal(t, backward, end, "the token that was sent says that nothing is before")
	got, _, _ = w.read(`,"limit":1` + token(again))
	require.Equal(t, "b", got, "a page that was read backwards has what comes after it")

	got, same, before := w.read(token(forward))
	require.Empty(t, got)
	require.Equal(t, forward, same, "nothing is after the end")
	got, _, _ = w.read(`,"limit":1` + token(before))
	require.Equal(t, "e", got, "what is before the end is the last event")
	w.putLines("s", 2000, "f")
	got, _, _ = w.read(token(same))
	require.Equal(t, "f", got, "what came since is after the token")

	var all string
	for next, page := "", ""; ; all += page {
		page, next, _ = w.read(`,"limit":4,"startFromHead":true` + next)
		if next = token(next); page == "" {
			break
		}
	}
	require.Equal(t, "abcdef", all)
	got, _, _ = w.read(`,"startTime":1001,"endTime":2000`)
	require.Empty(t, got)
	got, _, _ = w.read(`,"startTime":1000,"endTime":2000`)
	require.Equal(t, "abc", got)
	got, _, _ = w.read(token("f/") + `,"limit":1`)
	require.Equal(t, "a", got)
}

func TestAStreamWithoutEventsHasTokensToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(account.KindLogGroup, account.Props{"name": "/a"})
	require.NoError(t, w.account.Logs.Create("/a", "s"))
	for _, head := range []string{"false", "true"} {
		got, forward, backward := w.read(`,"startFromHead":` + head)
		require.Empty(t, got)
		require.Equal(t, []string{"f/", "b/"}, []string{forward, backward})
	}
	_, m := w.target(w.cfg, "logs", "Logs_20140328.DescribeLogStreams", `{"logGroupName":"/a"}`)
	stream, _ := m["logStreams"].([]any)[0].(map[string]any)
	require.Contains(t, stream, "creationTime")
	require.NotContains(t, stream, "lastEventTimestamp")
	require.NotContains(t, stream, "lastIngestionTime")
}

func TestStreamsAreListedByNameOrByTheirLastEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(account.KindLogGroup, account.Props{"name": "/a"})
	require.NoError(t, w.account.Logs.Create("/a", "empty"))
	for i, name := range []string{"job/c", "job/a", "job/b"} {
		w.putLines(name, int64(1000*(i+1)), "first")
	}
	w.putLines("job/c", 500, "older")
	names := func(query string, want ...int) string {
		var out []string
		pages := w.pagesOf("logs", "Logs_20140328.DescribeLogStreams", "logStreams", "nextToken", query, func(item any) {
			out = append(out, item.(map[string]any)["logStreamName"].(string))
		})
		if len(want) > 0 {
			require.Equal(t, want, lengths(pages))
		}
		return strings.Join(out, " ")
	}
	require.Equal(t, "empty job/a job/b job/c", names(`{"logGroupName":"/a"}`, 4))
	require.Equal(t, "job/a job/b job/c", names(`{"logGroupName":"/a","logStreamNamePrefix":"job/","limit":2}`, 2, 1))
	require.Equal(t, "job/c job/b job/a empty", names(`{"logGroupName":"/a","descending":true,"limit":3}`, 3, 1))
	require.Equal(t, "job/b job/a job/c empty",
		names(`{"logGroupName":"/a","orderBy":"LastEventTime","descending":true,"limit":1}`, 1, 1, 1, 1))
	_, m := w.target(w.cfg, "logs", "Logs_20140328.DescribeLogStreams",
		`{"logGroupIdentifier":"arn:aws:logs:us-west-2:111122223333:log-group:/a","logStreamNamePrefix":"job/c"}`)
	c, _ := m["logStreams"].([]any)[0].(map[string]any)
	require.Equal(t, []any{500.0, 1000.0, 0.0, "arn:aws:logs:us-west-2:111122223333:log-group:/a:log-stream:job/c"},
		[]any{c["firstEventTimestamp"], c["lastEventTimestamp"], c["storedBytes"], c["arn"]})
	require.GreaterOrEqual(t, c["lastIngestionTime"], c["creationTime"])
}

func TestTheAttributesOfAQueueCountItsMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.create(account.KindQueue, account.Props{"name": "q", "messageRetentionSeconds": 300.0}).ID
	late := w.create(account.KindQueue, account.Props{"name": "late", "delaySeconds": 900.0}).ID
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},` +
		`"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-west-2:111122223333:q"}]}`
	w.create(account.KindQueuePolicy, account.Props{"queueUrl": at, "policy": policy})
	do := func(op, url, rest string) map[string]any {
		a, m := w.target(w.cfg, "sqs", "AmazonSQS."+op, fmt.Sprintf(`{"QueueUrl":%q%s}`, url, rest))
		require.Equal(t, 200, a.status, string(a.body))
		return m
	}
	counts := func(url string) string {
		m := do("GetQueueAttributes", url, `,"AttributeNames":["All"]`)["Attributes"].(map[string]any)
		return fmt.Sprintln(m["ApproximateNumberOfMessages"], m["ApproximateNumberOfMessagesNotVisible"],
			m["ApproximateNumberOfMessagesDelayed"])
	}
	require.Empty(t, do("GetQueueAttributes", at, ""), "nothing that nobody asks for")
	require.Empty(t, do("GetQueueAttributes", late, `,"AttributeNames":["Policy","FifoQueue"]`))
	all := do("GetQueueAttributes", at, `,"AttributeNames":["All"]`)["Attributes"].(map[string]any)
	require.Len(t, all, 13)
	for name, want := range map[string]string{
		"Policy": policy, "MessageRetentionPeriod": "300", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true",
		"QueueArn": "arn:aws:sqs:us-west-2:111122223333:q", "MaximumMessageSize": "262144",
	} {
		require.Equal(t, want, all[name], name)
	}

	for _, url := range []string{at, at, at, late} {
		do("SendMessage", url, `,"MessageBody":"x"`)
	}
	require.Equal(t, "0 0 1\n", counts(late))
	got := do("ReceiveMessage", at, "")["Messages"].([]any)[0].(map[string]any)
	require.Equal(t, "2 1 0\n", counts(at))
	receipt := fmt.Sprintf(`,"ReceiptHandle":%q,"VisibilityTimeout":`, got["ReceiptHandle"])
	do("ChangeMessageVisibility", at, receipt+"0")
	require.Equal(t, "3 0 0\n", counts(at))
	_, m := w.target(w.cfg, "sqs", "AmazonSQS.ChangeMessageVisibility", fmt.Sprintf(`{"QueueUrl":%q%s9}`, at, receipt))
	require.Contains(t, m["__type"], "MessageNotInflight")
	do("PurgeQueue", at, "")
	require.Equal(t, "0 0 0\n", counts(at))
	require.Equal(t, "0 0 1\n", counts(late))
}
