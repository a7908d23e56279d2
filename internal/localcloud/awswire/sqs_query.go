// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// nsSQS is the namespace of SQS's older protocol, in which clients of before November 2023 ask and are answered.
const nsSQS = "http://queue.amazonaws.com/doc/2012-11-05/"

// queueForm turns the form of the older protocol into the fields of the newer one. A client that does not name its queue asks at
// the queue's URL.
func (q *request) queueForm() error {
	fields := map[string]any{}
	for name, p := range q.form.kids {
		switch n, err := strconv.Atoi(p.value); {
		case name == "Action" || name == "Version":
		case p.kids != nil: // AttributeName.1: the list has its name in the plural
			fields[name+"s"] = q.form.strings(name)
		case err == nil && !strings.Contains(name, "Queue") && name != "MessageBody" && name != "ReceiptHandle":
			fields[name] = n
		default:
			fields[name] = p.value
		}
	}
	if at := q.http.URL.Path; fields["QueueUrl"] == nil && len(at) > 1 {
		fields["QueueUrl"] = at
	}
	var err error
	q.fields = fields
	q.body, err = json.Marshal(fields)
	return err
}

// queueNodes is an answer of the newer protocol in the shape of the older one.
func queueNodes(fields map[string]any) []node {
	var out []node
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		one := strings.TrimSuffix(name, "s")
		switch v := fields[name].(type) {
		case string:
			out = append(out, txt(name, v))
		case []string:
			for _, text := range v {
				out = append(out, txt(one, text))
			}
		case []any:
			for _, item := range v {
				if m, ok := item.(map[string]any); ok {
					out = append(out, el(one, queueNodes(m)...))
				}
			}
		case map[string]string:
			key := map[string]string{"Tags": "Key", "Attributes": "Name"}[name]
			for _, k := range slices.Sorted(maps.Keys(v)) {
				out = append(out, el(one, txt(key, k), txt("Value", v[k])))
			}
		}
	}
	return out
}
