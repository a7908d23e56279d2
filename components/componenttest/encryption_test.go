// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/components/deployment"
	"emrflink/components/encryption"
	"emrflink/internal/iam"
)

// TestTheKeyOfADeploymentServesItsServicesAndNobodyElse evaluates the statements of the key's policy other than the one
// that leaves the decision to IAM.
func TestTheKeyOfADeploymentServesItsServicesAndNobodyElse(t *testing.T) {
	t.Parallel()
	d := &deployment.Deployment{Name: "demo", Region: "us-west-2", AccountID: "111122223333", Partition: "aws"}
	text, err := encryption.Policy(d).JSON()
	require.NoError(t, err)
	doc, err := iam.Parse([]byte(text))
	require.NoError(t, err)
	require.NoError(t, doc.CheckResource())
	doc.Statements = doc.Statements[1:]

	logs := iam.Principal{Type: iam.PrincipalService, ID: "logs.us-west-2.amazonaws.com"}
	job := iam.Principal{Type: iam.PrincipalAWS, ID: "arn:aws:sts::111122223333:assumed-role/demo-us-west-2-team-job/s"}
	group := func(name string) map[string][]string {
		return map[string][]string{"kms:encryptioncontext:aws:logs:arn": {"arn:aws:logs:us-west-2:111122223333:log-group:" +
			name}}
	}
	via := func(service, account string) map[string][]string {
		return map[string][]string{"kms:viaservice": {service}, "kms:calleraccount": {account}}
	}
	for name, c := range map[string]struct {
		who     iam.Principal
		action  string
		context map[string][]string
		allowed bool
	}{
		"logs of a team":             {logs, "kms:GenerateDataKey", group("/aws/emr-flink/demo/team-a"), true},
		"logs of the control plane":  {logs, "kms:Decrypt", group("/aws/eks/demo/cluster"), true},
		"logs of another deployment": {logs, "kms:Decrypt", group("/aws/eks/demo2/cluster"), false},
		"logs of another region": {iam.Principal{Type: iam.PrincipalService, ID: "logs.eu-west-1.amazonaws.com"},
			"kms:Decrypt", group("/aws/eks/demo/cluster"), false},
		"logs that delete the key":      {logs, "kms:ScheduleKeyDeletion", group("/aws/eks/demo/cluster"), false},
		"a job's object":                {job, "kms:GenerateDataKey", via("s3.us-west-2.amazonaws.com", "111122223333"), true},
		"a grant through S3":            {job, "kms:CreateGrant", via("s3.us-west-2.amazonaws.com", "111122223333"), false},
		"a volume's grant":              {job, "kms:CreateGrant", via("ec2.us-west-2.amazonaws.com", "111122223333"), true},
		"a volume of another account":   {job, "kms:CreateGrant", via("ec2.us-west-2.amazonaws.com", "444455556666"), false},
		"a job that asks KMS by itself": {job, "kms:Decrypt", nil, false},
	} {
		got := iam.Evaluate([]iam.Document{doc}, iam.Request{
			Action: c.action, Resource: "arn:aws:kms:us-west-2:111122223333:key/k", Principal: c.who, Context: c.context,
		})
		require.Equal(t, c.allowed, got.Allowed, name)
	}
}
