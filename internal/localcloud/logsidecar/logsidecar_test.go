// SPDX-License-Identifier: Apache-2.0

package logsidecar

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"emrflink/internal/awsapi"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/kubelet"
	"emrflink/internal/localcloud/podlog"
)

// cloud is a bucket and log groups.
type cloud struct {
	mu      sync.Mutex
	objects map[string]string // bucket/key -> text
	events  map[string]string // group stream -> lines
	deny    error
	noLook  error // logs:DescribeLogGroups
}

func (c *cloud) assume(_ context.Context, namespace, account, _ string) (Session, error) {
	if namespace != "team" || account != "job" {
		return nil, fmt.Errorf("%s/%s has no role", namespace, account)
	}
	return c, nil
}

func (c *cloud) PutObject(_ context.Context, bucket, key string, body io.Reader, _ string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deny != nil {
		return c.deny
	}
	z, err := gzip.NewReader(body)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(z)
	c.objects[bucket+"/"+key] = string(text)
	return err
}

func (c *cloud) LogGroupExists(context.Context, string) (bool, error) { return true, c.noLook }

func (c *cloud) PutLogEvents(_ context.Context, group, stream string, events []awsapi.LogEvent) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deny != nil {
		return c.deny
	}
	for _, e := range events {
		c.events[group+" "+stream] += e.Message + "\n"
	}
	return nil
}

func (c *cloud) read(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events[name]
}

// talking is a Runtime that prints lines, and ends when the test says so.
type talking struct {
	lines chan string
	err   string // printed at the end
}

func (r *talking) Takes(*corev1.Pod) (kubelet.Take, bool) { return kubelet.Take{}, true }

func (r *talking) Run(_ context.Context, s kubelet.Sandbox) kubelet.Exit {
	for line := range r.lines {
		_, _ = io.WriteString(s.Stdout, line)
	}
	_, _ = io.WriteString(s.Stderr, r.err)
	return kubelet.Exit{Code: 3}
}

func podWith(env ...string) *corev1.Pod {
	p := &corev1.Pod{}
	p.Namespace, p.Name, p.UID, p.Spec.ServiceAccountName = "team", "orders-1", "uid", "job"
	c := corev1.Container{Name: flinkconf.Sidecar}
	for i := 0; i < len(env); i += 2 {
		c.Env = append(c.Env, corev1.EnvVar{Name: env[i], Value: env[i+1]})
	}
	p.Spec.Containers = []corev1.Container{{Name: flinkconf.MainContainer}, c}
	return p
}

// play runs a pod whose main container prints the lines.
func play(t *testing.T, r *Runtime, inner *talking, p *corev1.Pod, lines ...string) kubelet.Exit {
	t.Helper()
	inner.lines = make(chan string)
	s := kubelet.Sandbox{Pod: p, Log: filepath.Join(t.TempDir(), "0.log")}
	l, err := podlog.Open(s.Log)
	require.NoError(t, err)
	defer l.Close()
	s.Stdout, s.Stderr = l.Stream(podlog.Stdout), l.Stream(podlog.Stderr)
	ended := make(chan kubelet.Exit, 1)
	go func() { ended <- r.Run(t.Context(), s) }()
	for _, line := range lines {
		inner.lines <- line
	}
	close(inner.lines)
	return <-ended
}

func TestThePlacesAreThoseOfEMR(t *testing.T) {
	t.Parallel()
	c := &cloud{objects: map[string]string{}, events: map[string]string{}}
	inner := &talking{err: "a warning\n"}
	r := With(inner, Options{Assume: c.assume})
	p := podWith(flinkconf.EnvLogGroup, "/g", flinkconf.EnvLogPrefix, "orders", flinkconf.EnvLogURI, "bucket/logs/team")
	require.Equal(t, int32(3), play(t, r, inner, p, "one\n", "two\n").Code)
	require.Equal(t, map[string]string{
		"/g orders/orders-1/STDOUT": "one\ntwo\n", "/g orders/orders-1/STDERR": "a warning\n",
	}, c.events)
	require.Equal(t, map[string]string{
		"bucket/logs/team/orders-1/stdout.gz": "one\ntwo\n", "bucket/logs/team/orders-1/stderr.gz": "a warning\n",
	}, c.objects)
	play(t, r, inner, p, "again\n")
	require.Equal(t, "one\ntwo\nagain\n", c.objects["bucket/logs/team/orders-1/stdout.gz"], "a container that was started again")
}

func TestEventsComeWhileTheContainerRuns(t *testing.T) {
	t.Parallel()
	c := &cloud{objects: map[string]string{}, events: map[string]string{}}
	inner := &talking{lines: make(chan string)}
	r := With(inner, Options{Assume: c.assume})
	s := kubelet.Sandbox{Pod: podWith(flinkconf.EnvLogGroup, "/g"), Log: filepath.Join(t.TempDir(), "0.log")}
	l, err := podlog.Open(s.Log)
	require.NoError(t, err)
	defer l.Close()
	s.Stdout, s.Stderr = l.Stream(podlog.Stdout), l.Stream(podlog.Stderr)
	ended := make(chan struct{})
	go func() { r.Run(t.Context(), s); close(ended) }()
	inner.lines <- "one\n"
	require.Eventually(t, func() bool { return c.read("/g orders-1/STDOUT") == "one\n" }, time.Minute, 10*time.Millisecond)
	close(inner.lines)
	<-ended
}

func TestAFullFileIsRotated(t *testing.T) {
	t.Parallel()
	c := &cloud{objects: map[string]string{}, events: map[string]string{}}
	inner := &talking{}
	line := strings.Repeat("x", 1500) + "\n"
	p := podWith(flinkconf.EnvLogURI, "s3://bucket", flinkconf.EnvLogRotation, "2KB")
	play(t, With(inner, Options{Assume: c.assume}), inner, p, line, line, line, line, line)
	day := time.Now().UTC().Format("20060102")
	require.Equal(t, []string{
		"bucket/orders-1/stdout.gz", "bucket/orders-1/stdout_" + day + "_0.gz", "bucket/orders-1/stdout_" + day + "_1.gz",
	}, slices.Sorted(maps.Keys(c.objects)))
	require.Equal(t, line, c.objects["bucket/orders-1/stdout.gz"])
}

func TestWithoutPermissionToLookForItsGroupNoEventArrives(t *testing.T) {
	t.Parallel()
	c := &cloud{objects: map[string]string{}, events: map[string]string{}, noLook: errors.New("logs:DescribeLogGroups")}
	inner := &talking{}
	play(t, With(inner, Options{Assume: c.assume}), inner, podWith(flinkconf.EnvLogGroup, "/g"), "one\n")
	require.Empty(t, c.events)
}

func TestTroubleOfTheSidecarIsNoneOfTheJob(t *testing.T) {
	t.Parallel()
	c := &cloud{objects: map[string]string{}, events: map[string]string{}, deny: errors.New("access denied")}
	inner := &talking{}
	p := podWith(flinkconf.EnvLogURI, "bucket/logs", flinkconf.EnvLogGroup, "/g")
	require.Equal(t, int32(3), play(t, With(inner, Options{Assume: c.assume}), inner, p, "one\n").Code)
	p.Spec.ServiceAccountName = "other"
	require.Equal(t, int32(3), play(t, With(inner, Options{Assume: c.assume}), inner, p, "one\n").Code)
	require.Equal(t, int32(3), play(t, With(inner, Options{Assume: c.assume}), inner, &corev1.Pod{}, "one\n").Code)
	require.Empty(t, c.objects)
}
