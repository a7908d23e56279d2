// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"slices"
	"strings"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/account"
)

// getResources answers for everything with an ARN that has the tags, each with one of the values. IAM's are in one region, and
// roles in none.
func getResources(q *request) (answer, error) {
	var in struct {
		TagFilters []struct {
			Key    string
			Values []string
		}
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	rows := []any{}
	for _, kind := range awskind.All() {
		k := account.Kind(kind.Simulated)
		for _, r := range q.account.List(k) {
			region := r.Region
			if region == "" && strings.HasPrefix(kind.Simulated, "iam:") {
				region = globalRegion
			}
			has := r.ARN != "" && k != account.KindRole && (region == "" || region == q.region)
			for _, f := range in.TagFilters {
				has = has && slices.Contains(f.Values, r.Tags[f.Key])
			}
			if has {
				rows = append(rows, map[string]any{"ResourceARN": r.ARN, "Tags": namedTags(r.Tags, "Key", "Value")})
			}
		}
	}
	return q.json(map[string]any{"ResourceTagMappingList": rows, "PaginationToken": ""})
}

// globalRegion is where the tags of IAM's resources are answered for.
const globalRegion = "us-east-1"
