// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/findings"
	"emrflink/internal/localtarget"
	"emrflink/internal/stack"
	"emrflink/stacks/setting"
)

func environment() string {
	var b strings.Builder
	b.WriteString("A flag wins over its variable, and the variable over the default.\n\n| variable | flag | meaning |\n" +
		"|---|---|---|\n")
	for _, v := range cmdutil.Variables() {
		flag := ""
		if v.Flag != "" {
			flag = "`--" + v.Flag + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, flag, cell(v.Doc))
	}
	return b.String()
}

func exitCodes() string {
	var b strings.Builder
	b.WriteString("| code | meaning |\n|---|---|\n")
	for _, e := range cmdutil.ExitCodes() {
		fmt.Fprintf(&b, "| %d | %s |\n", e.Code, cell(e.Meaning))
	}
	return b.String()
}

// longValue is from how many characters on a value has a block of its own.
const longValue = 80

// configuration is the table of keys; values that are too long for a cell follow it.
func configuration(keys []setting.Key) string {
	var b, long strings.Builder
	b.WriteString("Keys of `Pulumi.STACK.yaml`, below `config:`. Every key has a default, and the defaults deploy the " +
		"blueprint. Lists and objects may be\n" +
		"written as YAML or as JSON. An unknown key, a wrong type and a value that cannot work are errors, all reported at " +
		"once.\n\n" +
		"| key | type | default | meaning | example |\n|---|---|---|---|---|\n")
	for _, k := range keys {
		value := code(k.Default)
		if len(k.Default) > longValue {
			value = "[below](#" + strings.ToLower(k.Name) + ")"
			fmt.Fprintf(&long, "\n## %s\n\nThe default:\n\n```json\n%s\n```\n", k.Name, indented(k.Default))
		}
		fmt.Fprintf(&b, "| `%s:%s` | %s | %s | %s | %s |\n", stack.Project, k.Name, cell(k.Type), value, cell(k.Doc),
			code(k.Example))
	}
	return b.String() + long.String()
}

// indented lays JSON out over lines; what is no JSON stays as it is.
func indented(text string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		return text
	}
	return b.String()
}

// rules is the table of rules, then each with its reason.
func rules(all []findings.Rule) string {
	var b strings.Builder
	b.WriteString("What `emrflink preview` looks for in the desired graph, in changed and unchanged resources. A finding is " +
		"not a change: `--exit-code` does not\n" +
		"count it. A stack file can accept a finding with a reason:\n\n```yaml\nconfig:\n  emrflink:acceptedFindings:\n" +
		"    - rule: single-nat\n" +
		"      resource: \"network-*\"   # a URN or a name, * for anything; every resource when left out\n" +
		"      reason: a development stack can lose the network while a zone fails\n```\n\n" +
		"| rule | severity | what is wrong |\n|---|---|---|\n")
	for _, r := range all {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", code(r.ID), r.ID, r.Severity, cell(r.Title))
	}
	for _, r := range all {
		fmt.Fprintf(&b, "\n## %s\n\n%s: %s. %s\n\nWhat to do: %s\n\nSource: <%s>\n", r.ID, r.Severity, r.Title, r.Why, r.Fix,
			r.Source)
	}
	return b.String()
}

// localTarget is the support matrix, from the tables that the local target is made of.
func localTarget(m localtarget.Matrix) string {
	var b strings.Builder
	b.WriteString("The AWS account of the local target is simulated. This page is generated from the tables of the simulation. " +
		"Everything else is refused by name:\n" +
		"HTTP 501 with the operation, or an error with the Pulumi type, the property, the chart, its value or the addon.\n\n")
	fmt.Fprintf(&b, "## AWS API: %s\n\nSignatures are verified, and calls with a role's credentials are authorized by its "+
		"policies. "+
		"Clients: `emrflink` is this tool,\n`karpenter` the controller; `clients` are other programs that you connect to the "+
		"endpoint.\n\n"+
		"| service | operation | called by | what differs from AWS |\n|---|---|---|---|\n",
		cmdutil.Count(len(m.Operations), "operation", "operations"))
	for _, o := range m.Operations {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", o.Service, o.Name, cell(o.UsedBy), cell(o.Notes))
	}
	fmt.Fprintf(&b, "\n## Pulumi resources: %s\n\nProperties are checked against the schema of the release: an unknown "+
		"property is an error, and so is a missing required one.\n\n"+
		"| type | provider | kind in the account |\n|---|---|---|\n", cmdutil.Count(len(m.Types), "type", "types"))
	for _, t := range m.Types {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", t.Token, t.Provider, code(t.Kind))
	}
	b.WriteString("\nOf the Kubernetes provider, every type that is a single object works, also custom resources and " +
		"`helm.sh/v3:Release`: a real API server\n" +
		"validates them. Lists, patches, YAML files, Kustomize and `helm.sh/v3:Chart` are refused.\n")
	b.WriteString(list("Helm charts", "A stand-in installs small manifests with the chart's names and refuses values that "+
		"it does not know. No registry is contacted.", m.Charts))
	b.WriteString(list("EKS addons", "A stand-in installs the parts of the addon that others need. Other addons are refused.",
		m.Addons))
	return b.String()
}

func list(title, text string, names []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s: %d\n\n%s\n\n", title, len(names), text)
	for _, n := range names {
		fmt.Fprintf(&b, "- `%s`\n", n)
	}
	return b.String()
}

func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", "\\|"), "\n", " ")
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}
