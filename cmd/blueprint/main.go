// SPDX-License-Identifier: Apache-2.0

// Command blueprint is the Pulumi program for Pulumi's own command line: `pulumi up` in the project's folder runs it.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"emrflink/stacks"
)

func main() {
	pulumi.Run(stacks.Blueprint)
}
