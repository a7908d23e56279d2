// SPDX-License-Identifier: Apache-2.0

package localtarget

// EnvSteps names a folder in which the daemon writes down every change that an engine asks for, and looks for the one at which
// it is to wait. It is for tests that kill a process at an exact moment.
const EnvSteps = "EMRFLINK_LOCAL_STEPS"

// The files of that folder. A line of StepsDone is "NUMBER OPERATION URN"; StepsPause holds "before OPERATION URN" or "after
// OPERATION URN", and as long as it is there, that change waits; StepsReached is written when it does.
const (
	StepsDone    = "done"
	StepsPause   = "pause"
	StepsReached = "reached"
)

// EnvCharts is HOST:PORT of the registry that has the charts of the local target.
const EnvCharts = "EMRFLINK_LOCAL_CHARTS"
