// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package dashboards

import "syscall"

// attributes keep a Ctrl-C at the terminal, which is ours to handle, from a process.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
