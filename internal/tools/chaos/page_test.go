// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	committed = "../../../docs/kills.tsv"
	page      = "../../../docs/kills.md"
)

func TestThePageIsThatOfTheTable(t *testing.T) {
	t.Parallel()
	all, err := lines(committed)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	raw, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Equal(t, render(all), string(raw), "go run ./internal/tools/chaos -table docs/kills.tsv -page docs/kills.md")
	for _, l := range all {
		require.True(t, l.clean(), "%s: %s", l.place(), l.outcome)
	}
}

func TestAPageCountsWhatIsNotClean(t *testing.T) {
	t.Parallel()
	table := filepath.Join(t.TempDir(), "kills.tsv")
	const urn = "urn:pulumi:local::emrflink::emrflink:network:Network$aws:ec2/vpc:Vpc::vpc"
	require.NoError(t, os.WriteFile(table, []byte(
		"deploy\tcleanup\tcli\tKILL\tbefore\tcreate "+urn+"\t1\tclean\n"+
			"deploy\tcleanup\tcli\tKILL\tafter\tcreate "+urn+"\t2\t1 left: a|b\n"+
			"deploy\tdeploy\tcli\tINT\tafter\tcreate "+urn+"\t1\tclean\n"+
			"a line of another kind\n"), 0o600))
	all, err := lines(table)
	require.NoError(t, err)
	got := render(all)
	for _, want := range []string{
		"**2 of 3 clean**, after at most 2 commands.",
		"| deploy | cli | SIGKILL | cleanup | 2 | 1 | 2 |\n| deploy | cli | SIGINT | deploy | 1 | 1 | 1 |\n",
		"| create `aws:ec2/vpc:Vpc vpc` | before | 1 | 1 | 1 |\n| create `aws:ec2/vpc:Vpc vpc` | after | 2 | 1 | 2 |\n",
		"\n- deploy, cleanup, cli, KILL, after, create " + urn + ": 1 left: a|b\n",
	} {
		require.Contains(t, got, want)
	}
	require.ErrorContains(t, writePage(filepath.Join(t.TempDir(), "none"), "x"), "has no kills")
}
