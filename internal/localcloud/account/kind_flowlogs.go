// SPDX-License-Identifier: Apache-2.0

package account

import (
	"slices"

	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
)

// flowLogSpec is the rule of flow logs of a VPC into CloudWatch Logs. Nothing is ever written into the group: no traffic is
// simulated.
func flowLogSpec() *spec {
	return &spec{
		missing: missingEC2("InvalidFlowLogId.NotFound", "flow log"),
		usable:  "ACTIVE",
		refused: []string{
			"subnetId", "eniId", "transitGatewayId", "transitGatewayAttachmentId", "logGroupName", "logFormat",
			"deliverCrossAccountRole", "destinationOptions",
		},
		refs: []ref{
			{path: "vpcId", kind: KindVPC, required: true, weak: true},
			{path: "logDestination", kind: KindLogGroup, byARN: true, required: true, weak: true},
			{path: "iamRoleArn", kind: KindRole, byARN: true, required: true, weak: true},
		},
		check: func(t *tx, p Props, self string) error {
			if typ := str(p, "logDestinationType"); typ != "" && typ != "cloud-watch-logs" {
				return awserror.Bad("InvalidParameter", "The log destination type '%s' is not simulated", typ)
			}
			if kind := str(p, "trafficType"); !slices.Contains([]string{"ACCEPT", "REJECT", "ALL"}, kind) {
				return awserror.Bad("InvalidParameter", "Unrecognized TrafficType: %s", kind)
			}
			if t.first(KindFlowLog, func(r *Resource) bool {
				return r.ID != self && str(r.Props, "vpcId") == str(p, "vpcId") &&
					str(r.Props, "logDestination") == str(p, "logDestination")
			}) != nil {
				return awserror.Bad("FlowLogAlreadyExists",
					"There is an existing Flow Log with the same configuration and log destination.")
			}
			return nil
		},
		make: func(t *tx, r *Resource) error {
			r.ID = awsid.EC2("fl")
			r.ARN = t.arn("ec2", "vpc-flow-log/"+r.ID)
			r.Attrs = Props{"arn": r.ARN}
			defaults(r.Attrs, r.Props, Props{
				"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600.0,
				"logFormat": "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} " +
					"${packets} ${bytes} ${start} ${end} ${action} ${log-status}",
			})
			return nil
		},
	}
}
