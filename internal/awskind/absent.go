// SPDX-License-Identifier: Apache-2.0

package awskind

import "strings"

// Absent says whether an AWS error code means that what was asked for does not exist. Each service has its own spelling:
// NatGatewayNotFound, InvalidVpcID.NotFound, ResourceNotFoundException, NoSuchBucket.
func Absent(code string) bool {
	switch code {
	case "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue":
		return true
	}
	return strings.HasPrefix(code, "NoSuch") || strings.HasSuffix(code, "NotFound") ||
		strings.HasSuffix(code, "NotFoundException") || strings.HasSuffix(code, "NotFoundError")
}
