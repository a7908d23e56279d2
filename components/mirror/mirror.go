// SPDX-License-Identifier: Apache-2.0

// Package mirror says where images and charts are pulled from instead of the public registries that publish them: a
// pull-through cache of Amazon ECR, or a registry of one's own. It rewrites references and knows nothing of who pulls.
//
// What is in none of the public registries of the stack stays as it is: an image of one's own, and what AWS installs by
// itself from registries that it has in every region, the EKS addons and EMR's operator.
package mirror

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"emrflink/components/versions"
)

const (
	// Others is the key of what has no key of its own.
	Others = "*"
	// registryMark stands for the registry's name in the address of a mirror for several.
	registryMark = "{registry}"
	oci          = "oci://"
	dockerHub    = "docker.io"
)

// Mirrors are the addresses of mirrors by what they mirror; see the key of the stack.
type Mirrors struct {
	// Images are registries with a path, by the name of the registry: quay.io, or Others.
	Images map[string]string `json:"images"`
	// Charts are folders of an OCI registry (oci://...) or chart repositories (https://...), by the repository: its URL without
	// https://, or Others. A chart that is published in an OCI registry follows Images.
	Charts map[string]string `json:"charts"`
}

var (
	addressForm = regexp.MustCompile(`^[a-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
	ecrForm     = regexp.MustCompile(`^([0-9]{12})\.dkr(?:\.ecr|-ecr)\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$`)
)

// Set says whether there is any mirror.
func (m Mirrors) Set() bool { return len(m.Images)+len(m.Charts) > 0 }

// split takes the reference of an image apart as Docker does: what has no registry is of Docker Hub.
func split(ref string) (registry, path string) {
	first, rest, found := strings.Cut(ref, "/")
	switch {
	case found && (strings.ContainsAny(first, ".:") || first == "localhost"):
		return first, rest
	case !found:
		return dockerHub, "library/" + ref
	}
	return dockerHub, ref
}

// Registry is where images of a registry are pulled from.
func (m Mirrors) Registry(registry string) string {
	to, ok := m.Images[registry]
	if !ok && slices.Contains(versions.Registries(), registry) {
		to = m.Images[Others]
	}
	if to == "" {
		return registry
	}
	return strings.ReplaceAll(to, registryMark, registry)
}

// Image is the reference by which an image is pulled.
func (m Mirrors) Image(ref string) string {
	registry, path := split(ref)
	to := m.Registry(registry)
	if to == registry {
		return ref
	}
	return to + "/" + path
}

// Chart is where a chart is pulled from: its name and its repository, "" for an oci:// reference.
func (m Mirrors) Chart(name, repo string) (string, string) {
	if rest, ok := strings.CutPrefix(name, oci); ok {
		return oci + m.Image(rest), ""
	}
	to, ok := m.Charts[strings.TrimSuffix(strings.TrimPrefix(repo, "https://"), "/")]
	if !ok {
		to = m.Charts[Others]
	}
	switch {
	case to == "":
		return name, repo
	case strings.HasPrefix(to, oci):
		return to + "/" + name, ""
	}
	return name, to
}

// Value is the value of a chart that names an image, by the path in the chart, and what it must be; "" when the image is
// pulled from where it is published.
func (m Mirrors) Value(image versions.Image) (path, value string) {
	registry, _ := split(image.Repository)
	to := m.Registry(registry)
	switch {
	case to == registry:
		return "", ""
	case image.Registry != "":
		return image.Registry, to
	}
	return image.Value, m.Image(image.Repository)
}

// ECR is a registry of Amazon ECR that mirrors: repositories whose names begin with one of the prefixes.
type ECR struct {
	// Host is the registry's name, of which Account and Region are a part.
	Host, Account, Region string
	// Prefixes end with a slash, or are "" for the whole registry.
	Prefixes []string
}

// ECRs are the mirrors in Amazon ECR, sorted.
func (m Mirrors) ECRs() []ECR {
	var out []ECR
	for _, of := range versions.Registries() {
		host, path, _ := strings.Cut(m.Registry(of), "/")
		found := ecrForm.FindStringSubmatch(host)
		if found == nil {
			continue
		}
		if path != "" {
			path += "/"
		}
		i := slices.IndexFunc(out, func(e ECR) bool { return e.Host == host })
		if i < 0 {
			out, i = append(out, ECR{Host: host, Account: found[1], Region: found[2]}), len(out)
		}
		if !slices.Contains(out[i].Prefixes, path) {
			out[i].Prefixes = append(out[i].Prefixes, path)
			slices.Sort(out[i].Prefixes)
		}
	}
	slices.SortFunc(out, func(a, b ECR) int { return strings.Compare(a.Host, b.Host) })
	return out
}

// ChartHosts are the OCI registries that charts are pulled from, sorted.
func (m Mirrors) ChartHosts() []string {
	var out []string
	for _, c := range versions.Charts() {
		name, _ := m.Chart(c.Name, c.Repo)
		rest, isOCI := strings.CutPrefix(name, oci)
		if host, _, _ := strings.Cut(rest, "/"); isOCI && !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	slices.Sort(out)
	return out
}

// Public are the registries and the chart repositories, sorted, that are still pulled from where they are public.
func (m Mirrors) Public() []string {
	var out []string
	for _, r := range versions.Registries() {
		if m.Registry(r) == r {
			out = append(out, r)
		}
	}
	for _, r := range versions.ChartRepositories() {
		if _, repo := m.Chart("chart", "https://"+r); repo == "https://"+r {
			out = append(out, r)
		}
	}
	return out
}

// Region is the region of an address in Amazon ECR, "" for one elsewhere.
func Region(address string) string {
	host, _, _ := strings.Cut(address, "/")
	if m := ecrForm.FindStringSubmatch(host); m != nil {
		return m[2]
	}
	return ""
}

// ImageHosts are the registries that images are pulled from by mirrors, sorted.
func (m Mirrors) ImageHosts() []string {
	var out []string
	for _, of := range versions.Registries() {
		if host, _, _ := strings.Cut(m.Registry(of), "/"); host != of && !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	slices.Sort(out)
	return out
}

// Problem is something wrong with a mirror.
type Problem struct {
	// Key is the path below the setting, Value what stands there, Why what is wrong with it.
	Key, Value, Why string
	// Of is a name that there is not, and Known are those that there are.
	Of    string
	Known []string
}

// Check finds what is wrong, in the order of the keys.
func (m Mirrors) Check() []Problem {
	var out []Problem
	add := func(key, value, format string, args ...any) {
		out = append(out, Problem{Key: key, Value: value, Why: fmt.Sprintf(format, args...)})
	}
	known := map[string][]string{"images": versions.Registries(), "charts": versions.ChartRepositories()}
	for _, kind := range []string{"images", "charts"} {
		all := m.Images
		if kind == "charts" {
			all = m.Charts
		}
		for _, of := range slices.Sorted(maps.Keys(all)) {
			key, to := kind+"."+of, all[of]
			if of != Others && !slices.Contains(known[kind], of) {
				add(key, to, "nothing of the stack is there, only at %s; %s is all others", strings.Join(known[kind], ", "),
					Others)
				out[len(out)-1].Of, out[len(out)-1].Known = of, known[kind]
			} else if why := wrong(kind, to); why != "" {
				add(key, to, "%s", why)
			} else if to == of || to == oci+of || to == "https://"+of {
				add(key, to, "the mirror is what it mirrors")
			}
		}
	}
	return out
}

const (
	notImages = "not a registry with a path, such as 111122223333.dkr.ecr.us-west-2.amazonaws.com/quay, without a scheme, " +
		"a tag or a slash at the end"
	notCharts = "neither a folder of an OCI registry, such as oci://registry.example.com/charts, nor a repository, such as " +
		"https://charts.example.com/all"
)

// wrong says what is wrong with the address of a mirror, "" when nothing is.
func wrong(kind, to string) string {
	if kind == "images" {
		if !isAddress(to) {
			return notImages
		}
		return ""
	}
	if rest, ok := strings.CutPrefix(to, "https://"); ok && rest != "" && !strings.ContainsAny(rest, " ?#@") {
		return ""
	}
	rest, isOCI := strings.CutPrefix(to, oci)
	switch {
	case !isOCI || !isAddress(rest):
		return notCharts
	case strings.Contains(rest, registryMark):
		return "a folder of charts has no " + registryMark
	}
	return ""
}

// isAddress says whether a text is a registry with a path, or without one.
func isAddress(text string) bool {
	host, _, _ := strings.Cut(text, "/")
	return addressForm.MatchString(strings.ReplaceAll(text, registryMark, "registry")) && !strings.Contains(host, registryMark) &&
		(strings.ContainsAny(host, ".:") || host == "localhost")
}
