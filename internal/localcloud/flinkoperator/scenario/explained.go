// SPDX-License-Identifier: Apache-2.0

package scenario

import "regexp"

// explanation is why the two operators are different where they are to be. Of scenario and only, "" is any.
type explanation struct {
	scenario, only string
	what           *regexp.Regexp
	why            string
}

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
	{"lost HA data", StandIn, matching(`UpgradeFailed|UpgradeFailureException`),
		"the real operator says so when its look falls into a moment at which the container waits; here it did not in 20 s"},
	{"deletion after it", "", matching(`^status\.error`), "what the status had before"},
	{"redeploy from nothing", "", matching(`^statuses|^ConfigMap`), "a JobManager that ends again and again, looked at for 30 s"},
	{"rollback", "", matching(`^(statuses|JobStatusChanged|Warning CrashLoop|status\.error|Pod)`),
		"on a busy machine the real operator rolled back a second time before the job ran; a look of the stand-in fell into a " +
			"moment at which the container waited"},
	{"after a rollback", "", matching(`^(statuses|Rollback)`),
		"it begins in the second rollback, and a good upgrade that is slower than the timeout of 40 s is taken back too"},
	{"", StandIn, matching(`^status\.error DeploymentFailedException: (org\.apache\.flink|a TaskManager)`),
		"the stand-in says why while a job starts again, the real operator only of a job that has failed"},
}
