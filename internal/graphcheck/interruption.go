// SPDX-License-Identifier: Apache-2.0

package graphcheck

import (
	"slices"
	"strings"

	"emrflink/internal/untyped"
)

const (
	typeRule   = "aws:cloudwatch/eventRule:EventRule"
	typeTarget = "aws:cloudwatch/eventTarget:EventTarget"
	typeQueue  = "aws:sqs/queue:Queue"
)

// Interruption: the five events of Karpenter's documentation reach the queue that the controller reads. Without the spot
// warning the nodes' two minutes pass unused.
func Interruption(w *World) []string {
	var out report
	queue := w.output("karpenterQueue")
	setting := text(w.resource("karpenter-chart"), "values", "settings", "interruptionQueue")
	out.add(setting != queue || queue == "", "karpenter-chart: the controller reads queue %q, events go to %q", setting, queue)
	targets := map[string]string{}
	for _, t := range w.of(typeTarget) {
		targets[text(t, "rule")] = lastPart(text(t, "arn"), ":")
	}
	var heard []string
	for _, r := range w.of(typeRule) {
		pattern := decoded(r, "eventPattern")
		for _, source := range untyped.Texts(pattern["source"]) {
			for _, detail := range untyped.Texts(pattern["detail-type"]) {
				if targets[text(r, "name")] == queue {
					heard = append(heard, source+" "+detail)
				}
			}
		}
		out.add(targets[text(r, "name")] != queue, "%s: its target is not the queue", r.Name)
	}
	for _, want := range []string{
		"aws.health AWS Health Event", "aws.ec2 EC2 Spot Instance Interruption Warning",
		"aws.ec2 EC2 Instance Rebalance Recommendation",
		"aws.ec2 EC2 Instance State-change Notification", "aws.ec2 EC2 Capacity Reservation Instance Interruption Warning",
	} {
		out.add(!slices.Contains(heard, want), "no rule brings %q to the queue", want)
	}
	for _, q := range w.of(typeQueue) {
		out.add(text(q, "sqsManagedSseEnabled") != "true", "%s: messages are not encrypted", q.Name)
		out.add(text(q, "messageRetentionSeconds") != "300", "%s: messages are kept for %s s: an old warning ends a new node",
			q.Name, text(q, "messageRetentionSeconds"))
		out.add(!strings.HasSuffix(text(q, "name"), "-karpenter"), "%s: name %q", q.Name, text(q, "name"))
	}
	return out
}
