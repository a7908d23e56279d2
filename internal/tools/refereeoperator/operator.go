// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"emrflink/internal/disk"
	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkoperator/scenario"
	"emrflink/internal/localcloud/kubelet"
)

// version is the release of the operator that the stand-in is of.
const version = "1.10.0"

var versionLine = regexp.MustCompile(`(?m)^project\.version=(.*)$`)

// release is the operator's release that a jar was built from.
func release(classPath string) (string, error) {
	const file = ".flink-kubernetes-operator.version.properties"
	for _, path := range filepath.SplitList(classPath) {
		jar, err := zip.OpenReader(path)
		if err != nil {
			return "", fmt.Errorf("open the operator's jar %s: %w", path, err)
		}
		raw, err := readFrom(jar, file)
		if err := errors.Join(err, jar.Close()); err != nil {
			return "", err
		}
		if m := versionLine.FindStringSubmatch(raw); m != nil {
			return strings.TrimSpace(m[1]), nil
		}
	}
	return "", fmt.Errorf("%s has no %s: it is no Flink Kubernetes operator (flink-kubernetes-operator-%s-shaded.jar)", classPath,
		file, version)
}

func readFrom(jar *zip.ReadCloser, name string) (string, error) {
	f, err := jar.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(f)
	return string(raw), errors.Join(err, f.Close())
}

// settings of the real operator: it looks as often as a test can wait for, and listens to nobody. The rest is its default. The
// limit of five looks in 15 seconds would leave it blind for as long as a lost JobManager takes to come back.
const settings = `kubernetes.operator.reconcile.interval: 2 s
kubernetes.operator.rate-limiter.limit: 0
kubernetes.operator.observer.progress-check.interval: 1 s
kubernetes.operator.observer.rest-ready.delay: 1 s
kubernetes.operator.health.probe.enabled: false
`

const logging = `rootLogger.level=INFO
rootLogger.appenderRef.c.ref=C
appender.c.name=C
appender.c.type=CONSOLE
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d{HH:mm:ss,SSS} %-5p %c{1} %X{resource.name} %m%n%throwable{3}
`

// javaProgram is a running JVM of the real operator's.
type javaProgram struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
	names context.CancelFunc
}

// makeConf makes the folders of a program of the operator's.
func makeConf(dir string) error {
	for _, sub := range []string{"conf", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "conf", "flink-conf.yaml"), []byte(settings), 0o600),
		os.WriteFile(filepath.Join(dir, "log4j2.properties"), []byte(logging), 0o600))
}

// startJava runs a program of the operator's with the rights of an administrator.
func (t *tool) startJava(dir, classPath, main string, flags []string, env ...string) (*javaProgram, error) {
	log, err := os.Create(filepath.Join(dir, "log")) // #nosec G304 -- of our own folder
	if err != nil {
		return nil, err
	}
	p := &javaProgram{log: log, ended: make(chan struct{}), names: func() {}}
	words := append([]string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m",
		"-Djava.io.tmpdir=" + filepath.Join(dir, "tmp"),
		"-Dlog4j2.configurationFile=file://" + filepath.Join(dir, "log4j2.properties")}, flags...)
	p.cmd = exec.Command(t.flink.Java.Path, append(words, "-classpath", classPath, main)...) // #nosec G204 -- the developer's jar
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C at the terminal ends it by way of us
	p.cmd.Env = append([]string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + dir, "HOSTNAME=operator", "KUBECONFIG=" + t.kubeconfig,
		"OPERATOR_NAMESPACE=" + operatorNamespace, "OPERATOR_NAME=" + operatorName, "WATCH_NAMESPACES=" + scenario.Namespace,
		"FLINK_CONF_DIR=" + filepath.Join(dir, "conf"), "FLINK_PLUGINS_DIR=" + filepath.Join(dir, "plugins"), // it has none
	}, env...)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", main, err)
	}
	go func() {
		_ = p.cmd.Wait() // its log tells
		close(p.ended)
	}()
	return p, nil
}

// startOperator runs the operator, and tells it the addresses of JobManagers by a file.
func (t *tool) startOperator(ctx context.Context) (*javaProgram, error) {
	dir := filepath.Join(t.home, "operator")
	hosts := filepath.Join(dir, "hosts")
	if err := errors.Join(makeConf(dir), t.writeHosts(ctx, hosts)); err != nil {
		return nil, err
	}
	r, err := t.startJava(dir, t.jar, "org.apache.flink.kubernetes.operator.FlinkOperator", []string{
		"-Djdk.net.hosts.file=" + hosts, "-Dsun.net.inetaddr.ttl=1", "-Dsun.net.inetaddr.negative.ttl=0",
	}, "KUBERNETES_SERVICE_HOST=kubernetes") // without one it takes every JobManager for a forwarded port of localhost
	if err != nil {
		return nil, err
	}
	following, cancel := context.WithCancel(ctx)
	r.names = cancel
	go t.followHosts(following, hosts)
	return r, r.ready(ctx, "'flinkdeploymentcontroller' controller started")
}

// ready waits until the program's log says that it serves.
func (r *javaProgram) ready(ctx context.Context, when string) error {
	for range 240 {
		said, err := os.ReadFile(r.log.Name())
		if err != nil || strings.Contains(string(said), when) {
			return err
		}
		if strings.Contains(string(said), `Exception in thread "main"`) {
			return fmt.Errorf("it does not start:\n%s", said)
		}
		select {
		case <-r.ended:
			return fmt.Errorf("it ended at once:\n%s", said)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return fmt.Errorf("it has not started after 2 minutes (log: %s)", r.log.Name())
}

func (r *javaProgram) stop() error {
	r.names()
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		<-r.ended
	}
	return r.log.Close()
}

func (t *tool) followHosts(ctx context.Context, file string) {
	for ctx.Err() == nil {
		if err := t.writeHosts(ctx, file); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "the addresses of JobManagers:", err)
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// writeHosts writes the names of the Services that JobManagers are behind.
func (t *tool) writeHosts(ctx context.Context, file string) error {
	pods, err := t.cluster.Pods(ctx, scenario.Namespace, "component=jobmanager")
	if err != nil {
		return err
	}
	machine, _ := os.Hostname() // without one nothing asks for it
	text := "127.0.0.1 localhost " + machine + "\n"
	for _, p := range pods {
		if name := p.Labels["app"]; p.IP != "" && !p.Deleting {
			text += fmt.Sprintf("%s %s-rest.%s %s.%s\n", kubelet.OnMachine(p.IP), name, p.Namespace, name, p.Namespace)
		}
	}
	return disk.Replace(file, []byte(text))
}

// The operator's Deployment, whose pods the stand-in runs for.
const (
	operatorNamespace = "flink-kubernetes-operator"
	operatorName      = "flink-kubernetes-operator"
)

// standIn runs the stand-in of the local target, or ends it: it is there while pods of the operator are.
func (t *tool) standIn(ctx context.Context, replicas int) error {
	ref := kube.KindDeployment.Ref(operatorNamespace, operatorName)
	_, err := t.cluster.Patch(ctx, ref, "", map[string]any{"spec": map[string]any{"replicas": replicas}})
	for err == nil {
		var pods []kube.Pod
		pods, err = t.cluster.Pods(ctx, operatorNamespace, "app.kubernetes.io/name="+operatorName)
		if err == nil && len(pods) == replicas {
			return nil
		}
		time.Sleep(500 * time.Millisecond)
	}
	return fmt.Errorf("have %d pods of the operator: %w", replicas, err)
}
