// SPDX-License-Identifier: Apache-2.0

package preview

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/golden"
)

func page(t *testing.T, d Document) string {
	t.Helper()
	var a, b bytes.Buffer
	require.NoError(t, HTML(&a, d))
	require.NoError(t, HTML(&b, d))
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
