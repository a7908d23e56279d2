// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the real webhook said is on record: our port of its validator says the same of every object, and the page has it.
func TestOurPortSaysWhatTheRealWebhookSaid(t *testing.T) {
	t.Parallel()
	c, err := recorded("../../../" + casesFolder)
	require.NoError(t, err)
	require.Empty(t, c.Differences())
	refused := 0
	for _, s := range c.Objects {
		if s.Webhook != "" {
			refused++
		}
	}
	require.Positive(t, refused, "a webhook that takes everything was none")
	page, err := os.ReadFile("../../../" + comparisonPage)
	require.NoError(t, err)
	again, err := c.on(string(page), "../../../"+casesFolder)
	require.NoError(t, err)
	require.Equal(t, string(page), again, "make referee-webhook")
}

func TestADifferenceIsNamed(t *testing.T) {
	t.Parallel()
	c, err := recorded("../../../" + casesFolder)
	require.NoError(t, err)
	for i := range c.Objects {
		if c.Objects[i].NotReached == "" {
			c.Objects[i].Webhook += "!"
			require.Len(t, c.Differences(), 1, c.Objects[i].Object)
			c.Objects[i].Webhook = strings.TrimSuffix(c.Objects[i].Webhook, "!")
		}
	}
}

func TestAChangedFileIsToBeComparedAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS("../../../"+casesFolder)))
	path := filepath.Join(folder, "born-suspended.yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), "name:", "name: x", 1)), 0o600))
	_, err = recorded(folder)
	require.ErrorContains(t, err, "not those that were compared")
}
