// SPDX-License-Identifier: Apache-2.0

package iam

import (
	"slices"
	"strings"

	"emrflink/internal/pattern"
)

// Could says whether the policies of an identity can allow an action on a resource that matches a pattern. What only a request
// shows speaks for it: a condition may hold, and a pattern may mean the resource that is asked for. So its no is certain.
func Could(docs []Document, action, resource string) bool {
	could := false
	for _, doc := range docs {
		for _, s := range doc.Statements {
			switch {
			case !s.Covers(action):
			case s.denies() && len(s.Conditions) == 0 && s.meansAll(resource):
				return false
			case s.allows() && s.mayMean(resource):
				could = true
			}
		}
	}
	return could
}

var variable = pattern.Lazy(`\$\{[^}]*\}`)

// mayMean says whether the statement is about some resource of a pattern.
func (s Statement) mayMean(resource string) bool {
	if len(s.NotResource) > 0 {
		return !anyMeansAll(s.NotResource, resource)
	}
	return slices.ContainsFunc(s.Resource, func(p string) bool { return canBe(p, resource) })
}

// canBe says whether two patterns of ARNs can mean the same resource. No wildcard goes across the colons before the resource.
func canBe(p, resource string) bool {
	const parts = 6 // arn:partition:service:region:account:resource
	a, b := strings.SplitN(variable().ReplaceAllString(p, "*"), ":", parts), strings.SplitN(resource, ":", parts)
	if len(a) != parts || len(b) != parts {
		return overlap(p, resource)
	}
	for i := range a {
		if !overlap(a[i], b[i]) {
			return false
		}
	}
	return true
}

// meansAll says whether the statement is about every resource of a pattern.
func (s Statement) meansAll(resource string) bool {
	if len(s.NotResource) > 0 {
		return !slices.ContainsFunc(s.NotResource, func(p string) bool { return canBe(p, resource) })
	}
	return anyMeansAll(s.Resource, resource)
}

// anyMeansAll matches the pattern as a text, in which * stands for itself: only * of the other one takes it.
func anyMeansAll(patterns []string, resource string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return Match(p, resource) })
}
