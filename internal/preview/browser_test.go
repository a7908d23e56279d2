// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
	"emrflink/internal/tools/browser"
)

// openPage shows a document in a real browser. Where there is none the test says so; EMRFLINK_BROWSER turns that into
// a failure.
func openPage(t *testing.T, d Document) *browser.Browser {
	t.Helper()
	program, err := browser.Find()
	if errors.Is(err, browser.ErrNone) {
		t.Skipf("the page is not tested as a reader sees it: %v", err)
	}
	require.NoError(t, err)
	var page bytes.Buffer
	require.NoError(t, HTML(&page, d))
	file := filepath.Join(t.TempDir(), "preview.html")
	require.NoError(t, os.WriteFile(file, page.Bytes(), 0o600))
	b, err := browser.Open(t.Context(), program, 1600, 1000)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	require.NoError(t, b.Dark(t.Context(), false))
	require.NoError(t, b.Load(t.Context(), "file://"+file))
	require.Equal(t, "true", eval[string](t, b, "document.documentElement.dataset.ready"))
	return b
}

func eval[T any](t *testing.T, b *browser.Browser, script string) T {
	t.Helper()
	var out T
	require.NoError(t, b.Eval(t.Context(), script, &out), b.Problems())
	return out
}

const (
	shownDetails = `document.getElementById('resource').hidden ? '' : document.getElementById('resource').innerText`
	shownEntries = `[...document.querySelectorAll('#entries li')].filter((e) => !e.hidden).map((e) => e.querySelector('b').textContent)`
)

func TestBrowserSearchesAndShowsWhatIsClicked(t *testing.T) {
	t.Parallel()
	b := openPage(t, mixedDocument())
	ctx := t.Context()
	require.Equal(t, []string{"old", "bucket", "nodes", "role", "nat"}, eval[[]string](t, b, shownEntries), "the gravest first")

	require.NoError(t, b.Click(ctx, "#search"))
	require.NoError(t, b.Type(ctx, "s3 analytics"))
	require.Equal(t, []string{"bucket"}, eval[[]string](t, b, shownEntries), "values are searched too")
	require.Equal(t, 1, eval[int](t, b, "document.querySelectorAll('#graph .item:not(.dimmed)').length"))
	require.NoError(t, b.Press(ctx, "Enter"))
	text := eval[string](t, b, shownDetails)
	for _, want := range []string{"replace", "aws:s3/bucketV2:BucketV2", "Replaced because of bucket", "all checkpoints", "! bucket forces the replacement", `- bucket: "demo"`, `+ bucket: "analytics"`} {
		require.Contains(t, text, want)
	}
	require.NoError(t, b.Press(ctx, "Escape"))

	require.NoError(t, b.Click(ctx, "#graph .op-update:not(.may) .box"))
	require.Contains(t, eval[string](t, b, shownDetails), "<img src=x onerror=alert(1)>", "a value is text")
	require.Equal(t, 0, eval[int](t, b, "document.querySelectorAll('img, #resource script').length"))

	require.NoError(t, b.Click(ctx, `.counts [data-op="delete"]`))
	require.Equal(t, []string{"old"}, eval[[]string](t, b, shownEntries))
	require.NoError(t, b.Click(ctx, ".loud .pick"))
	require.Contains(t, eval[string](t, b, shownDetails), "aws:ec2/eip:Eip")
	require.Empty(t, b.Problems(), "nothing is reported and nothing is asked for")
}

func TestBrowserIsUsedByTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	b := openPage(t, mixedDocument())
	ctx := t.Context()
	require.Equal(t, 1, eval[int](t, b, `document.querySelectorAll('#graph .item[tabindex="0"]').length`), "one item is in the tab order")
	require.Equal(t, 0, eval[int](t, b, `[...document.querySelectorAll('#graph .item')].filter((e) => !e.getAttribute('aria-label')).length`))
	eval[any](t, b, `document.querySelector('#graph .item[tabindex="0"]').focus()`)
	first := eval[string](t, b, `document.activeElement.getAttribute('aria-label')`)
	require.NoError(t, b.Press(ctx, "ArrowDown"))
	second := eval[string](t, b, `document.activeElement.getAttribute('aria-label')`)
	require.NotEqual(t, first, second)
	require.NoError(t, b.Press(ctx, "Enter"))
	name := eval[string](t, b, `document.querySelector('#resource h2').textContent`)
	require.Contains(t, second, name)
	before := eval[string](t, b, `document.getElementById('view').style.transform`)
	require.NoError(t, b.Press(ctx, "+"))
	require.NotEqual(t, before, eval[string](t, b, `document.getElementById('view').style.transform`))
	require.Empty(t, b.Problems())
}

// tooWide lists the texts that leave the box or the room that they belong to.
const tooWide = `(() => {
	const out = [];
	const fits = (group, box) => {
		for (const text of group.querySelectorAll(':scope > text')) {
			const t = text.getBBox();
			if (t.x < box.x || t.x + t.width > box.x + box.width + 0.5) out.push(text.textContent);
		}
	};
	for (const item of document.querySelectorAll('.item')) fits(item, item.querySelector('.box').getBBox());
	for (const room of document.querySelectorAll('.room')) fits(room, room.querySelector('.wall').getBBox());
	return document.querySelectorAll('.item').length ? out : ['there is no item'];
})()`

func TestBrowserFitsLabelsIntoTheirBoxes(t *testing.T) {
	t.Parallel()
	d := mixedDocument()
	b := openPage(t, d)
	require.Empty(t, eval[[]string](t, b, tooWide))
	var svg bytes.Buffer
	require.NoError(t, SVG(&svg, d))
	file := filepath.Join(t.TempDir(), "architecture.svg")
	require.NoError(t, os.WriteFile(file, svg.Bytes(), 0o600))
	require.NoError(t, b.Load(t.Context(), "file://"+file))
	require.Empty(t, eval[[]string](t, b, tooWide))
	require.Empty(t, b.Problems())
}

func TestBrowserShowsTwoThousandResources(t *testing.T) {
	t.Parallel()
	b := openPage(t, document2000(20))
	require.Equal(t, 2000, eval[int](t, b, "document.querySelectorAll('#graph .changed').length"))
	require.NoError(t, b.Click(t.Context(), "#search"))
	require.NoError(t, b.Type(t.Context(), "team-07-policy-377"))
	require.Equal(t, []string{"team-07-policy-377"}, eval[[]string](t, b, shownEntries))
	require.NoError(t, b.Press(t.Context(), "Enter"))
	require.Contains(t, eval[string](t, b, shownDetails), "s3:PutObject-new")
	require.Empty(t, b.Problems())
}

// mixedDocument has one of each change, and text that must stay text.
func mixedDocument() Document {
	at := func(parent, op, typ, name string) Step {
		return Step{URN: "urn::" + name, Type: typ, Name: name, Op: op, Parent: "urn::" + parent, ReplaceReasons: []string{}, DependsOn: []string{}, MayReplaceReasons: []string{}}
	}
	bucket := at("data", "replace", "aws:s3/bucketV2:BucketV2", "bucket")
	bucket.ReplaceReasons, bucket.Destroys = []string{"bucket"}, "all checkpoints"
	bucket.Diff = []Diff{{Path: "bucket", Kind: "update-replace", Old: "demo", New: "analytics"}}
	role := at("data", "update", "aws:iam/role:Role", "role")
	role.DependsOn = []string{"urn::bucket"}
	role.Diff = []Diff{{Path: "description", Kind: "update", Old: "</script><!--", New: "<img src=x onerror=alert(1)>"}}
	nodes := at("compute", "update", "aws:eks/nodeGroup:NodeGroup", "nodes")
	nodes.MayReplace, nodes.MayReplaceReasons, nodes.DependsOn = true, []string{"launchTemplate.version"}, []string{"urn::role", "urn::vpc"}
	nodes.Diff = []Diff{{Path: "launchTemplate.version", Kind: "update", Old: "1", New: "[unknown]", WaitsFor: []string{"urn::role"}}}
	nat := at("net", "create", "aws:ec2/natGateway:NatGateway", "nat")
	nat.Diff, nat.DependsOn = []Diff{{Path: "tags", Kind: "add", New: map[string]any{"Name": "nat", "a": strings80}}}, []string{"urn::vpc"}
	old := at("net", "delete", "aws:ec2/eip:Eip", "old")
	old.Destroys, nodes.Destroys = "the address", nothingLost
	old.Diff = []Diff{{Path: "domain", Kind: "delete", Old: "vpc"}}
	d := Document{
		SchemaVersion: 1, Stack: "dev", Mode: ModeDeployed, Summary: plans.Summary{Create: 1, Update: 2, Replace: 1, Delete: 1, Same: 6},
		Cost: Cost{MonthlyUSD: MonthlyUSD{76.65, 1105.85, 1029.2}, HourlyUSD: MonthlyUSD{0.105, 1.5149, 1.4099}, PricesAsOf: "2026-07-20", Region: "us-west-2", NotIncluded: []string{"S3: requests"}, Unpriced: []string{}},
		Findings: []Finding{
			{Rule: "public-endpoint", Severity: "high", URN: "urn::nodes", Path: "vpcConfig", Message: "The API is open to 0.0.0.0/0."},
			{Rule: "single-nat", Severity: "low", URN: "urn::nat", Message: "One gateway for all zones.", Accepted: true, Reason: "a development stack, see @team"},
		},
		Steps: []Step{
			{URN: "urn::stack", Type: "pulumi:pulumi:Stack", Name: "dev", Op: "same"},
			at("stack", "same", "emrflink:network:Network", "net"), at("net", "same", "aws:ec2/vpc:Vpc", "vpc"), nat, old,
			at("stack", "same", "emrflink:data:Data", "data"), bucket, role,
			at("stack", "same", "emrflink:cluster:Nodes", "compute"), nodes,
		},
	}
	for i := range 2 {
		d.Steps = append(d.Steps, at("compute", "same", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", fmt.Sprint("attachment-", i)))
	}
	return d
}

// strings80 makes a value that does not fit on one line.
const strings80 = "a value that is as long as it takes to be shown on a line of its own, one of eighty"
