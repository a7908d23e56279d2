// SPDX-License-Identifier: Apache-2.0

package account

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/awserror"
)

// What is not there is said with a code that everybody reads as that.
func TestTheAnswerForWhatIsAbsentIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	for k := range w.kinds {
		err := w.Delete(t.Context(), Caller{}, k, "absent")
		require.True(t, awskind.Absent(awserror.Code(err)), "%s: %v", k, err)
	}
}

// Somebody deletes one resource by hand. The rest can be deleted in the order in which a deployment does it.
func TestWhatIsDeletedByHandBlocksNothing(t *testing.T) {
	t.Parallel()
	tried := 0
	for i := range everything(newWorld(t, Options{})) {
		w := newWorld(t, Options{})
		made := everything(w)
		if w.Delete(t.Context(), Caller{}, made[i].Kind, made[i].ID) != nil {
			continue // others need it: AWS refuses that to everybody
		}
		tried++
		for _, r := range slices.Backward(made) {
			err := w.Delete(t.Context(), Caller{}, r.Kind, r.ID)
			require.True(t, err == nil || awskind.Absent(awserror.Code(err)),
				"%s was deleted by hand, then %s: %v", made[i].Kind, r.Kind, err)
		}
		for _, r := range w.Inventory() {
			require.Equal(t, KindLogGroup, r.Kind, "%s was deleted by hand, and %s stays", made[i].Kind, r.ID)
		}
	}
	require.Greater(t, tried, 15)
}
