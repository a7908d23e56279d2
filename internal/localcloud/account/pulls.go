// SPDX-License-Identifier: Apache-2.0

package account

import (
	"fmt"
	"slices"
	"strings"

	"emrflink/components/mirror"
	"emrflink/components/versions"
)

// Pull says why an instance cannot pull an image, nil when it can as far as the account knows: its subnet has a way to the
// internet, or to ECR by endpoints; and its role may pull from ECR. No image is pulled, and which repositories and caches a
// registry has is not simulated: a registry of this account is taken for a pull-through cache that is still empty. A registry
// that is neither ECR's nor public is somewhere in the network.
func (a *Account) Pull(instance, image string) error {
	host, path, found := strings.Cut(image, "/")
	if !found || !strings.ContainsAny(host, ".:") {
		host, path = "docker.io", image
	}
	path, _, _ = strings.Cut(path, "@")
	if i := strings.LastIndex(path, ":"); i >= 0 {
		path = path[:i]
	}
	region := mirror.Region(host)
	if region == "" && !slices.Contains(versions.Registries(), host) {
		return nil
	}
	a.ledger.Lock()
	r := (&tx{a: a}).get(KindInstance, instance)
	var unreached string
	if r != nil {
		unreached = (&tx{a: a}).unreached(r, host, region)
	}
	a.ledger.Unlock()
	switch {
	case r == nil:
		return nil // the instance is gone, and its pods go
	case unreached != "":
		return fmt.Errorf("dial tcp: lookup %s: i/o timeout (%s)", host, unreached)
	case region == "":
		return nil
	}
	owner, _, _ := strings.Cut(host, ".")
	actions := []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
	if owner == a.opts.AccountID {
		actions = append(actions, "ecr:BatchImportUpstreamImage", "ecr:CreateRepository")
	}
	caller := Caller{Role: str(r.Attrs, "roleName")}
	if err := a.Authorize(caller, "ecr:GetAuthorizationToken", "*", nil); err != nil {
		return err
	}
	repository := "arn:" + a.Partition() + ":ecr:" + region + ":" + owner + ":repository/" + path
	for _, action := range actions {
		if err := a.Authorize(caller, action, repository, nil); err != nil {
			return fmt.Errorf("unexpected status from HEAD request to https://%s: 403 Forbidden: %w", host, err)
		}
	}
	return nil
}

// unreached says why a host is not reached from an instance, "" when it is.
func (t *tx) unreached(instance *Resource, host, region string) string {
	subnet := t.get(KindSubnet, str(instance.Props, "subnetId"))
	if subnet == nil || t.wayOut(subnet) {
		return ""
	}
	if region != t.region() {
		return "subnet " + subnet.ID + " has no route to the internet"
	}
	for _, service := range []string{"ecr.api", "ecr.dkr", "s3"} {
		if t.first(KindVPCEndpoint, func(r *Resource) bool {
			return str(r.Props, "vpcId") == str(subnet.Props, "vpcId") &&
				strings.HasSuffix(str(r.Props, "serviceName"), "."+service)
		}) == nil {
			return "subnet " + subnet.ID + " has no route to the internet, and its VPC no endpoint of " + service
		}
	}
	return ""
}

// wayOut says whether a subnet has a default route that works.
func (t *tx) wayOut(subnet *Resource) bool {
	association := t.first(KindRouteTableAssociation, func(r *Resource) bool { return str(r.Props, "subnetId") == subnet.ID })
	table := t.first(KindRouteTable, func(r *Resource) bool {
		if association != nil {
			return r.ID == str(association.Props, "routeTableId")
		}
		return flag(r.Attrs, "main") && str(r.Props, "vpcId") == str(subnet.Props, "vpcId")
	})
	if table == nil {
		return true // nobody said how it is routed
	}
	const everywhere = "0.0.0.0/0"
	if slices.ContainsFunc(blocks(table.Props, "routes"), func(p Props) bool { return str(p, "cidrBlock") == everywhere }) {
		return true
	}
	return t.first(KindRoute, func(r *Resource) bool {
		return str(r.Props, "routeTableId") == table.ID && str(r.Props, "destinationCidrBlock") == everywhere &&
			r.State == "active"
	}) != nil
}
