// SPDX-License-Identifier: Apache-2.0

// Package iamdoc writes IAM policy documents. A Document always marshals to the same bytes, so that an unchanged policy
// shows no difference. It knows IAM's size quotas, so that a document that AWS would refuse after half an hour of
// deployment is refused while it is built.
//
// Statement covers the whole grammar of a statement. It also unmarshals: code that reads policies uses the same type.
package iamdoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	// MaxManagedPolicy is IAM's quota for a managed policy, in characters without white space.
	MaxManagedPolicy = 6144
	// MaxTrustPolicy is IAM's default quota for a role's trust policy, in characters without white space.
	MaxTrustPolicy = 2048
	version        = "2012-10-17"
)

// Strings is a list that IAM writes as one string when it has one element.
type Strings []string

// MarshalJSON writes one element as a string and more as an array.
func (s Strings) MarshalJSON() ([]byte, error) {
	if len(s) == 1 {
		return marshal(s[0])
	}
	return marshal([]string(s))
}

// UnmarshalJSON reads a string or a list of strings.
func (s *Strings) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*s = Strings{one}
		return nil
	}
	many := []string{}
	if err := json.Unmarshal(b, &many); err != nil {
		return fmt.Errorf("%s is neither a string nor a list of strings", b)
	}
	*s = many
	return nil
}

// Principals are whom a statement applies to, by their type (AWS, Service, Federated). The type "*" is anyone.
type Principals map[string]Strings

// MarshalJSON writes anyone as "*", the rest as an object.
func (p Principals) MarshalJSON() ([]byte, error) {
	if _, anyone := p["*"]; anyone {
		return marshal("*")
	}
	return marshal(map[string]Strings(p))
}

// UnmarshalJSON also reads the principal "*".
func (p *Principals) UnmarshalJSON(b []byte) error {
	var star string
	if json.Unmarshal(b, &star) != nil {
		return json.Unmarshal(b, (*map[string]Strings)(p))
	}
	if star != "*" {
		return fmt.Errorf("principal %q must be \"*\" or an object", star)
	}
	*p = Principals{star: {star}}
	return nil
}

// Conditions maps an operator (StringEquals ...) to its condition keys and their values.
type Conditions map[string]map[string]Strings

// UnmarshalJSON also takes bare booleans and numbers as values, as AWS does.
func (c *Conditions) UnmarshalJSON(b []byte) error {
	var raw map[string]map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&raw); err != nil {
		return err
	}
	*c = Conditions{}
	for operator, keys := range raw {
		(*c)[operator] = map[string]Strings{}
		for key, v := range keys {
			values, err := conditionValues(v)
			if err != nil {
				return fmt.Errorf("condition %s %s: %w", operator, key, err)
			}
			(*c)[operator][key] = values
		}
	}
	return nil
}

func conditionValues(v any) (Strings, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out Strings
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
		return nil, errors.New("no values")
	}
	return out, nil
}

// Statement is one statement of a policy. To write one, Sid is required: reviewers and tests refer to statements by it.
type Statement struct {
	// Sid names the statement, Effect is Allow or Deny.
	Sid    string `json:"Sid"`
	Effect string `json:"Effect"`
	// Principal is whom the statement applies to; only resource policies and trust policies have one.
	Principal Principals `json:"Principal,omitempty"`
	// NotPrincipal is used instead of Principal: everyone else.
	NotPrincipal Principals `json:"NotPrincipal,omitempty"`
	// Action are the actions that the statement allows or denies.
	Action Strings `json:"Action,omitempty"`
	// NotAction is used instead of Action: every other action.
	NotAction Strings `json:"NotAction,omitempty"`
	// Resource are the resources of these actions.
	Resource Strings `json:"Resource,omitempty"`
	// NotResource is used instead of Resource: every other resource.
	NotResource Strings `json:"NotResource,omitempty"`
	// Condition limits the statement.
	Condition Conditions `json:"Condition,omitempty"`
}

// Document is a policy.
type Document struct {
	// Statements are written in this order.
	Statements []Statement
}

// New makes a document of the statements.
func New(statements ...Statement) Document { return Document{Statements: statements} }

// Allow is a statement with effect Allow.
func Allow(sid string, actions, resources Strings, conditions ...Conditions) Statement {
	return Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources, Condition: merge(conditions)}
}

// Deny is a statement with effect Deny.
func Deny(sid string, actions, resources Strings, conditions ...Conditions) Statement {
	return Statement{Sid: sid, Effect: "Deny", Action: actions, Resource: resources, Condition: merge(conditions)}
}

// WriteLogs allows EMR's log sidecar to write into a log group that exists. It creates the group and looks for it before it
// writes: the former is refused as such, the latter needs a permission on all log groups.
func WriteLogs(groupARN string) []Statement {
	all, _, _ := strings.Cut(groupARN, ":log-group:")
	return []Statement{
		Allow("WriteLogEvents",
			Strings{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			Strings{groupARN, groupARN + ":*"}),
		Allow("FindLogGroup", Strings{"logs:DescribeLogGroups"}, Strings{all + ":log-group:*"}),
	}
}

// ServiceTrust is the trust policy of a role that an AWS service assumes, such as ec2.amazonaws.com.
func ServiceTrust(service string) Document {
	return New(Statement{
		Sid: "AssumeByService", Effect: "Allow", Action: Strings{"sts:AssumeRole"},
		Principal: map[string]Strings{"Service": {service}},
	})
}

// WebIdentityTrust is the trust policy of a role for service accounts of a cluster (IRSA). Issuer may start with
// https://. Subjects are exact names, never patterns.
func WebIdentityTrust(providerARN, issuer string, subjects ...string) Document {
	host := strings.TrimPrefix(issuer, "https://")
	return New(Statement{
		Sid: "AssumeByServiceAccount", Effect: "Allow", Action: Strings{"sts:AssumeRoleWithWebIdentity"},
		Principal: map[string]Strings{"Federated": {providerARN}},
		Condition: Conditions{"StringEquals": {host + ":aud": {"sts.amazonaws.com"}, host + ":sub": subjects}},
	})
}

// PodIdentityTrust is the trust policy of a role for service accounts of a cluster (EKS Pod Identity). The tags are those
// that Pod Identity puts on every session. Source: EKS User Guide, "Create IAM role with trust policy required by EKS Pod
// Identity" and "Grant Pods access to AWS resources based on tags".
func PodIdentityTrust(clusterARN, namespace string, serviceAccounts ...string) Document {
	return New(Statement{
		Sid: "AssumeByPodIdentity", Effect: "Allow", Action: Strings{"sts:AssumeRole", "sts:TagSession"},
		Principal: map[string]Strings{"Service": {"pods.eks.amazonaws.com"}},
		Condition: Conditions{"StringEquals": {
			"aws:RequestTag/eks-cluster-arn":            {clusterARN},
			"aws:RequestTag/kubernetes-namespace":       {namespace},
			"aws:RequestTag/kubernetes-service-account": serviceAccounts,
		}},
	})
}

// JSON is the document without white space. It fails on a statement without Sid, Action, Resource or Principal.
func (d Document) JSON() (string, error) {
	if len(d.Statements) == 0 {
		return "", errors.New("policy document without statements")
	}
	for i, s := range d.Statements {
		switch {
		case s.Sid == "":
			return "", fmt.Errorf("statement %d has no Sid", i)
		case len(s.Action)+len(s.NotAction) == 0:
			return "", fmt.Errorf("statement %q has no Action", s.Sid)
		case len(s.Resource)+len(s.NotResource)+len(s.Principal)+len(s.NotPrincipal) == 0:
			return "", fmt.Errorf("statement %q has neither Resource nor Principal", s.Sid)
		}
	}
	b, err := marshal(struct {
		Version   string
		Statement []Statement
	}{version, d.Statements})
	if err != nil {
		return "", fmt.Errorf("write policy document: %w", err)
	}
	return string(b), nil
}

// Managed is JSON within the quota of a managed policy.
func (d Document) Managed() (string, error) { return d.within(MaxManagedPolicy, "managed policy") }

// Trust is JSON within the quota of a trust policy.
func (d Document) Trust() (string, error) { return d.within(MaxTrustPolicy, "trust policy") }

func (d Document) within(limit int, what string) (string, error) {
	s, err := d.JSON()
	if err != nil {
		return "", err
	}
	if len(s) > limit {
		return "", fmt.Errorf("%s has %d characters, IAM's limit is %d", what, len(s), limit)
	}
	return s, nil
}

func merge(conditions []Conditions) Conditions {
	if len(conditions) == 0 {
		return nil
	}
	out := Conditions{}
	for _, c := range conditions {
		for operator, keys := range c {
			if out[operator] == nil {
				out[operator] = map[string]Strings{}
			}
			for k, v := range keys {
				out[operator][k] = v
			}
		}
	}
	return out
}

// marshal is json.Marshal without the HTML escapes, which would turn "<" and "&" into six characters each.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
