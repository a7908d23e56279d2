// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
)

// EKS gives the instances of a managed node group this long to join before it reports NodeCreationFailure. Below
// the minimum a busy machine would be taken for a broken node.
const (
	joinTimeout    = 20 * time.Minute
	joinTimeoutMin = 20 * time.Second
	waitPoll       = 200 * time.Millisecond
)

// ErrNodesNotReady is in the chain of WaitNodes' errors about nodes.
var ErrNodesNotReady = errors.New("instances failed to join the kubernetes cluster")

// WaitNodes returns when the nodes of all the instances are Ready. An instance that can never join (it is
// terminated) fails the wait at once, one that does not join in EKS's time after that time; both errors say why.
func (k *Kubelet) WaitNodes(ctx context.Context, instanceIDs []string) error {
	timeout := time.NewTimer(max(k.scaled(joinTimeout), joinTimeoutMin))
	defer timeout.Stop()
	for _, id := range instanceIDs {
		k.queue.Add(item{kindInstance, id})
	}
	for {
		missing, dead, changed := k.notReady(instanceIDs)
		if len(missing) == 0 {
			return nil
		}
		err := fmt.Errorf("%w: %s", ErrNodesNotReady, strings.Join(missing, "; "))
		if dead {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-timeout.C:
			return err
		case <-changed:
		case <-time.After(waitPoll):
		}
	}
}

// notReady lists the instances without a Ready node, each with its reason; dead says that one cannot recover.
func (k *Kubelet) notReady(ids []string) (missing []string, dead bool, changed <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range ids {
		if n := k.nodeOf(id); n != nil && isReady(n) && !hasStartTaint(n) {
			continue
		}
		why := k.reasons[id]
		if why == "" {
			why = fmt.Sprintf("instance %s has not joined yet", id)
		}
		if r, ok := k.cloud.Get(account.KindInstance, id); !ok || r.State == stateTerminated || r.State == stateShuttingDown {
			dead = true
		}
		missing = append(missing, why)
	}
	return missing, dead, k.changed
}

// setReason records why the node of an instance is not Ready; "" forgets it.
func (k *Kubelet) setReason(id, why string) {
	k.mu.Lock()
	old := k.reasons[id]
	if why == "" {
		delete(k.reasons, id)
	} else {
		k.reasons[id] = why
	}
	k.mu.Unlock()
	if old != why && why != "" {
		k.log.Debug("node not ready", "instance", id, "why", why)
	}
	k.broadcast()
}

// broadcast wakes those who wait for nodes.
func (k *Kubelet) broadcast() {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.changed)
	k.changed = make(chan struct{})
}
