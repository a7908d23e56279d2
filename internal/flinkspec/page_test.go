// SPDX-License-Identifier: Apache-2.0

package flinkspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"emrflink/internal/golden"
)

const pageHead = `# Fields and keys by the operator's release

The Flink Kubernetes operator of EMR 7.6 and later is made from 1.10.0, as far as AWS publishes it. Files from elsewhere
are often of other releases. These are the fields, enum values and configuration keys that not all releases from
` + firstOperator + ` to ` + lastOperator + ` have; "emrflink job validate --operator VERSION" checks by them. The tables of
package flinkspec are the source, and a test writes this page from them (make golden).

## EMR's releases

| EMR | Flink | operator |
|---|---|---|
`

// The page for readers has what the tables have.
func TestThePageOfVersionsIsThatOfTheTables(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(pageHead)
	for _, r := range emrReleases() {
		operator := r.operator
		if operator == "" {
			operator = "not published"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.name, r.flink, operator)
	}
	b.WriteString("\n## Fields and values\n\n| kind | field | releases |\n|---|---|---|\n")
	for _, kind := range []string{KindDeployment, KindSessionJob, KindStateSnapshot} {
		for _, path := range slices.Sorted(maps.Keys(fields()[kind])) {
			f := fields()[kind][path]
			line(&b, kind, path, f.Since, f.Until)
			for _, c := range slices.Sorted(maps.Keys(f.Choices)) {
				line(&b, kind, path+": "+c, f.Choices[c], lastOperator)
			}
		}
	}
	b.WriteString("\n## Configuration keys of the operator\n\n| read in | key | releases |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(keys())) {
		k := keys()[name]
		where := "a job's configuration"
		if k.OperatorOnly {
			where = "the operator's own"
		}
		line(&b, where, name, k.Since, k.Until)
	}
	golden.Equal(t, "../../docs/operator-versions.md", b.String())
}

// line writes what not all releases have.
func line(b *strings.Builder, what, name, since, until string) {
	switch {
	case since == "" || since == firstOperator && until == lastOperator:
	case until == lastOperator:
		fmt.Fprintf(b, "| %s | `%s` | %s and later |\n", what, name, since)
	default:
		fmt.Fprintf(b, "| %s | `%s` | %s to %s |\n", what, name, since, until)
	}
}
