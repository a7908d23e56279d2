// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"
)

type comparison int

const (
	equals comparison = iota
	equalsFold
	like
	arn
	boolean
	null
)

type quantifier int

const (
	single quantifier = iota
	forAll
	forAny
)

// operator is a condition operator taken apart.
type operator struct {
	compare  comparison
	quantity quantifier
	negated  bool
	ifExists bool
}

func (o operator) boolean() bool { return o.compare == boolean || o.compare == null }

// parseOperator refuses by name what is not implemented (the numeric, date, binary and IP address
// operators), so that no condition is ever ignored.
func parseOperator(name string) (operator, error) {
	var o operator
	base := name
	if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
		o.quantity, base = forAll, rest
	} else if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
		o.quantity, base = forAny, rest
	}
	if rest, ok := strings.CutSuffix(base, "IfExists"); ok {
		o.ifExists, base = true, rest
	}
	known, ok := map[string]operator{
		"StringEquals":              {},
		"StringNotEquals":           {negated: true},
		"StringEqualsIgnoreCase":    {compare: equalsFold},
		"StringNotEqualsIgnoreCase": {compare: equalsFold, negated: true},
		"StringLike":                {compare: like},
		"StringNotLike":             {compare: like, negated: true},
		"ArnEquals":                 {compare: arn}, // AWS gives ArnEquals and ArnLike the same meaning
		"ArnLike":                   {compare: arn},
		"ArnNotEquals":              {compare: arn, negated: true},
		"ArnNotLike":                {compare: arn, negated: true},
		"Bool":                      {compare: boolean},
		"Null":                      {compare: null},
	}[base]
	if !ok {
		return o, fmt.Errorf("condition operator %q is not supported", name)
	}
	o.compare, o.negated = known.compare, known.negated
	if o.compare == null && (o.ifExists || o.quantity != single) {
		return o, fmt.Errorf("condition operator %q does not exist", name)
	}
	return o, nil
}

// context is the request's context with lower-case keys.
type context map[string][]string

func newContext(r Request) context {
	ctx := make(context, len(r.Context))
	for k, v := range r.Context {
		ctx[strings.ToLower(k)] = v
	}
	return ctx
}

// expand replaces policy variables. The second result is false when a variable has no single value; the
// element does not match then. In a pattern a replaced value stands for itself.
func (ctx context) expand(s string, pattern bool) (string, bool) {
	if !strings.Contains(s, "${") {
		return s, true
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", false
		}
		switch name {
		case "*", "?", "$":
			b.WriteString(quoteIf(name, pattern))
		default:
			values := ctx[strings.ToLower(name)]
			if len(values) != 1 {
				return "", false
			}
			b.WriteString(quoteIf(values[0], pattern))
		}
		s = after
	}
}

func (c Condition) holds(ctx context) bool {
	values, present := ctx[strings.ToLower(c.Key)]
	present = present && len(values) > 0
	if c.op.compare == null {
		for _, v := range c.Values {
			if (v == "true") == !present {
				return true
			}
		}
		return false
	}
	if !present {
		// A negated operator holds for a missing key, ForAllValues holds for the empty set.
		return c.op.ifExists || c.op.quantity == forAll || c.op.quantity == single && c.op.negated
	}
	matched := 0
	for _, v := range values {
		if c.valueHolds(v, ctx) {
			matched++
		}
	}
	if c.op.quantity == forAll || c.op.quantity == single && c.op.negated {
		return matched == len(values)
	}
	return matched > 0
}

// valueHolds compares one value of the request with the values of the policy, negation included.
func (c Condition) valueHolds(got string, ctx context) bool {
	for _, want := range c.Values {
		if c.op.equal(want, got, ctx) {
			return !c.op.negated
		}
	}
	return c.op.negated
}

func (o operator) equal(want, got string, ctx context) bool {
	pattern, ok := ctx.expand(want, o.compare == like || o.compare == arn)
	if !ok {
		return false
	}
	switch o.compare {
	case equalsFold:
		return strings.EqualFold(pattern, got)
	case like:
		return Match(pattern, got)
	case arn:
		return matchARN(pattern, got)
	default:
		return pattern == got
	}
}

// matchARN compares the six parts of two ARNs one by one, so that a wildcard does not reach over a colon
// of the first five.
func matchARN(pattern, got string) bool {
	p, g := strings.SplitN(pattern, ":", 6), strings.SplitN(got, ":", 6)
	if len(p) != 6 || len(g) != 6 {
		return false
	}
	for i := range p {
		if !Match(p[i], g[i]) {
			return false
		}
	}
	return true
}
