// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	sim "emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localtarget"
)

// left names the kinds of what exists, but for keys that AWS is about to delete.
func (e *estate) left() []string {
	kinds := map[string]bool{}
	for id := range e.snapshot() {
		kind, _, _ := strings.Cut(id, " ")
		kinds[kind] = kind != string(sim.KindKey)
	}
	maps.DeleteFunc(kinds, func(_ string, counts bool) bool { return !counts })
	return slices.Sorted(maps.Keys(kinds))
}

// TestEachLeftoverDefeatsADestroyAndNotACleanup: with each of what controllers leave behind on AWS, deleting what is recorded
// fails, or ends and leaves something. A cleanup ends with nothing.
func TestEachLeftoverDefeatsADestroyAndNotACleanup(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]struct {
		fails string
		left  sim.Kind
	}{
		localtarget.LostInterface: {"DependencyViolation: The subnet", sim.KindSecurityGroup},
		localtarget.LostBalancer:  {"DependencyViolation: The subnet", sim.KindLoadBalancer},
		localtarget.LostClassic:   {"DependencyViolation: The subnet", sim.KindClassicBalancer},
		localtarget.LostVolume:    {"", sim.KindVolume},
		localtarget.LostTemplate:  {"", sim.KindLaunchTemplate},
		localtarget.LostProfile:   {"DeleteConflict: Cannot delete entity, must remove roles", sim.KindInstanceProfile},
		localtarget.GuardDuty:     {"DependencyViolation: The subnet", sim.KindVPCEndpoint},
		localtarget.UsedBucket:    {"BucketNotEmpty: The bucket you tried to delete is not empty", sim.KindBucket},
		// EKS writes the last logs of every cluster into a group that it makes again.
		"nothing": {"", sim.KindLogGroup},
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			e := newEstate(t)
			e.deploy()
			if action != "nothing" {
				e.lose(action)
			}
			err := recorded{e}.Destroy(t.Context(), func(EngineEvent) {})
			if want.fails == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, want.fails)
			}
			require.Contains(t, e.left(), string(want.left))

			_, err = e.cleanUp()
			require.NoError(t, err)
			require.Empty(t, e.left())
		})
	}
	require.Len(t, localtarget.Leftovers(), 8, "a new one needs a row above")
}

// TestACleanupThatAWSRefusedInTheMiddleEndsWithTheNextOne: credentials end, AWS throttles for longer than its clients try again,
// or denies, while a cleanup deletes. It says so, claims nothing that AWS did not say, and the next one ends with nothing.
func TestACleanupThatAWSRefusedInTheMiddleEndsWithTheNextOne(t *testing.T) {
	t.Parallel()
	refusal := func(status int, code string) *awserror.Error {
		return &awserror.Error{Code: code, Message: "set by the test", HTTP: status}
	}
	refuse := func(op string, kind sim.Kind, e *awserror.Error) sim.Fault {
		return sim.Fault{Op: op, Kind: kind, Error: e}
	}
	for name, faults := range map[string][]sim.Fault{
		"credentials end while it deletes": {
			refuse("delete", sim.KindSubnet, refusal(http.StatusBadRequest, "ExpiredToken")),
			refuse("ec2:DescribeVolumes", "", refusal(http.StatusBadRequest, "ExpiredToken")),
		},
		"the engine is throttled": {
			refuse("delete", sim.KindVPC, refusal(http.StatusServiceUnavailable, "RequestLimitExceeded")),
		},
		"the cluster is not deleted": {
			refuse("delete", sim.KindCluster, refusal(http.StatusForbidden, "AccessDeniedException")),
		},
		"the sweep is denied":          {refuse("ec2:DeleteVolume", "", refusal(http.StatusForbidden, "UnauthorizedOperation"))},
		"a part of it is not answered": {refuse("elasticloadbalancing:*", "", refusal(http.StatusForbidden, "AccessDenied"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEstate(t)
			e.deploy()
			e.leave()
			report, err := e.cleanUpWith(func(c *Cleanup) { c.Engine = failing{recorded{e}, faults} })
			var incomplete *IncompleteError
			require.ErrorAs(t, err, &incomplete)
			require.Equal(t, 7, incomplete.ExitCode())
			require.NotEmpty(t, incomplete.Hint())
			require.Contains(t, err.Error()+fmt.Sprint(report.NotChecked), faults[0].Error.Code)
			require.Equal(t, len(report.NotChecked) == 0, report.Verified, "what is not known is not gone")
			require.True(t, len(e.left()) > 0 || !report.Verified)

			e.account.ClearFaults("")
			_, err = e.cleanUp()
			require.NoError(t, err)
			require.Empty(t, e.left())
		})
	}
}

// failing is an engine during whose turn AWS begins to refuse.
type failing struct {
	recorded
	faults []sim.Fault
}

func (f failing) Destroy(ctx context.Context, sink func(EngineEvent)) error {
	f.account.SetFaults(f.faults)
	return f.recorded.Destroy(ctx, sink)
}
