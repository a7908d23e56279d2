// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TaggedRoles reads the roles of the account that carry all of the tags. There is no filter for that, and a list does not tell
// tags: each role is asked for its own, so it is for what nothing else finds. A role that does not tell its tags is an error.
func (c *Client) TaggedRoles(ctx context.Context, tags map[string]string) ([]Resource, error) {
	var names []string
	for in := (&iam.ListRolesInput{}); ; {
		page, err := c.iam.ListRoles(ctx, in)
		if err != nil {
			return nil, wrap("iam:ListRoles", "", err)
		}
		for _, r := range page.Roles {
			if !strings.HasPrefix(aws.ToString(r.Path), "/aws-service-role/") { // those that services made for themselves
				names = append(names, aws.ToString(r.RoleName))
			}
		}
		if in.Marker = page.Marker; !page.IsTruncated {
			break
		}
	}
	return named(ctx, names, func(ctx context.Context, name string) (Resource, error) {
		r, err := c.role(ctx, name)
		if err == nil && !Carries(r.Tags, tags) {
			err = absent("iam:GetRole", name)
		}
		return r, err
	})
}
