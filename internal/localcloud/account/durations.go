// SPDX-License-Identifier: Apache-2.0

package account

import "time"

// How long AWS takes, beside what the catalogue says of each kind: round figures of the same order as on AWS.
const (
	keepTerminated   = time.Hour        // a terminated instance stays visible that long
	spotWarning      = 2 * time.Minute  // between the interruption warning and the termination
	flushClusterLogs = 30 * time.Second // after its cluster is gone, EKS still writes control-plane logs
)
