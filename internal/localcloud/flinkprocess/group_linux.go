// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import "syscall"

// ownGroup has a process lead a group of its own, so that a Ctrl-C at the terminal is not for it, and end with this program.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
