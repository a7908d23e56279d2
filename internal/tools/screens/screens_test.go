// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestFillReplacesTheBlocksOfMarkers(t *testing.T) {
	t.Parallel()
	page := "# T\n\n<!-- screen head=2 only=stderr exit=7: emrflink cleanup --yes -->\n```text\nold\n```\n\n```text\nmine\n```\n"
	var asked []request
	got, err := fill(page, func(r request) ([]string, error) {
		asked = append(asked, r)
		return []string{"new", "lines"}, nil
	})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]request{{command: "emrflink cleanup --yes", head: 2, only: "stderr", exit: 7}}, asked,
		cmp.AllowUnexported(request{})))
	require.Equal(t, "# T\n\n<!-- screen head=2 only=stderr exit=7: emrflink cleanup --yes -->\n```text\n$ emrflink cleanup "+
		"--yes\nnew\nlines\n```\n\n```text\nmine\n```\n", got)
}

func TestFillRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ page, says string }{
		"an unknown option":           {"<!-- screen lines=2: emrflink x -->\n```text\n```", "line 1"},
		"a number that is none":       {"<!-- screen head=two: emrflink x -->\n```text\n```", "head=two"},
		"a stream that is none":       {"<!-- screen only=all: emrflink x -->\n```text\n```", "stdout or stderr"},
		"a marker without a block":    {"<!-- screen: emrflink x -->\ntext", "below the marker"},
		"a block that does not end":   {"<!-- screen: emrflink x -->\n```text\nx", "does not end"},
		"a command that went wrong":   {"<!-- screen: emrflink fails -->\n```text\n```", "broken"},
		"a marker on the last line":   {"<!-- screen: emrflink x -->", "below the marker"},
		"an option without its value": {"<!-- screen tail: emrflink x -->\n```text\n```", "tail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fill(c.page, func(request) ([]string, error) { return nil, errors.New("broken") })
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestCutSaysHowMuchIsMissing(t *testing.T) {
	t.Parallel()
	text := "1\n2\n3\n4\n5\n6\n"
	all := []string{"1", "2", "3", "4", "5", "6"}
	require.Equal(t, []string{"1", "2", "... 3 more lines", "6"}, cut(text, 2, 1))
	require.Equal(t, all, cut(text, 4, 1), "one line less would be no shorter")
	require.Equal(t, all, cut(text, 0, 0))
	require.Equal(t, []string{"... 5 more lines", "6"}, cut(text, 0, 1))
}

func TestAlignLaysOutWhatIsShown(t *testing.T) {
	t.Parallel()
	given := []string{"before ", "NODE\tPOOL", "a\tlonger", "... 7 more lines", "longer\t", "after", "x\ty"}
	want := []string{"before", "NODE    POOL", "a       longer", "... 7 more lines", "longer", "after", "x  y"}
	require.Equal(t, want, align(given))
}

func TestNormalIsTheSameForEveryRun(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"process 12 answers at http://127.0.0.1:4599":  "process <pid> answers at http://127.0.0.1:<port>",
		"i-00b2e87d83e3ef97f in vpc-05e7d6507cbe377aa": "i-<id> in vpc-<id>",
		"ip-10-0-32-5.us-west-2.compute.internal":      "ip-<address>.us-west-2.compute.internal",
		"cluster: done in 4.5s":                        "cluster: done in <time>",
		"engine: started (usually 1m3.9s)":             "engine: started (usually <time>)",
		"basic-58784c9744-6jf2z  Running":              "basic-<hash>  Running",
		"NodeClaim flink-compute-optimized-wvtnr (c5d.xlarge, spot)": "NodeClaim flink-compute-optimized-<hash> " +
			"(c5d.xlarge, spot)",
		"basic/9e63f15cef234cb4b6483f712d5540ea/chk-7 (286 bytes)": "basic/<job id>/chk-<n> (<n> bytes)",
		"log: /tmp/x/logs/20261122T131742Z-status-19328.jsonl":     "log: HOME/logs/<time>-status-<pid>.jsonl",
		"kept: flink-compute-optimized, m5.xlarge, $0.19, 129, /16": "kept: flink-compute-optimized, m5.xlarge, $0.19, " +
			"129, /16",
		"flink-compute-optimized-j7lhj	kubernetes NodeClaim": "flink-compute-optimized-<hash>	kubernetes " +
			"NodeClaim",
		"emr-eks-flink-111122223333-us-west-2-checkpoints stays whole": "emr-eks-flink-111122223333-us-west-2-checkpoints " +
			"stays whole",
	} {
		require.Equal(t, want+"\n", normal(given+"\n", map[string]string{"/tmp/x": "HOME"}))
	}
}
