// SPDX-License-Identifier: Apache-2.0

package awskind

// serviceRows are the services of which the blueprint uses a few kinds only.
func serviceRows() []Kind {
	return []Kind{
		{
			// https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
			Type: "aws:kms/key:Key", Terraform: "aws_kms_key", Simulated: "kms:key", Tags: Tagged, Inventory: "key",
			Price: "kms-key", Billed: "KMS key", Usage: "KMS: requests, and rotated key versions",
			Command: "kms schedule-key-deletion --key-id {id}", Scope: "id",
			Loss: "what is encrypted with it can never be read again once its waiting period is over", Gravity: 10,
			Adopt: AdoptByTags, Show: "kms list-resource-tags --key-id {id}", Phase: PhaseRest,
		},
		{
			Type: "aws:kms/alias:Alias", Terraform: "aws_kms_alias", Simulated: "kms:alias", Tags: Untagged, Inventory: NotListed,
			Price: Free, Loss: "users of the key cannot find it by this name until it is back",
			Adopt: "{name}", Owner: "key {targetKeyId}", Phase: PhaseRest,
		},
		{
			Type: "aws:sqs/queue:Queue", Terraform: "aws_sqs_queue", Simulated: "sqs:queue", Tags: Tagged, Inventory: "queue",
			Price: Free, Usage: "SQS: requests", Sweep: 80, Command: "sqs delete-queue --queue-url {id}", Scope: "name",
			Loss:    "Karpenter gets no interruption events until there is another; messages in it are lost",
			Gravity: 170, Adopt: "https://sqs.{@region}.{@domain}/{@account}/{name}",
			Show: "sqs list-queue-tags --queue-url {id}", Phase: PhaseRest,
		},
		{
			Type: "aws:sqs/queuePolicy:QueuePolicy", Terraform: "aws_sqs_queue_policy", Simulated: "sqs:queuePolicy",
			Tags: Untagged, Inventory: NotListed, Price: Free,
			Loss: "events do not reach the queue until it is back", Adopt: "{queueUrl}",
			Owner: "queue {queueUrl}", Phase: PhaseRest,
		},
		{
			Type: "aws:cloudwatch/eventRule:EventRule", Terraform: "aws_cloudwatch_event_rule", Simulated: "events:rule",
			Tags: Tagged, Inventory: "rule", Price: Free, Command: "events delete-rule --name {id}", Scope: "name",
			Loss: "Karpenter does not get these events until there is a rule again", Adopt: "{name}",
			Show: "events describe-rule --name {id}", Phase: PhaseRest,
		},
		{
			Type: "aws:cloudwatch/eventTarget:EventTarget", Terraform: "aws_cloudwatch_event_target", Simulated: "events:target",
			Tags: Untagged, Inventory: NotListed, Price: Free,
			Loss:  "Karpenter does not get these events until there is a target again",
			Adopt: "{rule}-{targetId}", Owner: "rule {rule}", Phase: PhaseRest,
		},
		{
			Type: "aws:cloudwatch/logGroup:LogGroup", Terraform: "aws_cloudwatch_log_group", Simulated: "logs:logGroup",
			Tags: Tagged, Inventory: "log-group",
			Price: Free, Usage: "CloudWatch Logs: ingestion and storage, per GB",
			Sweep: 90, Command: "logs delete-log-group --log-group-name {id}", Scope: "name",
			Loss: "all log events in it are lost", Gravity: 130, Adopt: "{name}",
			Show: "logs describe-log-groups --log-group-name-prefix {id}", Phase: PhaseRest,
		},
	}
}
