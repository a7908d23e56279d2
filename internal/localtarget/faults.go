// SPDX-License-Identifier: Apache-2.0

package localtarget

import "strings"

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

// LeftoverPrefix begins the actions that leave something in the account that no stack records.
const LeftoverPrefix = "account:"

// The actions that leave something behind, as the controllers of a cluster do, a service that watches it, or a job.
const (
	LostInterface = LeftoverPrefix + "LostInterface"
	LostBalancer  = LeftoverPrefix + "LostLoadBalancer"
	LostClassic   = LeftoverPrefix + "LostClassicBalancer"
	LostVolume    = LeftoverPrefix + "LostVolume"
	LostTemplate  = LeftoverPrefix + "LostLaunchTemplate"
	LostProfile   = LeftoverPrefix + "LostInstanceProfile"
	GuardDuty     = LeftoverPrefix + "GuardDutyEndpoint"
	UsedBucket    = LeftoverPrefix + "UsedBucket"
)

// InstancePrefix begins the actions that take instances away, at once and for good.
const InstancePrefix = "instance:"

// The actions that take instances away.
const (
	SpotInterruption    = InstancePrefix + "SpotInterruption"
	InstanceTermination = InstancePrefix + "Termination"
)

// InstanceFaults are all of them.
func InstanceFaults() []Disorder {
	const match = "an instance, or its node"
	return []Disorder{
		{SpotInterruption, "EC2 takes spot instances back, after its notice", match},
		{InstanceTermination, "instances are terminated without a notice", match},
	}
}

// IsAWS says whether an action is one of AWS: a fault of it needs an error or a delay, all others need neither.
func IsAWS(action string) bool {
	return !strings.HasPrefix(action, ClusterFaultPrefix) && !strings.HasPrefix(action, LeftoverPrefix) &&
		!strings.HasPrefix(action, InstancePrefix)
}

// Disorder is a way in which a cluster can be broken, or something that is left behind.
type Disorder struct {
	Action string
	// Does is what is wrong then; Match says what a match narrows it down to, "" for nothing.
	Does, Match string
}

// Leftovers are all that can be left behind.
func Leftovers() []Disorder {
	return []Disorder{
		{LostInterface, "an interface of a lost node keeps the subnet and the cluster's group", "a cluster"},
		{LostBalancer, "a load balancer with its security group, of a Service that is gone", "a cluster"},
		{LostClassic, "the classic load balancer that EKS made for a Service that is gone", "a cluster"},
		{LostVolume, "a volume of a claim that is gone", "a cluster"},
		{LostTemplate, "a launch template of Karpenter", "a cluster"},
		{LostProfile, "an instance profile of Karpenter keeps the role of the nodes", "a cluster"},
		{GuardDuty, "the endpoint of GuardDuty's agents in the VPC, with its security group", "a cluster"},
		{UsedBucket, "versions, delete markers and an unfinished upload", "a bucket"},
	}
}

// ClusterFaults are all ways.
func ClusterFaults() []Disorder {
	return []Disorder{
		{StuckNamespace, "an object in each namespace keeps a finalizer whose controller is gone", "a namespace"},
		{DeadAPIService, "a group of kinds has no server: no namespace can be emptied", ""},
		{DeadWebhook, "nothing of a group can be changed: its webhook is gone", "a group (flink.apache.org)"},
		{UndeletableJob, "Flink jobs, and a snapshot, that the operator can never delete", "a namespace"},
		{PendingRelease, "Helm releases look as if their last run was cut off", "NAMESPACE/NAME"},
		{APIServerGone, "the API server answers nothing any more", "a cluster"},
	}
}
