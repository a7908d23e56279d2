// SPDX-License-Identifier: Apache-2.0

// Package diagnose says what is wrong with a Flink job, from what was read of it: a verdict, the findings in the order of their
// weight, and what could not be assessed.
//
// Invariants: it is a function of a Snapshot and contacts nothing. A source that could not be read makes what hangs on it "not
// assessed", and the job is then never called healthy.
//
// Place: an operation of its own; package flinkjob fills in the Snapshot, the commands print the Report.
package diagnose
