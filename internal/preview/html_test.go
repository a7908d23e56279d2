// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/golden"
	"emrflink/internal/plans"
)

func page(t *testing.T, d Document) string {
	t.Helper()
	var a, b bytes.Buffer
	require.NoError(t, writePage(&a, d, nil))
	require.NoError(t, writePage(&b, d, nil))
	require.Equal(t, a.String(), b.String(), "the same document gives the same bytes")
	return a.String()
}

func TestAPageAllowsNothingButItself(t *testing.T) {
	t.Parallel()
	text := page(t, mixedDocument())
	policy := html.UnescapeString(regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(text)[1])
	require.True(t, strings.HasPrefix(policy, "default-src 'none'; script-src 'sha256-"), policy)
	for _, tag := range []string{"script", "style"} {
		parts := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(text, -1)
		require.Len(t, parts, 1, "one %s that may run", tag)
		sum := sha256.Sum256([]byte(parts[0][1]))
		require.Contains(t, policy, tag+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	require.NotContains(t, policy, "unsafe")
	require.NotRegexp(t, `\s(src|href|style|on[a-z]+)=`, regexp.MustCompile(`(?s)<script.*`).ReplaceAllString(text, ""))
}

func TestAPageCarriesWhatItShowsAsData(t *testing.T) {
	t.Parallel()
	d := mixedDocument()
	for i, s := range nasty {
		d.Steps = append(d.Steps, Step{URN: "urn::nasty" + s, Type: s, Name: s, Op: "delete", Parent: s, Destroys: s,
			Diff: []Diff{{Path: s, Kind: "delete", Old: nasty[(i+3)%len(nasty)]}}})
		d.Findings = append(d.Findings, Finding{Rule: s, Severity: s, URN: s, Path: s, Message: s})
	}
	text := page(t, d)
	raw := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(text)
	require.NotNil(t, raw)
	require.NotContains(t, raw[1], "<")
	var data struct {
		Nodes []struct {
			U, N, O string
			L       []string
		}
		Items [][]int
	}
	require.NoError(t, json.Unmarshal([]byte(raw[1]), &data))
	require.Len(t, data.Nodes, len(d.Steps))
	for _, n := range data.Nodes {
		if n.N == "bucket" {
			require.Equal(t, []string{"! bucket forces the replacement", `- bucket: "demo"`, `+ bucket: "analytics"`}, n.L)
		}
	}
	require.Equal(t, 2, strings.Count(text, "<script"), "no text became an element")
	require.Equal(t, 1, strings.Count(text, "</body>"))
	require.Contains(t, text, "&lt;script&gt;alert(1)&lt;/script&gt;")
}

func TestAPageCountsAsTheBannerDoes(t *testing.T) {
	t.Parallel()
	d := mixedDocument()
	text := page(t, d)
	count := func(op string) int {
		raw := regexp.MustCompile(`data-op="` + op + `".*?<b>([0-9]+)</b>`).FindStringSubmatch(text)
		require.NotNil(t, raw, op)
		n, err := strconv.Atoi(raw[1])
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, count("may-replace"), "an update that may become a replacement is one of both to nobody")
	got := plans.Summary{
		Create: count("create"), Update: count("update") + count("may-replace"), Replace: count("replace"),
		Delete: count("delete"), Same: d.Summary.Same,
	}
	require.Equal(t, d.Summary, got)
	require.Contains(t, text, fmt.Sprintf("<p>%d changes.", d.Summary.Changes()))
}

func TestAPageHasThePricesOfEachPosition(t *testing.T) {
	t.Parallel()
	r, err := New(changed(), "us-west-2")
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, r.HTML(&b))
	_, table, found := strings.Cut(b.String(), `<table class="billed">`)
	require.True(t, found)
	table, _, _ = strings.Cut(table, "</table>")
	for mark, want := range map[string]string{
		`"del"><th scope="row"><i>-</i>`:     "public IPv4 address.*old-ip.*>.0.0050<.*>.3.65<",
		`"add"><th scope="row"><i>&#43;</i>`: "NAT gateway.*nat-2.*>.0.0450<.*>.32.85<",
		`""><th scope="row"><i>=</i>`:        "EKS control plane.*demo.*>.0.1000<.*>.73.00<",
	} {
		require.Regexp(t, "(?s)"+regexp.QuoteMeta(mark)+" "+want, table)
	}
	require.Equal(t, 3, strings.Count(table, `<th scope="row">`))
}

func TestTheListBeginsWithWhatMatters(t *testing.T) {
	t.Parallel()
	step := func(op, typ, destroys string) Step { return Step{Op: op, Type: typ, Destroys: destroys} }
	for name, steps := range map[string][]Step{
		"all is new": {
			step("create", "aws:eks/cluster:Cluster", ""), step("create", "aws:eks/nodeGroup:NodeGroup", ""),
			step("create", "aws:ec2/natGateway:NatGateway", ""), step("create", "aws:iam/role:Role", ""),
		},
		"something is lost": {
			step("delete", "aws:iam/role:Role", "permissions"), step("replace", "aws:s3/bucketV2:BucketV2", "checkpoints"),
			step("replace", "aws:eks/cluster:Cluster", "all"), step("replace", "emrflink:cluster:Cluster", ""),
			step("update", "aws:eks/cluster:Cluster", ""), step("update", "aws:sqs/queue:Queue", ""),
			step("create", "aws:eks/cluster:Cluster", ""), step("same", "aws:eks/cluster:Cluster", ""),
		},
	} {
		want := make([]int, len(steps))
		for i := range steps {
			want[i] = len(steps) - 1 - i
		}
		slices.Reverse(steps)
		require.Equal(t, want, listOrder(steps), name)
	}
}

func TestThePictureOfAStack(t *testing.T) {
	t.Parallel()
	var svg, mermaid, markdown bytes.Buffer
	d := mixedDocument()
	require.NoError(t, SVG(&svg, d))
	require.NoError(t, Mermaid(&mermaid, d))
	require.NoError(t, Markdown(&markdown, d))
	golden.Equal(t, "testdata/mixed.svg", svg.String())
	golden.Equal(t, "testdata/mixed.mmd", mermaid.String())
	golden.Equal(t, "testdata/mixed.md", markdown.String())
	require.NotContains(t, mermaid.String(), "Eip", "what is deleted is no part of the desired graph")
}

// mixedDocument has one of each change, and text that must stay text.
func mixedDocument() Document {
	at := func(parent, op, typ, name string) Step {
		return Step{URN: "urn::" + name, Type: typ, Name: name, Op: op, Parent: "urn::" + parent, ReplaceReasons: []string{},
			DependsOn: []string{}, MayReplaceReasons: []string{}}
	}
	bucket := at("data", "replace", "aws:s3/bucketV2:BucketV2", "bucket")
	bucket.ReplaceReasons, bucket.Destroys = []string{"bucket"}, "all checkpoints"
	bucket.Diff = []Diff{{Path: "bucket", Kind: "update-replace", Old: "demo", New: "analytics"}}
	role := at("data", "update", "aws:iam/role:Role", "role")
	role.DependsOn = []string{"urn::bucket"}
	role.Diff = []Diff{{Path: "description", Kind: "update", Old: "</script><!--", New: "<img src=x onerror=alert(1)>"}}
	nodes := at("compute", "update", "aws:eks/nodeGroup:NodeGroup", "nodes")
	nodes.MayReplace, nodes.MayReplaceReasons, nodes.DependsOn = true, []string{"launchTemplate.version"},
		[]string{"urn::role", "urn::vpc"}
	nodes.Diff = []Diff{
		{Path: "launchTemplate.version", Kind: "update", Old: "1", New: "[unknown]", WaitsFor: []string{"urn::role"}},
	}
	nat := at("net", "create", "aws:ec2/natGateway:NatGateway", "nat")
	nat.Diff, nat.DependsOn = []Diff{{Path: "tags", Kind: "add", New: map[string]any{"Name": "nat", "a": strings80}}},
		[]string{"urn::vpc"}
	old := at("net", "delete", "aws:ec2/eip:Eip", "old")
	old.Destroys, nodes.Destroys = "the address", nothingLost
	old.Diff = []Diff{{Path: "domain", Kind: "delete", Old: "vpc"}}
	d := Document{
		SchemaVersion: 1, Stack: "dev", Mode: ModeDeployed, Summary: plans.Summary{
			Create: 1, Update: 2, Replace: 1, Delete: 1, Same: 6,
		},
		Cost: Cost{MonthlyUSD: MonthlyUSD{76.65, 1105.85, 1029.2}, HourlyUSD: MonthlyUSD{0.105, 1.5149, 1.4099},
			PricesAsOf: "2026-07-20", Region: "us-west-2", NotIncluded: []string{"S3: requests"}, Unpriced: []string{}},
		Findings: []Finding{
			{
				Rule: "public-endpoint", Severity: "high", URN: "urn::nodes", Path: "vpcConfig",
				Message: "The API is open to 0.0.0.0/0.",
			},
			{Rule: "single-nat", Severity: "low", URN: "urn::nat", Message: "One gateway for all zones.", Accepted: true,
				Reason: "a development stack, see @team"},
		},
		Steps: []Step{
			{URN: "urn::stack", Type: "pulumi:pulumi:Stack", Name: "dev", Op: "same"},
			at("stack", "same", "emrflink:network:Network", "net"), at("net", "same", "aws:ec2/vpc:Vpc", "vpc"), nat, old,
			at("stack", "same", "emrflink:data:Data", "data"), bucket, role,
			at("stack", "same", "emrflink:cluster:Nodes", "compute"), nodes,
		},
	}
	for i := range 2 {
		d.Steps = append(d.Steps,
			at("compute", "same", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", fmt.Sprint("attachment-", i)))
	}
	return d
}

// strings80 makes a value that does not fit on one line.
const strings80 = "a value that is as long as it takes to be shown on a line of its own, one of eighty"
