// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"emrflink/internal/mask"
	"emrflink/internal/pattern"
)

// unfilled is what people and documents write where a value belongs: ${S3_BUCKET}, $S3_BUCKET, { BUCKET NAME }, <your-bucket>,
// REPLACE_ME.
var unfilled = pattern.Lazy(`\$\{[A-Za-z_][A-Za-z0-9_]*\}|\$[A-Z][A-Z0-9_]*[A-Z0-9]\b` +
	`|\{\{ ?[A-Za-z_.]+ ?\}\}|\{ ?[A-Z][A-Z0-9]*(?:[ _-][A-Z0-9]+)* ?\}` +
	`|(?:^|[^A-Za-z0-9_])<(?i:[a-z0-9 _-]*(?:your|bucket|account|region|role|name|stream|topic|broker)[a-z0-9 _-]*)>` +
	`|\b(?i:(?:YOUR|MY)[_-][A-Z_-]*(?:BUCKET|ROLE|ACCOUNT|NAME)|REPLACE[_-]ME|CHANGE[_-]ME|FILL[_-]ME|X{4,})\b`)

// placeholder says whether a value has something in it that was to be filled in.
func placeholder(value string) bool { return unfilled().MatchString(value) }

// cutLead takes away what stands before <your-bucket>: it shows that this is no <type> of a language.
func cutLead(found string) (lead, hole string) {
	if i := strings.IndexByte(found, '<'); i > 0 {
		return found[:i], found[i:]
	}
	return "", found
}

// ofShell are fields of containers whose values a shell can read: its variables are no placeholders.
var ofShell = pattern.Lazy(`\.(?:containers|initContainers)\[\d+\]\..*(?:command|args)\[\d+\]$`)

// templates are fields whose values have placeholders of their own.
var templates = []string{"spec.logConfiguration", "spec.ingress.template", "spec.flinkConfiguration.metrics.scope.",
	"spec.flinkConfiguration.env."}

func checkPlaceholders(d *document) {
	for _, path := range slices.Sorted(maps.Keys(d.at)) {
		n := d.at[path]
		if n.Kind != yaml.ScalarNode ||
			slices.ContainsFunc(templates, func(t string) bool { return strings.HasPrefix(path, t) }) {
			continue
		}
		var found []string
		for _, p := range unfilled().FindAllString(n.Value, -1) {
			_, hole := cutLead(p)
			found = append(found, hole)
		}
		if ofShell().MatchString(path) {
			found = slices.DeleteFunc(found, func(p string) bool { return strings.HasPrefix(p, "$") })
		}
		if len(found) == 0 {
			continue
		}
		slices.Sort(found)
		for _, p := range slices.Compact(found) {
			d.problem(Error, "placeholder", path, fmt.Sprintf("%s has the placeholder %s, which nobody filled in", path, p),
				"it is used as it stands: as the name of a bucket, role or stream", valueFor(p))
		}
	}
}

// valueFor says where the value of a placeholder is found.
func valueFor(p string) string {
	words := strings.ToLower(p)
	for _, known := range []struct{ word, mend string }{
		{"role", "the team's jobRoleArn: emrflink outputs teams"},
		{"bucket", "the stack's bucket: emrflink outputs checkpointBucket"},
		{"account", "the account of the team's jobRoleArn: emrflink outputs teams"},
		{"log", "the team's logGroup: emrflink outputs teams"},
		{"namespace", "the team's namespace: emrflink outputs teams"},
		{"region", "the stack's region: emrflink status"},
	} {
		if strings.Contains(words, known.word) {
			return known.mend
		}
	}
	return "its value"
}

// secretName is the name of a field, key or variable whose value is one that only the job should know.
func secretName(name string) bool {
	last := name[strings.LastIndex(name, ".")+1:]
	return mask.Key(name) || mask.Key(last)
}

// secretValue says whether a value can be a secret: it is no path, no class, no reference and no placeholder.
func secretValue(value string) bool {
	v := strings.TrimSpace(value)
	return len(v) > 3 && !strings.HasPrefix(v, "/") && !strings.Contains(v, "://") && !placeholder(v) &&
		!strings.Contains(v, ":/") &&
		!strings.HasPrefix(v, "org.") && !strings.HasPrefix(v, "com.") && !strings.EqualFold(v, "true") &&
		!strings.EqualFold(v, "false")
}

// exposed is a secret that stands in the file as it is.
type exposed struct{ path, name, value string }

// inClear are the secrets of configuration, environment and arguments.
func (d *document) inClear() []exposed {
	var out []exposed
	for path, n := range d.at {
		if n.Kind != yaml.ScalarNode || !secretValue(n.Value) {
			continue
		}
		if key, inConf := strings.CutPrefix(path, "spec.flinkConfiguration."); inConf && secretName(key) {
			out = append(out, exposed{path, key, n.Value})
		}
		if env, isValue := strings.CutSuffix(path, ".value"); isValue && strings.Contains(env, ".env[") &&
			secretName(d.text(env+".name")) {
			out = append(out, exposed{path, d.text(env + ".name"), n.Value})
		}
		if strings.HasPrefix(path, "spec.job.args[") {
			if masked := mask.Text(n.Value); masked != n.Value {
				out = append(out, exposed{path, "the argument", n.Value})
			}
		}
	}
	slices.SortFunc(out, func(a, b exposed) int { return strings.Compare(a.path, b.path) })
	return out
}

// secrets are their values, for the mask.
func (d *document) secrets() []string {
	var out []string
	for _, s := range d.inClear() {
		out = append(out, s.value)
	}
	return out
}
