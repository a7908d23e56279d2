// SPDX-License-Identifier: Apache-2.0

package iam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"emrflink/components/iamdoc"
)

type rawDocument struct {
	Version   *string
	ID        *string `json:"Id"`
	Statement json.RawMessage
}

// Parse reads a policy document. Errors name the statement and the element.
func Parse(b []byte) (Document, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return Document{}, errEmpty
	}
	var raw rawDocument
	if err := strict(b, &raw); err != nil {
		return Document{}, fmt.Errorf("parse policy: %w", err)
	}
	var doc Document
	if raw.Version != nil {
		doc.Version = *raw.Version
		if doc.Version != "2012-10-17" && doc.Version != "2008-10-17" {
			return Document{}, fmt.Errorf("parse policy: unknown Version %q", doc.Version)
		}
	}
	if raw.ID != nil {
		doc.ID = *raw.ID
	}
	statements, err := statementsOf(raw.Statement)
	if err != nil {
		return Document{}, fmt.Errorf("parse policy: %w", err)
	}
	seen := map[string]bool{}
	for i, rs := range statements {
		s, err := compile(rs)
		if err != nil {
			return Document{}, fmt.Errorf("parse policy: statement %d: %w", i+1, err)
		}
		if s.Sid != "" && seen[s.Sid] {
			return Document{}, fmt.Errorf("parse policy: statement %d: Sid %q is used twice", i+1, s.Sid)
		}
		seen[s.Sid] = true
		doc.Statements = append(doc.Statements, s)
	}
	return doc, nil
}

func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something follows the document")
	}
	return nil
}

func statementsOf(b json.RawMessage) ([]iamdoc.Statement, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("Statement is missing")
	}
	if b[0] == '{' {
		var one iamdoc.Statement
		if err := strict(b, &one); err != nil {
			return nil, err
		}
		return []iamdoc.Statement{one}, nil
	}
	var many []iamdoc.Statement
	if err := strict(b, &many); err != nil {
		return nil, err
	}
	if len(many) == 0 {
		return nil, fmt.Errorf("Statement is empty")
	}
	return many, nil
}

// compile checks a statement and takes it apart.
func compile(raw iamdoc.Statement) (Statement, error) {
	s := Statement{Statement: raw}
	if !s.allows() && !s.denies() {
		return s, fmt.Errorf("Effect must be Allow or Deny, not %q", s.Effect)
	}
	if err := exclusive("Action", s.Action, s.NotAction, true); err != nil {
		return s, err
	}
	if err := exclusive("Resource", s.Resource, s.NotResource, false); err != nil {
		return s, err
	}
	if err := wellFormed(raw); err != nil {
		return s, err
	}
	if s.Principal != nil && s.NotPrincipal != nil {
		return s, fmt.Errorf("Principal and NotPrincipal exclude each other")
	}
	var err error
	if s.Principals, err = principals(s.Principal); err != nil {
		return s, err
	}
	if s.NotPrincipals, err = principals(s.NotPrincipal); err != nil {
		return s, err
	}
	s.Conditions, err = conditions(s.Condition)
	return s, err
}

// wellFormed checks the form of the names of actions and resources.
func wellFormed(s iamdoc.Statement) error {
	for _, a := range slices.Concat(s.Action, s.NotAction) {
		if service, name, ok := strings.Cut(a, ":"); a != "*" && (!ok || service == "" || name == "") {
			return fmt.Errorf("action %q is not of the form service:Name", a)
		}
	}
	for _, res := range slices.Concat(s.Resource, s.NotResource) {
		if res != "*" && strings.Count(res, ":") < 5 {
			return fmt.Errorf("resource %q is not an ARN", res)
		}
	}
	return nil
}

func exclusive(name string, yes, no iamdoc.Strings, required bool) error {
	switch {
	case yes != nil && no != nil:
		return fmt.Errorf("%s and Not%s exclude each other", name, name)
	case yes == nil && no == nil:
		if required {
			return fmt.Errorf("%s is missing", name)
		}
		return nil
	case len(yes) == 0 && len(no) == 0:
		return fmt.Errorf("%s is empty", name)
	}
	return nil
}

func principals(byType iamdoc.Principals) ([]Principal, error) {
	if byType == nil {
		return nil, nil
	}
	var out []Principal
	for _, typ := range slices.Sorted(maps.Keys(byType)) {
		if !slices.Contains([]string{Anyone, PrincipalAWS, PrincipalService, PrincipalFederated, PrincipalCanonicalUser}, typ) {
			return nil, fmt.Errorf("principal type %q is not supported", typ)
		}
		for _, id := range byType[typ] {
			out = append(out, Principal{Type: typ, ID: id})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("Principal is empty")
	}
	return out, nil
}

func conditions(raw iamdoc.Conditions) ([]Condition, error) {
	var out []Condition
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		op, err := parseOperator(name)
		if err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(raw[name])) {
			for _, v := range raw[name][key] {
				if err := op.check(v); err != nil {
					return nil, fmt.Errorf("condition %s %s: %w", name, key, err)
				}
			}
			out = append(out, Condition{Operator: name, Key: key, Values: raw[name][key], op: op})
		}
	}
	return out, nil
}

// Size is what counts against IAM's quotas: the bytes of a document without white space between its elements.
func Size(text string) int {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return len(text)
	}
	return b.Len()
}
