// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// oneOrMany is a list that IAM may write as one text.
type oneOrMany []string

// UnmarshalJSON reads a text or a list of texts.
func (s *oneOrMany) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*s = oneOrMany{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(raw, &many)
	*s = many
	return err
}

// statement is what the rules read of a policy statement.
type statement struct {
	Sid         string                    `json:"Sid"`
	Effect      string                    `json:"Effect"`
	Action      oneOrMany                 `json:"Action"`
	NotAction   oneOrMany                 `json:"NotAction"`
	Resource    oneOrMany                 `json:"Resource"`
	NotResource oneOrMany                 `json:"NotResource"`
	Principal   json.RawMessage           `json:"Principal"`
	Condition   map[string]map[string]any `json:"Condition"`
}

// name is how a message calls the statement.
func (s statement) name(i int) string {
	if s.Sid != "" {
		return "statement " + s.Sid
	}
	return "statement " + strconv.Itoa(i+1)
}

// everybody tells whether the principal is anyone.
func (s statement) everybody() bool {
	var p any
	if json.Unmarshal(s.Principal, &p) != nil {
		return false
	}
	if p == "*" {
		return true
	}
	for _, v := range object(p) {
		if slices.Contains(texts(v), "*") {
			return true
		}
	}
	return false
}

// conditions are the condition keys of the statement in lower case.
func (s statement) conditions() []string {
	var out []string
	for _, m := range s.Condition {
		for k := range m {
			out = append(out, strings.ToLower(k))
		}
	}
	return out
}

// scoped tells whether a condition confines a statement to some resources: by their tags, or by a service's own key for
// them.
func (s statement) scoped() bool {
	for _, k := range s.conditions() {
		if strings.Contains(k, ":resourcetag/") || strings.HasSuffix(k, ":resourceidentifier") ||
			strings.HasPrefix(k, "aws:requesttag/") {
			return true
		}
	}
	return false
}

// policyDocument is a policy in the properties of a resource.
type policyDocument struct {
	Resource   Resource
	Path       string
	Statements []statement
}

// identityPolicies are the documents that give permissions to whoever has them; skip is told of unknown ones.
func (g *graph) identityPolicies(skip func(Resource)) []policyDocument {
	var out []policyDocument
	for _, r := range g.of("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy", "aws:iam/userPolicy:UserPolicy",
		"aws:iam/groupPolicy:GroupPolicy") {
		out = g.parse(out, r, "policy", r.Inputs["policy"], skip)
	}
	for _, r := range g.of("aws:iam/role:Role") {
		for i, p := range list(r.Inputs["inlinePolicies"]) {
			out = g.parse(out, r, "inlinePolicies["+strconv.Itoa(i)+"].policy", at(p, "policy"), skip)
		}
	}
	return out
}

// resourcePolicies are those that say who may use a resource.
func (g *graph) resourcePolicies(skip func(Resource)) []policyDocument {
	var out []policyDocument
	for _, r := range g.of("aws:s3/bucketPolicy:BucketPolicy", "aws:sqs/queuePolicy:QueuePolicy",
		"aws:sns/topicPolicy:TopicPolicy",
		"aws:kms/key:Key", "aws:ecr/repositoryPolicy:RepositoryPolicy", "aws:secretsmanager/secretPolicy:SecretPolicy") {
		if r.Inputs["policy"] != nil {
			out = g.parse(out, r, "policy", r.Inputs["policy"], skip)
		}
	}
	for _, r := range g.of("aws:sqs/queue:Queue") {
		if r.Inputs["policy"] != nil {
			out = g.parse(out, r, "policy", r.Inputs["policy"], skip)
		}
	}
	return out
}

// trustPolicies say who may assume a role.
func (g *graph) trustPolicies(skip func(Resource)) []policyDocument {
	var out []policyDocument
	for _, r := range g.of("aws:iam/role:Role") {
		out = g.parse(out, r, "assumeRolePolicy", r.Inputs["assumeRolePolicy"], skip)
	}
	return out
}

// parse appends a document. One with unknown parts is not judged: what is not known may be what confines it.
func (g *graph) parse(out []policyDocument, r Resource, path string, v any, skip func(Resource)) []policyDocument {
	if isUnknown(v) {
		skip(r)
		return out
	}
	var doc struct{ Statement json.RawMessage }
	raw := []byte(text(v))
	if m := object(v); m != nil {
		var err error
		if raw, err = json.Marshal(m); err != nil {
			return out
		}
	}
	if json.Unmarshal(raw, &doc) != nil {
		return out
	}
	var many []statement
	if json.Unmarshal(doc.Statement, &many) != nil {
		var one statement
		if json.Unmarshal(doc.Statement, &one) != nil {
			return out
		}
		many = []statement{one}
	}
	return append(out, policyDocument{Resource: r, Path: path, Statements: many})
}

// forced are actions for which AWS knows no resource, so that a statement has to say "*" (Service Authorization
// Reference, docs.aws.amazon.com/service-authorization/latest/reference: the column of resource types is empty; for the
// reads of EC2 docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-policies-for-amazon-ec2.html), and
// iam:ListInstanceProfiles, whose answer is not confined to one either (karpenter.sh/docs/reference/cloudformation).
// A trailing * stands for every action that begins so.
func forced() []string {
	return []string{
		"ec2:Describe*", "pricing:GetProducts", "pricing:DescribeServices", "pricing:GetAttributeValues",
		"iam:ListInstanceProfiles", "sts:GetCallerIdentity", "ecr:GetAuthorizationToken", "ecr-public:GetAuthorizationToken",
		"sts:GetServiceBearerToken", "cloudwatch:PutMetricData", "cloudwatch:ListMetrics", "s3:ListAllMyBuckets", "iam:ListRoles",
		"iam:ListUsers", "iam:ListPolicies", "iam:ListAccountAliases", "eks:ListClusters", "eks:DescribeAddonVersions",
		"kms:ListAliases", "kms:ListKeys", "tag:GetResources", "autoscaling:Describe*", "elasticloadbalancing:Describe*",
		"sqs:ListQueues", "xray:PutTraceSegments", "xray:PutTelemetryRecords",
	}
}

// isForced tells whether an action works only with "*".
func isForced(action string) bool {
	for _, f := range forced() {
		if prefix, ok := strings.CutSuffix(f, "*"); ok && hasPrefixFold(action, prefix) || strings.EqualFold(action, f) {
			return true
		}
	}
	return false
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// readOnly tells whether a wildcard in an action only covers reading.
func readOnly(action string) bool {
	_, name, _ := strings.Cut(action, ":")
	for _, p := range []string{"Describe", "List", "Get", "BatchGet", "Head"} {
		if hasPrefixFold(name, p) {
			return true
		}
	}
	return false
}
