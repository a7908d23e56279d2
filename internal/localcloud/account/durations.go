// SPDX-License-Identifier: Apache-2.0

package account

import "time"

// How long AWS takes. Those of EKS and NAT gateways are medians over "complete after" lines of public
// Terraform logs (5 to 10 samples each); the others are round figures of the same order as on AWS.
const (
	createCluster = 617 * time.Second // 10m17s, 8m23s to 11m23s
	deleteCluster = 204 * time.Second // 3m24s, 1m09s to 8m42s

	createNodeGroup = 119 * time.Second // 1m59s, 1m28s to 3m21s
	deleteNodeGroup = 379 * time.Second // 6m19s, 4m12s to 8m21s

	createNAT = 106 * time.Second // 1m46s, 1m25s to 2m05s
	deleteNAT = 58 * time.Second  // 20s to 1m19s

	createAddon = 15 * time.Second // coredns on existing nodes
	createCSI   = 54 * time.Second // aws-ebs-csi-driver
	deleteAddon = 10 * time.Second

	createEndpoint = 6 * time.Second
	deleteEndpoint = 6 * time.Second

	createLoadBalancer = 120 * time.Second
	deleteLoadBalancer = 15 * time.Second

	startInstance     = 20 * time.Second
	terminateInstance = 40 * time.Second
	keepTerminated    = time.Hour        // a terminated instance stays visible that long
	spotWarning       = 2 * time.Minute  // between the interruption warning and the termination
	flushClusterLogs  = 30 * time.Second // after its cluster is gone, EKS still writes control-plane logs
)
