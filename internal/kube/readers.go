// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Condition is one entry of status.conditions.
type Condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Waiting is a container that does not run, with the kubelet's reason.
type Waiting struct {
	Container, Reason, Message string
	Last                       string // how its last run ended; "" when there was none
}

// Pod is what the tool reads of a pod.
type Pod struct {
	Namespace, Name string
	Node            string // "" while it is not scheduled
	Phase           string // Pending, Running, Succeeded, Failed, Unknown
	Ready           bool
	Deleting        bool
	IP              string // "" before it runs
	Labels          map[string]string
	Scheduled       Condition // type PodScheduled; Status "" when not reported yet
	Waiting         []Waiting
	Restarts        int   // of its containers, together
	MilliCPU, MiB   int64 // what its containers ask for, together
	Ended           []Ended
	Why             string // of a pod that was evicted or refused by its kubelet
	Created         time.Time
}

// Ended is how the last run of a container ended, or the only one.
type Ended struct {
	Container, Reason, Message string
	Code                       int
	At                         time.Time
}

// LastEnd is when a container of the pod ended last; zero when none did.
func (p Pod) LastEnd() time.Time {
	var last time.Time
	for _, e := range p.Ended {
		if e.At.After(last) {
			last = e.At
		}
	}
	return last
}

// Node is what the tool reads of a node.
type Node struct {
	Name         string `json:"name"`
	InstanceType string `json:"instanceType"`
	// "spot", "on-demand" or "" (managed node groups say SPOT, ON_DEMAND in another label)
	CapacityType string `json:"capacityType"`
	NodePool     string `json:"nodePool"` // "" for a managed node group
	NodeGroup    string `json:"-"`        // "" for a Karpenter node
	Zone         string `json:"-"`
	Arch         string `json:"-"`
	Ready        bool   `json:"-"`
}

// Event is what the tool reads of an event.
type Event struct {
	Type, Reason, Message, Source string
	Object                        Ref
	Last                          time.Time
	Count                         int
}

// NodeClaim is Karpenter's request for one node.
type NodeClaim struct {
	Name, NodePool, Node, InstanceType, CapacityType string
	Deleting                                         bool
	Conditions                                       []Condition
	Created                                          time.Time
}

// Conditions reads status.conditions of any object.
func Conditions(obj *unstructured.Unstructured) []Condition {
	var o struct {
		Status struct {
			Conditions []Condition `json:"conditions"`
		} `json:"status"`
	}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, &o) != nil {
		return nil
	}
	return o.Status.Conditions
}

// ConditionOf gives the condition of the type; its Status is "" when absent.
func ConditionOf(list []Condition, t string) Condition {
	for _, c := range list {
		if c.Type == t {
			return c
		}
	}
	return Condition{Type: t}
}

// Pods lists the pods of a namespace ("" = all) by label selector, by name.
func (c *Client) Pods(ctx context.Context, namespace, selector string) ([]Pod, error) {
	objs, err := c.List(ctx, KindPod, ListOptions{Namespace: namespace, Labels: selector})
	if err != nil {
		return nil, err
	}
	return PodsFrom(objs), nil
}

// Nodes lists all nodes by name.
func (c *Client) Nodes(ctx context.Context) ([]Node, error) {
	objs, err := c.List(ctx, KindNode, ListOptions{})
	if err != nil {
		return nil, err
	}
	return NodesFrom(objs), nil
}

// Events lists the events of a namespace ("" = all), oldest first.
func (c *Client) Events(ctx context.Context, namespace string) ([]Event, error) {
	objs, err := c.List(ctx, KindEvent, ListOptions{Namespace: namespace})
	if err != nil {
		return nil, err
	}
	return EventsFrom(objs), nil
}

// NodeClaims lists Karpenter's NodeClaims; a cluster without Karpenter has none.
func (c *Client) NodeClaims(ctx context.Context) ([]NodeClaim, error) {
	objs, err := c.List(ctx, KindNodeClaim, ListOptions{})
	if IsNoKind(err) || IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return NodeClaimsFrom(objs), nil
}

type podWire struct {
	Spec struct {
		NodeName   string `json:"nodeName"`
		Containers []struct {
			Resources struct {
				Requests map[string]string `json:"requests"`
			} `json:"resources"`
		} `json:"containers"`
	} `json:"spec"`
	Status struct {
		Phase                 string          `json:"phase"`
		PodIP                 string          `json:"podIP"`
		Reason                string          `json:"reason"`
		Message               string          `json:"message"`
		Conditions            []Condition     `json:"conditions"`
		ContainerStatuses     []containerWire `json:"containerStatuses"`
		InitContainerStatuses []containerWire `json:"initContainerStatuses"`
	} `json:"status"`
}

type containerWire struct {
	Name         string `json:"name"`
	RestartCount int    `json:"restartCount"`
	State        struct {
		Waiting *struct {
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"waiting"`
		Terminated *endWire `json:"terminated"`
	} `json:"state"`
	LastState struct {
		Terminated *endWire `json:"terminated"`
	} `json:"lastState"`
}

type endWire struct {
	ExitCode int    `json:"exitCode"`
	Reason   string `json:"reason"`
	Message  string `json:"message"`
	Finished string `json:"finishedAt"`
}

// ended is how the container ended last; ok is false when it never did, or is one that was to end.
func (c containerWire) ended() (e Ended, ok bool) {
	t := c.State.Terminated
	if t == nil {
		t = c.LastState.Terminated
	}
	if t == nil || t.ExitCode == 0 && t.Reason == "Completed" {
		return e, false
	}
	at, _ := time.Parse(time.RFC3339, t.Finished) // zero when it is not said
	return Ended{Container: c.Name, Reason: t.Reason, Message: t.Message, Code: t.ExitCode, At: at}, true
}

// lastEnd is how the last run of a container ended.
func (c containerWire) lastEnd() string {
	t := c.LastState.Terminated
	if t == nil {
		return ""
	}
	end := fmt.Sprintf("exit code %d (%s)", t.ExitCode, t.Reason)
	if t.Message != "" {
		end += ": " + t.Message
	}
	return end
}

// PodsFrom reads pods from raw objects, ordered by namespace and name.
func PodsFrom(objs []unstructured.Unstructured) []Pod {
	pods := make([]Pod, 0, len(objs))
	for i := range objs {
		o := &objs[i]
		var w podWire
		if runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &w) != nil {
			continue
		}
		p := Pod{
			Namespace: o.GetNamespace(), Name: o.GetName(), Node: w.Spec.NodeName, Phase: w.Status.Phase,
			Ready:     ConditionOf(w.Status.Conditions, "Ready").Status == "True",
			Deleting:  o.GetDeletionTimestamp() != nil,
			IP:        w.Status.PodIP,
			Labels:    o.GetLabels(),
			Scheduled: ConditionOf(w.Status.Conditions, "PodScheduled"),
			Created:   o.GetCreationTimestamp().Time,
			Why:       strings.Trim(w.Status.Reason+": "+w.Status.Message, ": "),
		}
		for _, c := range w.Spec.Containers {
			cpu, errCPU := resource.ParseQuantity(c.Resources.Requests["cpu"])
			memory, errMemory := resource.ParseQuantity(c.Resources.Requests["memory"])
			if errCPU == nil && errMemory == nil { // of a container that asks for nothing, nothing is counted
				p.MilliCPU, p.MiB = p.MilliCPU+cpu.MilliValue(), p.MiB+memory.Value()>>20
			}
		}
		for _, cs := range append(w.Status.InitContainerStatuses, w.Status.ContainerStatuses...) {
			p.Restarts += cs.RestartCount
			if e, ok := cs.ended(); ok {
				p.Ended = append(p.Ended, e)
			}
			if cs.State.Waiting != nil {
				p.Waiting = append(p.Waiting, Waiting{
					Container: cs.Name, Reason: cs.State.Waiting.Reason, Message: cs.State.Waiting.Message, Last: cs.lastEnd(),
				})
			}
		}
		pods = append(pods, p)
	}
	sort.Slice(pods, func(i, j int) bool {
		return pods[i].Namespace+"/"+pods[i].Name < pods[j].Namespace+"/"+pods[j].Name
	})
	return pods
}

// NodesFrom reads nodes from raw objects, ordered by name.
func NodesFrom(objs []unstructured.Unstructured) []Node {
	nodes := make([]Node, 0, len(objs))
	for i := range objs {
		l := objs[i].GetLabels()
		n := Node{
			Name:         objs[i].GetName(),
			InstanceType: l["node.kubernetes.io/instance-type"],
			CapacityType: l["karpenter.sh/capacity-type"],
			NodePool:     l["karpenter.sh/nodepool"],
			NodeGroup:    l["eks.amazonaws.com/nodegroup"],
			Zone:         l["topology.kubernetes.io/zone"],
			Arch:         l["kubernetes.io/arch"],
			Ready:        ConditionOf(Conditions(&objs[i]), "Ready").Status == "True",
		}
		if n.CapacityType == "" {
			switch l["eks.amazonaws.com/capacityType"] {
			case "ON_DEMAND":
				n.CapacityType = "on-demand"
			case "SPOT":
				n.CapacityType = "spot"
			}
		}
		nodes = append(nodes, n)
	}
	sort.Slice(nodes, func(i, j int) bool { return nodes[i].Name < nodes[j].Name })
	return nodes
}

type eventWire struct {
	Type           string `json:"type"`
	Reason         string `json:"reason"`
	Message        string `json:"message"`
	Count          int    `json:"count"`
	LastTimestamp  string `json:"lastTimestamp"`
	EventTime      string `json:"eventTime"`
	ReportingName  string `json:"reportingComponent"`
	InvolvedObject struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Namespace  string `json:"namespace"`
		Name       string `json:"name"`
	} `json:"involvedObject"`
	Source struct {
		Component string `json:"component"`
	} `json:"source"`
}

// EventsFrom reads events from raw objects, oldest first.
func EventsFrom(objs []unstructured.Unstructured) []Event {
	events := make([]Event, 0, len(objs))
	for i := range objs {
		var w eventWire
		if runtime.DefaultUnstructuredConverter.FromUnstructured(objs[i].Object, &w) != nil {
			continue
		}
		e := Event{
			Type: w.Type, Reason: w.Reason, Message: w.Message, Count: max(w.Count, 1), Source: w.Source.Component,
			Object: Kind{w.InvolvedObject.APIVersion, w.InvolvedObject.Kind}.Ref(w.InvolvedObject.Namespace,
				w.InvolvedObject.Name),
			Last: objs[i].GetCreationTimestamp().Time,
		}
		if e.Source == "" {
			e.Source = w.ReportingName
		}
		for _, stamp := range []string{w.LastTimestamp, w.EventTime} {
			if t, err := time.Parse(time.RFC3339Nano, stamp); err == nil && t.After(e.Last) {
				e.Last = t
			}
		}
		events = append(events, e)
	}
	sort.SliceStable(events, func(i, j int) bool { return events[i].Last.Before(events[j].Last) })
	return events
}

// NodeClaimsFrom reads NodeClaims from raw objects, ordered by name.
func NodeClaimsFrom(objs []unstructured.Unstructured) []NodeClaim {
	claims := make([]NodeClaim, 0, len(objs))
	for i := range objs {
		o := &objs[i]
		node, _, _ := unstructured.NestedString(o.Object, "status", "nodeName")
		l := o.GetLabels()
		claims = append(claims, NodeClaim{
			Name: o.GetName(), NodePool: l["karpenter.sh/nodepool"], Node: node,
			InstanceType: l["node.kubernetes.io/instance-type"], CapacityType: l["karpenter.sh/capacity-type"],
			Deleting: o.GetDeletionTimestamp() != nil, Conditions: Conditions(o), Created: o.GetCreationTimestamp().Time,
		})
	}
	sort.Slice(claims, func(i, j int) bool { return claims[i].Name < claims[j].Name })
	return claims
}
