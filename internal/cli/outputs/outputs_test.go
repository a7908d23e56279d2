// SPDX-License-Identifier: Apache-2.0

package outputs

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
)

type fake struct{}

func (fake) Info() stack.Info { return cmdtest.Info() }
func (fake) Close() error     { return nil }
func (fake) State(context.Context) (stack.State, error) {
	return stack.State{Outputs: map[string]plans.Output{
		"clusterName": {Value: "emr-eks-flink"},
		"password":    {Value: "hunter2", Secret: true},
		"teams":       {Value: map[string]any{"a": map[string]any{"namespace": "a"}}},
	}}, nil
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"a table, secrets masked": {
			nil, 0, "OUTPUT\tVALUE\nclusterName\temr-eks-flink\npassword\t[secret]\nteams\t{\"a\":{\"namespace\":\"a\"}}\n",
			"simulated: the AWS account is simulated\n",
		},
		"secrets on request":        {[]string{"password", "--show-secrets"}, 0, "hunter2\n", ""},
		"one value, bare":           {[]string{"clusterName"}, 0, "emr-eks-flink\n", ""},
		"one masked value":          {[]string{"password"}, 0, "[secret]\n", ""},
		"one structure as JSON":     {[]string{"teams", "--json"}, 0, "{\n  \"a\": {\n    \"namespace\": \"a\"\n  }\n}\n", ""},
		"an output that is not one": {[]string{"clusterNam"}, 2, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := cmdtest.New(t)
			cmd := NewCmd(r.Factory, nil, func(ctx context.Context, o *Options) error {
				o.Open = func(context.Context) (Stack, error) { return fake{}, nil }
				return run(ctx, o)
			})
			require.Equal(t, c.code, cmdtest.Code(r.Exec(t, cmd, c.args...)))
			require.Equal(t, c.stdout, r.Out.String())
			require.Equal(t, c.stderr, r.Err.String())
		})
	}
}

func TestJSONHasTheAgreedFieldsAndNoSecret(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	require.NoError(t, run(t.Context(), &Options{
		IO: r.Factory.IO, Output: cmdutil.JSON, Open: func(context.Context) (Stack, error) { return fake{}, nil },
	}))
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "stack", "simulated", "secrets", "outputs", "outputs.clusterName",
		"outputs.password", "outputs.teams", "outputs.teams.a", "outputs.teams.a.namespace")
	require.NotContains(t, r.Out.String(), "hunter2")
}
