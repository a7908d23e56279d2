// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/cli/cmdutil"
)

// session is an assistant that is connected, and what was run for it.
type session struct {
	*sdk.ClientSession
	ran    [][]string
	answer Answer
	file   string // what was in the file that the command was given
}

func connect(t *testing.T, write bool) *session {
	t.Helper()
	s := &session{answer: Answer{Out: `{"jobs":[]}`}}
	opts := &Options{
		Globals: &cmdutil.Globals{Stack: "dev"}, Version: "v1", AllowWrite: write,
		Run: func(_ context.Context, args []string) (Answer, error) {
			s.ran = append(s.ran, args)
			if raw, err := os.ReadFile(args[len(args)-1]); err == nil {
				s.file = string(raw)
			}
			return s.answer, nil
		},
	}
	here, there := sdk.NewInMemoryTransports()
	go func() { _ = newServer(opts).Run(t.Context(), there) }() // it ends with the session
	client, err := sdk.NewClient(&sdk.Implementation{Name: "test"}, nil).Connect(t.Context(), here, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	s.ClientSession = client
	return s
}

func (s *session) ask(t *testing.T, tool string, args map[string]any) (text string, failed bool) {
	t.Helper()
	res, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	require.NoError(t, err, tool)
	require.Len(t, res.Content, 1)
	return res.Content[0].(*sdk.TextContent).Text, res.IsError
}

func TestOnlyWhatReadsIsOffered(t *testing.T) {
	t.Parallel()
	for write, want := range map[bool]int{false: 10, true: 15} {
		all, err := connect(t, write).ListTools(t.Context(), nil)
		require.NoError(t, err)
		require.Len(t, all.Tools, want)
		for _, tool := range all.Tools {
			require.True(t, write || tool.Annotations.ReadOnlyHint, tool.Name)
			require.NotEmpty(t, tool.Description, tool.Name)
		}
	}
	_, err := connect(t, false).CallTool(t.Context(), &sdk.CallToolParams{Name: "job_suspend",
		Arguments: map[string]any{"job": "x"}})
	require.ErrorContains(t, err, "job_suspend", "what is not offered cannot be called")
}

func TestAToolIsACommand(t *testing.T) {
	t.Parallel()
	s := connect(t, true)
	for want, call := range map[string]struct {
		tool string
		args map[string]any
	}{
		"job list --output=json --team=a":    {"job_list", map[string]any{"team": "a"}},
		"job diagnose --output=json":         {"job_diagnose", nil},
		"job status --output=json -- basic":  {"job_status", map[string]any{"job": "basic"}},
		"job status --output=json -- --help": {"job_status", map[string]any{"job": "--help"}},
		"job logs --output=json --tail=50 --role=jobmanager -- basic": {
			"job_logs", map[string]any{"job": "basic", "tail": 50, "role": "jobmanager"},
		},
		"preview --offline --output=json":                    {"preview", nil},
		"job rescale --output=json --parallelism=4 -- basic": {"job_rescale", map[string]any{"job": "basic", "parallelism": 4}},
	} {
		text, failed := s.ask(t, call.tool, call.args)
		require.False(t, failed)
		require.Equal(t, `{"jobs":[]}`, text)
		require.Equal(t, "--stack=dev "+want, strings.Join(s.ran[len(s.ran)-1], " "))
	}
	_, failed := s.ask(t, "job_validate", map[string]any{"manifest": "kind: FlinkDeployment"})
	require.False(t, failed)
	require.Equal(t, "kind: FlinkDeployment", s.file)
	path := s.ran[len(s.ran)-1]
	require.NoFileExists(t, path[len(path)-1], "it is removed afterwards")
}

func TestWhatGoesWrongIsTheAnswer(t *testing.T) {
	t.Parallel()
	s := connect(t, true)
	for say, args := range map[string]map[string]any{
		"needs job":          {},
		"does not take evil": {"job": "x", "evil": "y"},
		"of another type":    {"job": 7},
	} {
		text, failed := s.ask(t, "job_status", args)
		require.True(t, failed, say)
		require.Contains(t, text, say)
	}
	require.Empty(t, s.ran)
	s.answer = Answer{Err: `{"error":"there is no Flink job"}`, Exit: 4}
	text, failed := s.ask(t, "job_status", map[string]any{"job": "x"})
	require.True(t, failed)
	require.Contains(t, text, "there is no Flink job")
	s.answer = Answer{Out: `{"jobs":[{"verdict":"failing"}]}`, Exit: 1}
	text, failed = s.ask(t, "job_diagnose", map[string]any{"job": "x"})
	require.False(t, failed, "its verdict is no failure of the tool")
	require.Contains(t, text, "failing")
	require.Contains(t, cut(strings.Repeat("x", longest+5)), "[5 of 200005 bytes were left out]")
}

func TestItIsServedOnStandardInputAndOutput(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	in, send := io.Pipe()
	receive, out := io.Pipe()
	r.Factory.IO.In, r.Factory.IO.Out = in, out
	ended := make(chan error, 1)
	go func() { ended <- r.Exec(t, NewCmd(r.Factory, nil)) }()
	_, err := io.WriteString(send, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{`+
		`"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`+"\n")
	require.NoError(t, err)
	answer, err := bufio.NewReader(receive).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, answer, `"serverInfo":{"name":"emrflink"`)
	require.NoError(t, send.Close())
	require.NoError(t, <-ended, "the assistant ends it")
}

func TestAMessageThatIsNoneEndsIt(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	r.Factory.IO.In = strings.NewReader("hello\n")
	require.Equal(t, cmdutil.ExitFailed, cmdtest.Code(r.Exec(t, NewCmd(r.Factory, nil))))
}
