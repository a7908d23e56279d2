// SPDX-License-Identifier: Apache-2.0

package flinkjob

import "emrflink/internal/flinkjob/sample"

// Samples describes the samples of List.
func Samples() sample.List {
	l := sample.List{SchemaVersion: sample.SchemaVersion, Samples: []sample.Sample{}}
	for _, s := range List() {
		l.Samples = append(l.Samples, sample.Sample{Name: s.Name, Title: s.Title, Description: s.Description})
	}
	return l
}
