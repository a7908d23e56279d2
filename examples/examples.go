// SPDX-License-Identifier: Apache-2.0

// Package examples holds the sample jobs of `emrflink sample-job`: each folder of jobs/ is one. A new sample needs only
// a new folder; jobs/README.md says what is in it. The folder custom-stack is a Pulumi program and not a sample job.
package examples

import "embed"

// Jobs is the folder of the sample jobs, below "jobs".
//
//go:embed jobs
var Jobs embed.FS
