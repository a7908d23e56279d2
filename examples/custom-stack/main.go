// SPDX-License-Identifier: Apache-2.0

// Command custom-stack is a Pulumi program of its own, made of emrflink's components: a platform for batch jobs, such as
// Spark's, without Flink and without EMR. `pulumi up` in this folder runs it.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/examples/custom-stack/batch"
)

func main() {
	pulumi.Run(batch.Platform)
}
