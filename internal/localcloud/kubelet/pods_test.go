// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ktesting "k8s.io/client-go/testing"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func base() *cloud { return newCloud(append(joinable(), server("i-1"))...) }

func TestPodRuns(t *testing.T) {
	t.Parallel()
	_, client := run(t, base(), nil, readyNode(), pod("web", "app", func(p *corev1.Pod) {
		p.Spec.InitContainers = []corev1.Container{{Name: "setup", Image: "setup"}}
	}), pod("agent", "agent", func(p *corev1.Pod) { p.Spec.HostNetwork = true }))
	for name, ip := range map[string]string{"web": "100.", "agent": "10.0.1.5"} {
		eventually(t, name+" is ready", func() bool { p := getPod(t, client, name); return podReady(p) })
		p := getPod(t, client, name)
		require.Equal(t, corev1.PodRunning, p.Status.Phase)
		require.Equal(t, "true", p.Annotations[AnnotationSimulated])
		require.True(t, strings.HasPrefix(p.Status.PodIP, ip), p.Status.PodIP)
		require.True(t, p.Status.ContainerStatuses[0].Ready)
		require.Contains(t, p.Status.Conditions[len(p.Status.Conditions)-1].Message, "simulated")
	}
	require.Equal(t, "Completed", getPod(t, client, "web").Status.InitContainerStatuses[0].State.Terminated.Reason)
}

func TestPodOfAJobSucceeds(t *testing.T) {
	t.Parallel()
	_, client := run(t, base(), nil, readyNode(), pod("task", "app", ownedBy("Job", "task", "")))
	eventually(t, "it succeeds", func() bool { return getPod(t, client, "task").Status.Phase == corev1.PodSucceeded })
	require.Zero(t, getPod(t, client, "task").Status.ContainerStatuses[0].State.Terminated.ExitCode)
}

func TestTerminatingAndOrphanedPodsAreRemoved(t *testing.T) {
	t.Parallel()
	now := metav1.Now()
	_, client := run(t, base(), nil, readyNode(),
		pod("stopping", "app", func(p *corev1.Pod) { p.DeletionTimestamp, p.Status.Phase = &now, corev1.PodRunning }),
		pod("orphan", "app", func(p *corev1.Pod) { p.Spec.NodeName = "gone" }),
		pod("waits", "app", func(p *corev1.Pod) { p.Spec.NodeName = "" }))
	for _, name := range []string{"stopping", "orphan"} {
		eventually(t, name+" is gone", func() bool { return getPod(t, client, name) == nil })
	}
	require.Equal(t, corev1.PodPending, getPod(t, client, "waits").Status.Phase)
}

func TestImagePullFailsOnCommand(t *testing.T) {
	t.Parallel()
	k, client := run(t, base(), nil, readyNode())
	k.FailImages("registry.test/broken")
	_, err := client.CoreV1().Pods("default").Create(t.Context(), pod("web", "registry.test/broken:1"), metav1.CreateOptions{})
	require.NoError(t, err)
	eventually(t, "the pull fails", func() bool {
		s := getPod(t, client, "web").Status.ContainerStatuses
		return len(s) == 1 && s[0].State.Waiting != nil && s[0].State.Waiting.Reason == "ImagePullBackOff"
	})
	k.FailImages()
	eventually(t, "it runs after the repair", func() bool { return podReady(getPod(t, client, "web")) })
}

// TestAPullFailsForWhatTheAccountSays: the instance of the pod's node is asked for, and its words are the pod's.
func TestAPullFailsForWhatTheAccountSays(t *testing.T) {
	t.Parallel()
	k, client := run(t, base(), nil, readyNode())
	k.mu.Lock()
	k.pulls = func(instance, image string) error {
		if instance == "i-1" && image == "quay.io/a/b:1" {
			return errors.New("dial tcp: i/o timeout")
		}
		return nil
	}
	k.mu.Unlock()
	for name, image := range map[string]string{"web": "quay.io/a/b:1", "other": "r.example.com/a/b:1"} {
		_, err := client.CoreV1().Pods("default").Create(t.Context(), pod(name, image), metav1.CreateOptions{})
		require.NoError(t, err)
	}
	eventually(t, "the pull fails", func() bool {
		s := getPod(t, client, "web").Status.ContainerStatuses
		return len(s) == 1 && s[0].State.Waiting != nil && s[0].State.Waiting.Reason == "ImagePullBackOff" &&
			s[0].State.Waiting.Message == `Back-off pulling image "quay.io/a/b:1": dial tcp: i/o timeout`
	})
	eventually(t, "the other runs", func() bool { return podReady(getPod(t, client, "other")) })
}

func TestAnImageOfAMirrorIsWhatItMirrors(t *testing.T) {
	t.Parallel()
	const prefix = "public.ecr.aws/karpenter/controller"
	for image, want := range map[string]bool{
		prefix + ":1.14.1": true, "r.example.com/x/karpenter/controller:1.14.1@sha256:0": true,
		"r.example.com/mykarpenter/controller:1": false, "karpenter/controller": false, "public.ecr.aws/karpenter/other": false,
	} {
		require.Equal(t, want, Published(image, prefix), image)
	}
}

// recorder is a Runner that tells what happens to it.
type recorder struct {
	events chan string
	fail   chan error // an error to return, once
}

func newRecorder() *recorder {
	return &recorder{events: make(chan string, 20), fail: make(chan error, 5)}
}

func (r *recorder) Start(ctx context.Context, p PodRef) error {
	r.events <- "start " + p.Owner + " " + p.Pod.Labels["pod-template-hash"]
	select {
	case err := <-r.fail:
		return err
	case <-ctx.Done():
		r.events <- "stop " + p.Pod.Labels["pod-template-hash"]
		return nil
	}
}

func TestRunnerLivesAsLongAsThePodsOfItsController(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	a := pod("a", "real/operator:1", ownedBy("ReplicaSet", "op-h1", "h1"))
	b := pod("b", "real/operator:1", ownedBy("ReplicaSet", "op-h1", "h1"))
	_, client := run(t, base(), map[string]Runner{"real/operator": r}, readyNode(), a, b, pod("other", "app"))
	api := client.CoreV1().Pods("default")
	require.Equal(t, "start Deployment/op h1", <-r.events)
	for _, name := range []string{"a", "b", "other"} {
		eventually(t, name+" is ready", func() bool { return podReady(getPod(t, client, name)) })
	}
	require.NoError(t, api.Delete(t.Context(), "a", metav1.DeleteOptions{}))
	_, err := api.Create(t.Context(), pod("c", "real/operator:2", ownedBy("ReplicaSet", "op-h2", "h2")), metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, "stop h1", <-r.events, "a new template replaces the program, after the old one ended")
	require.Equal(t, "start Deployment/op h2", <-r.events)
	require.NoError(t, api.Delete(t.Context(), "b", metav1.DeleteOptions{}))
	require.NoError(t, api.Delete(t.Context(), "c", metav1.DeleteOptions{}))
	require.Equal(t, "stop h2", <-r.events)
}

func TestRunnerThatFailsIsShownAndStartedAgain(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	r.fail <- errors.New("AccessDenied: no")
	_, client := run(t, base(), map[string]Runner{"real/": r}, readyNode(), pod("a", "real/x"))
	require.Equal(t, "start Pod/a ", <-r.events)
	// The next start may come before anybody looks: what was written is looked at.
	eventually(t, "the pod crashes", func() bool {
		return slices.ContainsFunc(client.Actions(), func(a ktesting.Action) bool {
			update, ok := a.(ktesting.UpdateAction)
			if !ok {
				return false
			}
			p, ok := update.GetObject().(*corev1.Pod)
			if !ok || len(p.Status.ContainerStatuses) != 1 {
				return false
			}
			s := p.Status.ContainerStatuses[0]
			return s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff" &&
				contains(s.State.Waiting.Message, "AccessDenied: no") && s.RestartCount == 1
		})
	})
	require.Equal(t, "start Pod/a ", <-r.events)
	eventually(t, "the pod recovers", func() bool { return podReady(getPod(t, client, "a")) })
}
