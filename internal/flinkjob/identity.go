// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"fmt"
	"math/big"
	"strings"

	"emrflink/internal/iam"
)

// base36 encodes a role name the way EMR does for service-account names: the
// bytes as one big-endian number, lower case, without padding (the AWS CLI's
// `emr-containers update-role-trust-policy` does the same).
func base36(name string) string {
	return new(big.Int).SetBytes([]byte(name)).Text(36)
}

// roleOf takes account and role name out of a role ARN. The name is without the path: that is what the AWS CLI encodes
// into the names that a role trusts. What EMR's operator makes of a path is not documented (docs/verified.md).
func roleOf(arn string) (account, name string, err error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || len(parts[4]) != 12 || !strings.HasPrefix(parts[5], "role/") {
		return "", "", fmt.Errorf("execution role %q is no IAM role ARN", arn)
	}
	if name = parts[5][strings.LastIndex(parts[5], "/")+1:]; name == "" {
		return "", "", fmt.Errorf("execution role %q has no name", arn)
	}
	return parts[4], name, nil
}

// ServiceAccount is the name of the service account that EMR's operator makes
// for a job's JobManager or TaskManager.
func ServiceAccount(roleARN, role string) (string, error) {
	account, name, err := roleOf(roleARN)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("emr-containers-sa-flink-%s-%s-%s", role, account, base36(name)), nil
}

// Subject is what the service account's token says of itself.
func Subject(namespace, serviceAccount string) string {
	return "system:serviceaccount:" + namespace + ":" + serviceAccount
}

// TrustAllows reports whether an IAM trust policy lets the subject assume the
// role by web identity; if not, why says which subjects it names instead.
func TrustAllows(policy, subject string) (ok bool, why string, err error) {
	doc, err := iam.Parse([]byte(policy))
	if err != nil {
		return false, "", fmt.Errorf("read trust policy: %w", err)
	}
	var named []string
	for _, s := range doc.Statements {
		if s.Effect != "Allow" || !s.Covers("sts:AssumeRoleWithWebIdentity") {
			continue
		}
		for _, c := range s.Conditions {
			if !strings.HasSuffix(c.Key, ":sub") {
				continue
			}
			if c.Holds(map[string][]string{c.Key: {subject}}) {
				return true, "", nil
			}
			named = append(named, c.Values...)
		}
	}
	if len(named) == 0 {
		return false, "the trust policy has no subject for sts:AssumeRoleWithWebIdentity", nil
	}
	return false, "the trust policy names " + strings.Join(named, ", "), nil
}
