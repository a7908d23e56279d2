// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package engine

import (
	"os"
	"syscall"
	"time"
)

// childAttr has nothing to set here: process groups and parent-death signals are used on Linux only.
func childAttr() *syscall.SysProcAttr { return nil }

// interruptProcess asks the engine to stop after the operations in flight.
func interruptProcess(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Signal(os.Interrupt)
}

// killGroup kills the engine.
func killGroup(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}

// stopWhenAsked has nothing to do here: the interrupt goes to Pulumi's own handler.
func stopWhenAsked() {}

// lockFile has nothing to do here: the engine has its own lock.
func lockFile(*os.File) error { return nil }

func unlockFile(*os.File) error { return nil }

// processAlive cannot tell here, and says yes: a lock is then never taken for stale.
func processAlive(int, time.Time) bool { return true }
