// SPDX-License-Identifier: Apache-2.0

// Package examples holds the sample jobs of `emrflink sample-job`: each folder of jobs/ is one. A new sample needs only
// a new folder; jobs/README.md says what is in it. The folder new has what `emrflink job init` makes a job of one's own of.
// The folder custom-stack is a Pulumi program and not a sample job.
package examples

import "embed"

// Jobs is the folder of the sample jobs, below "jobs".
//
//go:embed jobs
var Jobs embed.FS

// New is the folder of what a new job begins with, below "new": what all languages have is in common.
//
//go:embed new
var New embed.FS
