// SPDX-License-Identifier: Apache-2.0

// Package flinkconf has what the operator stand-in and the JobManagers of the local target say to each other: Flink's
// configuration keys, its notations of memory, time and places in S3, and the paths of its image.
package flinkconf
