// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// archives are the class-data archives of the roles, which spare a JVM the reading and checking of most classes at its start.
// The first process of a role writes down which classes it loads; after its end an archive of them is made aside, because a JVM
// that makes one itself takes so long over it at its end that it would be killed.
type archives struct {
	dir     string
	starter *starter
	log     *slog.Logger
	ctx     context.Context //nolint:containedctx // of the work that no call waits for
	stop    func()

	mu sync.Mutex // held while one is made
}

func newArchives(dir string, s *starter, log *slog.Logger) *archives {
	ctx, cancel := context.WithCancel(context.Background())
	a := &archives{dir: dir, starter: s, log: log, ctx: ctx}
	a.stop = func() {
		cancel()
		a.mu.Lock() // what was being made is over
		a.mu.Unlock()
	}
	return a
}

// file is the archive for a role: of this Flink, this Java and so this class path.
func (a *archives) file(have install, part role) string {
	return filepath.Join(a.dir, fmt.Sprintf("classes-%s-%s-java-%s.jsa", part, have.home.Version, have.java.Version))
}

func (a *archives) list(have install, part role, uid string) string {
	return a.file(have, part) + "." + uid + ".classes"
}

// words have a JVM use the archive, or write down its classes while there is none.
func (a *archives) words(have install, part role, uid string) []string {
	if file := a.file(have, part); exists(file) {
		return []string{"-XX:SharedArchiveFile=" + file, "-Xshare:auto"}
	}
	return []string{"-XX:DumpLoadedClassList=" + a.list(have, part, uid)}
}

// learn makes the archive of what the process of a pod wrote down.
func (a *archives) learn(have install, part role, uid string, classPath []string) {
	list := a.list(have, part, uid)
	if !exists(list) {
		return
	}
	go func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		defer os.Remove(list) // a list that stays is one file
		if a.ctx.Err() != nil || exists(a.file(have, part)) {
			return
		}
		if err := a.make(have, list, a.file(have, part), classPath); err != nil && a.ctx.Err() == nil {
			a.log.Warn("make a class-data archive", "error", err)
		}
	}()
}

// lowest is the priority of what nobody waits for.
const lowest = 19

func (a *archives) make(have install, list, file string, classPath []string) error {
	made := file + ".new"
	cmd := exec.Command(have.java.Path, "-XX:+UseSerialGC", "-Xshare:dump", "-Xlog:disable", "-XX:SharedClassListFile="+list,
		"-XX:SharedArchiveFile="+made, "-classpath", strings.Join(classPath, ":"))
	cmd.Env, cmd.SysProcAttr = []string{}, ownGroup()
	if err := a.starter.start(cmd); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	_ = syscall.Setpriority(syscall.PRIO_PGRP, pid, lowest) // it only takes longer otherwise
	defer context.AfterFunc(a.ctx, func() { signalGroup(pid, syscall.SIGKILL) })()
	if err := cmd.Wait(); err != nil {
		_ = os.Remove(made)
		return err
	}
	return os.Rename(made, file)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
