// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"emrflink/components/zone"
	"emrflink/internal/awsapi"
	"emrflink/internal/check"
)

// places answers what the region offers.
type places interface {
	Zones(ctx context.Context) ([]awsapi.Zone, error)
	ClusterVersions(ctx context.Context) ([]awsapi.ClusterVersion, error)
	RoleExists(ctx context.Context, name string) (bool, error)
}

// zones checks that the region has as many zones as wanted in which EKS puts a control plane.
func (a Account) zones(ctx context.Context, _ awsapi.Identity) []check.Check {
	const id = "zones"
	zones, err := a.AWS.Zones(ctx)
	if err != nil {
		return []check.Check{unknown(id, "zones of "+a.Deploy.Region, err)}
	}
	good := usable(zones)
	if len(good) < a.Deploy.Zones {
		return []check.Check{{
			ID: id, Status: check.Error, What: fmt.Sprintf("%s: %d zones wanted, EKS can use %d of %d", a.Deploy.Region,
				a.Deploy.Zones, len(good), len(zones)),
			Why: "UnsupportedAvailabilityZoneException: EKS puts no control plane into " +
				strings.Join(zone.UnsupportedIDs(), ", ") + " or into a zone that is not available",
			Fix: a.Deploy.set("availabilityZones", strconv.Itoa(len(good))),
		}}
	}
	var list []string
	for _, z := range first(good, a.Deploy.Zones) {
		list = append(list, z.ID+" ("+z.Name+")")
	}
	return []check.Check{fine(id, "%s", strings.Join(list, ", "))}
}

// version checks that EKS still makes clusters of the Kubernetes version, and what its support costs.
func (a Account) version(ctx context.Context, _ awsapi.Identity) []check.Check {
	const id = "kubernetes-version"
	d := a.Deploy
	versions, err := a.AWS.ClusterVersions(ctx)
	if err != nil {
		return []check.Check{unknown(id, "Kubernetes "+d.Kubernetes, err)}
	}
	var offered []string
	for _, v := range versions {
		if v.Status != "UNSUPPORTED" {
			offered = append(offered, v.Version)
		}
	}
	newest := "a version that is supported"
	for _, v := range versions {
		if v.Default {
			newest = v.Version
		}
	}
	for _, v := range versions {
		if v.Version == d.Kubernetes {
			return []check.Check{d.support(id, v, newest)}
		}
	}
	return []check.Check{d.unsupported(id, "EKS offers "+strings.Join(offered, ", "), newest)}
}

func (d Deploy) unsupported(id, why, newest string) check.Check {
	return check.Check{
		ID: id, Status: check.Error, What: "EKS does not make clusters of Kubernetes " + d.Kubernetes,
		Why: "InvalidParameterException: unsupported Kubernetes version; " + why,
		Fix: d.set("kubernetesVersion", newest),
	}
}

// support says what the support of a version is, until when, and what it costs.
func (d Deploy) support(id string, v awsapi.ClusterVersion, newest string) check.Check {
	switch v.Status {
	case "UNSUPPORTED":
		return d.unsupported(id, "its support has ended"+on(v.EndOfExtended), newest)
	case "EXTENDED_SUPPORT":
		c := check.Check{
			ID: id, Status: check.Warning, What: "Kubernetes " + v.Version + " is in extended support" + since(v.EndOfStandard) +
				until(v.EndOfExtended),
			Why: "extended support is billed for each hour of the cluster beside its price",
			Fix: d.set("kubernetesVersion", newest),
		}
		if d.ExtendedSupportUSD > 0 {
			c.Why = fmt.Sprintf("the control plane costs $%.2f per hour instead of $%.2f", d.ExtendedSupportUSD,
				d.StandardSupportUSD)
		}
		return c
	}
	c := fine(id, "Kubernetes %s is in standard support%s", v.Version, until(v.EndOfStandard))
	if d.StandardSupportUSD > 0 {
		c.What += fmt.Sprintf(", $%.2f per hour", d.StandardSupportUSD)
	}
	return c
}

func on(t time.Time) string    { return dated(" on ", t) }
func since(t time.Time) string { return dated(" since ", t) }
func until(t time.Time) string { return dated(" until ", t) }

func dated(word string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return word + t.UTC().Format(time.DateOnly)
}

// spotRoleName is the role that EC2 needs in the account for spot instances (EC2 user guide, "Service-linked role for
// EC2 Spot Instances"). It is the account's, not the deployment's: nothing here makes or deletes it.
const spotRoleName = "AWSServiceRoleForEC2Spot"

// spotRole checks that Karpenter, which may not make the role, finds it.
func (a Account) spotRole(ctx context.Context, _ awsapi.Identity) []check.Check {
	const id = "spot-role"
	if a.Deploy.SpotVCPUs == 0 {
		return []check.Check{{ID: id, Status: check.Skipped, What: "no node pool asks for spot instances"}}
	}
	exists, err := a.AWS.RoleExists(ctx, spotRoleName)
	if err != nil {
		return []check.Check{unknown(id, "role "+spotRoleName, err)}
	}
	if exists {
		return []check.Check{fine(id, "the account has %s", spotRoleName)}
	}
	return []check.Check{{
		ID: id, Status: check.Warning, What: "the account has no " + spotRoleName,
		Why: "AuthFailure.ServiceLinkedRoleCreationNotPermitted: Karpenter has no permission to create it, so no " +
			"TaskManager gets a spot node",
		Fix: "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com",
	}}
}
