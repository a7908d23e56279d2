// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Watch calls changed after every change of an object of the kind, and once
// after each (re)connect, until ctx ends. Calls do not overlap and carry no
// object: the caller lists, so a missed event costs nothing. It returns an error
// only when the kind is not served or may not be watched.
func (c *Client) Watch(ctx context.Context, k Kind, o ListOptions, changed func()) error {
	for ctx.Err() == nil {
		r, err := c.resource(ctx, k, o.Namespace)
		if err != nil {
			return wrap("watch", k.Ref(o.Namespace, ""), err)
		}
		w, err := r.Watch(ctx, metav1.ListOptions{LabelSelector: o.Labels, FieldSelector: o.Fields})
		if err != nil {
			err = wrap("watch", k.Ref(o.Namespace, ""), err)
			if ReasonOf(err) == "Forbidden" || IsNotFound(err) {
				return err
			}
		} else {
			changed()
			for range w.ResultChan() {
				changed()
			}
			w.Stop()
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}
