// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/stack"
)

var known = []stack.Origin{{
	Stack: "dev", State: "s3://states", Folder: "/src/app", File: "/src/app/Pulumi.dev.yaml", Target: "aws", Deployment: "flink",
	Account: "123456789012", Region: "eu-central-1", Changed: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
}}

func TestStacksAreListed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		known    []stack.Origin
		args     []string
		out, err string
	}{
		"a table": {known, nil, "STACK\tFOLDER\tDEPLOYMENT\tTARGET\tACCOUNT\tREGION\tLAST CHANGE\n" +
			"dev\t/src/app\tflink\taws\t123456789012\teu-central-1\t2026-01-02T03:04:05Z\n", ""},
		"none":    {nil, nil, "", "no stack was deployed from this machine\n"},
		"no JSON": {nil, []string{"--output", "json"}, "{\n  \"schemaVersion\": 1,\n  \"stacks\": []\n}\n", ""},
		"JSON": {known, []string{"-o", "json"}, `{
  "schemaVersion": 1,
  "stacks": [
    {
      "stack": "dev",
      "state": "s3://states",
      "folder": "/src/app",
      "file": "/src/app/Pulumi.dev.yaml",
      "target": "aws",
      "deployment": "flink",
      "account": "123456789012",
      "region": "eu-central-1",
      "changed": "2026-01-02T03:04:05Z"
    }
  ]
}
`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			list := func(context.Context) ([]stack.Origin, error) { return c.known, nil }
			require.NoError(t, r.Exec(t, NewListCmd(r.Factory, list, nil), c.args...))
			require.Equal(t, c.out, r.Out.String())
			require.Equal(t, c.err, r.Err.String())
		})
	}
}
