// SPDX-License-Identifier: Apache-2.0

package account

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/localcloud/logs"
	"emrflink/internal/localcloud/queues"
	"emrflink/internal/pattern"
)

var (
	queueName    = pattern.Lazy(`^[A-Za-z0-9_-]{1,80}$`)
	ruleName     = pattern.Lazy(`^[.\-_A-Za-z0-9]{1,64}$`)
	logGroupName = pattern.Lazy(`^[.\-_/#A-Za-z0-9]{1,512}$`)
)

// messagingKinds are queues, event rules and targets, and log groups.
func messagingKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindQueue: {
			missing: queues.NoSuchQueue,
			usable:  stateAvailable,
			refused: []string{"fifoQueue", "redrivePolicy", "redriveAllowPolicy", "kmsMasterKeyId"},
			check:   checkQueue,
			make: func(t *tx, r *Resource) error {
				r.Name = str(r.Props, "name")
				r.ID = t.queueURL(r.Name)
				r.ARN = t.arn("sqs", r.Name)
				r.Attrs = Props{"arn": r.ARN, "url": r.ID}
				defaults(r.Attrs, r.Props, Props{
					"visibilityTimeoutSeconds": 30.0, "messageRetentionSeconds": 345600.0, "maxMessageSize": 262144.0,
					"delaySeconds": 0.0, "receiveWaitTimeSeconds": 0.0, "sqsManagedSseEnabled": true, "fifoQueue": false,
				})
				return nil
			},
			gone: func(t *tx, r *Resource) {
				t.a.Queues.Purge(t.Tx, r.ID)
				t.remove(KindQueuePolicy, r.ID)
			},
		},
		KindQueuePolicy: {
			missing: queues.NoSuchQueue,
			usable:  stateAvailable,
			refs:    []ref{{path: "queueUrl", kind: KindQueue, required: true}},
			check:   func(_ *tx, p Props, _ string) error { return checkQueuePolicy(str(p, "policy")) },
			make:    func(_ *tx, r *Resource) error { r.ID = str(r.Props, "queueUrl"); return nil },
		},
		KindEventRule: {
			missing: func(id string) *awserror.Error { return noSuchEKS("Rule %s does not exist on EventBus default.", id) },
			usable:  "ENABLED",
			refused: []string{"scheduleExpression", "roleArn"},
			check:   checkEventRule,
			make: func(t *tx, r *Resource) error {
				r.ID, r.Name = str(r.Props, "name"), str(r.Props, "name")
				r.ARN = t.arn("events", "rule/"+r.Name)
				r.Attrs = Props{"arn": r.ARN}
				defaults(r.Attrs, r.Props, Props{"eventBusName": "default", "state": "ENABLED"})
				return nil
			},
			blocked: func(t *tx, r *Resource) error {
				if flag(r.Props, "forceDestroy") ||
					t.first(KindEventTarget, func(x *Resource) bool { return str(x.Props, "rule") == r.ID }) == nil {
					return nil
				}
				return awserror.Bad("ValidationException", "Rule can't be deleted since it has targets.")
			},
			gone: func(t *tx, r *Resource) {
				t.destroyWhere(KindEventTarget, func(x *Resource) bool { return str(x.Props, "rule") == r.ID })
			},
		},
		KindEventTarget: targetSpec(),
		KindLogGroup: {
			missing: logs.NoSuchGroup,
			usable:  stateAvailable,
			check:   checkLogGroup,
			make: func(t *tx, r *Resource) error {
				logGroupAttrs(t, r)
				return nil
			},
			gone: func(t *tx, r *Resource) { t.a.Logs.Drop(t.Tx, r.ID) },
		},
	}
}

// targetSpec is the rule of event targets, which are queues.
func targetSpec() *spec {
	return &spec{
		missing: func(id string) *awserror.Error { return noSuchEKS("Target %s does not exist.", id) },
		usable:  stateAvailable,
		refused: []string{"input", "inputPath", "inputTransformer", "ecsTarget", "batchTarget", "httpTarget", "kinesisTarget",
			"runCommandTargets", "deadLetterConfig"},
		refs: []ref{{path: "rule", kind: KindEventRule, required: true}},
		check: func(t *tx, p Props, self string) error {
			if !strings.Contains(str(p, "arn"), ":sqs:") {
				return awserror.Status(http.StatusNotImplemented, "NotImplemented",
					"the local account delivers events to SQS queues only, not to %q", str(p, "arn"))
			}
			n := t.count(KindEventTarget, func(r *Resource) bool {
				return r.ID != self && str(r.Props, "rule") == str(p, "rule")
			})
			if n >= 5 {
				return awserror.Bad("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
			}
			return nil
		},
		make: func(_ *tx, r *Resource) error {
			if str(r.Props, "targetId") == "" {
				r.Props["targetId"] = "target-" + awsid.Hex(16)
			}
			r.ID = fmt.Sprintf("%s-%s", str(r.Props, "rule"), str(r.Props, "targetId"))
			return nil
		},
	}
}

func (t *tx) queueURL(name string) string {
	return "https://sqs." + t.region() + ".amazonaws.com/" + t.a.opts.AccountID + "/" + name
}

func checkQueue(t *tx, p Props, self string) error {
	name := str(p, "name")
	if !queueName().MatchString(name) {
		return awserror.Bad("InvalidParameterValue",
			"Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length: %q", name)
	}
	if self == "" && t.get(KindQueue, t.queueURL(name)) != nil {
		return awserror.Bad("QueueAlreadyExists",
			"A queue already exists with the same name and a different value for an attribute")
	}
	for name, limits := range map[string][2]float64{
		"visibilityTimeoutSeconds": {0, 43200}, "messageRetentionSeconds": {60, 1209600},
		"receiveWaitTimeSeconds": {0, 20}, "delaySeconds": {0, 900},
	} {
		if v, ok := number(p, name); ok && (v < limits[0] || v > limits[1]) {
			return awserror.Bad("InvalidAttributeValue", "Invalid value for the parameter %s: %.0f is not between %.0f and %.0f",
				name,
				v, limits[0], limits[1])
		}
	}
	return checkQueuePolicy(str(p, "policy"))
}

// queue is what the messages need to know of their queue.
func (t *tx) queue(url string) (queues.Queue, bool) {
	r := t.get(KindQueue, url)
	if r == nil {
		return queues.Queue{}, false
	}
	all := r.All()
	seconds := func(name string) time.Duration {
		n, _ := number(all, name)
		return time.Duration(n) * time.Second
	}
	return queues.Queue{
		Delay: seconds("delaySeconds"), Retention: seconds("messageRetentionSeconds"),
		Visibility: seconds("visibilityTimeoutSeconds"), ReceiveWait: seconds("receiveWaitTimeSeconds"),
	}, true
}

func checkQueuePolicy(text string) error {
	if text == "" {
		return nil
	}
	doc, err := parsePolicy(text)
	if err == nil {
		err = doc.CheckResource()
	}
	if err != nil {
		return awserror.Bad("InvalidAttributeValue", "Invalid value for the parameter Policy: %v", err)
	}
	return nil
}

func checkEventRule(t *tx, p Props, self string) error {
	name := str(p, "name")
	if !ruleName().MatchString(name) {
		return awserror.Bad("ValidationException", "Value %q at 'name' failed to satisfy constraint: %s", name, ruleName())
	}
	if bus := str(p, "eventBusName"); bus != "" && bus != "default" {
		return noSuchEKS("Event bus %s does not exist.", bus)
	}
	if state := orElse(str(p, "state"), "ENABLED"); state != "ENABLED" && state != "DISABLED" {
		return awserror.Bad("ValidationException", "Value %q at 'state' is neither ENABLED nor DISABLED", state)
	}
	if _, err := parsePattern(str(p, "eventPattern")); err != nil {
		return awserror.Bad("InvalidEventPatternException", "Event pattern is not valid. Reason: %v", err)
	}
	if self == "" && t.get(KindEventRule, name) != nil {
		return awserror.Bad("ResourceAlreadyExistsException", "Rule %s already exists.", name) // PutRule would overwrite it
	}
	return nil
}

// retentions are the values that CloudWatch Logs takes; 0 keeps for ever.
func retentions() []float64 {
	return []float64{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

func checkLogGroup(t *tx, p Props, self string) error {
	name := str(p, "name")
	if !logGroupName().MatchString(name) {
		return awserror.Bad("InvalidParameterException", "Value %q at 'logGroupName' failed to satisfy constraint: %s", name,
			logGroupName())
	}
	if days, ok := number(p, "retentionInDays"); ok && !slices.Contains(retentions(), days) {
		return awserror.Bad("InvalidParameterException", "Retention of %.0f days is not one of %v", days, retentions())
	}
	if self == "" && t.get(KindLogGroup, name) != nil {
		return awserror.Bad("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	if key := str(p, "kmsKeyId"); key != "" {
		return t.logsMayUse(key, name)
	}
	return nil
}

func logGroupAttrs(t *tx, r *Resource) {
	r.ID, r.Name = str(r.Props, "name"), str(r.Props, "name")
	r.ARN = t.arn("logs", "log-group:"+r.Name)
	r.Attrs = Props{"arn": r.ARN}
	defaults(r.Attrs, r.Props, Props{"retentionInDays": 0.0, "logGroupClass": "STANDARD", "skipDestroy": false})
}

// makeLogGroup makes a log group in the name of a service.
func (t *tx) makeLogGroup(name, by string) {
	r := t.made(KindLogGroup, "", "", by, Props{"name": name}, nil, map[string]string{})
	logGroupAttrs(t, r)
	t.put(r)
}
