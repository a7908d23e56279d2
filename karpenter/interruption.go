// SPDX-License-Identifier: Apache-2.0

package karpenter

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/components/deployment"
	"emrflink/components/iamdoc"
)

// messageRetention is how long an event waits in the queue, in seconds. A spot warning comes two minutes ahead.
const messageRetention = 300

// event is one kind of event that ends or threatens an instance.
type event struct{ suffix, source, detailType string }

// events go to the queue. EventBridge sends those of the whole region: Karpenter ignores instances that are not its own.
func events() []event {
	return []event{
		{"health", "aws.health", "AWS Health Event"},
		{"spot-interruption", "aws.ec2", "EC2 Spot Instance Interruption Warning"},
		{"rebalance", "aws.ec2", "EC2 Instance Rebalance Recommendation"},
		{"state-change", "aws.ec2", "EC2 Instance State-change Notification"},
		{"capacity-reservation", "aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"},
	}
}

// interruption is the queue with the rules that fill it.
type interruption struct {
	name  pulumi.StringOutput
	needs []pulumi.CustomResource
}

func queueName(d *deployment.Deployment) string { return d.ResourceName("karpenter") }

func newInterruption(ctx *pulumi.Context, name string, d *deployment.Deployment,
	parent pulumi.ResourceOption) (*interruption, error) {
	qn := queueName(d)
	queue, err := sqs.NewQueue(ctx, name+"-queue", &sqs.QueueArgs{
		Name:                    pulumi.String(qn),
		MessageRetentionSeconds: pulumi.Int(messageRetention),
		SqsManagedSseEnabled:    pulumi.Bool(true),
		Tags:                    d.ResourceTags(qn),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("create queue %q: %w", qn, err)
	}
	document, err := QueuePolicy(d.ARN("sqs", qn)).JSON()
	if err != nil {
		return nil, err
	}
	policy, err := sqs.NewQueuePolicy(ctx, name+"-queue-policy", &sqs.QueuePolicyArgs{
		QueueUrl: queue.ID(), Policy: pulumi.String(document),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("set policy of queue %q: %w", qn, err)
	}
	i := &interruption{name: queue.Name, needs: []pulumi.CustomResource{queue, policy}}
	for _, e := range events() {
		target, err := eventRule(ctx, name, d, e, queue, parent)
		if err != nil {
			return nil, err
		}
		i.needs = append(i.needs, target)
	}
	return i, nil
}

func eventRule(ctx *pulumi.Context, name string, d *deployment.Deployment, e event, queue *sqs.Queue,
	parent pulumi.ResourceOption) (pulumi.CustomResource, error) {
	pattern, err := json.Marshal(struct {
		Source     []string `json:"source"`
		DetailType []string `json:"detail-type"`
	}{[]string{e.source}, []string{e.detailType}})
	if err != nil {
		return nil, fmt.Errorf("write event pattern %q: %w", e.suffix, err)
	}
	ruleName := d.ResourceName("karpenter-" + e.suffix)
	rule, err := cloudwatch.NewEventRule(ctx, name+"-"+e.suffix, &cloudwatch.EventRuleArgs{
		Name:         pulumi.String(ruleName),
		Description:  pulumi.String(e.detailType + " to Karpenter of " + d.Name),
		EventPattern: pulumi.String(pattern),
		Tags:         d.ResourceTags(ruleName),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("create event rule %q: %w", ruleName, err)
	}
	target, err := cloudwatch.NewEventTarget(ctx, name+"-"+e.suffix+"-target", &cloudwatch.EventTargetArgs{
		Rule: rule.Name, TargetId: pulumi.String("KarpenterInterruptionQueueTarget"), Arn: queue.Arn,
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("create target of event rule %q: %w", ruleName, err)
	}
	return target, nil
}

// QueuePolicy lets EventBridge send to the queue, and denies all requests without TLS.
func QueuePolicy(queueARN string) iamdoc.Document {
	send := iamdoc.Allow("EC2InterruptionPolicy", iamdoc.Strings{"sqs:SendMessage"}, iamdoc.Strings{queueARN})
	send.Principal = map[string]iamdoc.Strings{"Service": {"events.amazonaws.com", "sqs.amazonaws.com"}}
	// The wildcards are those of a Deny: they take away, from everyone, whatever the action.
	deny := iamdoc.Deny("DenyHTTP", iamdoc.Strings{"sqs:*"}, iamdoc.Strings{queueARN},
		iamdoc.Conditions{"Bool": {"aws:SecureTransport": {"false"}}})
	deny.Principal = map[string]iamdoc.Strings{"AWS": {"*"}}
	return iamdoc.New(send, deny)
}
