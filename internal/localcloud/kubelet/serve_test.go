// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ask makes a call to the kubelet's API.
func ask(t *testing.T, k *Kubelet, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	k.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

const appLog = "/containerLogs/default/job/main"

func TestTheLogOfAContainerIsThatOfItsRuns(t *testing.T) {
	t.Parallel()
	r := newPuppet()
	k, client := runBoxed(t, r, pod("job", "app", really(corev1.RestartPolicyAlways), func(p *corev1.Pod) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "side", Image: "side"})
	}))
	first := <-r.began
	_, err := io.WriteString(first.Stdout, "one\ntwo\n")
	require.NoError(t, err)
	eventually(t, "it runs", func() bool { return status(t, client).State.Running != nil })
	code, body := ask(t, k, appLog+"?stream=All&tailLines=1")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "two\n", body)
	code, body = ask(t, k, appLog+"?previous=true")
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, body, `previous terminated container "main" in pod "job" not found`)

	server := httptest.NewServer(k.Handler())
	defer server.Close()
	res, err := http.Get(server.URL + appLog + "?follow=true")
	require.NoError(t, err)
	defer res.Body.Close()
	followed := bufio.NewReader(res.Body)
	for _, want := range []string{"one\n", "two\n"} {
		line, err := followed.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, want, line)
	}
	_, err = io.WriteString(first.Stderr, "three\n")
	require.NoError(t, err)
	line, err := followed.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "three\n", line)
	r.end <- Exit{Code: 1, Reason: "Error"}
	rest, err := io.ReadAll(followed)
	require.NoError(t, err)
	require.Empty(t, rest, "it ends with the run")

	second := <-r.began
	_, err = io.WriteString(second.Stdout, "again\n")
	require.NoError(t, err)
	_, body = ask(t, k, appLog)
	require.Equal(t, "again\n", body)
	_, body = ask(t, k, appLog+"?previous=true&stream=Stderr")
	require.Equal(t, "three\n", body)
}

func TestTheLogOfAPodThatEndedStays(t *testing.T) {
	t.Parallel()
	r := newPuppet()
	k, client := runBoxed(t, r, pod("job", "app", really(corev1.RestartPolicyNever)))
	run := <-r.began
	_, err := io.WriteString(run.Stdout, "the reason")
	require.NoError(t, err)
	r.end <- Exit{Code: 1, Reason: "Error"}
	eventually(t, "its pod ends", func() bool { return getPod(t, client, "job").Status.Phase == corev1.PodFailed })
	eventually(t, "its folder is gone", func() bool { return gone(run.Dir) })
	_, body := ask(t, k, appLog+"?follow=true")
	require.Equal(t, "the reason\n", body)
	k.boxes.sweep(k.pods.GetStore().List())
	require.FileExists(t, run.Log)
	require.NoError(t, client.CoreV1().Pods("default").Delete(t.Context(), "job", metav1.DeleteOptions{}))
	eventually(t, "its log is gone", func() bool { return gone(run.Log) })
}

func gone(path string) bool {
	_, err := os.Stat(path)
	return os.IsNotExist(err)
}

func TestWhatAKubeletCannotDoIsRefusedByName(t *testing.T) {
	t.Parallel()
	r := newPuppet()
	k, _ := runBoxed(t, r, pod("job", "app", really(""), func(p *corev1.Pod) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "side", Image: "side"})
	}))
	<-r.began
	for path, want := range map[string]string{
		"/run/default/job/main?cmd=ls":       "/run/default/job/main is not simulated",
		"/containerLogs/default/job/side":    `container "side" in pod "job" `,
		"/containerLogs/default/nobody/main": `pod "default/nobody" not found`,
		appLog + "?tailLines=many":           `tailLines "many" is not a number`,
		"/connect?pod=default/nobody&port=1": `pod "default/nobody" not found`,
		"/connect?address=10.0.1.5:22":       "connection refused",
	} {
		code, body := ask(t, k, path)
		require.GreaterOrEqual(t, code, http.StatusBadRequest, path)
		require.Contains(t, body, want, path)
	}
}

// echoing is a Runtime whose containers are programs with a port on the address of their pod.
type echoing struct{ *puppet }

func (r echoing) Takes(p *corev1.Pod) (Take, bool) {
	t, ok := r.puppet.Takes(p)
	t.Loopback = true
	return t, ok
}

func TestAPortOfAPodIsReachedByItsName(t *testing.T) {
	t.Parallel()
	r := echoing{newPuppet()}
	k, client := runBoxed(t, r, pod("job", "app", really("")))
	own := (<-r.began).Pod.Status.PodIP
	require.True(t, strings.HasPrefix(own, "127."), own)
	l, err := net.Listen("tcp", own+":0")
	if err != nil {
		t.Skip("this system has only one loopback address:", err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		said, _ := io.ReadAll(conn)
		_, _ = fmt.Fprintf(conn, "you said %s", said)
		_ = conn.Close()
	}()
	eventually(t, "its status has an address", func() bool {
		p, err := k.podNamed("default/job")
		return err == nil && p.Status.PodIP != ""
	})
	ip := getPod(t, client, "job").Status.PodIP
	require.Equal(t, strings.TrimPrefix(own, "127."), strings.TrimPrefix(ip, "100."))
	server := httptest.NewServer(k.Handler())
	defer server.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	query := url.Values{"pod": {"default/job"}, "port": {port}}
	_, err = fmt.Fprintf(conn, "GET /connect?%s HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
		query.Encode())
	require.NoError(t, err)
	answers := bufio.NewReader(conn)
	res, err := http.ReadResponse(answers, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	_, err = io.WriteString(conn, "hello")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(answers)
	require.NoError(t, err)
	require.Equal(t, "you said hello", string(answer))
}
