// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"crypto/md5" // #nosec G501 -- SQS states the MD5 of a message's body
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/queues"
)

// queueName is the last part of a queue's URL.
func queueName(url string) string { return url[strings.LastIndex(url, "/")+1:] }

func noQueue() error {
	return invalid("QueueDoesNotExist", "The specified queue does not exist.")
}

// queue is the need of an operation on the queue that a field names, by its name or its URL.
func queue(field string) func(*request) ([]need, error) {
	return func(q *request) ([]need, error) { return on(q.arn("sqs", queueName(q.field(field)))) }
}

// queue finds a queue by URL. Only the end of the URL counts: a client may
// have got it from another endpoint of the same account.
func (q *request) queue(url string) (account.Resource, error) {
	if r := q.queueByName(queueName(url)); r != nil {
		return *r, nil
	}
	return account.Resource{}, noQueue()
}

func (q *request) queueByName(name string) *account.Resource {
	for _, r := range q.account.List(account.KindQueue) {
		if q.visible(r) && queueName(r.ID) == name {
			return &r
		}
	}
	return nil
}

func getQueueURL(q *request) (answer, error) {
	if owner := q.field("QueueOwnerAWSAccountId"); owner != "" && owner != q.account.ID() {
		return answer{}, noQueue()
	}
	r, err := q.queue(q.field("QueueName"))
	if err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{"QueueUrl": r.ID})
}

func listQueues(q *request) (answer, error) {
	var in struct {
		QueueNamePrefix string
		MaxResults      int
		NextToken       string
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	var urls []string
	for _, r := range q.account.List(account.KindQueue) {
		if q.visible(r) && strings.HasPrefix(queueName(r.ID), in.QueueNamePrefix) {
			urls = append(urls, r.ID)
		}
	}
	part, next, known := pageOf(urls, func(url string) string { return url }, in.MaxResults, in.NextToken)
	if !known {
		return answer{}, invalid("InvalidParameterValue", "Invalid or expired next token.")
	}
	return q.json(paged(map[string]any{"QueueUrls": list0(part)}, "NextToken", next))
}

// receiveMessage honours the long poll: a client that is answered at once asks
// again at once.
func receiveMessage(q *request) (answer, error) {
	in := struct {
		QueueURL                                    string `json:"QueueUrl"`
		AttributeNames, MessageSystemAttributeNames []string
		MaxNumberOfMessages, WaitTimeSeconds        int
	}{MaxNumberOfMessages: 1, WaitTimeSeconds: -1}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, err := q.queue(in.QueueURL)
	if err != nil {
		return answer{}, err
	}
	names := append(in.AttributeNames, in.MessageSystemAttributeNames...)
	if _, err := systemAttributes(queues.Message{}, names); err != nil {
		return answer{}, err
	}
	got, err := q.account.Queues.Receive(q.ctx, r.ID, in.MaxNumberOfMessages, time.Duration(in.WaitTimeSeconds)*time.Second)
	if err != nil {
		if q.ctx.Err() == nil {
			return answer{}, err
		}
		got = nil // the client has gone: nothing was received
	}
	messages := []any{}
	for _, m := range got {
		sum := md5.Sum([]byte(m.Body)) // #nosec G401
		fields := map[string]any{"MessageId": m.ID, "Body": m.Body, "ReceiptHandle": m.Receipt,
			"MD5OfBody": hex.EncodeToString(sum[:])}
		if attributes, _ := systemAttributes(m, names); len(attributes) > 0 {
			fields["Attributes"] = attributes
		}
		messages = append(messages, fields)
	}
	if len(messages) == 0 {
		return q.json(map[string]any{})
	}
	return q.json(map[string]any{"Messages": messages})
}

// systemAttributes are those of a message that a call asks for. What a standard queue does not give its messages is left out.
func systemAttributes(m queues.Message, names []string) (map[string]string, error) {
	known := map[string]string{
		"SentTimestamp":                    strconv.FormatInt(m.SentAt.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.Attempt),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstAt.UnixMilli(), 10),
	}
	absent := []string{
		"SenderId", "SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
	}
	out := map[string]string{}
	for _, name := range names {
		value, is := known[name]
		switch {
		case name == "All":
			return known, nil
		case is:
			out[name] = value
		case !slices.Contains(absent, name):
			return nil, invalid("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return out, nil
}

func sendMessage(q *request) (answer, error) {
	var in struct {
		QueueURL    string `json:"QueueUrl"`
		MessageBody string
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, err := q.queue(in.QueueURL)
	if err != nil {
		return answer{}, err
	}
	if err := q.account.Queues.Send(r.ID, in.MessageBody); err != nil {
		return answer{}, err
	}
	sum := md5.Sum([]byte(in.MessageBody)) // #nosec G401
	return q.json(map[string]any{"MessageId": requestID(), "MD5OfMessageBody": hex.EncodeToString(sum[:])})
}

func deleteMessage(q *request) (answer, error) {
	var in struct {
		QueueURL      string `json:"QueueUrl"`
		ReceiptHandle string
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, err := q.queue(in.QueueURL)
	if err != nil {
		return answer{}, err
	}
	if err := q.account.Queues.Delete(r.ID, in.ReceiptHandle); err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{})
}

func changeMessageVisibility(q *request) (answer, error) {
	var in struct {
		QueueURL          string `json:"QueueUrl"`
		ReceiptHandle     string
		VisibilityTimeout int
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, err := q.queue(in.QueueURL)
	if err != nil {
		return answer{}, err
	}
	hidden := time.Duration(in.VisibilityTimeout) * time.Second
	if err := q.account.Queues.Hide(r.ID, in.ReceiptHandle, hidden); err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{})
}

func purgeQueue(q *request) (answer, error) {
	r, err := q.queue(q.field("QueueUrl"))
	if err != nil {
		return answer{}, err
	}
	if err := q.account.Queues.Clear(r.ID); err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{})
}

// absentAttributes are those that no queue of the simulated account has.
func absentAttributes() []string {
	return []string{
		"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit", "RedrivePolicy",
		"RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds",
	}
}

func getQueueAttributes(q *request) (answer, error) {
	var in struct {
		QueueURL       string `json:"QueueUrl"`
		AttributeNames []string
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, err := q.queue(in.QueueURL)
	if err != nil {
		return answer{}, err
	}
	has, err := q.queueAttributes(r)
	if err != nil {
		return answer{}, err
	}
	asked := map[string]string{}
	for _, name := range in.AttributeNames {
		value, is := has[name]
		switch {
		case name == "All":
			return q.json(map[string]any{"Attributes": has})
		case is:
			asked[name] = value
		case name != "Policy" && !slices.Contains(absentAttributes(), name):
			return answer{}, invalid("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	if len(asked) == 0 {
		return q.json(map[string]any{})
	}
	return q.json(map[string]any{"Attributes": asked})
}

// queueAttributes are all that a queue has.
func (q *request) queueAttributes(r account.Resource) (map[string]string, error) {
	n, err := q.account.Queues.Counts(r.ID)
	if err != nil {
		return nil, err
	}
	p, made := r.All(), strconv.FormatInt(r.CreatedAt.Unix(), 10)
	out := map[string]string{
		"QueueArn": r.ARN, "CreatedTimestamp": made, "LastModifiedTimestamp": made,
		"ApproximateNumberOfMessages":           strconv.Itoa(n.Visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(n.Hidden),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(n.Delayed),
		"SqsManagedSseEnabled":                  strconv.FormatBool(truthy(p, "sqsManagedSseEnabled")),
	}
	for name, property := range map[string]string{
		"VisibilityTimeout": "visibilityTimeoutSeconds", "MaximumMessageSize": "maxMessageSize",
		"MessageRetentionPeriod": "messageRetentionSeconds", "DelaySeconds": "delaySeconds",
		"ReceiveMessageWaitTimeSeconds": "receiveWaitTimeSeconds",
	} {
		out[name] = strconv.Itoa(whole(p, property, 0))
	}
	policy := str(p, "policy")
	if own, ok := q.account.Get(account.KindQueuePolicy, r.ID); ok {
		policy = str(own.All(), "policy")
	}
	if policy != "" {
		out["Policy"] = policy
	}
	return out, nil
}

func deleteQueue(q *request) (answer, error) {
	var in struct {
		QueueURL string `json:"QueueUrl"`
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, err := q.queue(in.QueueURL)
	if err != nil {
		return answer{}, err
	}
	if err := q.account.Delete(q.ctx, q.caller, account.KindQueue, r.ID); err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{})
}

func listQueueTags(q *request) (answer, error) {
	r, err := q.queue(q.field("QueueUrl"))
	if err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{"Tags": stringTags(r.Tags)})
}

func oneRule(q *request) ([]need, error) { return on(q.arn("events", "rule/"+q.field("Name"))) }

// describeRule answers one EventBridge rule of the default bus.
func describeRule(q *request) (answer, error) {
	var in struct{ Name string }
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, ok := q.account.Get(account.KindEventRule, in.Name)
	if !ok || !q.visible(r) {
		return answer{}, invalid("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", in.Name)
	}
	state := str(r.All(), "state")
	if state == "" {
		state = "ENABLED"
	}
	return q.json(map[string]any{"Name": r.ID, "Arn": q.arnOf(r, "events", "rule/"+r.ID), "State": state,
		"EventBusName": "default",
		"EventPattern": str(r.All(), "eventPattern")})
}

func listRuleTags(q *request) (answer, error) {
	_, name, _ := strings.Cut(q.field("ResourceARN"), ":rule/")
	r, ok := q.account.Get(account.KindEventRule, name)
	if !ok || !q.visible(r) {
		return answer{}, invalid("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", name)
	}
	return q.json(map[string]any{"Tags": namedTags(r.Tags, "Key", "Value")})
}
