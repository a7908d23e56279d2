// SPDX-License-Identifier: Apache-2.0

package untyped

import "strings"

// URNName is the name part of a URN, urn:pulumi:STACK::PROJECT::PARENTS$TYPE::NAME; what is no URN is its own name.
func URNName(urn string) string {
	if i := strings.LastIndex(urn, "::"); i >= 0 {
		return urn[i+2:]
	}
	return urn
}

// URNType is the type part of a URN, without the types of its parents; "" of what is no URN.
func URNType(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2][strings.LastIndex(parts[2], "$")+1:]
}

// URNOrigin is the stack and the project of a URN.
func URNOrigin(urn string) (stack, project string, ok bool) {
	rest, ok := strings.CutPrefix(urn, "urn:pulumi:")
	parts := strings.SplitN(rest, "::", 4)
	if !ok || len(parts) < 4 {
		return "", "", false
	}
	return parts[0], parts[1], true
}

// ProviderURN is the URN in a reference to a provider, which has the provider's id behind it.
func ProviderURN(reference string) string {
	if i := strings.LastIndex(reference, "::"); i > 0 && strings.Count(reference, "::") > 3 {
		return reference[:i]
	}
	return reference
}
