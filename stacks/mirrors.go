// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"slices"
	"strings"

	"emrflink/components/mirror"
	"emrflink/components/network"
	"emrflink/components/versions"
)

// Mirrors are where images and charts are pulled from instead of their public registries. See package mirror.
type Mirrors = mirror.Mirrors

func (v *validator) mirrors(m Mirrors) {
	for _, p := range m.Check() {
		v.add("mirrors."+p.Key, p.Value, Nearest(p.Of, p.Known), "%s", p.Why)
	}
}

// endpoints are the services with an interface endpoint: those that are named, and without NAT those without which nothing
// works.
func (c Config) endpoints() []string {
	out := slices.Clone(c.InterfaceEndpoints)
	if c.NatGateways == network.NatNone {
		out = append(out, network.IsolatedServices()...)
		for service, on := range map[string]bool{"autoscaling": c.ClusterAutoscaler, "eks-auth": c.PodIdentity} {
			if on {
				out = append(out, service)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Registries are the public registries of the images that a configuration runs, sorted.
func (c Config) Registries() []string {
	release, _ := versions.EMR(c.EmrRelease)
	images := []string{release.LogImage()}
	for _, chart := range versions.Charts() {
		off := chart.Name == versions.ClusterAutoscaler().Name && !c.ClusterAutoscaler ||
			chart.Name == versions.PrometheusStack().Name && c.Observability.Prometheus == None
		for _, image := range chart.Images {
			if !off && (c.Observability.Grafana != None || !strings.HasPrefix(image.Registry, "grafana.")) {
				images = append(images, image.Repository)
			}
		}
	}
	var out []string
	for _, image := range images {
		registry, _, _ := strings.Cut(image, "/")
		out = append(out, registry)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// isolation checks what a platform without a way to the internet needs. In an existing VPC nodes may reach more than we see.
func (v *validator) isolation(c Config) {
	if c.NatGateways != network.NatNone {
		return
	}
	if c.EndpointAccess.Public && !c.EndpointAccess.Private {
		v.add("endpointAccess.private", c.EndpointAccess.Private, "true",
			"natGateways is none: nodes reach the API only by the private endpoint")
	}
	for _, registry := range c.Registries() {
		to := c.Mirrors.Registry(registry)
		if to == registry {
			v.add("mirrors.images."+registry, "", "", "natGateways is none: nodes cannot pull from %s, and it has no mirror",
				registry)
		} else if region := mirror.Region(to); region != c.Region && c.ExistingVpc.ID == "" {
			v.add("mirrors.images."+registry, to, "", "natGateways is none: nodes reach no registry but ECR of %s, by its "+
				"endpoints; others may be reachable from an existing VPC (existingVpc)", c.Region)
		}
	}
}
