// SPDX-License-Identifier: Apache-2.0

package iam

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyACertainNoIsANo(t *testing.T) {
	t.Parallel()
	const topic = "arn:aws:kafka:us-west-2:111122223333:topic/events/*/orders"
	allow := func(rest string) string { return `{"Effect":"Allow",` + rest + `}` }
	for what, tc := range map[string]struct {
		statements string
		could      bool
	}{
		"nothing":         {allow(`"Action":"s3:GetObject","Resource":"*"`), false},
		"the same":        {allow(`"Action":"kafka-cluster:ReadData","Resource":"` + topic + `"`), true},
		"all resources":   {allow(`"Action":"kafka-cluster:*","Resource":"*"`), true},
		"one of them":     {allow(`"Action":"kafka-cluster:Read*","Resource":"arn:aws:kafka:*:*:topic/events/1/orders"`), true},
		"another topic":   {allow(`"Action":"kafka-cluster:*","Resource":"arn:aws:kafka:*:*:topic/events/*/bills"`), false},
		"another cluster": {allow(`"Action":"kafka-cluster:ReadData","Resource":"arn:aws:kafka:*:*:topic/other/*"`), false},
		"a variable": {allow(`"Action":"kafka-cluster:ReadData","Resource":` +
			`"arn:aws:kafka:*:*:topic/${aws:PrincipalTag/c}/*"`), true},
		"a condition": {allow(`"Action":"kafka-cluster:ReadData","Resource":"*","Condition":{"StringEquals":` +
			`{"aws:PrincipalTag/team":"a"}}`), true},
		"all but other actions":   {allow(`"NotAction":"iam:*","Resource":"*"`), true},
		"all but other resources": {allow(`"Action":"*","NotResource":"arn:aws:s3:::*"`), true},
		"all but these resources": {allow(`"Action":"*","NotResource":"arn:aws:kafka:*:*:*"`), false},
		"denied": {allow(`"Action":"*","Resource":"*"`) +
			`,{"Effect":"Deny","Action":"kafka-cluster:*","Resource":"*"}`, false},
		"denied for others": {allow(`"Action":"*","Resource":"*"`) +
			`,{"Effect":"Deny","Action":"kafka-cluster:*","NotResource":"arn:aws:kafka:*:*:*"}`, true},
		"denied for all but others": {allow(`"Action":"*","Resource":"*"`) +
			`,{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::*"}`, false},
		"denied for one of them": {allow(`"Action":"*","Resource":"*"`) +
			`,{"Effect":"Deny","Action":"kafka-cluster:*","Resource":"arn:aws:kafka:*:*:topic/events/0f-1/orders"}`, true},
		"denied under a condition": {allow(`"Action":"*","Resource":"*"`) +
			`,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, true},
	} {
		doc, err := Parse(fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":[%s]}`, tc.statements))
		require.NoError(t, err, what)
		require.Equal(t, tc.could, Could([]Document{doc}, "kafka-cluster:ReadData", topic), what)
	}
	require.False(t, Could(nil, "kafka-cluster:ReadData", topic))
}
