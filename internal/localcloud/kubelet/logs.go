// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Folders of logs below Options.Dir: of containers by pod and number of restarts, and of runners by controller.
const (
	podLogs    = "logs"
	runnerLogs = "runner-logs"
)

func (s *sandboxes) logDir(pod types.UID) string { return filepath.Join(s.dir, podLogs, string(pod)) }

func (s *sandboxes) logPath(pod types.UID, container string, restarts int32) string {
	return filepath.Join(s.logDir(pod), container, fmt.Sprintf("%d.log", restarts))
}

// sweep removes the logs of pods that were deleted while nothing watched them.
func (s *sandboxes) sweep(pods []any) {
	exist := map[string]bool{}
	for _, o := range pods {
		if p, ok := o.(*corev1.Pod); ok {
			exist[string(p.UID)] = true
		}
	}
	entries, _ := os.ReadDir(filepath.Join(s.dir, podLogs)) // without any there is nothing to remove
	for _, e := range entries {
		if exist[e.Name()] {
			continue
		}
		if err := os.RemoveAll(filepath.Join(s.dir, podLogs, e.Name())); err != nil {
			s.log.Warn("remove the log of a pod", "error", err)
		}
	}
}

// state is how the container of a pod is, as its sandbox knows or else its status.
func (s *sandboxes) state(p *corev1.Pod, container string) containerState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.of[podKey(p)]; b != nil && b.uid == p.UID {
		return b.now
	}
	var now containerState
	for _, c := range p.Status.ContainerStatuses {
		if c.Name == container {
			now.restarts = c.RestartCount
		}
	}
	return now
}

// logFile is the file with the log of a container; live says whether more may come.
func (k *Kubelet) logFile(p *corev1.Pod, container string, previous bool) (path string, live func() bool, err error) {
	if path, live, ok := k.runners.logFile(p, container); ok {
		if previous {
			return "", nil, noPrevious(p, container)
		}
		return path, live, nil
	}
	now := k.boxes.state(p, container)
	running := func() bool { // this run
		c := k.boxes.state(p, container)
		return c.running && c.restarts == now.restarts
	}
	switch _, err := os.Stat(filepath.Dir(k.boxes.logPath(p.UID, container, 0))); {
	case err != nil && !podRuns(p):
		return "", nil, fmt.Errorf("container %q in pod %q is waiting to start: ContainerCreating", container, p.Name)
	case err != nil:
		return "", nil, fmt.Errorf("container %q in pod %q has no log: %s", container, p.Name, simulatedMessage)
	case !previous:
		return k.boxes.logPath(p.UID, container, now.restarts), running, nil
	}
	path = k.boxes.logPath(p.UID, container, now.restarts-1)
	if _, err := os.Stat(path); err != nil {
		return "", nil, noPrevious(p, container)
	}
	return path, nil, nil
}

// noPrevious is a kubelet's own answer.
func noPrevious(p *corev1.Pod, container string) error {
	return fmt.Errorf("previous terminated container %q in pod %q not found", container, p.Name)
}

func podRuns(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodRunning || finished(p) }

// logFile is the log of the program that runs for a pod and all others of its controller.
func (s *runnerSet) logFile(p *corev1.Pod, container string) (path string, live func() bool, ok bool) {
	if r, c := s.match(p); r == nil || c.Name != container {
		return "", nil, false
	}
	owner, _ := controller(p)
	path = s.logPath(p.Namespace, owner)
	_, err := os.Stat(path)
	return path, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.of[podKey(p)] != ""
	}, err == nil
}

func (s *runnerSet) logPath(namespace, owner string) string {
	return filepath.Join(s.dir, namespace+"_"+strings.ReplaceAll(owner, "/", "_")+".log")
}
