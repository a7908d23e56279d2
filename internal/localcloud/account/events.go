// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awsid"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// event is an EventBridge event of the default bus.
type event struct {
	Source, DetailType, Region string
	Resources                  []string
	Detail                     Props
}

// instanceEvent reports the state of an instance.
func (t *tx) instanceEvent(r *Resource) {
	t.emit(event{
		Source: "aws.ec2", DetailType: "EC2 Instance State-change Notification", Region: r.Region, Resources: []string{r.ARN},
		Detail: Props{"instance-id": r.ID, "state": r.State},
	})
}

// emit delivers an event to the queues behind the matching rules, as far as their policies allow it. An
// event that cannot be delivered is lost, as it is on AWS without a dead-letter queue.
func (t *tx) emit(e event) {
	if len(t.a.tables[KindEventRule]) == 0 {
		return
	}
	body := Props{
		"version": "0", "id": awsid.UUID(), "detail-type": e.DetailType, "source": e.Source, "account": t.a.opts.AccountID,
		"time": stamp(t.Now), "region": e.Region, "resources": anyStrings(e.Resources), "detail": e.Detail,
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.a.log.Error("encode event", "error", err)
		return
	}
	for _, rule := range t.where(KindEventRule, func(r *Resource) bool { return r.Region == e.Region && ruleEnabled(r) }) {
		pattern, err := parsePattern(str(rule.Props, "eventPattern"))
		if err != nil || !matchPattern(pattern, body) {
			continue
		}
		for _, target := range t.where(KindEventTarget, func(r *Resource) bool { return str(r.Props, "rule") == rule.ID }) {
			key, ok := t.a.byARN[str(target.Props, "arn")]
			if !ok || key.kind != KindQueue {
				continue
			}
			if !t.queueAdmits(key.id, rule.ARN) {
				t.a.log.Warn("the queue's policy does not admit the event", "queue", key.id, "rule", rule.ID)
				continue
			}
			t.a.Queues.Deliver(t.Tx, key.id, string(raw))
		}
	}
}

func ruleEnabled(r *Resource) bool {
	if v, ok := r.Props["isEnabled"].(bool); ok && !v {
		return false
	}
	return str(r.Props, "state") != "DISABLED"
}

// PutEvent delivers an event of the given source and detail type in the account's region, as AWS Health or
// EC2 would: it is how a drill injects what the account does not cause by itself.
func (a *Account) PutEvent(source, detailType string, resources []string, detail Props) error {
	return a.do(Caller{}, func(t *tx) error {
		t.emit(event{Source: source, DetailType: detailType, Region: t.region(), Resources: resources, Detail: detail})
		return nil
	})
}

// parsePattern reads an event pattern: objects of lists of values. The content filters of EventBridge
// (prefix, numeric, anything-but, ...) are refused by name.
func parsePattern(text string) (Props, error) {
	if text == "" {
		return nil, errors.New("an event pattern is needed")
	}
	var p Props
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if len(p) == 0 {
		return nil, errors.New("the pattern is empty")
	}
	return p, checkPattern(p)
}

func checkPattern(p Props) error {
	for key, v := range p {
		switch v := v.(type) {
		case map[string]any:
			if err := checkPattern(v); err != nil {
				return err
			}
		case []any:
			if len(v) == 0 {
				return fmt.Errorf("%q must not be empty", key)
			}
			for _, item := range v {
				if filter, ok := item.(map[string]any); ok {
					for name := range filter {
						return fmt.Errorf("the content filter %q of %q is not supported", name, key)
					}
				}
			}
		default:
			return fmt.Errorf("%q must be an object or an array", key)
		}
	}
	return nil
}

func matchPattern(p Props, body Props) bool {
	for key, want := range p {
		got, ok := body[key]
		if !ok {
			return false
		}
		switch want := want.(type) {
		case map[string]any:
			inner, ok := got.(map[string]any)
			if !ok || !matchPattern(want, inner) {
				return false
			}
		case []any:
			values, isList := got.([]any)
			if !isList {
				values = []any{got}
			}
			if !slices.ContainsFunc(values, func(v any) bool { return slices.Contains(want, v) }) {
				return false
			}
		}
	}
	return true
}
