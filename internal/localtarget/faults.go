// SPDX-License-Identifier: Apache-2.0

package localtarget

// Fault makes calls of an AWS action fail or answer late on purpose. Faults are in the memory of the local target: they end
// with it.
type Fault struct {
	// Action is as IAM spells it, "s3:CreateBucket"; * and ? match.
	Action string `json:"action"`
	// Match is a pattern of what the call is about; "" matches all.
	Match string `json:"match"`
	// Error is AWS's error code, "" only delays.
	Error        string  `json:"error"`
	Message      string  `json:"message"`
	DelaySeconds float64 `json:"delaySeconds"`
	// Times is how often it applies, 0 = always; Left how often still, -1 = always.
	Times int `json:"times"`
	Left  int `json:"left"`
}

// Faults are those that are in force.
type Faults struct {
	SchemaVersion int     `json:"schemaVersion"`
	Faults        []Fault `json:"faults"`
}

// Change is a change of a deployed resource out of band: as a person with a console or kubectl makes it, so that the
// recorded state does not know of it.
type Change struct {
	// Resource is a name, an id or a URN of the recorded state.
	Resource string
	// Set are PATH=VALUE, Unset paths.
	Set, Unset []string
	Delete     bool
}

// ClusterFaultPrefix begins the actions that are no actions of AWS: they break the clusters that run.
const ClusterFaultPrefix = "kubernetes:"

// The actions that break a cluster.
const (
	StuckNamespace = ClusterFaultPrefix + "StuckNamespace"
	DeadAPIService = ClusterFaultPrefix + "DeadAPIService"
	DeadWebhook    = ClusterFaultPrefix + "DeadWebhook"
	UndeletableJob = ClusterFaultPrefix + "UndeletableJob"
	PendingRelease = ClusterFaultPrefix + "PendingRelease"
	APIServerGone  = ClusterFaultPrefix + "APIServerGone"
)

// ClusterFault is a way in which a cluster can be broken.
type ClusterFault struct {
	Action string
	// Does is what is wrong then; Match says what a match narrows it down to, "" for nothing.
	Does, Match string
}

// ClusterFaults are all ways.
func ClusterFaults() []ClusterFault {
	return []ClusterFault{
		{StuckNamespace, "an object in each namespace keeps a finalizer whose controller is gone", "a namespace"},
		{DeadAPIService, "a group of kinds has no server: no namespace can be emptied", ""},
		{DeadWebhook, "nothing of a group can be changed: its webhook is gone", "the group (flink.apache.org)"},
		{UndeletableJob, "Flink jobs that the operator can never delete", "a namespace"},
		{PendingRelease, "Helm releases look as if their last run was cut off", "NAMESPACE/NAME"},
		{APIServerGone, "the API server answers nothing any more", "a cluster"},
	}
}
