// SPDX-License-Identifier: Apache-2.0

package target

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awskind"
)

func TestAHintNeverActsOnAnotherAccountThanTheTargets(t *testing.T) {
	t.Parallel()
	local := &Target{env: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}}
	for text, want := range map[string]string{
		"aws s3 rb s3://b --force": "aws --endpoint-url http://127.0.0.1:1 s3 rb s3://b --force",
		"to begin:\naws logs delete-log-group --log-group-name g": "to begin:\naws --endpoint-url http://127.0.0.1:1 logs " +
			"delete-log-group --log-group-name g",
		"`aws kms cancel-key-deletion` brings it back": "`aws --endpoint-url http://127.0.0.1:1 kms cancel-key-deletion` " +
			"brings it back",
		"aws sso login":            "aws sso login",
		"aws configure list":       "aws configure list",
		"the laws of aws are many": "the laws of aws are many",
		"emrflink cleanup":         "emrflink cleanup",
	} {
		require.Equal(t, want, local.Hint(text))
		require.Equal(t, text, (&Target{}).Hint(text), "the aws target has no other endpoint")
	}
	for _, k := range awskind.All() {
		if k.Command != "" {
			require.Contains(t, local.Hint(awskind.Spell(k.Command, "a:b", "r")), "--endpoint-url http://127.0.0.1:1", k.Type)
		}
	}
}
