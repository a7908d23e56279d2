// SPDX-License-Identifier: Apache-2.0

// Package jobfile reads the files that people bring to run Flink jobs with, and says everything that is wrong with them
// before anything is applied: with the line, what the operator or Flink would do, and the mend. Nothing is contacted.
package jobfile
