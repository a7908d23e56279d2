// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The images are synthetic. An image's id spells what it is (family,
// architecture, variant, Kubernetes version, release), so that an id that was
// given out once is known for ever without any table: "ami-0", one digit each
// for family, architecture and variant, two for the Kubernetes minor version,
// eight for the release date and three of a checksum.

// amiRelease is what "recommended" and "latest" mean: the date of the newest
// simulated release.
const amiRelease = "20261112"

// oldestMinor and newestMinor bound the Kubernetes 1.x versions that have
// images.
const (
	oldestMinor = 30
	newestMinor = 36
)

type ami struct {
	family  int // index in amiFamilies
	arch    int // index in amiArches
	variant int // index in amiVariants
	minor   int // Kubernetes 1.MINOR
	release string
}

func amiFamilies() []string { return []string{"al2023", "bottlerocket"} }
func amiArches() []string   { return []string{"x86_64", "arm64"} }
func amiVariants() []string { return []string{"standard", "nvidia", "neuron"} }

// exists says whether Amazon publishes such an image.
func (m ami) exists() bool {
	published := map[string][]string{
		"al2023/x86_64": {"standard", "nvidia", "neuron"}, "al2023/arm64": {"standard", "nvidia"},
		"bottlerocket/x86_64": {"standard", "nvidia"}, "bottlerocket/arm64": {"standard", "nvidia"},
	}
	if m.minor < oldestMinor || m.minor > newestMinor || m.release > amiRelease {
		return false
	}
	if _, err := time.Parse("20060102", m.release); err != nil {
		return false
	}
	return slices.Contains(published[amiFamilies()[m.family]+"/"+amiArches()[m.arch]], amiVariants()[m.variant])
}

func (m ami) id() string {
	digits := fmt.Sprintf("%d%d%d%02d%s", m.family, m.arch, m.variant, m.minor, m.release)
	return "ami-0" + digits + fmt.Sprintf("%03x", crc32.ChecksumIEEE([]byte(digits))&0xfff)
}

// parseAMI reads an id back; ok is false for an id that was never given out.
func parseAMI(id string) (m ami, ok bool) {
	d, ok := strings.CutPrefix(id, "ami-0")
	if !ok || len(d) != 16 {
		return ami{}, false
	}
	digit := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	m = ami{family: digit(d[:1]), arch: digit(d[1:2]), variant: digit(d[2:3]), minor: digit(d[3:5]), release: d[5:13]}
	if m.family < 0 || m.family >= len(amiFamilies()) || m.arch < 0 || m.arch >= len(amiArches()) || m.variant < 0 ||
		m.variant >= len(amiVariants()) {
		return ami{}, false
	}
	return m, m.exists() && m.id() == id
}

// name is the image's name as Amazon's images are called.
func (m ami) name() string {
	arch, variant := amiArches()[m.arch], amiVariants()[m.variant]
	if amiFamilies()[m.family] == "al2023" {
		return fmt.Sprintf("amazon-eks-node-al2023-%s-%s-1.%d-v%s", arch, variant, m.minor, m.release)
	}
	if variant != "standard" {
		return fmt.Sprintf("bottlerocket-aws-k8s-1.%d-%s-%s-v%s", m.minor, variant, arch, m.release)
	}
	return fmt.Sprintf("bottlerocket-aws-k8s-1.%d-%s-v%s", m.minor, arch, m.release)
}

func (m ami) created() time.Time {
	t, err := time.Parse("20060102", m.release)
	if err != nil {
		return time.Time{}
	}
	return t
}

// amiByParameter resolves the name of a public SSM parameter.
func amiByParameter(name string) (ami, bool) {
	al := regexp.MustCompile(`^/aws/service/eks/optimized-ami/1\.(\d+)/amazon-linux-2023/(x86_64|arm64)/` +
		`(standard|nvidia|neuron)/([a-z0-9._-]+)/image_id$`)
	if g := al.FindStringSubmatch(name); g != nil {
		m := ami{arch: slices.Index(amiArches(), g[2]), variant: slices.Index(amiVariants(), g[3]), release: amiRelease}
		m.minor, _ = strconv.Atoi(g[1])
		if g[4] != "recommended" {
			_, release, ok := strings.Cut(g[4], "-1."+g[1]+"-v")
			m.release = release
			if !ok || len(release) != 8 || m.name() != g[4] {
				return ami{}, false
			}
		}
		return m, m.exists()
	}
	br := regexp.MustCompile(`^/aws/service/bottlerocket/aws-k8s-1\.(\d+)(-nvidia)?/(x86_64|arm64)/latest/image_id$`)
	if g := br.FindStringSubmatch(name); g != nil {
		m := ami{family: 1, arch: slices.Index(amiArches(), g[3]), release: amiRelease}
		m.minor, _ = strconv.Atoi(g[1])
		if g[2] != "" {
			m.variant = slices.Index(amiVariants(), "nvidia")
		}
		return m, m.exists()
	}
	return ami{}, false
}

// parameterARN is the ARN of a public parameter, which belongs to no account.
func (q *request) parameterARN(name string) string {
	return "arn:" + q.account.Partition() + ":ssm:" + q.region + "::parameter" + name
}

func oneParameter(q *request) ([]need, error) { return on(q.parameterARN(q.field("Name"))) }

// getParameter answers the public parameters of node images.
func getParameter(q *request) (answer, error) {
	var in struct{ Name string }
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	m, ok := amiByParameter(in.Name)
	if !ok {
		return answer{}, invalid("ParameterNotFound", "parameter %s is not one of the simulated public image parameters", in.Name)
	}
	return q.json(map[string]any{"Parameter": map[string]any{
		"ARN": q.parameterARN(in.Name), "Name": in.Name, "Type": "String", "DataType": "text", "Value": m.id(), "Version": 1,
		"LastModifiedDate": m.created().Unix(),
	}})
}

// describeImages knows the images by id; without any id it lists the newest
// release of each.
func describeImages(q *request) (answer, error) {
	t := table{ids: "ImageId", notFound: "InvalidAMIID.NotFound", noun: "image id",
		filters: []string{"image-id", "state", "architecture", "name", "owner-alias", "owner-id", "is-public"}}
	images := newestAMIs()
	asked := q.form.strings("ImageId")
	for _, f := range q.form.items("Filter") {
		if f.str("Name") == "image-id" {
			asked = append(asked, f.strings("Value")...)
		}
	}
	for _, id := range asked {
		if m, ok := parseAMI(id); ok && !slices.Contains(images, m) {
			images = append(images, m)
		}
	}
	var rows []row
	for _, m := range images {
		arch := amiArches()[m.arch]
		rows = append(rows, row{
			id: m.id(),
			attrs: map[string][]string{"image-id": {m.id()}, "state": {"available"}, "architecture": {arch}, "name": {m.name()},
				"owner-alias": {"amazon"}, "owner-id": {"amazon"}, "is-public": {"true"}},
			body: []node{txt("imageId", m.id()), txt("name", m.name()), txt("architecture", arch), txt("imageState", "available"),
				txt("imageOwnerAlias", "amazon"), boolean("isPublic", true), txt("imageType", "machine"),
				txt("rootDeviceType", "ebs"),
				txt("rootDeviceName", "/dev/xvda"), txt("virtualizationType", "hvm"), txt("hypervisor", "xen"),
				when("creationDate", m.created()),
				when("deprecationTime", m.created().AddDate(2, 0, 0)),
				txt("description", "synthetic image of the simulated account")},
		})
	}
	return q.describe(t, "imagesSet", rows)
}

func newestAMIs() []ami {
	var out []ami
	for minor := oldestMinor; minor <= newestMinor; minor++ {
		for f := range amiFamilies() {
			for a := range amiArches() {
				for v := range amiVariants() {
					if m := (ami{family: f, arch: a, variant: v, minor: minor, release: amiRelease}); m.exists() {
						out = append(out, m)
					}
				}
			}
		}
	}
	return out
}

// imageArch tells the architecture of an image, "" when it is not one of ours.
func imageArch(id string) string {
	if m, ok := parseAMI(id); ok {
		return amiArches()[m.arch]
	}
	return ""
}
