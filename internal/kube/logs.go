// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"io"
	"strconv"
	"time"
)

// LogOptions chooses what PodLogs gives; the zero value is the whole log of the pod's only container.
type LogOptions struct {
	Container string
	Follow    bool // go on with what is written until the container ends
	Previous  bool // of the container before its last restart
	Since     time.Duration
	Tail      int // the last lines only; 0 is all of them
}

// PodLogs streams the log of a container, each line behind its time in RFC 3339 and a space.
func (c *Client) PodLogs(ctx context.Context, namespace, pod string, o LogOptions) (io.ReadCloser, error) {
	r := c.rest.Get().AbsPath("/api/v1/namespaces", namespace, "pods", pod, "log").
		Param("timestamps", "true").Param("follow", strconv.FormatBool(o.Follow)).
		Param("previous", strconv.FormatBool(o.Previous))
	if o.Container != "" {
		r = r.Param("container", o.Container)
	}
	if o.Since > 0 {
		r = r.Param("sinceSeconds", strconv.Itoa(max(1, int(o.Since.Seconds()))))
	}
	if o.Tail > 0 {
		r = r.Param("tailLines", strconv.Itoa(o.Tail))
	}
	stream, err := r.Stream(ctx)
	return stream, wrap("read the log of", KindPod.Ref(namespace, pod), err)
}
