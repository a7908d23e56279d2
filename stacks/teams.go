// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"emrflink/components/iamdoc"
	"emrflink/components/team"
)

// Team is a team and what its jobs may do beside what every team's may. A stack file names it by a text if that is all.
type Team struct {
	// Name is the team's name, its namespace and its prefix of the bucket.
	Name string `json:"name"`
	// Policies are further permissions of its jobs, for their sources and sinks.
	Policies []TeamPolicy `json:"policies,omitempty"`
	// Quota limits its namespace.
	Quota team.Quota `json:"quota,omitzero"`
	// Egress is what its jobs may connect to.
	Egress []team.Egress `json:"egress,omitempty"`
	// MetricsFrom is a namespace whose pods may read the jobs' metrics.
	MetricsFrom string `json:"metricsFrom,omitempty"`
}

// TeamPolicy is the ARN of an IAM policy, or a policy document as JSON.
type TeamPolicy string

// NamedTeams are teams with nothing but a name.
func NamedTeams(names ...string) []Team {
	var out []Team
	for _, name := range names {
		out = append(out, Team{Name: name})
	}
	return out
}

// shorthand is a type of which a stack file may have something else than the type's own form.
type shorthand interface {
	// takes says whether a value of the kind is one, without a look at what is in it.
	takes(kind reflect.Kind) bool
}

var _, _ shorthand = Team{}, TeamPolicy("")

// TakesText says whether a stack file may have a text for a type.
func TakesText(t reflect.Type) bool {
	if t == nil {
		return false
	}
	short, ok := reflect.Zero(t).Interface().(shorthand)
	return t.Kind() == reflect.String || ok && short.takes(reflect.String)
}

func (Team) takes(kind reflect.Kind) bool       { return kind == reflect.String }
func (TeamPolicy) takes(kind reflect.Kind) bool { return kind == reflect.String || kind == reflect.Map }

// onlyName says whether the name is all that is said of a team.
func (t Team) onlyName() bool { return reflect.DeepEqual(t, Team{Name: t.Name}) }

// MarshalJSON writes a team of which only the name is known as the name.
func (t Team) MarshalJSON() ([]byte, error) {
	if t.onlyName() {
		return json.Marshal(t.Name)
	}
	type fields Team
	return json.Marshal(fields(t))
}

// UnmarshalJSON reads a name, or an object.
func (t *Team) UnmarshalJSON(b []byte) error {
	*t = Team{}
	if json.Unmarshal(b, &t.Name) == nil {
		return nil
	}
	type fields Team
	return json.Unmarshal(b, (*fields)(t))
}

// isDocument tells a document from an ARN.
func (p TeamPolicy) isDocument() bool { return strings.HasPrefix(strings.TrimSpace(string(p)), "{") }

// MarshalJSON writes an ARN as a text and a document as an object.
func (p TeamPolicy) MarshalJSON() ([]byte, error) {
	if p.isDocument() && json.Valid([]byte(p)) {
		return []byte(p), nil
	}
	return json.Marshal(string(p))
}

// UnmarshalJSON reads a text, or an object. A document is kept without white space and with sorted keys, however it was
// written.
func (p *TeamPolicy) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		if *p = TeamPolicy(text); !p.isDocument() {
			return nil
		}
		b = []byte(text)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var document map[string]any
	if d.Decode(&document) != nil {
		return nil // validate says what is wrong with it
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // < and & would take six characters of IAM's limit
	if err := e.Encode(document); err != nil {
		return err
	}
	*p = TeamPolicy(bytes.TrimRight(out.Bytes(), "\n"))
	return nil
}

// Documents are the policy documents of a team, with their places in the list.
func (t Team) Documents() iter.Seq2[int, string] { return t.policies(true) }

// PolicyARNs are the policies that a team names by their ARNs, with their places in the list.
func (t Team) PolicyARNs() iter.Seq2[int, string] { return t.policies(false) }

func (t Team) policies(documents bool) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i, p := range t.Policies {
			if p.isDocument() == documents && !yield(i, string(p)) {
				return
			}
		}
	}
}

var (
	cpuForm    = regexp.MustCompile(`^[0-9]+(\.[0-9]+|m)?$`)
	memoryForm = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?([KMGT]i|[kMGT])?$`)
)

func (v *validator) teams(teams []Team) {
	if len(teams) == 0 {
		v.add("teams", teams, "", "at least one: nobody could run a job")
	}
	if len(teams) > maxTeams {
		v.add("teams", len(teams), "", "at most %d: IAM's default quota is 1,000 roles", maxTeams)
	}
	for i, t := range teams {
		key, at := fmt.Sprintf("teams[%d]", i), fmt.Sprintf("teams[%d]", i)
		if !t.onlyName() {
			at += ".name"
		}
		if err := team.CheckName(t.Name); err != nil {
			v.add(at, t.Name, "", "%s", err)
		} else if slices.IndexFunc(teams, func(o Team) bool { return o.Name == t.Name }) < i {
			v.add(at, t.Name, "", "listed twice")
		}
		v.teamPolicies(key+".policies", t.Policies)
		v.quota(key+".quota", t.Quota)
		for j, e := range t.Egress {
			v.egress(fmt.Sprintf("%s.egress[%d]", key, j), e)
		}
		if t.MetricsFrom != "" && (!nameForm.MatchString(t.MetricsFrom) || len(t.MetricsFrom) > 63) {
			v.add(key+".metricsFrom", t.MetricsFrom, "", "not the name of a namespace, such as monitoring")
		}
	}
}

func (v *validator) teamPolicies(key string, policies []TeamPolicy) {
	if len(policies) > team.MaxPolicies {
		v.add(key, len(policies), "", "at most %d: a role takes ten, and one is the team's own", team.MaxPolicies)
	}
	for i, p := range policies {
		at := fmt.Sprintf("%s[%d]", key, i)
		switch {
		case slices.Index(policies, p) < i:
			v.add(at, string(p), "", "listed twice")
		case !p.isDocument() && !policyForm.MatchString(string(p)):
			v.add(at, string(p), "", "neither the ARN of an IAM policy, such as arn:aws:iam::111122223333:policy/NAME, nor a "+
				"policy document")
		case p.isDocument():
			v.document(at, string(p))
		}
	}
}

// document checks what IAM would refuse first: the form, and the size.
func (v *validator) document(at, text string) {
	var doc struct{ Statement json.RawMessage }
	switch err := json.Unmarshal([]byte(text), &doc); {
	case err != nil:
		v.add(at, text, "", "not JSON: %s", err)
	case len(doc.Statement) == 0:
		v.add(at, text, "", "a policy document without Statement")
	case len(text) > iamdoc.MaxManagedPolicy:
		v.add(at, len(text), "", "%d characters, IAM's limit is %d", len(text), iamdoc.MaxManagedPolicy)
	}
}

func (v *validator) quota(key string, q team.Quota) {
	if q.CPU != "" && !cpuForm.MatchString(q.CPU) {
		v.add(key+".cpu", q.CPU, "", "not an amount of CPUs such as 200 or 500m")
	}
	if q.Memory != "" && !memoryForm.MatchString(q.Memory) {
		v.add(key+".memory", q.Memory, "", "not an amount of memory such as 800Gi")
	}
	if q.Pods < 0 || q.Volumes < 0 {
		v.add(key, q, "", "less than none")
	}
}

func (v *validator) egress(key string, e team.Egress) {
	if len(e.Cidrs) == 0 || len(e.Ports) == 0 {
		v.add(key, e, "", "at least one of cidrs and one of ports")
	}
	for i, cidr := range e.Cidrs {
		at := fmt.Sprintf("%s.cidrs[%d]", key, i)
		p, err := netip.ParsePrefix(cidr)
		switch {
		case err != nil || !p.Addr().Is4():
			v.add(at, cidr, "", "not an IPv4 range such as 10.20.0.0/16")
		case p != p.Masked():
			v.add(at, cidr, p.Masked().String(), "does not start at its first address")
		case p.Addr().IsLinkLocalUnicast():
			v.add(at, cidr, "", "addresses of the node itself: its metadata has the node's credentials")
		}
	}
	for i, port := range e.Ports {
		if port < 1 || port > 65535 {
			v.add(fmt.Sprintf("%s.ports[%d]", key, i), port, "", "a port is 1 to 65535")
		}
	}
}
