// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// RolePolicies are the documents (JSON) of what a role may do.
type RolePolicies struct {
	Policies []string // its own, and those that are attached
	Boundary string   // that limits them; "" = there is none
}

// RolePolicies reads the policies of a role.
func (c *Client) RolePolicies(ctx context.Context, role string) (RolePolicies, error) {
	got, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &role})
	if err != nil {
		return RolePolicies{}, wrap("iam:GetRole", role, err)
	}
	var out RolePolicies
	if b := got.Role.PermissionsBoundary; b != nil {
		if out.Boundary, err = c.policyDocument(ctx, b.PermissionsBoundaryArn); err != nil {
			return RolePolicies{}, err
		}
	}
	for in := (&iam.ListRolePoliciesInput{RoleName: &role}); in != nil; {
		page, err := c.iam.ListRolePolicies(ctx, in)
		if err != nil {
			return RolePolicies{}, wrap("iam:ListRolePolicies", role, err)
		}
		for _, name := range page.PolicyNames {
			p, err := c.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
			if err != nil {
				return RolePolicies{}, wrap("iam:GetRolePolicy", role, err)
			}
			document, err := decoded("iam:GetRolePolicy", role, p.PolicyDocument)
			if err != nil {
				return RolePolicies{}, err
			}
			out.Policies = append(out.Policies, document)
		}
		if in.Marker = page.Marker; !page.IsTruncated {
			in = nil
		}
	}
	for in := (&iam.ListAttachedRolePoliciesInput{RoleName: &role}); in != nil; {
		page, err := c.iam.ListAttachedRolePolicies(ctx, in)
		if err != nil {
			return RolePolicies{}, wrap("iam:ListAttachedRolePolicies", role, err)
		}
		for _, p := range page.AttachedPolicies {
			document, err := c.policyDocument(ctx, p.PolicyArn)
			if err != nil {
				return RolePolicies{}, err
			}
			out.Policies = append(out.Policies, document)
		}
		if in.Marker = page.Marker; !page.IsTruncated {
			in = nil
		}
	}
	return out, nil
}

// policyDocument is the document of a managed policy, in its version that counts.
func (c *Client) policyDocument(ctx context.Context, arn *string) (string, error) {
	p, err := c.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil {
		return "", wrap("iam:GetPolicy", aws.ToString(arn), err)
	}
	v, err := c.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: p.Policy.DefaultVersionId})
	if err != nil {
		return "", wrap("iam:GetPolicyVersion", aws.ToString(arn), err)
	}
	return decoded("iam:GetPolicyVersion", aws.ToString(arn), v.PolicyVersion.Document)
}

// decoded is a document as JSON, of which IAM's answers have the percent-encoding.
func decoded(op, of string, document *string) (string, error) {
	out, err := url.PathUnescape(aws.ToString(document))
	if err != nil {
		return "", &Error{Op: op, Resource: of, Code: "InvalidResponse", Message: "decode the policy: " + err.Error(), err: err}
	}
	return out, nil
}
