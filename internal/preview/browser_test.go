// SPDX-License-Identifier: Apache-2.0

//go:build browser

package preview

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/tools/browser"
)

// openPage shows a document in a real browser; make test adds the tag browser where there is one.
func openPage(t *testing.T, d Document) *browser.Browser {
	t.Helper()
	program, err := browser.Find()
	require.NoError(t, err)
	var page bytes.Buffer
	require.NoError(t, writePage(&page, d, nil))
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
	shownEntries = `[...document.querySelectorAll('#entries li')].filter((e) => !e.hidden)` +
		`.map((e) => e.querySelector('b').textContent)`
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
	for _, want := range []string{"replace", "aws:s3/bucketV2:BucketV2", "Replaced because of bucket", "all checkpoints",
		"! bucket forces the replacement", `- bucket: "demo"`, `+ bucket: "analytics"`} {
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
	require.Equal(t, 1, eval[int](t, b, `document.querySelectorAll('#graph .item[tabindex="0"]').length`),
		"one item is in the tab order")
	require.Equal(t, 0,
		eval[int](t, b, `[...document.querySelectorAll('#graph .item')].filter((e) => !e.getAttribute('aria-label')).length`))
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

func TestBrowserShowsNamesWhenAllIsNew(t *testing.T) {
	t.Parallel()
	d := document2000(1)
	for i := range d.Steps {
		d.Steps[i].Op, d.Steps[i].MayReplace, d.Steps[i].Destroys = "create", false, ""
	}
	d.Steps[99].Type, d.Steps[99].Name = "aws:eks/cluster:Cluster", "the-cluster"
	b := openPage(t, d)
	require.Equal(t, "block", eval[string](t, b, "getComputedStyle(document.querySelector('#graph .text')).display"))
	require.Equal(t, "the-cluster", eval[[]string](t, b, shownEntries)[0])
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
