// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// diagnosis is what `job diagnose` says of the sample.
type diagnosis struct {
	Verdict     string
	Findings    []struct{ ID string }
	NotAssessed []struct {
		Source, Why string
		Checks      []string
	}
}

func (u *user) diagnose() diagnosis {
	u.t.Helper()
	r := u.exec(u.t.Context(), "job", "diagnose", "basic", "--output", "json")
	var doc struct{ Jobs []diagnosis }
	require.NoErrorf(u.t, json.Unmarshal([]byte(r.stdout), &doc), "%s%s", r.stdout, r.stderr)
	require.Len(u.t, doc.Jobs, 1)
	require.Equal(u.t, doc.Jobs[0].Verdict != "healthy", r.code == 1)
	return doc.Jobs[0]
}

// TestDiagnoseNamesWhatWasBroken breaks a job that runs, one thing at a time. What broke it before is told for half an hour, so
// each weighs more than the one before.
func TestDiagnoseNamesWhatWasBroken(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.ok("deploy --yes")
	u.ok("sample-job run basic")
	d := u.diagnose()
	require.Equal(t, "unknown", d.Verdict, "no Flink runs here that could be asked: %+v", d)
	require.Empty(t, d.Findings)
	require.Equal(t, "job graph", d.NotAssessed[0].Source)
	require.Contains(t, d.NotAssessed[0].Why, "is not simulated")
	require.Contains(t, d.NotAssessed[0].Checks, "backpressure")

	for _, broken := range []struct{ fault, finding string }{
		{"s3:PutObject --error SlowDown", "s3-throttled"},
		{"s3:PutObject --error AccessDenied", "s3-denied"},
		{"kubernetes:DeadWebhook", "webhook-down"},
	} {
		u.ok("local fault set " + broken.fault)
		for until := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
			found := u.diagnose().Findings
			if len(found) > 0 && found[0].ID == broken.finding {
				break
			}
			require.True(t, time.Now().Before(until), "%s: %+v", broken.finding, found)
		}
		u.ok("local fault clear")
	}
}
