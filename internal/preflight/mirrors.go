// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"emrflink/components/mirror"
	"emrflink/internal/awsapi"
	"emrflink/internal/check"
)

// mirrorsID is the name of the check of mirrors in ECR, answersID that of what answers for a mirror.
const (
	mirrorsID = "mirrors"
	answersID = "mirror-answers"
)

// caches asks ECR what it mirrors.
type caches interface {
	PullThroughCaches(ctx context.Context) (map[string]string, error)
}

// mirrors looks for a pull-through rule behind each prefix of ECR in this account and region. Whether somebody pushed the
// images there instead, or what another account allows, is not asked.
func (a Account) mirrors(ctx context.Context, who awsapi.Identity) []check.Check {
	if len(a.Deploy.Mirrors) == 0 {
		return []check.Check{fine(mirrorsID, "the settings name none in ECR")}
	}
	var found []check.Check
	for _, e := range a.Deploy.Mirrors {
		switch {
		case e.Region != a.Deploy.Region:
			found = append(found, check.Check{
				Status: check.Warning, What: e.Host + " is in another region than the nodes",
				Why: "every pull is traffic between regions, which is billed, and endpoints of the VPC do not reach it",
				Fix: a.Deploy.at("mirrors", "registries in "+a.Deploy.Region),
			})
		case e.Account != who.Account:
			found = append(found, check.Check{
				Status: check.Skipped, What: e.Host + " is of account " + e.Account + ": not checked",
				Why: "its repositories must allow ecr:BatchGetImage and ecr:GetDownloadUrlForLayer to account " + who.Account +
					", and its registry ecr:BatchImportUpstreamImage and ecr:CreateRepository if it is a pull-through cache",
			})
		default:
			found = append(found, a.cache(ctx, e))
		}
	}
	return []check.Check{joined(mirrorsID, found)}
}

// joined are several results as one: with the worst status, and all texts.
func joined(id string, found []check.Check) check.Check {
	order := []check.Status{check.OK, check.Skipped, check.Warning, check.Error}
	out := check.Check{ID: id, Status: check.OK}
	var what, why, fix []string
	for _, c := range found {
		if slices.Index(order, c.Status) > slices.Index(order, out.Status) {
			out.Status = c.Status
		}
		what = append(what, c.What)
		if c.Status != check.OK {
			why, fix = append(why, c.Why), append(fix, c.Fix)
		}
	}
	fix = slices.DeleteFunc(fix, func(line string) bool { return line == "" })
	out.What, out.Why, out.Fix = strings.Join(what, "; "), strings.Join(why, "; "), strings.Join(fix, "\n")
	return out
}

// cache compares the prefixes of a registry with its rules.
func (a Account) cache(ctx context.Context, e mirror.ECR) check.Check {
	rules, err := a.AWS.PullThroughCaches(ctx)
	if awsapi.IsCode(err, "NotImplemented") { // the local target
		return check.Check{Status: check.Skipped, What: e.Host + ": not checked", Why: err.Error()}
	}
	if err != nil {
		return unknown(mirrorsID, "pull-through rules of "+e.Host, err)
	}
	var missing []string
	for _, prefix := range e.Prefixes {
		name := strings.TrimSuffix(prefix, "/")
		if name == "" {
			name = "ROOT"
		}
		if _, ok := rules[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return fine(mirrorsID, "%s has a pull-through rule for each of %d prefixes", e.Host, len(e.Prefixes))
	}
	slices.Sort(missing)
	return check.Check{
		Status: check.Warning, What: fmt.Sprintf("%s has no pull-through rule for %s", e.Host, strings.Join(missing, ", ")),
		Why: "RepositoryNotFoundException: only images that somebody pushed there can be pulled",
		Fix: "aws ecr create-pull-through-cache-rule --region " + e.Region + " --ecr-repository-prefix " + missing[0] +
			" --upstream-registry-url REGISTRY",
	}
}

// answers asks registries whether they are there: any answer will do, for this machine has no login.
func (m Machine) answers() check.Check {
	var found []check.Check
	for _, host := range m.Mirrors {
		c := check.Check{Status: check.OK}
		status, err := m.Get("https://" + host + "/v2/")
		if c.What = fmt.Sprintf("%s answers (HTTP %d)", host, status); err != nil {
			c = check.Check{
				Status: check.Warning, What: host + " does not answer this machine", Why: err.Error(),
				Fix: "curl --head https://" + host + "/v2/",
			}
		}
		found = append(found, c)
	}
	return joined(answersID, found)
}
