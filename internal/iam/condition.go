// SPDX-License-Identifier: Apache-2.0

package iam

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

type comparison int

const (
	equals comparison = iota
	equalsFold
	like
	arn
	boolean
	null
	ip
	binary
	numeric
	date
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
	holds    func(sign int) bool // of numbers and dates: the sign of the request's value less the policy's
}

// ordered are the comparisons of numbers and dates.
func ordered() map[string]func(int) bool {
	return map[string]func(int) bool{
		"LessThan":          func(sign int) bool { return sign < 0 },
		"LessThanEquals":    func(sign int) bool { return sign <= 0 },
		"GreaterThan":       func(sign int) bool { return sign > 0 },
		"GreaterThanEquals": func(sign int) bool { return sign >= 0 },
		"Equals":            func(sign int) bool { return sign == 0 },
	}
}

// parseOperator knows the operators of the IAM User Guide ("IAM JSON policy elements: Condition operators") and refuses
// others by name, so that no condition is ever ignored.
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
		"IpAddress":                 {compare: ip},
		"NotIpAddress":              {compare: ip, negated: true},
		"BinaryEquals":              {compare: binary},
		"NumericNotEquals":          {compare: numeric, negated: true, holds: ordered()["Equals"]},
		"DateNotEquals":             {compare: date, negated: true, holds: ordered()["Equals"]},
	}[base]
	for prefix, compare := range map[string]comparison{"Numeric": numeric, "Date": date} {
		if rest, isOne := strings.CutPrefix(base, prefix); isOne && ordered()[rest] != nil {
			known, ok = operator{compare: compare, holds: ordered()[rest]}, true
		}
	}
	if !ok {
		return o, fmt.Errorf("condition operator %q does not exist", name)
	}
	o.compare, o.negated, o.holds = known.compare, known.negated, known.holds
	if o.compare == null && (o.ifExists || o.quantity != single) {
		return o, fmt.Errorf("condition operator %q does not exist", name)
	}
	return o, nil
}

// check says what is wrong with a value of the policy.
func (o operator) check(value string) error {
	if strings.Contains(value, "${") {
		return nil // known with the request
	}
	ok, what := true, ""
	switch o.compare {
	case boolean, null:
		ok, what = value == "true" || value == "false", "neither true nor false"
	case ip:
		_, ok = network(value)
		what = "no IP address or range"
	case binary:
		_, err := base64.StdEncoding.DecodeString(value)
		ok, what = err == nil, "not base64"
	case numeric, date:
		_, ok = o.number(value)
		what = map[comparison]string{numeric: "no number", date: "no date of ISO 8601"}[o.compare]
	}
	if !ok {
		return fmt.Errorf("%q is %s", value, what)
	}
	return nil
}

// number is a number, or the seconds of a date: ISO 8601 with or without time of day, or seconds already.
func (o operator) number(s string) (float64, bool) {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return n, true
	}
	if o.compare == date {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
			if t, err := time.Parse(layout, s); err == nil {
				return float64(t.UnixMilli()) / 1000, true
			}
		}
	}
	return 0, false
}

// network is a range of addresses; a single one is a range of one.
func network(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	return netip.PrefixFrom(a, a.BitLen()), err == nil
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

// Holds says whether the condition is true of a request with these keys.
func (c Condition) Holds(keys map[string][]string) bool {
	return c.holds(newContext(Request{Context: keys}))
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
	case ip:
		within, known := network(pattern)
		address, err := netip.ParseAddr(got)
		return known && err == nil && within.Contains(address)
	case numeric, date:
		a, known := o.number(pattern)
		b, sent := o.number(got)
		return known && sent && o.holds(cmp.Compare(b, a))
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
