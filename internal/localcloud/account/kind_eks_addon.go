// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awsid"
	"emrflink/internal/pattern"
)

// addons are the EKS addons that the account offers, with their default versions.
func addons() map[string]string {
	return map[string]string{
		"vpc-cni":                         "v1.20.4-eksbuild.1",
		"kube-proxy":                      "v1.35.0-eksbuild.2",
		"coredns":                         "v1.12.4-eksbuild.1",
		"eks-pod-identity-agent":          "v1.3.9-eksbuild.3",
		"aws-ebs-csi-driver":              "v1.51.1-eksbuild.1",
		"metrics-server":                  "v0.8.0-eksbuild.3",
		"amazon-cloudwatch-observability": "v4.6.0-eksbuild.1",
		"cert-manager":                    "v1.19.1-eksbuild.1",
	}
}

// AddonVersions are the versions of an addon that the account offers, the newest first, and the default one; none of one that it
// does not have. The newer one is made up of the default.
func (a *Account) AddonVersions(name string) (all []string, byDefault string) {
	byDefault = addons()[name]
	if byDefault == "" {
		return nil, ""
	}
	version, build, _ := strings.Cut(byDefault, "-eksbuild.")
	n, _ := strconv.Atoi(build) // the table has numbers
	return []string{fmt.Sprintf("%s-eksbuild.%d", version, n+1), byDefault}, byDefault
}

// AddonNames are the addons that the account offers.
func (a *Account) AddonNames() []string { return slices.Sorted(maps.Keys(addons())) }

var addonVersion = pattern.Lazy(`^v\d+\.\d+\.\d+-eksbuild\.\d+$`)

func addonTime(r *Resource) time.Duration {
	if str(r.Props, "addonName") == "aws-ebs-csi-driver" {
		return awskind.SlowestAddon
	}
	return rowOf(KindAddon).Create
}

func checkAddon(t *tx, p Props, self string) error {
	name, cluster := str(p, "addonName"), str(p, "clusterName")
	if addons()[name] == "" {
		return errEKS("Addon %s specified is not supported", name)
	}
	if v := str(p, "addonVersion"); v != "" && !addonVersion().MatchString(v) {
		return errEKS("Addon version specified is not supported: %s", v)
	}
	if text := str(p, "configurationValues"); text != "" {
		if _, err := addonConfig(text); err != nil {
			return errEKS("ConfigurationValue provided in request is not supported: %v", err)
		}
	}
	if str(p, "resolveConflictsOnCreate") == "PRESERVE" {
		return errEKS("PRESERVE is not a valid value for resolveConflicts on create")
	}
	if self != "" {
		return nil
	}
	if err := t.clusterActive(cluster); err != nil {
		return err
	}
	if t.get(KindAddon, cluster+":"+name) != nil {
		return inUse("Addon already exists.")
	}
	return nil
}

// clusterActive refuses what EKS refuses while a cluster is being made.
func (t *tx) clusterActive(name string) error {
	if c := t.get(KindCluster, name); c.State != stateACTIVE {
		return awserror.Bad("InvalidRequestException", "Cluster '%s' is not in ACTIVE status", name)
	}
	return nil
}

func makeAddon(t *tx, r *Resource) error {
	cluster, name := str(r.Props, "clusterName"), str(r.Props, "addonName")
	r.ID, r.Name = cluster+":"+name, name
	r.ARN = t.arn("eks", fmt.Sprintf("addon/%s/%s/%s", cluster, name, awsid.UUID()))
	r.Attrs = Props{"arn": r.ARN, "status": stateCREATING, "createdAt": stamp(t.Now), "modifiedAt": stamp(t.Now)}
	defaults(r.Attrs, r.Props, Props{"addonVersion": addons()[name]})
	return nil
}

func addonConfig(text string) (map[string]any, error) {
	if text == "" {
		return nil, nil
	}
	var config map[string]any
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	return config, nil
}

func installAddon(ctx context.Context, a *Account, r Resource) (func(*tx, *Resource), error) {
	if a.opts.Runtime == nil {
		return nil, nil
	}
	all := r.All()
	config, err := addonConfig(str(all, "configurationValues"))
	if err != nil {
		return nil, err
	}
	err = a.opts.Runtime.InstallAddon(ctx, str(all, "clusterName"), r.Name, str(all, "addonVersion"), config,
		str(all, "serviceAccountRoleArn"))
	if err != nil {
		return nil, fmt.Errorf("install addon %q: %w", r.Name, err)
	}
	return nil, nil
}

func changeAddon(ctx context.Context, a *Account, _, r Resource) error {
	_, err := installAddon(ctx, a, r)
	return err
}

func removeAddon(ctx context.Context, a *Account, r Resource) error {
	if a.opts.Runtime == nil || flag(r.Props, "preserve") {
		return nil
	}
	return a.opts.Runtime.RemoveAddon(ctx, str(r.Props, "clusterName"), r.Name)
}
