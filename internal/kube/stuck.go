// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"fmt"
	"strings"
)

// Fault is what keeps a container from running.
type Fault string

// The faults of containers.
const (
	NoFault        Fault = ""          // it is being started
	ImageFault     Fault = "image"     // its image cannot be pulled
	ContainerFault Fault = "container" // it cannot be made, or ends again and again
)

// Fault sorts the kubelet's reasons. One that is final stays as it is until the pod is changed; all others are tried again.
func (w Waiting) Fault() (f Fault, final bool) {
	switch w.Reason {
	case "InvalidImageName", "ErrImageNeverPull":
		return ImageFault, true
	case "ImagePullBackOff", "ErrImagePull":
		return ImageFault, false
	case "CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		return ContainerFault, false
	}
	return NoFault, false
}

// Stuck is what keeps a pod from running, in the words of its kubelet or of the scheduler. The reason is Kubernetes' own
// word, "" for a pod that runs, is being started, or goes.
func (p Pod) Stuck() (reason, message string) {
	if p.Deleting || p.Ready {
		return "", ""
	}
	for _, w := range p.Waiting {
		if f, _ := w.Fault(); f != NoFault {
			return w.Reason, fmt.Sprintf("pod %s/%s, container %s: %s: %s", p.Namespace, p.Name, w.Container, w.Reason,
				cmp.Or(w.Message, w.Last))
		}
	}
	if p.Node == "" && p.Scheduled.Status == "False" {
		reason = cmp.Or(p.Scheduled.Reason, "Unschedulable")
		return reason, strings.TrimSuffix(
			fmt.Sprintf("pod %s/%s: %s: %s", p.Namespace, p.Name, reason, p.Scheduled.Message), ": ")
	}
	return "", ""
}
