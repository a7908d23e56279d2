// SPDX-License-Identifier: Apache-2.0

package flinkspec

import (
	_ "embed" // the table of EMR's releases
	"fmt"
	"strconv"
	"strings"
	"sync"

	"emrflink/internal/pattern"
)

// Operator and Flink are the versions of EMR 7.6 and later, as far as AWS publishes them.
const (
	Operator = "1.10.0"
	Flink    = "1.20"
)

// The releases of the operator that the tables of fields and keys were made from.
const (
	firstOperator = "1.5.0"
	lastOperator  = "1.16.0"
)

//go:embed emr-releases.tsv
var releasesTable string

// Versions are those by which a job is judged.
type Versions struct {
	Operator string // release of the operator, "1.10.0"
	Flink    string // line of Flink, "1.20"
	EMR      string // release of EMR, "7.13"; "" = none was chosen
	// Unknown says by name what is not known of them, and what was taken instead.
	Unknown []string
}

// DefaultVersions are those of EMR 7.6 and later.
func DefaultVersions() Versions { return Versions{Operator: Operator, Flink: Flink} }

// emrRelease is a row of the table of EMR's releases.
type emrRelease struct{ name, flink, operator string }

var emrReleases = sync.OnceValue(func() []emrRelease {
	var out []emrRelease
	for _, r := range Rows(releasesTable, 3) {
		out = append(out, emrRelease{r[0], r[1], r[2]})
	}
	return out
})

// release is the number in "emr-7.13.0-flink-latest", "emr-7.13.0" or "7.13.0".
var release = pattern.Lazy(`^(?:emr-)?(\d+\.\d+)(?:\.\d+)?(?:-flink-(?:latest|\d{8}))?$`)

// operatorRelease is a release of the operator, with or without its last number.
var operatorRelease = pattern.Lazy(`^v?1\.(\d{1,3})(?:\.\d{1,3})?$`)

// ChooseVersions are those of a release of the operator and of a release label of EMR; "" is no choice. What the tables do
// not have is an error that says what they have.
func ChooseVersions(operator, label string) (Versions, error) {
	v := DefaultVersions()
	if label != "" {
		if err := v.ofEMR(label); err != nil {
			return Versions{}, err
		}
	}
	if operator != "" {
		m := operatorRelease().FindStringSubmatch(operator)
		if m == nil {
			return Versions{}, fmt.Errorf("%q is no release of the Flink Kubernetes operator, such as %s", operator, Operator)
		}
		n, _ := strconv.Atoi(m[1]) // the pattern has digits
		if n < minor(firstOperator) || n > minor(lastOperator) {
			return Versions{}, fmt.Errorf("operator %s is not in the tables: they have %s to %s", operator, firstOperator,
				lastOperator)
		}
		v.Operator, v.Unknown = strings.TrimPrefix(operator, "v"), nil
		if strings.Count(v.Operator, ".") == 1 {
			v.Operator += ".0"
		}
	}
	if minor(v.Operator) != minor(Operator) {
		v.Unknown = append(v.Unknown, fmt.Sprintf("what the validator of operator %s says: the rules are those of %s; fields, "+
			"enum values and the operator's keys are those of %s", v.Operator, Operator, v.Operator))
	}
	if v.Flink != Flink {
		v.Unknown = append(v.Unknown, fmt.Sprintf("the configuration keys of Flink %s: those of %s were taken", v.Flink, Flink))
	}
	return v, nil
}

func (v *Versions) ofEMR(label string) error {
	m := release().FindStringSubmatch(label)
	if m == nil {
		return fmt.Errorf("%q is no release label of EMR, such as emr-7.13.0-flink-latest", label)
	}
	all := emrReleases()
	for _, r := range all {
		if r.name != m[1] {
			continue
		}
		v.EMR, v.Flink = r.name, r.flink
		if r.operator == "" {
			v.Unknown = append(v.Unknown, fmt.Sprintf("the release of the operator in EMR %s, which AWS does not publish: %s "+
				"was taken, that of EMR %s", r.name, v.Operator, lastPublished(all)))
			return nil
		}
		v.Operator = r.operator
		return nil
	}
	return fmt.Errorf("EMR %s is not in the table: it has %s", m[1], strings.Join(Releases(), ", "))
}

// Releases are those of EMR that are in the table, the oldest first.
func Releases() (names []string) {
	for _, r := range emrReleases() {
		names = append(names, r.name)
	}
	return names
}

func lastPublished(all []emrRelease) (name string) {
	for _, r := range all {
		if r.operator != "" {
			name = r.name
		}
	}
	return name
}

// FlinkVersion is what spec.flinkVersion says for a release of EMR, "7.13" or "7.13.0": "v1_20". A release that is not in the
// table has that of the one before it; "" is one before all.
func FlinkVersion(emr string) string {
	found := ""
	for _, r := range emrReleases() {
		if !ReleaseBefore(emr, r.name) {
			found = "v" + strings.ReplaceAll(r.flink, ".", "_")
		}
	}
	return found
}

// ReleaseBefore compares releases of EMR by their first two numbers.
func ReleaseBefore(a, b string) bool {
	var x, y [2]int
	_, _ = fmt.Sscanf(a, "%d.%d", &x[0], &x[1])
	_, _ = fmt.Sscanf(b, "%d.%d", &y[0], &y[1])
	return x[0] < y[0] || x[0] == y[0] && x[1] < y[1]
}

// span says whether a release of the operator is within two others, and which side of them it is on.
func span(operator, since, until string) (older, newer bool) {
	n := minor(operator)
	return since != "" && n < minor(since), until != "" && n > minor(until)
}

// In says whether a release of the operator has the field.
func (f Field) In(operator string) bool {
	older, newer := span(operator, f.Since, f.Until)
	return !older && !newer
}

// In says whether a release of the operator, or Flink, has the key.
func (k Key) In(operator string) bool {
	older, newer := span(operator, k.Since, k.Until)
	return !older && !newer
}

// RemovedIn says whether a release of the operator no longer has the key.
func (k Key) RemovedIn(operator string) bool {
	_, newer := span(operator, k.Since, k.Until)
	return newer
}
