// SPDX-License-Identifier: Apache-2.0

package dashboards

import "syscall"

// attributes make a process end with this one, and not by a Ctrl-C at the terminal, which is ours to handle.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
