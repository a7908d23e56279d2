// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// entriesOnly keeps EKS from making the creator of the cluster its administrator, which pulumi-eks asks for whatever its
// arguments are: EKS refuses a second entry for the same principal, so the graph would depend on who runs the program.
func entriesOnly(_ context.Context, a *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
	if a.Type != "aws:eks/cluster:Cluster" {
		return nil
	}
	a.Props["accessConfig"] = pulumi.Map{
		"authenticationMode":                      pulumi.String(authenticationMode),
		"bootstrapClusterCreatorAdminPermissions": pulumi.Bool(false),
	}
	return &pulumi.ResourceTransformResult{Props: a.Props, Opts: a.Opts}
}

// accessEntries makes the administrators: every one that is listed, whoever runs the program.
func (c *Cluster) accessEntries(ctx *pulumi.Context, name string, args *Args) ([]pulumi.CustomResource, error) {
	policy := fmt.Sprintf("arn:%s:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", args.Deployment.Partition)
	var made []pulumi.CustomResource
	for _, principal := range args.Admins {
		child := name + "-admin-" + shortHash(principal)
		entry, err := awseks.NewAccessEntry(ctx, child, &awseks.AccessEntryArgs{
			ClusterName:  c.Name,
			PrincipalArn: pulumi.String(principal),
			Type:         pulumi.String("STANDARD"),
			Tags:         args.Deployment.ResourceTags(child),
		}, pulumi.Parent(c))
		if err != nil {
			return nil, fmt.Errorf("create access entry of %q: %w", principal, err)
		}
		association, err := awseks.NewAccessPolicyAssociation(ctx, child+"-policy", &awseks.AccessPolicyAssociationArgs{
			ClusterName:  c.Name,
			PrincipalArn: entry.PrincipalArn,
			PolicyArn:    pulumi.String(policy),
			AccessScope:  awseks.AccessPolicyAssociationAccessScopeArgs{Type: pulumi.String("cluster")},
		}, pulumi.Parent(c))
		if err != nil {
			return nil, fmt.Errorf("associate access policy of %q: %w", principal, err)
		}
		made = append(made, entry, association)
	}
	return made, nil
}

// SamePrincipal says whether an IAM ARN (a role's, with or without a path, or a user's) is the identity that STS reports
// for a caller. STS reports a role without its path: arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION.
func SamePrincipal(principal, caller string) bool {
	if principal == caller {
		return true
	}
	p, c := strings.SplitN(principal, ":", 6), strings.SplitN(caller, ":", 6)
	if len(p) != 6 || len(c) != 6 || p[1] != c[1] || p[4] != c[4] || c[2] != "sts" {
		return false
	}
	session := strings.Split(c[5], "/")
	role := strings.Split(p[5], "/")
	return len(session) == 3 && session[0] == "assumed-role" && role[0] == "role" && role[len(role)-1] == session[1]
}

// shortHash is used in the name of a resource for something whose characters or length are not allowed in a name.
func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}
