// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/engine"
	"emrflink/internal/kube"
	"emrflink/internal/plans"
)

const release = "kubernetes:helm.sh/v3:Release"

func pulling(name string) kube.Pod {
	return kube.Pod{Namespace: "karpenter", Name: name, Node: "n", Waiting: []kube.Waiting{{
		Container: "controller", Reason: "ImagePullBackOff", Message: `Back-off pulling image "x"`,
	}}}
}

const pullsNot = `pod karpenter/a, container controller: ImagePullBackOff: Back-off pulling image "x"`

func TestWhatAPodWaitsForIsSaidOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pods, said := []kube.Pod{pulling("a")}, []string(nil)
		l := &Lookout{Every: 15 * time.Second, Pods: func(context.Context) ([]kube.Pod, error) { return pods, nil }}
		events, stop := l.Watch(t.Context(), func(e plans.Event) { said = append(said, e.Kind+" "+e.Message) })
		time.Sleep(2*time.Minute + time.Second)
		require.Empty(t, said, "nobody waits for it")

		events(plans.Event{Kind: plans.EventStart, Type: release, URN: "u"})
		time.Sleep(15 * time.Second)
		require.Len(t, said, 1, "one look is not enough")
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{"start ", "notice waiting: " + pullsNot}, said)

		pods = append(pods, pulling("b"))
		events(plans.Event{Kind: plans.EventDone, Type: release, URN: "u"})
		time.Sleep(2 * time.Minute)
		require.Len(t, said, 3, "nobody waits any more")
		stop()
	})
}

func TestAWaitInVainIsExplained(t *testing.T) {
	t.Parallel()
	four := []kube.Pod{pulling("a"), pulling("b"), pulling("c"), pulling("d"), {Namespace: "x", Name: "runs", Ready: true}}
	for name, c := range map[string]struct {
		failure       engine.Failure
		pods          []kube.Pod
		err           error
		code, message string
	}{
		"a release": {
			engine.Failure{Type: release, Code: engine.CodeNotReady, Message: "no"}, four[:1], nil,
			"ImagePullBackOff", "no; " + pullsNot,
		},
		"the failure has it already": {
			engine.Failure{Type: release, Code: engine.CodeNotReady, Message: "pod a: no image"}, four[:1], nil,
			"ImagePullBackOff", "pod a: no image",
		},
		"more than one wants to read": {
			engine.Failure{Type: release, Code: engine.CodeNotReady, Message: "no"}, four, nil,
			"ImagePullBackOff", "; and 1 more pods",
		},
		"nothing is found": {
			engine.Failure{Type: release, Code: engine.CodeNotReady, Message: "no"}, four[4:], nil, engine.CodeNotReady, "no",
		},
		"the cluster does not answer": {
			engine.Failure{Type: release, Code: engine.CodeNotReady, Message: "no"}, nil, errors.New("away"),
			engine.CodeNotReady, "no",
		},
		"something else failed": {
			engine.Failure{Type: "aws:eks/nodeGroup:NodeGroup", Code: engine.CodeNotReady, Message: "no"}, four, nil,
			engine.CodeNotReady, "no",
		},
		"it was refused": {
			engine.Failure{Type: release, Code: "Forbidden", Message: "no"}, four, nil, "Forbidden", "no",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &Lookout{Pods: func(context.Context) ([]kube.Pod, error) { return c.pods, c.err }}
			first := &engine.Failure{Code: "AccessDenied", Message: "first", Also: []engine.Failure{c.failure}}
			require.Error(t, l.Explain(t.Context(), fmt.Errorf("deploy: %w", first)))
			require.Equal(t, "first", first.Message)
			for _, f := range []*engine.Failure{&first.Also[0], &c.failure} {
				require.Error(t, l.Explain(t.Context(), f))
				require.Equal(t, c.code, f.Code)
				require.Contains(t, f.Message, c.message)
				require.LessOrEqual(t, strings.Count(f.Message, "pod "), 3)
			}
		})
	}
	other := errors.New("no engine's")
	require.Equal(t, other, (&Lookout{}).Explain(t.Context(), other))
}
