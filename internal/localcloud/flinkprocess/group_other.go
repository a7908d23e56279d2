// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package flinkprocess

import "syscall"

// ownGroup is not used: pods are taken on Linux only.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
