// SPDX-License-Identifier: Apache-2.0

package jarcheck

import (
	_ "embed" // tables
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"emrflink/internal/flinkspec"
)

//go:embed packages.tsv
var packagesTable string

//go:embed factories.tsv
var factoriesTable string

//go:embed images.tsv
var imagesTable string

// flinkPackages are the packages of Flink's own class path, with the module that has each.
var flinkPackages = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, r := range flinkspec.Rows(packagesTable, 2) {
		out[r[0]] = r[1]
	}
	return out
})

// factory is a connector, format or catalog of SQL.
type factory struct {
	kind, identifier string
	artifact         string // "image", or what has it
	packages         []string
}

var factories = sync.OnceValue(func() []factory {
	var out []factory
	for _, r := range flinkspec.Rows(factoriesTable, 4) {
		out = append(out, factory{r[0], r[1], r[2], strings.Fields(r[3])})
	}
	return out
})

const inImage = "image"

// Image is what is known of the image that runs the job.
type Image struct {
	Release string `json:"release"` // of EMR, "7.13"
	Java    int    `json:"java"`    // 0 = not known
	// ClassPath says where it is known from.
	ClassPath string `json:"classPath"`

	flink string
	more  []string // packages that Flink's own distribution does not have
}

// imageOf is the image of a release of EMR; what is not known of it is said. Where its class path is not known, that of the
// nearest release before it is taken, or else that of the first one.
func imageOf(emr string) (i Image, notKnown []string) {
	i.Release, i.flink = emr, flinkspec.Flink
	listed, from := false, ""
	for _, r := range flinkspec.Rows(imagesTable, 5) {
		if r[0] == emr {
			i.Java, _ = strconv.Atoi(r[1])
			listed = true
		}
		if r[3] != "" && (from == "" || !flinkspec.ReleaseBefore(emr, r[0])) {
			from, i.ClassPath, i.more = r[0], r[3], strings.Fields(r[4])
		}
	}
	if from != emr {
		notKnown = append(notKnown, "the class path of the image of EMR "+emr+": that of "+from+" was taken, from "+i.ClassPath+
			"; which classes this image has, and which it lacks, may differ")
	}
	if !listed {
		notKnown = append(notKnown, "the Java of the image of EMR "+emr)
	}
	if line := strings.ReplaceAll(strings.TrimPrefix(flinkspec.FlinkVersion(emr), "v"), "_", "."); line != i.flink {
		notKnown = append(notKnown, "the classes of Flink "+line+": those of "+i.flink+" were taken")
		i.flink = line
	}
	return i, notKnown
}

// has says whether the image has the package of a class of Flink's.
func (i Image) has(class string) bool {
	folder := path.Dir(class)
	if flinkPackages()[folder] != "" || strings.HasPrefix(class, base) {
		return true
	}
	return slices.ContainsFunc(i.more, func(p string) bool { return folder == p || strings.HasPrefix(folder, p+"/") })
}

// base is a part of Flink that every connector brings along, and the image has too.
const base = "org/apache/flink/connector/base/"

// artifactOf is what has a package that the image does not have, and the package above all of its own.
func artifactOf(folder string) (artifact, above string) {
	for _, f := range factories() {
		for _, p := range f.packages {
			if folder == p || strings.HasPrefix(folder, p+"/") {
				return f.artifact, p
			}
		}
	}
	return "", folder
}
