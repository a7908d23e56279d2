// SPDX-License-Identifier: Apache-2.0

package jobfile

// Objects are the objects of a file, as JSON has them. What is no YAML has none: Check says why.
func Objects(f File) []map[string]any {
	var out []map[string]any
	for _, d := range read(f, &report{}) {
		out = append(out, d.values)
	}
	return out
}
