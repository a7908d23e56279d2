// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// program writes what it is asked into a file, answers as emrflink does, and fails at one command.
const program = `#!/bin/sh
echo "$1 $2" >> calls
case "$1" in
doctor) echo '{"checks":[{"id":"account","what":"111122223333; the stack is not deployed yet"}]}' ;;
cost) echo '{"withSampleJob":{"hourlyUSD":{"from":1,"to":1.5}}}' ;;
esac
test "$1" != "$FAILS"
`

func TestWhateverHappensIsCleanedUp(t *testing.T) {
	const begun, made = "init doctor cost", " deploy status sample-job sample-job"
	for name, c := range map[string]struct {
		fails, account string
		most           float64
		calls, says    string
		code           int
		left           bool
	}{
		"all is well":              {calls: begun + made + " cleanup"},
		"another account":          {account: "999999999999", calls: "init doctor", says: "not of account", code: 1},
		"no account":               {account: "-", says: "name the account", code: 1},
		"above the cap":            {most: 2.9, calls: begun, says: "up to $3.00", code: 1},
		"a problem of the account": {fails: "doctor", calls: "init doctor", says: "emrflink doctor", code: 1},
		"a deploy that fails":      {fails: "deploy", calls: begun + " deploy cleanup", says: "emrflink deploy", code: 1},
		"a job that fails":         {fails: "sample-job", calls: begun + " deploy status sample-job cleanup", code: 1},
		"a cleanup that does not end": {
			fails: "cleanup", calls: begun + made + " cleanup cleanup", says: "may be left", code: 7, left: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			bin := filepath.Join(t.TempDir(), "emrflink")
			require.NoError(t, os.WriteFile(bin, []byte(program), 0o700)) // #nosec G306 -- it is run
			t.Setenv("FAILS", c.fails)
			s := smoke{program: bin, home: home, out: io.Discard, Report: Report{
				Target: "aws", Account: "111122223333", Region: "eu-west-1", CapUSD: 3,
			}}
			if c.account != "" {
				s.Account = strings.Trim(c.account, "-")
			}
			if c.most > 0 {
				s.CapUSD = c.most
			}
			err := s.run(t.Context(), 2*time.Hour)
			require.Equal(t, c.code != 0, err != nil, "%v", err)
			calls, _ := os.ReadFile(filepath.Join(home, "calls"))
			var got []string
			for line := range strings.Lines(string(calls)) {
				got = append(got, strings.Fields(line)[0])
			}
			require.Equal(t, c.calls, strings.Join(got, " "))
			require.Equal(t, c.left, !s.CleanedUp)

			file := filepath.Join(home, "smoke.json")
			require.NoError(t, s.write(file))
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			var report Report
			require.NoError(t, json.Unmarshal(raw, &report))
			require.Equal(t, c.code == 0, report.OK)
			require.Equal(t, c.code, report.ExitCode)
			require.Contains(t, report.Error, c.says)
			require.Len(t, report.Steps, len(got))
		})
	}
}
