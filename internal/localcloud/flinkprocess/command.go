// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/kballard/go-shellquote"
)

// opened are the packages of the JDK that Flink 1.20 reaches into on Java 17 (env.java.opts.all of its distribution).
var opened = []string{
	"--add-exports=java.base/sun.net.util=ALL-UNNAMED", "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
	"--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED",
	"--add-opens=java.base/java.net=ALL-UNNAMED", "--add-opens=java.base/java.io=ALL-UNNAMED",
	"--add-opens=java.base/java.nio=ALL-UNNAMED", "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
	"--add-opens=java.base/java.lang.reflect=ALL-UNNAMED", "--add-opens=java.base/java.text=ALL-UNNAMED",
	"--add-opens=java.base/java.time=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED",
	"--add-opens=java.base/java.util.concurrent=ALL-UNNAMED", "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
	"--add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED",
}

// choosesGC is an option of a user that chooses a garbage collector; a JVM refuses two.
var choosesGC = regexp.MustCompile(`^-XX:\+Use\w+GC$`)

// collector is a garbage collector for many JVMs on one machine, unless the user's own options have one. Flink asks for its whole
// heap at the start, and a third of that would be touched before anything is collected: a young generation of 32 MiB is enough
// for the heap to grow with what lives. The user's options come later and win.
func collector(own []string) []string {
	if slices.ContainsFunc(own, choosesGC.MatchString) {
		return nil
	}
	return []string{"-XX:+UseSerialGC", "-XX:MaxNewSize=32m"}
}

// command is the arguments of the java program.
func (r *Runtime) command(ctx context.Context, b *box, have install) ([]string, error) {
	memory, dynamic, err := r.memory(ctx, b, have)
	if err != nil {
		return nil, err
	}
	own, err := b.userOptions()
	if err != nil {
		return nil, err
	}
	path, err := r.classPath(have)
	if err != nil {
		return nil, err
	}
	extra, err := b.extraJars()
	if err != nil {
		return nil, err
	}
	logs := b.in(logFolder, "flink--kubernetes-"+string(b.launch.role)+"-"+b.Pod.Name+".log")
	words := slices.Concat(memory, opened, collector(own), own, []string{
		"-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError", "-Djava.io.tmpdir=" + b.in(tmpFolder),
		"-Djdk.net.hosts.file=" + b.in(hostsFile), "-Dsun.net.inetaddr.ttl=1", "-Dsun.net.inetaddr.negative.ttl=0",
		"-Dlog.file=" + logs, "-Dlog4j.configurationFile=file:" + b.in(confFolder, log4jFile),
		"-Dlog4j.configuration=file:" + b.in(confFolder, log4jFile),
		"-Dcom.sun.net.httpserver.HttpServerProvider=emrflink.PodAddress", "-Demrflink.pod.address=" + b.ip(),
		"--add-exports=jdk.httpserver/sun.net.httpserver=ALL-UNNAMED",
	})
	words = append(words, r.archives.words(have, b.launch.role, string(b.Pod.UID))...)
	words = append(words, "-classpath", strings.Join(append(path, extra...), ":"), b.launch.class, "--configDir",
		b.in(confFolder))
	at := b.paths()
	for _, a := range b.launch.args {
		words = append(words, at.text(a))
	}
	return append(words, dynamic...), nil
}

// userOptions are the options that Flink's scripts take from the settings and from the environment.
func (b *box) userOptions() ([]string, error) {
	part, variable := "jobmanager", "FLINK_ENV_JAVA_OPTS_JM"
	if b.launch.role == taskManager {
		part, variable = "taskmanager", "FLINK_ENV_JAVA_OPTS_TM"
	}
	var words []string
	for _, text := range []string{
		b.settings.values["env.java.default-opts.all"], b.settings.values["env.java.default-opts."+part],
		b.settings.values["env.java.opts.all"], b.settings.values["env.java.opts"], b.settings.values["env.java.opts."+part],
		b.vars["JVM_ARGS"], b.vars["FLINK_ENV_JAVA_OPTS"], b.vars[variable],
	} {
		split, err := shellquote.Split(strings.Trim(text, `"'`))
		if err != nil {
			return nil, fmt.Errorf("read the Java options %q: %w", text, err)
		}
		words = append(words, split...)
	}
	return words, nil
}

// classPath is the home's jars and ours. It is the same for all pods, or a class-data archive would not fit.
func (r *Runtime) classPath(have install) ([]string, error) {
	jars, err := filepath.Glob(filepath.Join(have.home.Dir, "lib", "*.jar"))
	if err != nil || len(jars) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s has no jars in lib", have.home.Dir))
	}
	template, err := templateJar(have.home, r.o.Dir)
	if err != nil {
		return nil, fmt.Errorf("make Flink read the pod template of its TaskManagers: %w", err)
	}
	return slices.Concat([]string{template}, jars, []string{filepath.Join(r.o.Dir, podAddressJar)}), nil
}

// extraJars are those that the pod mounts among Flink's.
func (b *box) extraJars() ([]string, error) {
	jars, err := filepath.Glob(b.in(flinkFolder, "lib", "*.jar"))
	return slices.DeleteFunc(jars, func(jar string) bool {
		_, err := os.Lstat(filepath.Join(b.home.Dir, "lib", filepath.Base(jar)))
		return err == nil
	}), err
}

// memoryWords are the answers of Flink's own calculator, which takes a JVM's start each time.
type memoryWords struct {
	mu      sync.Mutex
	answers map[string][]string // settings -> the two lines of the answer
}

// bashUtils is the class that Flink's scripts ask, and what its answers begin with.
const (
	bashUtils       = "org.apache.flink.runtime.util.bash.BashJavaUtils"
	bashUtilsAnswer = "BASH_JAVA_UTILS_EXEC_RESULT:"
)

// memory is the words of the JVM and of Flink for the memory of a process. Those of a TaskManager are in its pod: its JobManager
// has asked the same calculator.
func (r *Runtime) memory(ctx context.Context, b *box, have install) (jvm, dynamic []string, err error) {
	if b.launch.role == taskManager {
		jvm, err = shellquote.Split(b.vars["FLINK_TM_JVM_MEM_OPTS"])
		return jvm, nil, err
	}
	asked := map[string]string{}
	for key, v := range b.settings.values {
		if strings.HasPrefix(key, "jobmanager.memory.") || strings.HasPrefix(key, "jobmanager.heap.") {
			asked[key] = v
		}
	}
	var key strings.Builder
	key.WriteString(have.home.Dir)
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		key.WriteString("\n" + name + ": " + asked[name])
	}
	r.words.mu.Lock()
	defer r.words.mu.Unlock()
	lines := r.words.answers[key.String()]
	if lines == nil {
		if lines, err = askMemory(ctx, have, asked); err != nil {
			return nil, nil, fmt.Errorf("ask Flink for the memory of the JobManager: %w", err)
		}
		r.words.answers[key.String()] = lines
	}
	return strings.Fields(lines[0]), strings.Fields(lines[1]), nil
}

func askMemory(ctx context.Context, have install, asked map[string]string) ([]string, error) {
	dir, err := os.MkdirTemp("", "emrflink-memory")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // what stays of it is a file in a temporary folder
	if err := writeSettings(dir, asked); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, have.java.Path, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-classpath",
		filepath.Join(have.home.Dir, "lib", "*"), bashUtils, "GET_JM_RESOURCE_PARAMS", "--configDir", dir)
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	var lines []string
	for line := range strings.Lines(string(out)) {
		if answer, ok := strings.CutPrefix(line, bashUtilsAnswer); ok {
			lines = append(lines, strings.TrimSpace(answer))
		}
	}
	if len(lines) == 2 {
		return lines, nil
	}
	if said := reasonIn(string(out)); said != "" {
		return nil, errors.New(said)
	}
	return nil, errors.Join(err, errors.New("it gave no answer"))
}
