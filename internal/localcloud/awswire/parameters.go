// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"emrflink/internal/pattern"
)

// parameter is what AWS asks of one parameter of an operation.
type parameter struct {
	name     string
	required bool
	min, max int // of a number; 0 and 0 is no number
}

// parameters reads a list such as "logGroupName! limit:1-50 nextToken": the mark ! says required, and a range makes a number.
func parameters(list string) []parameter {
	var all []parameter
	for _, word := range strings.Fields(list) {
		name, bounds, _ := strings.Cut(word, ":")
		p := parameter{name: strings.TrimSuffix(name, "!"), required: strings.HasSuffix(name, "!")}
		least, most, _ := strings.Cut(bounds, "-")
		p.min, _ = strconv.Atoi(least)
		p.max, _ = strconv.Atoi(most)
		all = append(all, p)
	}
	return all
}

// textForm is what AWS asks of a text, whichever operation it is a parameter of.
type textForm struct {
	min, max int
	pattern  func() *regexp.Regexp // nil: any
	written  string                // the pattern as AWS writes it
}

func form(least, most int, written string) textForm {
	f := textForm{min: least, max: most, written: written}
	if written != "" {
		f.pattern = pattern.Lazy(`^(?:` + strings.ReplaceAll(written, `\u00`, `\x`) + `)$`)
	}
	return f
}

// textForms are those of Amazon's API models, by the names of parameters.
var textForms = sync.OnceValue(func() map[string]textForm {
	group, stream, name := `[\.\-_/#A-Za-z0-9]+`, `[^:*]*`, `[\w+=,.@-]+`
	return map[string]textForm{
		"logGroupName": form(1, 512, group), "logGroupNamePrefix": form(1, 512, group),
		"logGroupNamePattern": form(0, 512, `[\.\-_/#A-Za-z0-9]*`), "logGroupIdentifier": form(1, 2048, `[\w#+=/:,.@-]*`),
		"logStreamName": form(1, 512, stream), "logStreamNamePrefix": form(1, 512, stream), "filterPattern": form(0, 1024, ""),
		"resourceArn": form(1, 1011, `[\w+=/:,.@-]*`), "nextToken": form(1, 0, ""),
		"RoleName": form(1, 64, name), "InstanceProfileName": form(1, 128, name), "AWSServiceName": form(1, 128, name),
		"Path": form(1, 512, `(\u002F)|(\u002F[\u0021-\u007E]+\u002F)`), "PathPrefix": form(1, 512, `\u002F[\u0021-\u007F]*`),
		"Marker": form(1, 320, ""), "PolicyArn": form(20, 2048, ""), "OpenIDConnectProviderArn": form(20, 2048, ""),
		"RoleArn": form(20, 2048, ""), "RoleSessionName": form(2, 64, `[\w+=,.@-]*`), "WebIdentityToken": form(4, 20_000, ""),
	}
})

// check refuses a request whose parameters AWS would not take, and by name those that are not simulated: to pass over one would
// answer another question.
func (o Operation) check(q *request) error {
	if o.takes == "" {
		return nil
	}
	sent, err := q.sent()
	if err != nil {
		return err
	}
	known := parameters(o.takes)
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if !slices.ContainsFunc(known, func(p parameter) bool { return p.name == name }) {
			return refuse(http.StatusNotImplemented, "NotImplemented",
				"%s:%s with the parameter %s is not simulated by emrflink's local target", q.service, q.op, name)
		}
	}
	var wrong []string
	for _, p := range known {
		value, is := sent[p.name]
		why := p.wrong(value, is)
		switch {
		case why == "":
		case q.service == "sqs" && !is:
			return invalid("MissingParameter", "The request must contain the parameter %s.", p.name)
		case q.service == "sqs":
			return invalid("InvalidParameterValue",
				"Value %s for parameter %s is invalid. Reason: Must be between %d and %d, if provided.",
				value, p.name, p.min, p.max)
		case !is:
			wrong = append(wrong, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: %s", camel(p.name), why))
		default:
			wrong = append(wrong, fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", value, camel(p.name), why))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	errors := "error"
	if len(wrong) > 1 {
		errors = "errors"
	}
	code := map[string]string{"logs": "InvalidParameterException", "iam": "ValidationError", "sts": "ValidationError"}[q.service]
	return invalid(cmp.Or(code, "ValidationException"), "%d validation %s detected: %s", len(wrong), errors,
		strings.Join(wrong, "; "))
}

// camel is the name of a parameter as AWS's validation spells it.
func camel(name string) string {
	if rest, is := strings.CutPrefix(name, "AWS"); is {
		return "aws" + rest
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// wrong is the constraint that a value fails, "" when it fails none.
func (p parameter) wrong(value string, sent bool) string {
	if !sent {
		if p.required {
			return "Member must not be null"
		}
		return ""
	}
	if p.max > 0 {
		n, err := strconv.Atoi(value)
		switch {
		case err != nil:
			return "Member must be a number"
		case n < p.min:
			return fmt.Sprintf("Member must have value greater than or equal to %d", p.min)
		case n > p.max:
			return fmt.Sprintf("Member must have value less than or equal to %d", p.max)
		}
		return ""
	}
	f, of := textForms()[p.name]
	length := utf8.RuneCountInString(value)
	switch {
	case !of:
	case length < f.min:
		return fmt.Sprintf("Member must have length greater than or equal to %d", f.min)
	case f.max > 0 && length > f.max:
		return fmt.Sprintf("Member must have length less than or equal to %d", f.max)
	case f.pattern != nil && !f.pattern().MatchString(value):
		return "Member must satisfy regular expression pattern: " + f.written
	}
	return ""
}

// sent are the parameters of the request as texts. Lists and objects are only named.
func (q *request) sent() (map[string]string, error) {
	out := map[string]string{}
	if q.form != nil && q.fields == nil {
		for name, p := range q.form.kids {
			if name != "Action" && name != "Version" {
				out[name] = p.value
			}
		}
		return out, nil
	}
	var fields map[string]json.RawMessage
	if err := q.decode(&fields); err != nil {
		return nil, err
	}
	for name, raw := range fields {
		text := string(raw)
		if text != "null" {
			_ = json.Unmarshal(raw, &text) // what is no text stays as it is written
			out[name] = text
		}
	}
	return out, nil
}

func totoken(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

func untoken(token string) (key string, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	return string(raw), err == nil
}

// pageOf cuts a list to one page: as many as limit (0: all), from token on, which the page before gave. The token is the key of
// the last one, so that a list from which somebody deletes meanwhile loses nothing.
func pageOf[T any](all []T, key func(T) string, limit int, token string) (part []T, next string, known bool) {
	if limit <= 0 && token == "" {
		return all, "", true
	}
	return pageBy(all, key, cmp.Compare[string], limit, token)
}

// pageBy is pageOf in another order of the keys.
func pageBy[T any](all []T, key func(T) string, compare func(a, b string) int, limit int, token string,
) (part []T, next string, known bool) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b T) int { return compare(key(a), key(b)) })
	if token != "" {
		last, ok := untoken(token)
		if !ok {
			return nil, "", false
		}
		all = slices.DeleteFunc(all, func(one T) bool { return compare(key(one), last) <= 0 })
	}
	if limit > 0 && limit < len(all) {
		return all[:limit], totoken(key(all[limit-1])), true
	}
	return all, "", true
}
