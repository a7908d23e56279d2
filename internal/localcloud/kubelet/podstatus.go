// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const simulatedMessage = "simulated: no container runs on the local target"

// creating is why a container does not run yet when nothing is wrong.
func creating(corev1.Container) corev1.ContainerStateWaiting {
	return corev1.ContainerStateWaiting{Reason: Creating}
}

// pullFails names an image that cannot be pulled.
func pullFails(image, why string) func(corev1.Container) corev1.ContainerStateWaiting {
	return func(c corev1.Container) corev1.ContainerStateWaiting {
		if c.Image != image {
			return creating(c)
		}
		return corev1.ContainerStateWaiting{
			Reason: "ImagePullBackOff", Message: fmt.Sprintf("Back-off pulling image %q: %s", image, why),
		}
	}
}

// Reasons of a container that waits for its start.
const (
	Creating    = "ContainerCreating"
	ConfigError = "CreateContainerConfigError" // a ConfigMap or a Secret of its environment is missing
)

// held tells why a Holder does not start its container.
func held(container, reason, why string) func(corev1.Container) corev1.ContainerStateWaiting {
	return func(c corev1.Container) corev1.ContainerStateWaiting {
		if c.Name == container {
			return corev1.ContainerStateWaiting{Reason: reason, Message: why}
		}
		return creating(c)
	}
}

// waiting is a pod on a node whose containers do not run yet.
func waiting(s *corev1.PodStatus, pod *corev1.Pod, node *corev1.Node, why func(corev1.Container) corev1.ContainerStateWaiting) {
	start(s, node)
	s.Phase = corev1.PodPending
	setCondition(s, corev1.PodInitialized, len(pod.Spec.InitContainers) == 0, "ContainersNotInitialized", "")
	setCondition(s, corev1.ContainersReady, false, "ContainersNotReady", "")
	setCondition(s, corev1.PodReady, false, "ContainersNotReady", "")
	state := func(c corev1.Container) corev1.ContainerStatus {
		return corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, State: corev1.ContainerState{Waiting: new(why(c))}, Started: new(false),
		}
	}
	s.InitContainerStatuses = each(pod.Spec.InitContainers, state)
	s.ContainerStatuses = each(pod.Spec.Containers, state)
}

// running is a pod all of whose containers run; down is what keeps its runner from working, if it has one.
func running(s *corev1.PodStatus, pod *corev1.Pod, node *corev1.Node, ip string, down error) {
	start(s, node)
	now := metav1.Now()
	s.Phase = corev1.PodRunning
	s.PodIP, s.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	run := func(c corev1.Container) corev1.ContainerStatus {
		return corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: c.Image, ContainerID: "simulated://" + string(pod.UID) + "/" + c.Name,
			Ready: true, Started: new(true), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		}
	}
	s.InitContainerStatuses = each(pod.Spec.InitContainers, func(c corev1.Container) corev1.ContainerStatus {
		st := run(c)
		if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways { // not a sidecar
			st.Started = new(false)
			st.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				Reason: "Completed", StartedAt: now, FinishedAt: now, ContainerID: st.ContainerID,
			}}
		}
		return st
	})
	s.ContainerStatuses = each(pod.Spec.Containers, run)
	setCondition(s, corev1.PodInitialized, true, "", "")
	health(s, down)
}

// health shows a runner that does not work the way a kubelet shows a program that does not.
func health(s *corev1.PodStatus, down error) {
	now := metav1.Now()
	for i := range s.ContainerStatuses {
		c := &s.ContainerStatuses[i]
		c.Ready = down == nil
		switch {
		case down == nil && c.State.Running == nil:
			c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
		case down != nil && !isStarting(down):
			if c.State.Waiting == nil {
				c.RestartCount++
			}
			c.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason: "CrashLoopBackOff", Message: down.Error(),
			}}
		}
	}
	reason, message := "", simulatedMessage
	if down != nil {
		reason, message = "ContainersNotReady", down.Error()
	}
	setCondition(s, corev1.ContainersReady, down == nil, reason, message)
	setCondition(s, corev1.PodReady, down == nil, reason, message)
}

// boxed is a pod whose container a Runtime runs. Its other containers count as running while it does.
func boxed(s *corev1.PodStatus, pod *corev1.Pod, node *corev1.Node, ip, container string, now containerState) {
	if now.over {
		phase := corev1.PodFailed
		if now.last.Code == 0 {
			phase = corev1.PodSucceeded
		}
		ended(s, phase, now.last.Reason, now.last.Code)
	} else if s.Phase != corev1.PodRunning {
		running(s, pod, node, ip, nil)
	}
	for i := range s.ContainerStatuses {
		if c := &s.ContainerStatuses[i]; c.Name == container {
			show(c, pod, now)
		}
	}
	if now.over {
		return
	}
	reason := ""
	if !now.ready {
		reason = "ContainersNotReady"
	}
	setCondition(s, corev1.ContainersReady, now.ready, reason, "")
	setCondition(s, corev1.PodReady, now.ready, reason, "")
}

// show is the status of a container that runs, waits for its next run or is over.
func show(c *corev1.ContainerStatus, pod *corev1.Pod, now containerState) {
	c.Ready, c.Started, c.RestartCount = now.ready, new(now.ready), now.restarts
	var last *corev1.ContainerStateTerminated
	if r := now.last; r != nil {
		last = &corev1.ContainerStateTerminated{
			ExitCode: r.Code, Reason: r.Reason, Message: r.Message, ContainerID: c.ContainerID,
			StartedAt: metav1.NewTime(r.started), FinishedAt: metav1.NewTime(r.finished),
		}
	}
	switch {
	case now.over:
		c.State = corev1.ContainerState{Terminated: last}
		return
	case now.running:
		c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now.started)}}
	case last == nil:
		c.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: Creating}}
	case now.waits > 0:
		c.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
			Reason: "CrashLoopBackOff",
			Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s(%s)", now.waits, c.Name,
				pod.Name+"_"+pod.Namespace, pod.UID),
		}}
	default:
		c.State = corev1.ContainerState{Terminated: last}
	}
	if last != nil {
		c.LastTerminationState = corev1.ContainerState{Terminated: last}
	}
}

// ended is a pod whose containers have stopped.
func ended(s *corev1.PodStatus, phase corev1.PodPhase, reason string, code int32) {
	s.Phase = phase
	now := metav1.Now()
	for i := range s.ContainerStatuses {
		c := &s.ContainerStatuses[i]
		c.Ready, c.Started = false, new(false)
		begun := now
		if c.State.Running != nil {
			begun = c.State.Running.StartedAt
		}
		c.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			Reason: reason, ExitCode: code, StartedAt: begun, FinishedAt: now, ContainerID: c.ContainerID,
			Message: simulatedMessage,
		}}
	}
	why := "PodCompleted"
	if phase == corev1.PodFailed {
		why = "PodFailed"
	}
	setCondition(s, corev1.ContainersReady, false, why, "")
	setCondition(s, corev1.PodReady, false, why, "")
}

func start(s *corev1.PodStatus, node *corev1.Node) {
	if s.StartTime == nil {
		now := metav1.Now()
		s.StartTime = &now
	}
	s.HostIP = hostIP(node)
	s.HostIPs = []corev1.HostIP{{IP: s.HostIP}}
	setCondition(s, corev1.PodReadyToStartContainers, true, "", "")
}

func hostIP(n *corev1.Node) string {
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}

func each(list []corev1.Container, f func(corev1.Container) corev1.ContainerStatus) []corev1.ContainerStatus {
	var out []corev1.ContainerStatus
	for _, c := range list {
		out = append(out, f(c))
	}
	return out
}

func setCondition(s *corev1.PodStatus, t corev1.PodConditionType, ok bool, reason, message string) {
	c := corev1.PodCondition{
		Type: t, Status: corev1.ConditionFalse, Reason: reason, Message: message, LastTransitionTime: metav1.Now(),
	}
	if ok {
		c.Status = corev1.ConditionTrue
	}
	for i := range s.Conditions {
		if s.Conditions[i].Type == t {
			if s.Conditions[i].Status == c.Status {
				c.LastTransitionTime = s.Conditions[i].LastTransitionTime
			}
			s.Conditions[i] = c
			return
		}
	}
	s.Conditions = append(s.Conditions, c)
}

func readyCondition(p *corev1.Pod) corev1.PodCondition {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c
		}
	}
	return corev1.PodCondition{}
}

func podReady(p *corev1.Pod) bool { return readyCondition(p).Status == corev1.ConditionTrue }

// shows says whether a pod's status tells already how its runner is.
func shows(p *corev1.Pod, down error) bool {
	c := readyCondition(p)
	if down == nil {
		return c.Status == corev1.ConditionTrue
	}
	return c.Status == corev1.ConditionFalse && c.Message == down.Error()
}
