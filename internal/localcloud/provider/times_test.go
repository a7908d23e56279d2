// SPDX-License-Identifier: Apache-2.0

package provider_test

import "time"

const (
	// waitTime is how long a test waits for what comes at once on a quiet machine.
	waitTime = 20 * time.Second
	pollTime = 10 * time.Millisecond
)
