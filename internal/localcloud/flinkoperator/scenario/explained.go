// SPDX-License-Identifier: Apache-2.0

package scenario

import "regexp"

// explanation is why the two operators are different where they are to be. Of scenario and only, "" is any.
type explanation struct {
	scenario, only string
	what           *regexp.Regexp
	why            string
}

// betweenLooks: the stand-in looks twice a second, the real operator every two.
const betweenLooks = "the first state after the loss was over before the real operator looked, two seconds later"

func matching(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// explained are all of them.
var explained = []explanation{
	{"", Real, matching(`^ConfigMap autoscaler-`),
		"the autoscaler is not simulated, and neither is the empty ConfigMap that it has for each job"},
	{"", StandIn, matching(`label emr-containers\.amazonaws\.com/`), "a label of EMR's"},
	{"", StandIn, matching(`container fluentd `), "EMR's log sidecar"},
	{"", "", matching(`setting kubernetes\.(jobmanager\.|taskmanager\.)?service-account`),
		"EMR's operator has two service accounts for a job, by its role"},
	{"", StandIn, matching(`setting (metrics\.|state\.backend\.rocksdb\.metrics)`),
		"a default that the blueprint's chart gives all jobs; the real operator had no chart"},
	{"", "", matching(`setting (job|task)manager\.memory\.process\.size`), "the same amount in another notation"},
	{"", "", matching(`setting kubernetes\.(job|task)manager\.cpu\.amount`), "the same number in another notation"},
	{"", StandIn, matching(`setting (jobmanager\.rpc|rest)\.port`), "Flink's default, written out"},
	{"", Real, matching(`setting kubernetes\.jobmanager\.annotations`),
		"the generation that a Deployment is of: the stand-in notes a hash of the spec"},
	{"", Real, matching(`setting kubernetes\.(jobmanager\.owner\.reference|pod-template-file\.jobmanager)`),
		"for the client of Flink that makes the Deployment: the stand-in makes it itself"},
	{"", "", matching(`setting kubernetes\.pod-template-file\.taskmanager`),
		"the file of the operator, which its client of Flink copies: the stand-in names the copy, which JobManagers read"},
	{"", "", matching(`setting job-result-store\.storage-path`), "the stand-in names it by the job's id, not by chance"},
	{"", Real, matching(`volumeMounts /opt/flink/artifacts`),
		"for artifacts that Flink fetches, of which the local target has none"},
	{"", "", matching(`: label topology\.`), "where the pod happens to be"},
	{"", Real, matching(`^FlinkStateSnapshot (nobody|late) Warning (ValidationError|CleanupFailed)`),
		"said again and again while it is there: the stand-in says it once"},
	{"session job with a local jar", "", matching(`^statuses`),
		"the real operator clears the error at each try, and FAILED comes and goes with it: the stand-in keeps it"},
	{"cluster before its job", StandIn, matching(`CleanupFailed`),
		"the real operator had not looked at the deletion yet when the session job was deleted too"},
	{"its job", Real, matching(`to CANCELED`), "the stand-in does not tell the last state of a job that is deleted"},
	{"TaskManager lost", Real, matching(`^statuses STABLE RUNNING READY DEPLOYED$`), betweenLooks},
	{"TaskManager lost", StandIn, matching(`^(statuses STABLE RESTARTING READY DEPLOYED, STABLE RUNNING READY DEPLOYED|` +
		`JobStatusChanged .* to RESTARTING)$`), betweenLooks},
	{"JobManager lost", Real, matching(`^statuses STABLE RECONCILING DEPLOYED_NOT_READY DEPLOYED, STABLE RUNNING READY ` +
		`DEPLOYED$`), betweenLooks},
	{"JobManager lost", StandIn, matching(`^statuses STABLE RECONCILING DEPLOYING DEPLOYED, STABLE RECONCILING ` +
		`DEPLOYED_NOT_READY DEPLOYED, STABLE RUNNING READY DEPLOYED$`), betweenLooks},
	{"checkpoint by nonce", Real, matching(`Warning CheckpointError .* failed to fetch path`),
		"a JobManager tells of its last ten checkpoints, and the job makes one every two seconds: the real operator asked " +
			"too late"},
	{"good again", Real, matching(`^Warning ValidationError \[Operator\]: Job parallelism must be larger than 0$`),
		"the real operator says it once more of the change before"},
	{"lost HA data", Real, matching(`^Warning CrashLoopBackOff `),
		"the real operator says it at each look while the container waits; the stand-in has said it in the scenario before"},
	{"deletion after it", "", matching(`^status\.error`), "what the status had before"},
	{"", StandIn, matching(`^status\.error DeploymentFailedException: (org\.apache\.flink|a TaskManager)`),
		"the stand-in says why while a job starts again, the real operator only of a job that has failed"},
}
