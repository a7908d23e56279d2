// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// noticing is an engine that takes over what an earlier run has left.
type noticing struct{ *engine }

func (e noticing) Destroy(ctx context.Context, sink func(EngineEvent)) error {
	sink(EngineEvent{Message: "a release was cut off", Notice: true})
	return e.engine.Destroy(ctx, sink)
}

func TestWhatAnEarlierRunHasLeftIsInTheReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.c.Engine = noticing{w.engine}
	report, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, []string{"a release was cut off"}, report.Warnings)
}
