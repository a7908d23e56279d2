// SPDX-License-Identifier: Apache-2.0

package stacks

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"emrflink/components/deployment"
	"emrflink/components/network"
	"emrflink/components/versions"
	"emrflink/karpenter"
)

// Limits of AWS.
const (
	// maxTags leaves room for ours, Karpenter's and Kubernetes' among the 50 of a resource.
	maxTags     = 35
	maxTagKey   = 128
	maxTagValue = 256
	maxCidrs    = 40 // EKS: ranges that may reach a public endpoint
	maxCore     = 450
	maxTeams    = 500
)

var (
	nameForm         = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	versionForm      = regexp.MustCompile(`^1\.([0-9]{2})$`)
	instanceTypeForm = regexp.MustCompile(`^[a-z][a-z0-9-]*\.[a-z0-9-]+$`)
	// gravitonForm is the form of AWS's arm64 types: a g behind the generation.
	gravitonForm  = regexp.MustCompile(`^(a1|[a-z]+[0-9]+g[a-z]*)\.`)
	principalForm = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/.+$`)
	sessionForm   = regexp.MustCompile(`^arn:(aws(?:-[a-z]+)*):sts::([0-9]{12}):assumed-role/([^/]+)/.+$`)
	tagForm       = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// retentions are the days that CloudWatch Logs accepts (API reference, PutRetentionPolicy).
func retentions() []int {
	return []int{
		1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
	}
}

// validator collects problems.
type validator struct {
	file     string
	problems []Problem
}

func (v *validator) add(key string, value any, nearest, why string, args ...any) {
	v.problems = append(v.problems, Problem{
		File: v.file, Key: key, Value: show(value), Why: fmt.Sprintf(why, args...), Nearest: nearest,
	})
}

// oneOf checks that a value is one of a few.
func (v *validator) oneOf(key, value string, allowed ...string) bool {
	if slices.Contains(allowed, value) {
		return true
	}
	v.add(key, value, Nearest(value, allowed), "not one of %s", strings.Join(allowed, ", "))
	return false
}

// validate lists everything that is wrong with a configuration whose types are right.
func validate(file string, c Config) []Problem {
	v := &validator{file: file}
	v.oneOf("target", c.Target, TargetLocal, TargetAWS)
	v.name(c.Name)
	v.region(c)
	v.oneOf("natGateways", c.NatGateways, network.NatChoices()...)
	v.isolation(c)
	if _, err := network.ParseCidr(c.VpcCidr); err != nil {
		v.add("vpcCidr", c.VpcCidr, "", "%s", err)
	}
	v.kubernetesVersion(c)
	v.endpoint(c.EndpointAccess)
	v.admins(c.Admins)
	v.coreNodes(c.CoreNodes)
	v.nodePools(c.NodePools)
	v.teams(c.Teams)
	v.emrRelease(c.EmrRelease)
	if !slices.Contains(retentions(), c.LogRetentionDays) {
		v.add("logRetentionDays", c.LogRetentionDays, nearestNumber(c.LogRetentionDays, retentions()),
			"CloudWatch Logs takes %s", strings.Trim(fmt.Sprint(retentions()), "[]"))
	}
	v.tags(c.Tags)
	v.acceptedFindings(c.AcceptedFindings)
	v.options(c)
	return v.problems
}

func (v *validator) name(name string) {
	switch {
	case !nameForm.MatchString(name):
		v.add("name", name, "", "lower-case letters, digits and '-', beginning with a letter and not ending with '-'")
	case len(name) > deployment.MaxNameLength:
		v.add("name", name, "", "%d characters, at most %d: names of roles and of the bucket are made from it",
			len(name), deployment.MaxNameLength)
	}
	for _, r := range Regions() {
		if strings.Contains(name, r) {
			v.add("name", name, "",
				"contains the region %s: names of roles are NAME-REGION-..., and could then be those of another deployment", r)
		}
	}
}

func (v *validator) region(c Config) {
	found, ok := findRegion(c.Region)
	if !ok {
		v.add("region", c.Region, Nearest(c.Region, Regions()), "no such region, or one without EMR on EKS")
		found.zones = network.MaxZones
	}
	switch {
	case c.AvailabilityZones < 2:
		v.add("availabilityZones", c.AvailabilityZones, "", "at least 2: EKS takes no fewer")
	case c.AvailabilityZones > found.zones:
		where := c.Region
		if !ok {
			where = "an address plan"
		}
		v.add("availabilityZones", c.AvailabilityZones, "", "at most %d in %s", found.zones, where)
	}
}

// SupportedKubernetes are the versions that every pinned part supports, oldest first.
func SupportedKubernetes() []string {
	lowest, highest := 0, 1<<10
	for _, r := range versions.KubernetesRules() {
		lowest, highest = max(lowest, r.Min), min(highest, r.Max)
	}
	var out []string
	for minor := lowest; minor <= highest; minor++ {
		out = append(out, "1."+strconv.Itoa(minor))
	}
	return out
}

func (v *validator) kubernetesVersion(c Config) {
	version := c.KubernetesVersion
	m := versionForm.FindStringSubmatch(version)
	if m == nil {
		v.add("kubernetesVersion", version, Nearest(version, SupportedKubernetes()), "not of the form 1.NN")
		return
	}
	minor, err := strconv.Atoi(m[1])
	if err != nil {
		v.add("kubernetesVersion", version, "", "%s", err)
		return
	}
	var refused []string
	for _, r := range rules(c) {
		if minor < r.Min || minor > r.Max {
			refused = append(refused, fmt.Sprintf("%s supports 1.%d to 1.%d", r.Part, r.Min, r.Max))
		}
	}
	if len(refused) > 0 {
		v.add("kubernetesVersion", version, Nearest(version, SupportedKubernetes()), "%s", strings.Join(refused, "; "))
	}
}

func (v *validator) endpoint(e EndpointAccess) {
	if !e.Public && !e.Private {
		v.add("endpointAccess", e, "", "public or private must be true: nothing could reach the API")
	}
	if e.Public && len(e.PublicCidrs) == 0 {
		v.add("endpointAccess.publicCidrs", e.PublicCidrs, "", "a public endpoint needs at least one range")
	}
	if e.Public && !e.Private && len(e.PublicCidrs) > 0 && !slices.ContainsFunc(e.PublicCidrs, isEverywhere) {
		v.add("endpointAccess.private", e.Private, "true", "nodes could not join: without the private endpoint they reach "+
			"the API from the addresses of NAT gateways, which publicCidrs does not let in")
	}
	if len(e.PublicCidrs) > maxCidrs {
		v.add("endpointAccess.publicCidrs", len(e.PublicCidrs), "", "at most %d ranges", maxCidrs)
	}
	for i, cidr := range e.PublicCidrs {
		key := fmt.Sprintf("endpointAccess.publicCidrs[%d]", i)
		p, err := netip.ParsePrefix(cidr)
		switch {
		case err != nil || !p.Addr().Is4():
			v.add(key, cidr, "", "not an IPv4 range such as 203.0.113.0/24")
		case p != p.Masked():
			v.add(key, cidr, p.Masked().String(), "does not start at its first address")
		case p.Addr().IsPrivate():
			v.add(key, cidr, "", "a private range cannot reach a public endpoint; set endpointAccess.private")
		}
	}
}

func isEverywhere(cidr string) bool { return strings.HasSuffix(cidr, "/0") }

func (v *validator) admins(admins []string) {
	seen := map[string]bool{}
	for i, arn := range admins {
		key := fmt.Sprintf("admins[%d]", i)
		if !principalForm.MatchString(arn) {
			role, why := roleOfSession(arn)
			v.add(key, arn, role, "%s", why)
			continue
		}
		// A name is taken once per account, whatever its path.
		account, name, _ := strings.Cut(arn[strings.Index(arn, "::")+2:], ":")
		who := account + strings.SplitN(name, "/", 2)[0] + name[strings.LastIndex(name, "/"):]
		if seen[who] {
			v.add(key, arn, "", "listed twice")
		}
		seen[who] = true
	}
}

// roleOfSession says how the role behind the ARN of a session is written, as far as the ARN tells: STS leaves out a
// role's path, which EKS wants in an access entry. Roles of IAM Identity Center have one.
func roleOfSession(arn string) (role, why string) {
	m := sessionForm.FindStringSubmatch(arn)
	switch {
	case m == nil:
		return "", "not the ARN of an IAM role or user, such as arn:aws:iam::111122223333:role/platform-admin"
	case strings.HasPrefix(m[3], "AWSReservedSSO_"):
		return "", "a session of IAM Identity Center; name its role with its path, arn:" + m[1] + ":iam::" + m[2] +
			":role/aws-reserved/sso.amazonaws.com/REGION/" + m[3] + ", as `aws iam get-role --role-name " + m[3] + "` prints it"
	}
	return "arn:" + m[1] + ":iam::" + m[2] + ":role/" +
		m[3], "a session (assumed-role); name its role, with its path if it has one"
}

func (v *validator) coreNodes(n CoreNodes) {
	if len(n.InstanceTypes) == 0 {
		v.add("coreNodes.instanceTypes", n.InstanceTypes, "", "at least one instance type")
	}
	for i, t := range n.InstanceTypes {
		key := fmt.Sprintf("coreNodes.instanceTypes[%d]", i)
		if !instanceTypeForm.MatchString(t) {
			v.add(key, t, "", "not an instance type such as m5.xlarge")
		} else if gravitonForm.MatchString(t) {
			v.add(key, t, "", "an arm64 type: the image of the core nodes is for amd64")
		}
	}
	if n.Min < 1 || n.Min > n.Desired || n.Desired > n.Max || n.Max > maxCore {
		v.add("coreNodes", fmt.Sprintf("min %d, desired %d, max %d", n.Min, n.Desired, n.Max), "",
			"1 <= min <= desired <= max <= %d", maxCore)
	} else if n.Desired < 2 {
		v.add("coreNodes.desired", n.Desired, "", "at least 2: Karpenter's two replicas never share a node")
	}
	if n.DiskGiB < 20 || n.DiskGiB > 16384 {
		v.add("coreNodes.diskGiB", n.DiskGiB, "", "20 to 16384 GiB")
	}
}

func (v *validator) nodePools(pools []NodePool) {
	if len(pools) == 0 {
		v.add("nodePools", pools, "", "at least one: Flink would have no node")
	}
	seen := map[string]bool{}
	for i, p := range pools {
		key := fmt.Sprintf("nodePools[%d]", i)
		for _, problem := range p.Check() {
			name, why, _ := strings.Cut(problem, ": ")
			v.problems = append(v.problems, Problem{File: v.file, Key: key + "." + name, Why: why})
		}
		for _, np := range p.NodePools() {
			if seen[np.Name] {
				v.add(key+".name", p.Name, "", "NodePool %q exists already", np.Name)
			}
			seen[np.Name] = true
		}
		if p.Name == karpenter.NodeClass {
			v.add(key+".name", p.Name, "", "the name of the node class")
		}
	}
}

func (v *validator) emrRelease(version string) {
	if _, ok := versions.EMR(version); ok {
		return
	}
	var known []string
	for _, r := range versions.EMRReleases() {
		known = append(known, r.Version)
	}
	v.add("emrRelease", version, Nearest(version, known), "not one of %s", strings.Join(known, ", "))
}

// reservedTags are prefixes of tag keys that AWS, Karpenter or this program own.
func reservedTags() []string {
	return []string{
		"aws:", "emrflink:", "kubernetes.io/cluster", "karpenter.sh/", "karpenter.k8s.aws/", "eks:eks-cluster-name",
	}
}

func (v *validator) tags(tags map[string]string) {
	if len(tags) > maxTags {
		v.add("tags", len(tags), "", "at most %d: a resource has 50, and ours need room", maxTags)
	}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		key, value := "tags."+k, tags[k]
		switch {
		case k == "" || len([]rune(k)) > maxTagKey:
			v.add(key, value, "", "a key has 1 to %d characters", maxTagKey)
		case len([]rune(value)) > maxTagValue:
			v.add(key, value, "", "a value has at most %d characters", maxTagValue)
		case !tagForm.MatchString(k) || !tagForm.MatchString(value):
			v.add(key, value, "", "letters, digits, spaces and _ . : / = + - @ only")
		case k == "Name":
			v.add(key, value, "", "every resource has a Name of its own")
		}
		for _, prefix := range reservedTags() {
			if strings.HasPrefix(strings.ToLower(k), prefix) {
				v.add(key, value, "", "%s is reserved", prefix)
			}
		}
	}
}

func nearestNumber(n int, candidates []int) string {
	best := candidates[0]
	for _, c := range candidates {
		if max(c-n, n-c) < max(best-n, n-best) {
			best = c
		}
	}
	return strconv.Itoa(best)
}
