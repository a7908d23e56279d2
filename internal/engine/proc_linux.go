// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopSignal asks an engine of ours to stop and record what the operations in flight have made. It is not SIGINT, because the
// kernel sends a parent-death signal once for every thread of the parent that the child was handed to, and a second SIGINT makes
// the engine drop what is in flight: see stopWhenAsked.
const stopSignal = syscall.SIGHUP

// childAttr puts the engine into a process group of its own, so that a Ctrl-C in the terminal reaches it once (through
// us) and not twice, and makes the kernel ask it to stop when we die: it then finishes what is in flight and saves the
// state, instead of leaving a stale lock and half-made resources that nobody knows of.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: stopSignal}
}

// interruptProcess asks the engine to stop and record what the operations in flight have made.
func interruptProcess(pid int) error { return syscall.Kill(pid, stopSignal) }

// stopWhenAsked is the engine's side: the first stop signal becomes the one SIGINT that Pulumi stops cleanly on. Broken
// pipes are ignored: an engine whose command was killed would otherwise die of its first line of output.
func stopWhenAsked() {
	signal.Ignore(syscall.SIGPIPE)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, stopSignal)
	go func() {
		<-asked
		_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	}()
}

// killGroup kills the engine and the plugins that it started.
func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }

// lockFile takes the lock of a file, which the kernel frees with the process. errInUse when another process has it.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errInUse
	}
	return nil // a file system without locks: the engine has its own
}

// unlockFile gives up what lockFile took. Closing the file is not enough: a process that is being started at that moment has
// it open until it runs its program.
func unlockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

// processAlive tells whether the process pid, started not after since, still runs. A process that started later has
// only inherited the number.
func processAlive(pid int, since time.Time) bool {
	if pid <= 0 {
		return false
	}
	if err := syscall.Kill(pid, 0); err != nil && err != syscall.EPERM {
		return false
	}
	state, started, ok := processStat(pid)
	if !ok {
		return true
	}
	// Two seconds: the boot time in /proc/stat is rounded to seconds.
	return state != 'Z' && !started.After(since.Add(2*time.Second))
}

// processStat reads the state letter and the start time of a process.
func processStat(pid int) (state byte, started time.Time, ok bool) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, time.Time{}, false
	}
	// The command name in parentheses may hold spaces: fields are counted after its end.
	end := bytes.LastIndexByte(raw, ')')
	if end < 0 {
		return 0, time.Time{}, false
	}
	fields := strings.Fields(string(raw[end+1:]))
	if len(fields) < 20 {
		return 0, time.Time{}, false
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	boot, bootOK := bootTime()
	if err != nil || !bootOK {
		return 0, time.Time{}, false
	}
	// The kernel's USER_HZ is 100 on every architecture that Go supports.
	return fields[0][0], boot.Add(time.Duration(ticks) * 10 * time.Millisecond), true
}

// bootTime reads when the machine started.
func bootTime() (time.Time, bool) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, false
	}
	for line := range strings.Lines(string(raw)) {
		if rest, found := strings.CutPrefix(line, "btime "); found {
			secs, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return time.Unix(secs, 0), err == nil
		}
	}
	return time.Time{}, false
}
