// SPDX-License-Identifier: Apache-2.0

//go:build browser

package dashboards

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/tools/browser"
	"emrflink/observability"
)

// answering is a Prometheus that has the same long-named series for every query, and an alert.
func answering(t *testing.T) *prometheus {
	t.Helper()
	name := strings.Repeat("A vertex with a long name ", 5)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/alerts"):
			_, _ = fmt.Fprint(w, `{"data": {"alerts": [{"state": "firing", "labels": {"alertname": "FlinkLagGrowing"},
				"annotations": {"summary": "it lags"}}]}}`)
		case strings.HasSuffix(r.URL.Path, "/values"):
			_, _ = fmt.Fprint(w, `{"data": ["counts", "basic"]}`)
		default:
			var found []string
			for i := range 9 {
				labels := fmt.Sprintf(`{"flink_deployment": "job-%d", "task_name": %q}`, i, name)
				found = append(found, fmt.Sprintf(`{"metric": %s, "values": [[1000000, "1"], [1000060, "%d"]]}`, labels, i))
			}
			_, _ = fmt.Fprintf(w, `{"data": {"result": [%s]}}`, strings.Join(found, ","))
		}
	}))
	t.Cleanup(s.Close)
	return &prometheus{address: strings.TrimPrefix(s.URL, "http://")}
}

func eval[T any](t *testing.T, b *browser.Browser, script string) T {
	t.Helper()
	var out T
	require.NoError(t, b.Eval(t.Context(), script, &out), b.Problems())
	return out
}

// The page fits, can be read and asks for nothing, at two widths, in light and dark.
func TestBrowserShowsTheDashboards(t *testing.T) {
	t.Parallel()
	program, err := browser.Find()
	require.NoError(t, err)
	board := &Board{title: "Stack local", prometheus: answering(t), since: 5 * time.Minute,
		now: func() time.Time { return time.Unix(1_000_060, 0) }}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", board.serve)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	panels := 0
	for _, d := range observability.Dashboards() {
		panels += len(d.Panels())
	}
	for _, width := range []int{400, 1400} {
		b, err := browser.Open(t.Context(), program, width, 900)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, b.Close()) })
		require.NoError(t, b.Load(t.Context(), s.URL+"/?job=counts"))
		seen := map[string]bool{}
		for _, dark := range []bool{false, true} {
			require.NoError(t, b.Dark(t.Context(), dark))
			require.LessOrEqual(t, eval[int](t, b, "document.documentElement.scrollWidth"), width, "it does not scroll sideways")
			require.Equal(t, panels, eval[int](t, b, "document.querySelectorAll('figure svg').length"))
			contrast := eval[float64](t, b, `(() => {
				const light = (c) => { const [r, g, b] = c.match(/\d+/g).map((v) => v / 255).map((v) =>
					v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
				const card = light(getComputedStyle(document.querySelector('figure')).backgroundColor);
				const of = (e, p) => { const l = light(getComputedStyle(e)[p]);
					return (Math.max(l, card) + 0.05) / (Math.min(l, card) + 0.05) };
				return Math.min(...[...document.querySelectorAll('figure text')].map((e) => of(e, 'fill')),
					...[...document.querySelectorAll('figure .line')].map((e) => of(e, 'stroke')),
					...[...document.querySelectorAll('figcaption, figure li b, figure summary')].map((e) => of(e, 'color')));
			})()`)
			require.GreaterOrEqual(t, contrast, 3.0, "lines and texts stand out (WCAG 1.4.11)")
			seen[eval[string](t, b, "getComputedStyle(document.body).backgroundColor")] = true
		}
		require.Len(t, seen, 2, "dark is another page than light")
		require.Equal(t, "counts", eval[string](t, b, "document.querySelector('select[name=job]').value"))
		require.Equal(t, 9, eval[int](t, b, "document.querySelector('figure svg').querySelectorAll('.line').length"))
		require.Equal(t, "and 3 more", eval[string](t, b, "document.querySelector('figure ul + .quiet').textContent"))
		require.Empty(t, b.Problems())
	}
}
