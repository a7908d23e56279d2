// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"emrflink/internal/flinkhome"
	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/kubelet"
	"emrflink/internal/localcloud/metricsserver"
)

// Credentials are those of an AWS role for some time.
type Credentials struct {
	Key, Secret, Token string
	Expires            time.Time
}

// Options configure a Runtime. Homes, Client, APIServer and Dir are required.
type Options struct {
	Homes     flinkhome.Homes
	Getenv    func(string) string // of the user: JAVA_HOME; nil: no variable is set
	Client    kubelet.API         // as an administrator: reads ConfigMaps and Secrets, asks for tokens
	APIServer string              // https://HOST:PORT, as pods reach it
	Dir       string              // for what is made once for all pods
	// S3Endpoint is http://HOST:PORT of S3; "" leaves the S3 settings of pods as they are.
	S3Endpoint, Region string
	// Credentials are those of a service account's role. Nil: no pod has any.
	Credentials func(ctx context.Context, namespace, serviceAccount string) (Credentials, error)
	// Object reads an object of S3 with the rights of a service account, for init containers that copy. Nil: none can be read.
	Object func(ctx context.Context, namespace, serviceAccount, bucket, key string) (io.ReadCloser, error)
	// Room is how many MB of memory the machine has free. Nil: what Linux calls available.
	Room   func() (freeMB int)
	Logger *slog.Logger // nil: discarded
}

// Runtime runs Flink's pods. Make it with New.
type Runtime struct {
	o       Options
	log     *slog.Logger
	starter *starter
	found   finder
	words   memoryWords
	names   names
	roles   *roleServer
	room    *room

	archives *archives
}

var _ kubelet.Holder = (*Runtime)(nil)

// New prepares a Runtime. It serves credentials on a loopback address until Close.
func New(o Options) (*Runtime, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Room == nil {
		o.Room = availableMB
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of Flink's processes: %w", err)
	}
	if err := writePodAddressJar(filepath.Join(o.Dir, podAddressJar)); err != nil {
		return nil, fmt.Errorf("write %s: %w", podAddressJar, err)
	}
	roles, err := serveRoles(o.Credentials, o.Logger)
	if err != nil {
		return nil, err
	}
	starts := newStarter()
	return &Runtime{
		o: o, log: o.Logger, starter: starts, roles: roles, archives: newArchives(o.Dir, starts, o.Logger), room: newRoom(o.Room),
		found: finder{look: lookIn(o.Homes, o.Getenv)}, words: memoryWords{answers: map[string][]string{}},
		names: names{pods: map[string]named{}},
	}, nil
}

// Close ends what the Runtime does besides runs, which are over by then.
func (r *Runtime) Close() error {
	r.archives.stop()
	return r.roles.close()
}

// Usage is what the processes of pods take, by the UID of the pod; nothing where Linux' /proc is not.
func (r *Runtime) Usage() map[string]metricsserver.Usage {
	out := map[string]metricsserver.Usage{}
	for uid, pid := range r.room.processes() {
		if used, ok := cpuTime(pid); ok {
			out[uid] = metricsserver.Usage{CPU: used, Memory: anonymous(pid)}
		}
	}
	return out
}

// What Flink's native Kubernetes mode calls its pods and their container.
const (
	labelType    = "type"
	nativeType   = "flink-native-kubernetes"
	labelPart    = "component"
	labelCluster = "app"
)

// Takes takes the pods of Flink's native mode while a Flink is installed and Java is there. A pod that another runtime started
// stays with that.
func (r *Runtime) Takes(p *corev1.Pod) (kubelet.Take, bool) {
	t := kubelet.Take{Container: flinkconf.MainContainer, Loopback: true}
	part := role(p.Labels[labelPart])
	if p.Labels[labelType] != nativeType || part != jobManager && part != taskManager {
		return t, false
	}
	if p.Status.PodIP != "" && p.Annotations[kubelet.AnnotationSimulated] == "true" {
		return t, false
	}
	if !slices.ContainsFunc(p.Spec.Containers, func(c corev1.Container) bool { return c.Name == flinkconf.MainContainer }) {
		return t, false
	}
	_, err := r.found.find()
	return t, err == nil
}

// Holds holds a pod back for which the machine has no memory, or whose ConfigMaps and Secrets are not all there: the operator
// makes some of them after the pod.
func (r *Runtime) Holds(p *corev1.Pod) (reason, why string) {
	if why := r.room.holds(string(p.UID)); why != "" {
		return kubelet.Creating, why
	}
	return r.awaited(p)
}

// Run runs the JVM of a pod.
func (r *Runtime) Run(ctx context.Context, s kubelet.Sandbox) kubelet.Exit {
	defer r.room.leave(string(s.Pod.UID))
	defer r.roles.dismiss(string(s.Pod.UID))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	exit := r.run(ctx, s)
	if exit.Reason == reasonCannotRun {
		_, _ = fmt.Fprintln(s.Stdout, "emrflink:", exit.Message) // a log that cannot be written to is shown by the next run
	}
	return exit
}

func (r *Runtime) run(ctx context.Context, s kubelet.Sandbox) kubelet.Exit {
	have, err := r.found.find()
	if err != nil {
		return cannotRun(err)
	}
	if err := refused(s.Pod, s.Container); err != nil {
		return cannotRun(err)
	}
	b := &box{Sandbox: s, home: have.home}
	if err := r.prepare(ctx, b); err != nil {
		return cannotRun(err)
	}
	command, err := r.command(ctx, b, have)
	if err != nil {
		return cannotRun(err)
	}
	forget := r.names.add(b)
	defer forget()
	for _, line := range b.says(have) {
		_, _ = fmt.Fprintln(s.Stdout, "emrflink:", line) // as above
	}
	out := r.starter.run(ctx, process{
		path: have.java.Path, args: command, env: b.environ(), dir: b.root(), stdout: s.Stdout, stderr: s.Stderr,
		grace: s.Grace,
		limit: s.Container.Resources.Limits.Memory().Value(), started: func(pid int) { r.room.started(string(s.Pod.UID), pid) },
	})
	if path, err := r.classPath(have); err == nil { // it was there a moment ago
		r.archives.learn(have, b.launch.role, string(s.Pod.UID), path)
	}
	return out.exit(s.Log)
}

// prepare makes the pod's folder: volumes, Flink's configuration, tokens and what its init containers copy.
func (r *Runtime) prepare(ctx context.Context, b *box) error {
	if err := b.clean(); err != nil {
		return err
	}
	tokens, err := r.writeVolumes(ctx, b)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if err := t.Write(ctx); err != nil {
			return err
		}
		go t.Refresh(ctx)
	}
	if err := b.mount(b.Container); err != nil {
		return err
	}
	vars, err := r.environment(ctx, b, b.Container)
	if err != nil {
		return err
	}
	if b.launch, err = parseLaunch(b.Container, vars); err != nil {
		return err
	}
	if err := r.copyIn(ctx, b); err != nil {
		return err
	}
	if b.settings, err = b.configure(r.o); err != nil {
		return err
	}
	b.vars, err = r.machineVars(b, vars)
	return err
}

const reasonCannotRun = "ContainerCannotRun"

func cannotRun(err error) kubelet.Exit {
	return kubelet.Exit{Code: 128, Reason: reasonCannotRun, Message: err.Error()}
}

// install is a Flink and the Java that runs it.
type install struct {
	home flinkhome.Home
	java flinkhome.Program
}

// finder looks for an install. It is asked for each pod, again and again, so what it found is good for a moment.
type finder struct {
	look func() (install, error)

	mu    sync.Mutex
	until time.Time
	have  install
	err   error
}

const lookAgain = 5 * time.Second

func (f *finder) find() (install, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Now().Before(f.until) {
		return f.have, f.err
	}
	f.have, f.err = f.look()
	f.until = time.Now().Add(lookAgain)
	return f.have, f.err
}

// lookIn looks for a Flink and a Java. The version of a Java that was found is not asked for again.
func lookIn(homes flinkhome.Homes, getenv func(string) string) func() (install, error) {
	java := flinkhome.Program{Problem: "not looked for yet"}
	return func() (install, error) {
		if err := flinkhome.System(); err != nil {
			return install{}, err
		}
		home, err := homes.Find()
		if err != nil {
			return install{}, err
		}
		if java.Problem != "" {
			java = flinkhome.Java(context.Background(), getenv)
		}
		if java.Problem != "" {
			return install{}, errors.New(java.Problem)
		}
		return install{home: home, java: java}, nil
	}
}
