// SPDX-License-Identifier: Apache-2.0

package graphcheck

import (
	"fmt"
	"maps"
	"strings"

	"emrflink/internal/iam"
)

// keys are the condition keys of a request.
type keys = map[string]string

func with(all ...keys) keys {
	out := keys{}
	for _, k := range all {
		maps.Copy(out, k)
	}
	return out
}

func without(k keys, key string) keys {
	out := maps.Clone(k)
	delete(out, key)
	return out
}

// Case is a row of the table: who may or may not do what, on what, with which keys in the request.
type Case struct {
	// Who is a role's name; for a resource policy the service that calls, for a trust the subject that asks.
	Who string
	// Action and Resource are asked for; the Resource of a trust is the role's name.
	Action, Resource string
	// Keys are in the request besides the region, TLS and the account. TagKeys are aws:TagKeys.
	Keys    keys
	TagKeys []string
	// Allowed is what must come out.
	Allowed bool
	// Method says which document decides.
	Method Method
}

// Method says which document decides about a request.
type Method int

// The methods of deciding a request.
const (
	// ByRole evaluates a role's policies with the policy of the bucket or queue.
	ByRole Method = iota
	// ByQueue evaluates the queue's policy for an AWS service.
	ByQueue
	// ByTrust evaluates a role's trust for a web identity.
	ByTrust
	// ByService evaluates a role's trust for an AWS service.
	ByService
)

// String is the row as a sentence.
func (c Case) String() string {
	verb := "may not"
	if c.Allowed {
		verb = "may"
	}
	out := fmt.Sprintf("%s %s %s on %s", c.Who, verb, c.Action, c.Resource)
	if len(c.Keys) > 0 {
		out += fmt.Sprintf(" with %v", c.Keys)
	}
	return out
}

// Access evaluates the table of allowed and denied requests on the documents of the graph.
func Access(w *World) []string {
	var out report
	judge := w.judge()
	for _, c := range Cases(w) {
		allowed, why := judge.allowed(c)
		out.add(allowed != c.Allowed, "%s: it is %s (%s)", c, map[bool]string{true: "allowed", false: "denied"}[allowed], why)
	}
	return out
}

// judge evaluates rows; roles are collected once.
type judge struct {
	w             *World
	roles         map[string]role
	bucket, queue []iam.Document
}

func (w *World) judge() *judge {
	j := &judge{w: w, roles: map[string]role{}}
	for _, r := range w.of(typeRole) {
		j.roles[text(r, "name")] = w.role(text(r, "name"))
	}
	j.bucket = documents(w, typeBucketRule)
	j.queue = documents(w, typeQueueRule)
	return j
}

func documents(w *World, typ string) []iam.Document {
	var out []iam.Document
	for _, r := range w.of(typ) {
		if doc, err := iam.Parse([]byte(text(r, "policy"))); err == nil {
			out = append(out, doc)
		}
	}
	return out
}

func (j *judge) allowed(c Case) (bool, string) {
	request := iam.Request{Action: c.Action, Resource: c.Resource, Context: map[string][]string{
		"aws:RequestedRegion": {j.w.output("region")}, "aws:SecureTransport": {"true"},
		"aws:PrincipalAccount": {j.w.output("accountId")},
	}}
	for k, v := range c.Keys {
		request.Context[k] = []string{v}
	}
	if len(c.TagKeys) > 0 {
		request.Context["aws:TagKeys"] = c.TagKeys
	}
	switch c.Method {
	case ByQueue:
		request.Principal = iam.Principal{Type: iam.PrincipalService, ID: c.Who}
		return verdict(iam.Evaluate(j.queue, request))
	case ByTrust, ByService:
		return j.assume(c, request)
	}
	identity := iam.Evaluate(j.roles[c.Who].policies, request)
	request.Principal = iam.Principal{Type: iam.PrincipalAWS, ID: "arn:aws:iam::" + j.w.output("accountId") + ":role/" + c.Who}
	var guards []iam.Document
	switch {
	case strings.HasPrefix(c.Resource, "arn:aws:s3:::"):
		guards = j.bucket
	case strings.HasPrefix(c.Resource, "arn:aws:sqs:"):
		guards = j.queue
	}
	if d := iam.Evaluate(guards, request); d.ExplicitDeny {
		return verdict(d)
	}
	return verdict(identity)
}

// assume evaluates the trust of the role that the row names as its resource.
func (j *judge) assume(c Case, request iam.Request) (bool, string) {
	doc, err := iam.Parse([]byte(j.roles[c.Resource].trust))
	if err != nil {
		return false, err.Error()
	}
	request.Principal = iam.Principal{Type: iam.PrincipalService, ID: c.Who}
	switch {
	case c.Method == ByTrust && strings.Contains(j.roles[c.Resource].trust, podIdentity):
		j.podIdentity(c, &request)
	case c.Method == ByTrust:
		host := strings.TrimPrefix(j.w.output("clusterOidcIssuer"), "https://")
		request.Principal = iam.Principal{Type: iam.PrincipalFederated, ID: j.w.output("oidcProviderArn")}
		request.Context[host+":sub"] = []string{c.Who}
		if request.Context[host+":aud"] = []string{"sts.amazonaws.com"}; c.Keys["aud"] != "" {
			request.Context[host+":aud"] = []string{c.Keys["aud"]}
		}
	}
	request.Resource = ""
	return verdict(iam.Evaluate([]iam.Document{doc}, request))
}

// podIdentity is the service that hands out roles in place of the issuer's tokens.
const podIdentity = "pods.eks.amazonaws.com"

// podIdentity asks as EKS Pod Identity does for a pod: with its cluster, namespace and service account as session tags
// (EKS User Guide, "Grant Pods access to AWS resources based on tags"). A token for another audience has no counterpart
// there; another cluster takes its place.
func (j *judge) podIdentity(c Case, request *iam.Request) {
	request.Action, request.Principal.ID = "sts:AssumeRole", podIdentity
	account := strings.Split(c.Who, ":") // system:serviceaccount:NAMESPACE:NAME
	cluster := j.w.output("clusterArn")
	if c.Keys["aud"] != "" {
		cluster += "-other"
	}
	request.Context["aws:RequestTag/eks-cluster-arn"] = []string{cluster}
	request.Context["aws:RequestTag/kubernetes-namespace"] = []string{account[2]}
	request.Context["aws:RequestTag/kubernetes-service-account"] = []string{account[3]}
}

func verdict(d iam.Decision) (bool, string) {
	switch {
	case d.ExplicitDeny:
		return false, "statement " + d.Statement + " denies it"
	case d.Allowed:
		return true, "by statement " + d.Statement
	}
	return false, "no statement allows it"
}
