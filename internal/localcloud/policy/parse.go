// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

type rawDocument struct {
	Version   *string
	ID        *string `json:"Id"`
	Statement json.RawMessage
}

type rawStatement struct {
	Sid          string
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       oneOrMany
	NotAction    oneOrMany
	Resource     oneOrMany
	NotResource  oneOrMany
	Condition    map[string]map[string]json.RawMessage
}

// oneOrMany is a string or a list of strings.
type oneOrMany []string

// UnmarshalJSON accepts a string or a list of strings.
func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*o = oneOrMany{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return fmt.Errorf("%s is neither a string nor a list of strings", b)
	}
	if many == nil {
		many = []string{}
	}
	*o = many
	return nil
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
	statements, err := rawStatements(raw.Statement)
	if err != nil {
		return Document{}, fmt.Errorf("parse policy: %w", err)
	}
	seen := map[string]bool{}
	for i, rs := range statements {
		s, err := rs.statement()
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

func rawStatements(b json.RawMessage) ([]rawStatement, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("Statement is missing")
	}
	if b[0] == '{' {
		var one rawStatement
		if err := strict(b, &one); err != nil {
			return nil, err
		}
		return []rawStatement{one}, nil
	}
	var many []rawStatement
	if err := strict(b, &many); err != nil {
		return nil, err
	}
	if len(many) == 0 {
		return nil, fmt.Errorf("Statement is empty")
	}
	return many, nil
}

func (r rawStatement) statement() (Statement, error) {
	s := Statement{
		Sid: r.Sid, Deny: r.Effect == "Deny",
		Actions: r.Action, NotActions: r.NotAction, Resources: r.Resource, NotResources: r.NotResource,
		hasPrincipal: r.Principal != nil || r.NotPrincipal != nil,
		hasResources: r.Resource != nil || r.NotResource != nil,
	}
	if r.Effect != "Allow" && r.Effect != "Deny" {
		return s, fmt.Errorf("Effect must be Allow or Deny, not %q", r.Effect)
	}
	if err := exclusive("Action", r.Action, r.NotAction, true); err != nil {
		return s, err
	}
	if err := exclusive("Resource", r.Resource, r.NotResource, false); err != nil {
		return s, err
	}
	if err := r.wellFormed(); err != nil {
		return s, err
	}
	if r.Principal != nil && r.NotPrincipal != nil {
		return s, fmt.Errorf("Principal and NotPrincipal exclude each other")
	}
	var err error
	if s.Principals, err = principals(r.Principal); err != nil {
		return s, err
	}
	if s.NotPrincipals, err = principals(r.NotPrincipal); err != nil {
		return s, err
	}
	s.Conditions, err = conditions(r.Condition)
	return s, err
}

// wellFormed checks the form of the names of actions and resources.
func (r rawStatement) wellFormed() error {
	for _, a := range slices.Concat(r.Action, r.NotAction) {
		if service, name, ok := strings.Cut(a, ":"); a != "*" && (!ok || service == "" || name == "") {
			return fmt.Errorf("action %q is not of the form service:Name", a)
		}
	}
	for _, res := range slices.Concat(r.Resource, r.NotResource) {
		if res != "*" && strings.Count(res, ":") < 5 {
			return fmt.Errorf("resource %q is not an ARN", res)
		}
	}
	return nil
}

func exclusive(name string, yes, no oneOrMany, required bool) error {
	switch {
	case yes != nil && no != nil:
		return fmt.Errorf("%s and Not%s exclude each other", name, name)
	case yes == nil && no == nil:
		if required {
			return fmt.Errorf("%s is missing", name)
		}
		return nil
	case len(yes)+len(no) == 0:
		return fmt.Errorf("%s is empty", name)
	}
	return nil
}

func principals(b json.RawMessage) ([]Principal, error) {
	if b == nil {
		return nil, nil
	}
	var star string
	if json.Unmarshal(b, &star) == nil {
		if star != "*" {
			return nil, fmt.Errorf("principal %q must be \"*\" or an object", star)
		}
		return []Principal{{Type: "*", ID: "*"}}, nil
	}
	var byType map[string]oneOrMany
	if err := json.Unmarshal(b, &byType); err != nil {
		return nil, fmt.Errorf("principal: %w", err)
	}
	var out []Principal
	for _, typ := range sortedKeys(byType) {
		if typ != PrincipalAWS && typ != PrincipalService && typ != PrincipalFederated {
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

func conditions(raw map[string]map[string]json.RawMessage) ([]Condition, error) {
	var out []Condition
	for _, name := range sortedKeys(raw) {
		op, err := parseOperator(name)
		if err != nil {
			return nil, err
		}
		for _, key := range sortedKeys(raw[name]) {
			values, err := conditionValues(raw[name][key])
			if err != nil {
				return nil, fmt.Errorf("condition %s %s: %w", name, key, err)
			}
			if op.boolean() {
				for _, v := range values {
					if v != "true" && v != "false" {
						return nil, fmt.Errorf("condition %s %s: %q is neither true nor false", name, key, v)
					}
				}
			}
			out = append(out, Condition{Operator: name, Key: key, Values: values, op: op})
		}
	}
	return out, nil
}

// conditionValues also takes bare booleans and numbers, as AWS does.
func conditionValues(b json.RawMessage) ([]string, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		switch item := item.(type) {
		case string:
			out = append(out, item)
		case bool, json.Number:
			out = append(out, fmt.Sprint(item))
		default:
			return nil, fmt.Errorf("value %v is not a string", item)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no values")
	}
	return out, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Size is what counts against IAM's quotas: the bytes of a document without white space between its elements.
func Size(text string) int {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return len(text)
	}
	return b.Len()
}
