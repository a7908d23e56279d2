// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"crypto/md5" // #nosec G501 -- SQS states the MD5 of a message's body
	"encoding/hex"
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
)

// maxQueueWait is the longest poll that SQS allows.
const maxQueueWait = 20 * time.Second

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
	var in struct{ QueueName string }
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, err := q.queue(in.QueueName)
	if err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{"QueueUrl": r.ID})
}

func listQueues(q *request) (answer, error) {
	var in struct{ QueueNamePrefix string }
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	urls := []string{}
	for _, r := range q.account.List(account.KindQueue) {
		if q.visible(r) && strings.HasPrefix(queueName(r.ID), in.QueueNamePrefix) {
			urls = append(urls, r.ID)
		}
	}
	return q.json(map[string]any{"QueueUrls": urls})
}

// receiveMessage honours the long poll: a client that is answered at once asks
// again at once.
func receiveMessage(q *request) (answer, error) {
	var in struct {
		QueueURL            string `json:"QueueUrl"`
		MaxNumberOfMessages int
		WaitTimeSeconds     int
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	r, err := q.queue(in.QueueURL)
	if err != nil {
		return answer{}, err
	}
	wait := min(time.Duration(in.WaitTimeSeconds)*time.Second, maxQueueWait)
	got, err := q.account.Queues.Receive(q.ctx, r.ID, max(1, in.MaxNumberOfMessages), wait)
	if err != nil {
		if q.ctx.Err() == nil {
			return answer{}, err
		}
		got = nil // the client has gone: nothing was received
	}
	messages := []any{}
	for _, m := range got {
		sum := md5.Sum([]byte(m.Body)) // #nosec G401
		messages = append(messages, map[string]any{"MessageId": m.ID, "Body": m.Body, "ReceiptHandle": m.Receipt,
			"MD5OfBody": hex.EncodeToString(sum[:])})
	}
	if len(messages) == 0 {
		return q.json(map[string]any{})
	}
	return q.json(map[string]any{"Messages": messages})
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
