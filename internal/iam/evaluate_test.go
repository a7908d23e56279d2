// SPDX-License-Identifier: Apache-2.0

package iam

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"emrflink/components/iamdoc"
)

func parse(t *testing.T, text string) Document {
	t.Helper()
	doc, err := Parse([]byte(text))
	require.NoError(t, err)
	return doc
}

// conditioned is an identity policy whose only statement has a condition.
func conditioned(condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":` + condition +
		`}]}`
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, why string }{
		"nothing":                           {"", "empty"},
		"what is no JSON":                   {"{", "unexpected"},
		"a misspelt element":                {`{"Statment":[]}`, "Statment"},
		"a misspelt element of a statement": {`{"Statement":{"Effect":"Allow","Actions":"s3:*","Resource":"*"}}`, "Actions"},
		"no statement":                      {`{"Version":"2012-10-17"}`, "Statement"},
		"an empty list of statements":       {`{"Statement":[]}`, "Statement"},
		"an unknown version": {
			`{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, "2020-01-01"},
		"an unknown effect": {`{"Statement":{"Effect":"allow","Action":"s3:*","Resource":"*"}}`, "Effect"},
		"no action":         {`{"Statement":{"Effect":"Allow","Resource":"*"}}`, "Action"},
		"an action without a service": {`{"Statement":{"Effect":"Allow","Action":"GetObject","Resource":"*"}}`,
			"GetObject"},
		"an action without a name":        {`{"Statement":{"Effect":"Allow","Action":"s3:","Resource":"*"}}`, `"s3:"`},
		"an action of a nameless service": {`{"Statement":{"Effect":"Allow","Action":":Get","Resource":"*"}}`, `":Get"`},
		"both Action and NotAction": {
			`{"Statement":{"Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*"}}`, "exclude"},
		"a resource that is no ARN":  {`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}}`, "bucket"},
		"an empty list of resources": {`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":[]}}`, "Resource"},
		"an unknown type of principal": {`{"Statement":{"Effect":"Allow","Action":"s3:*","Principal":{"Robot":"x"}}}`,
			"Robot"},
		"a Sid that is used twice": {
			`{"Statement":[{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"A","Effect":"Allow","Action":` +
				`"s3:*","Resource":"*"}]}`, `statement 2: Sid "A"`},
		"a second statement without an effect": {
			`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Action":"s3:*"}]}`, "statement 2: Effect"},
		"an empty list of actions":      {`{"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}}`, "Action is empty"},
		"an IP address that is none":    {conditioned(`{"IpAddress":{"aws:SourceIp":"10.0.0.0/88"}}`), "no IP address"},
		"a number that is none":         {conditioned(`{"NumericLessThan":{"s3:max-keys":"ten"}}`), "no number"},
		"a date that is none":           {conditioned(`{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}`), "no date"},
		"a binary value that is none":   {conditioned(`{"BinaryEquals":{"k":"%"}}`), "base64"},
		"a misspelt condition operator": {conditioned(`{"StringEqual":{"aws:RequestedRegion":"us-west-2"}}`), "StringEqual"},
		"NullIfExists":                  {conditioned(`{"NullIfExists":{"aws:TagKeys":"true"}}`), "NullIfExists"},
		"a Bool that is neither":        {conditioned(`{"Bool":{"aws:SecureTransport":"maybe"}}`), "maybe"},
		"a condition without values":    {conditioned(`{"StringEquals":{"aws:RequestedRegion":[]}}`), "no values"},
		"something after the document":  {`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}} {}`, "follows"},
	} {
		_, err := Parse([]byte(c.text))
		require.ErrorContains(t, err, c.why, name)
	}
}

// TestWhatIsWrittenIsRead: the writer of policies and the reader have one type for a statement.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	everyone := iamdoc.Deny("Plain", iamdoc.Strings{"s3:*"}, iamdoc.Strings{"arn:aws:s3:::b", "arn:aws:s3:::b/*"},
		iamdoc.Conditions{"Bool": {"aws:SecureTransport": {"false"}}})
	everyone.Principal = iamdoc.Principals{PrincipalAWS: {"*"}}
	anyone := everyone
	anyone.Principal, anyone.Action, anyone.NotAction = iamdoc.Principals{Anyone: {Anyone}}, nil, iamdoc.Strings{"s3:Get*"}
	for _, written := range []iamdoc.Document{
		iamdoc.New(everyone), iamdoc.New(anyone), iamdoc.PodIdentityTrust("arn:c", "n", "a", "b"),
		iamdoc.WebIdentityTrust("arn:p", "issuer", "a"),
	} {
		text, err := written.JSON()
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(written.Statements[0], parse(t, text).Statements[0].Statement))
	}
}

func TestConditionOperators(t *testing.T) {
	t.Parallel()
	type keys = map[string][]string
	for name, c := range map[string]struct {
		condition string
		keys      keys
		want      bool
	}{
		"StringEquals, equal":           {`{"StringEquals":{"k":"v"}}`, keys{"k": {"v"}}, true},
		"StringEquals, one of several":  {`{"StringEquals":{"k":["u","v"]}}`, keys{"k": {"v"}}, true},
		"StringEquals has no wildcards": {`{"StringEquals":{"k":"*"}}`, keys{"k": {"v"}}, false},
		"StringEquals, key absent":      {`{"StringEquals":{"k":"v"}}`, nil, false},
		"keys are compared without case": {`{"StringEquals":{"aws:RequestTag/Kubernetes":"v"}}`,
			keys{"AWS:requesttag/kubernetes": {"v"}}, true},
		"values are compared with case":     {`{"StringEquals":{"k":"V"}}`, keys{"k": {"v"}}, false},
		"StringEqualsIgnoreCase":            {`{"StringEqualsIgnoreCase":{"k":"V"}}`, keys{"k": {"v"}}, true},
		"StringEqualsIfExists, key absent":  {`{"StringEqualsIfExists":{"k":"v"}}`, nil, true},
		"StringEqualsIfExists, other value": {`{"StringEqualsIfExists":{"k":"v"}}`, keys{"k": {"w"}}, false},
		"StringNotEquals, equal":            {`{"StringNotEquals":{"k":"v"}}`, keys{"k": {"v"}}, false},
		"StringNotEquals, key absent":       {`{"StringNotEquals":{"k":"v"}}`, nil, true},
		"StringNotEquals, all must differ":  {`{"StringNotEquals":{"k":["u","v"]}}`, keys{"k": {"v"}}, false},
		"StringLike, star":                  {`{"StringLike":{"k":"a*z"}}`, keys{"k": {"a/b/z"}}, true},
		"StringLike, question mark":         {`{"StringLike":{"k":"a?"}}`, keys{"k": {"abc"}}, false},
		"StringLike of any needs the key":   {`{"StringLike":{"k":"*"}}`, nil, false},
		"StringNotLike":                     {`{"StringNotLike":{"k":"a*"}}`, keys{"k": {"b"}}, true},
		"ArnLike": {`{"ArnLike":{"k":"arn:aws:events:*:111122223333:rule/*"}}`,
			keys{"k": {"arn:aws:events:us-west-2:111122223333:rule/x"}}, true},
		"ArnLike, a star does not cross a colon": {`{"ArnLike":{"k":"arn:aws:*:rule/*"}}`,
			keys{"k": {"arn:aws:events:us-west-2:111122223333:rule/x"}}, false},
		"ArnEquals, other account": {`{"ArnEquals":{"k":"arn:aws:sqs:us-west-2:1:q"}}`,
			keys{"k": {"arn:aws:sqs:us-west-2:2:q"}}, false},
		"ArnNotLike": {`{"ArnNotLike":{"k":"arn:aws:iam::1:role/*"}}`,
			keys{"k": {"arn:aws:iam::1:role/x"}}, false},
		"Bool as a JSON boolean": {`{"Bool":{"aws:SecureTransport":false}}`,
			keys{"aws:SecureTransport": {"false"}}, true},
		"Bool, key absent": {`{"Bool":{"aws:SecureTransport":"false"}}`, nil, false},
		"IpAddress, in the range": {`{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.0.2.1"]}}`,
			keys{"aws:SourceIp": {"192.0.2.1"}}, true},
		"IpAddress, outside": {`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`,
			keys{"aws:SourceIp": {"11.0.0.1"}}, false},
		"NotIpAddress": {`{"NotIpAddress":{"aws:SourceIp":"2001:db8::/32"}}`,
			keys{"aws:SourceIp": {"2001:db9::1"}}, true},
		"NumericLessThan": {`{"NumericLessThan":{"s3:max-keys":10}}`, keys{"s3:max-keys": {"9"}},
			true},
		"NumericLessThan, equal": {`{"NumericLessThan":{"s3:max-keys":"10"}}`, keys{"s3:max-keys": {"10"}},
			false},
		"NumericGreaterThanEquals":          {`{"NumericGreaterThanEquals":{"k":"10"}}`, keys{"k": {"10.0"}}, true},
		"NumericNotEquals":                  {`{"NumericNotEquals":{"k":"10"}}`, keys{"k": {"10"}}, false},
		"NumericEqualsIfExists, key absent": {`{"NumericEqualsIfExists":{"k":"10"}}`, nil, true},
		"DateGreaterThan": {`{"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}`,
			keys{"aws:CurrentTime": {"2026-01-02"}}, true},
		"DateLessThanEquals, later": {`{"DateLessThanEquals":{"aws:CurrentTime":"2026-01-01"}}`,
			keys{"aws:CurrentTime": {"1767225601"}}, false},
		"BinaryEquals":            {`{"BinaryEquals":{"k":"QmluYXJ5"}}`, keys{"k": {"QmluYXJ5"}}, true},
		"Null true, key absent":   {`{"Null":{"k":"true"}}`, nil, true},
		"Null false, key absent":  {`{"Null":{"k":"false"}}`, nil, false},
		"Null false, key present": {`{"Null":{"k":"false"}}`, keys{"k": {"v"}}, true},
		"ForAllValues, all in the set": {`{"ForAllValues:StringEquals":{"aws:TagKeys":["Name","a"]}}`,
			keys{"aws:TagKeys": {"a", "Name"}}, true},
		"ForAllValues, one outside": {`{"ForAllValues:StringEquals":{"aws:TagKeys":["Name"]}}`,
			keys{"aws:TagKeys": {"Name", "x"}}, false},
		"ForAllValues, key absent": {`{"ForAllValues:StringEquals":{"aws:TagKeys":["Name"]}}`, nil, true},
		"ForAnyValue, one in the set": {`{"ForAnyValue:StringLike":{"aws:TagKeys":["Na*"]}}`,
			keys{"aws:TagKeys": {"Name", "x"}}, true},
		"ForAnyValue, key absent": {`{"ForAnyValue:StringLike":{"aws:TagKeys":["Na*"]}}`, nil, false},
		"ForAnyValue negated, one outside": {`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["Name"]}}`,
			keys{"aws:TagKeys": {"Name", "x"}}, true},
		"all operators and keys must hold": {`{"StringEquals":{"a":"1","b":"2"},"StringLike":{"c":"*"}}`,
			keys{"a": {"1"}, "b": {"2"}}, false},
		"a policy variable": {`{"StringEquals":{"k":"${aws:PrincipalTag/team}-x"}}`,
			keys{"aws:PrincipalTag/team": {"a"}, "k": {"a-x"}}, true},
		"a policy variable without a value": {`{"StringEquals":{"k":"${aws:PrincipalTag/team}"}}`, keys{"k": {""}},
			false},
		"a star in a variable's value is no pattern": {`{"StringLike":{"k":"${v}"}}`, keys{"v": {"*"}, "k": {"x"}}, false},
		"a star in a variable's value is none of an ARN": {
			`{"ArnLike":{"k":"${v}"}}`, keys{"v": {"arn:aws:s3:::*"}, "k": {"arn:aws:s3:::x"}}, false,
		},
		"NumericLessThanEquals, equal":         {`{"NumericLessThanEquals":{"k":"10"}}`, keys{"k": {"10"}}, true},
		"NumericGreaterThan, equal":            {`{"NumericGreaterThan":{"k":"10"}}`, keys{"k": {"10"}}, false},
		"Null true, key present without value": {`{"Null":{"k":"true"}}`, keys{"k": {}}, true},
		"IpAddress, of no address":             {`{"IpAddress":{"k":"0.0.0.0/0"}}`, keys{"k": {"x"}}, false},
		"NumericLessThan, of no number":        {`{"NumericLessThan":{"k":"10"}}`, keys{"k": {"x"}}, false},
		"ArnLike, of no ARN":                   {`{"ArnLike":{"k":"arn:aws:s3:::*"}}`, keys{"k": {"x"}}, false},
		"ArnLike, of no ARN in the policy":     {`{"ArnLike":{"k":"*"}}`, keys{"k": {"arn:aws:s3:::x"}}, false},
		"an escaped star":                      {`{"StringLike":{"k":"${*}"}}`, keys{"k": {"*"}}, true},
	} {
		doc := parse(t, conditioned(c.condition))
		got := Evaluate([]Document{doc}, Request{Action: "ec2:RunInstances", Resource: "*", Context: c.keys})
		require.Equal(t, c.want, got.Allowed, name)
	}
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	doc := parse(t, `{"Version":"2012-10-17","Statement":[
		{"Sid":"Read","Effect":"Allow","Action":["s3:Get*","s3:ListBucket"],`+
		`"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/team/*"]},
		{"Effect":"Allow","NotAction":"iam:*","Resource":"arn:aws:sqs:us-west-2:111122223333:q"},
		{"Sid":"Keep","Effect":"Deny","Action":"s3:*","NotResource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]},
		{"Sid":"Never","Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/team/secret"}]}`)
	for name, c := range map[string]struct {
		action, resource string
		want             Decision
	}{
		"an allowed action":                {"s3:GetObject", "arn:aws:s3:::b/team/x", Decision{Allowed: true, Statement: "Read"}},
		"actions are matched without case": {"S3:getobject", "arn:aws:s3:::b/team/x", Decision{Allowed: true, Statement: "Read"}},
		"resources are matched with case":  {"s3:GetObject", "arn:aws:s3:::b/Team/x", Decision{}},
		"another action":                   {"s3:PutObject", "arn:aws:s3:::b/team/x", Decision{}},
		"a deny wins": {"s3:GetObject", "arn:aws:s3:::b/team/secret",
			Decision{ExplicitDeny: true, Statement: "Never"}},
		"NotResource": {"s3:GetObject", "arn:aws:s3:::other/x",
			Decision{ExplicitDeny: true, Statement: "Keep"}},
		"NotAction, without a Sid": {"sqs:SendMessage", "arn:aws:sqs:us-west-2:111122223333:q",
			Decision{Allowed: true, Statement: "#2"}},
		"what NotAction leaves out": {"iam:PassRole", "arn:aws:sqs:us-west-2:111122223333:q", Decision{}},
	} {
		got := Evaluate([]Document{doc}, Request{Action: c.action, Resource: c.resource})
		require.Empty(t, cmp.Diff(c.want, got), name)
	}
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	session := Principal{PrincipalAWS, "arn:aws:sts::111122223333:assumed-role/karpenter/session"}
	for name, c := range map[string]struct {
		principal string
		who       Principal
		want      bool
	}{
		"a service": {`{"Service":"ec2.amazonaws.com"}`,
			Principal{PrincipalService, "ec2.amazonaws.com"}, true},
		"another service": {`{"Service":"ec2.amazonaws.com"}`,
			Principal{PrincipalService, "eks.amazonaws.com"}, false},
		"an AWS principal is no service":   {`{"Service":"*"}`, session, false},
		"everyone":                         {`"*"`, session, true},
		"every AWS principal":              {`{"AWS":"*"}`, session, true},
		"the account by its id":            {`{"AWS":"111122223333"}`, session, true},
		"the account's root":               {`{"AWS":"arn:aws:iam::111122223333:root"}`, session, true},
		"another account's root":           {`{"AWS":"arn:aws:iam::999999999999:root"}`, session, false},
		"the role of the session":          {`{"AWS":"arn:aws:iam::111122223333:role/karpenter"}`, session, true},
		"the role with a path":             {`{"AWS":"arn:aws:iam::111122223333:role/a/b/karpenter"}`, session, true},
		"another role":                     {`{"AWS":"arn:aws:iam::111122223333:role/other"}`, session, false},
		"a user with the name of the role": {`{"AWS":"arn:aws:iam::111122223333:user/karpenter"}`, session, false},
		"a federated provider": {`{"Federated":["arn:aws:iam::1:oidc-provider/a"]}`,
			Principal{PrincipalFederated, "arn:aws:iam::1:oidc-provider/a"}, true},
		"another federated provider": {`{"Federated":["arn:aws:iam::1:oidc-provider/a"]}`,
			Principal{PrincipalFederated, "arn:aws:iam::1:oidc-provider/b"}, false},
		"nobody, when the request names none": {`{"AWS":"111122223333"}`, Principal{}, false},
	} {
		doc := parse(t, `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":`+c.principal+`}}`)
		got := Evaluate([]Document{doc}, Request{Action: "sts:AssumeRole", Principal: c.who})
		require.Equal(t, c.want, got.Allowed, name)
	}
	doc := parse(t, `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","NotPrincipal":{"AWS":"111122223333"}}}`)
	require.False(t, Evaluate([]Document{doc}, Request{Action: "sts:AssumeRole", Principal: session}).Allowed)
}

func TestDocumentsFitTheirUse(t *testing.T) {
	t.Parallel()
	identity := parse(t, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
	trust := parse(t, `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"1"}}}`)
	both := parse(t, `{"Statement":{"Effect":"Allow","Action":"sqs:*","Principal":"*","Resource":"*"}}`)
	require.NoError(t, identity.CheckIdentity())
	require.Error(t, trust.CheckIdentity())
	require.Error(t, both.CheckIdentity())
	require.NoError(t, trust.CheckTrust())
	require.Error(t, identity.CheckTrust())
	require.Error(t, both.CheckTrust())
	require.NoError(t, both.CheckResource())
	require.Error(t, identity.CheckResource())
	require.Error(t, trust.CheckResource())
	second := func(first, other Document) Document {
		return Document{Statements: append(first.Statements[:1:1], other.Statements...)}
	}
	for want, err := range map[string]error{
		"statement 2: an identity policy must not have a Principal": second(identity, both).CheckIdentity(),
		"statement 2: a trust policy must not have a Resource":      second(trust, both).CheckTrust(),
	} {
		require.EqualError(t, err, want)
	}
	require.EqualError(t, second(identity, parse(t, `{"Statement":{"Effect":"Deny","Action":"s3:*"}}`)).CheckIdentity(),
		"statement 2: Resource is missing")
	require.EqualError(t, second(trust, identity).CheckTrust(), "statement 2: Principal is missing")
	require.EqualError(t, second(both, identity).CheckResource(), "statement 2: Principal is missing")
	require.EqualError(t, second(both, trust).CheckResource(), "statement 2: Resource is missing")
}

// No policy can have the mark of a literal; one at the end of a pattern matches nothing.
func TestAMarkWithoutACharacterMatchesNothing(t *testing.T) {
	t.Parallel()
	require.False(t, Match("a"+string(escape), "ab"))
}

// TestMatchAgreesWithItsDefinition compares the linear matcher with the obvious recursive one.
func TestMatchAgreesWithItsDefinition(t *testing.T) {
	t.Parallel()
	var obvious func(p, s string) bool
	obvious = func(p, s string) bool {
		switch {
		case p == "":
			return s == ""
		case p[0] == '*':
			return obvious(p[1:], s) || s != "" && obvious(p, s[1:])
		case s == "":
			return false
		default:
			return (p[0] == '?' || p[0] == s[0]) && obvious(p[1:], s[1:])
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(rt, "pattern")
		s := rapid.StringMatching(`[ab]{0,10}`).Draw(rt, "string")
		require.Equal(rt, obvious(pattern, s), Match(pattern, s), "%q %q", pattern, s)
	})
	require.True(t, Match(strings.Repeat("a*", 50), strings.Repeat("a", 10_000)))
	require.False(t, Match(strings.Repeat("a*", 50)+"b", strings.Repeat("a", 10_000)))
}
