// SPDX-License-Identifier: Apache-2.0

package irsa

import (
	"fmt"
	"math/big"
)

// OperatorServiceAccount is the service account that the chart of the EMR Flink operator makes for the operator.
const OperatorServiceAccount = "emr-containers-sa-flink-operator"

// Base36 encodes the name of a role (the name only: no path, no ARN) as EMR on EKS does in the names of service
// accounts: its bytes as one big-endian unsigned number, in base 36 with lower-case digits and no padding. The empty
// name is "0". Source: awscli/customizations/emrcontainers/base36.py.
func Base36(roleName string) string {
	return new(big.Int).SetBytes([]byte(roleName)).Text(36)
}

// FlinkServiceAccounts are the two service accounts that the EMR Flink operator makes in a job's namespace when a
// FlinkDeployment names an execution role: one for the job manager, one for the task managers.
func FlinkServiceAccounts(accountID, roleName string) []string {
	encoded := Base36(roleName)
	return []string{
		fmt.Sprintf("emr-containers-sa-flink-jobmanager-%s-%s", accountID, encoded),
		fmt.Sprintf("emr-containers-sa-flink-taskmanager-%s-%s", accountID, encoded),
	}
}

// Subject is the subject of a service account's web-identity token.
func Subject(namespace, serviceAccount string) string {
	return "system:serviceaccount:" + namespace + ":" + serviceAccount
}

// Subjects are the subjects of service accounts of one namespace.
func Subjects(namespace string, serviceAccounts ...string) []string {
	out := make([]string, 0, len(serviceAccounts))
	for _, s := range serviceAccounts {
		out = append(out, Subject(namespace, s))
	}
	return out
}
