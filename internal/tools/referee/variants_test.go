// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/tools/terraform"
	"emrflink/stacks"
)

func TestEveryKeyHasAVariant(t *testing.T) {
	t.Parallel()
	require.Len(t, variants(), len(stacks.Keys()), "the default, and each key but the target")
}

func TestJudge(t *testing.T) {
	t.Parallel()
	refused := []terraform.Diagnostic{{Summary: "bad CIDR", Address: "aws_vpc.a"}}
	accepted := []exception{{address: "aws_vpc", text: "CIDR", reason: "because"}}
	tf := &terraform.Terraform{}
	require.ErrorContains(t, referee{tf: tf}.judge(refused, 1), "refused: aws_vpc.a: bad CIDR")
	require.NoError(t, referee{tf: tf, accepted: accepted}.judge(refused, 1))
	require.ErrorContains(t, referee{tf: tf, accepted: accepted}.judge(nil, 1), "does not refuse")
}

func TestAcceptedHasAReason(t *testing.T) {
	t.Parallel()
	_, err := parseAccepted(acceptedTable)
	require.NoError(t, err)
	_, err = parseAccepted("address\tmessage\treason\naws_vpc\tx\t\n")
	require.ErrorContains(t, err, "is not address, message and reason")
}
