// SPDX-License-Identifier: Apache-2.0

package dashboards

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"emrflink/observability"
)

//go:embed page.html
var pageText string

var pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("").Parse(pageText)) })

// View is what of the platform the page shows.
type View struct {
	// Job and Namespace choose one; "" is all.
	Job, Namespace string
	// Since is how long back it goes.
	Since time.Duration
	// Live has the page load itself again.
	Live bool
}

// page is what the template shows.
type page struct {
	View
	Title, At  string
	Simulated  []string
	Choices    []choice
	Alerts     []alert
	Dashboards []dashboard
}

// Colours numbers the styles of lines.
func (page) Colours() []struct{} { return make([]struct{}, colours) }

// Spans are how long back the reader can go.
func (p page) Spans() []string {
	all := []string{"5m", "15m", "1h", "6h", "24h"}
	if !slices.Contains(all, p.Ago()) {
		all = append([]string{p.Ago()}, all...)
	}
	return all
}

// Ago is how long back the page goes.
func (p page) Ago() string {
	s := p.Since.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// choice is a list to choose from.
type choice struct {
	Name, Chosen string
	Values       []string
}

type dashboard struct {
	UID, Title string
	Rows       []row
}

type row struct {
	Title  string
	Panels []picture
}

// picture is a panel as it is.
type picture struct {
	observability.Panel
	Drawing template.HTML // "": there are no data
	Legend  []legend
	More    int // series that the legend leaves out
	// Beyond says that a value is past the threshold.
	Beyond bool
	Limit  string
}

type legend struct {
	Class, Name, Value string
	Beyond             bool
}

// named is how many series a legend has.
const named = 6

// atOnce is how many queries Prometheus answers side by side.
const atOnce = 4

// Page draws all dashboards.
func (b *Board) Page(ctx context.Context, v View) ([]byte, error) {
	s := spanOf(b.now(), v.Since)
	p := page{View: v, Title: b.title, At: s.to.Format(time.DateTime), Simulated: b.simulated}
	var err error
	if p.Alerts, err = b.prometheus.alerts(ctx); err != nil {
		return nil, err
	}
	for _, c := range choices() {
		values, err := b.prometheus.values(ctx, c.Label, v.fill(c.Metric))
		if err != nil {
			return nil, err
		}
		p.Choices = append(p.Choices, choice{c.Name, v.chosen(c.Name), values})
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, d := range observability.Dashboards() {
		shown := dashboard{UID: d.UID, Title: d.Title}
		for _, r := range d.Rows {
			pictures := make([]picture, len(r.Panels))
			for i, panel := range r.Panels {
				g.Go(func() (err error) {
					pictures[i], err = b.picture(ctx, panel, v, s)
					return err
				})
			}
			shown.Rows = append(shown.Rows, row{r.Title, pictures})
		}
		p.Dashboards = append(p.Dashboards, shown)
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = pageTemplate().Execute(&out, p)
	return out.Bytes(), err
}

// spanOf has as many steps as a picture shows, at times that stay when the page is loaded again.
func spanOf(now time.Time, since time.Duration) span {
	const steps = 120
	step := max(since/steps, 5*time.Second).Truncate(time.Second)
	to := now.Truncate(step)
	return span{to.Add(-since), to, step}
}

// picture asks for the data of a panel and draws it.
func (b *Board) picture(ctx context.Context, panel observability.Panel, v View, s span) (picture, error) {
	p := picture{Panel: panel}
	p.Command = strings.ReplaceAll(panel.Command, "{job}", cmp.Or(v.Job, "JOB"))
	if panel.Threshold != nil {
		p.Limit = write(panel.Threshold.Value, panel.Unit)
	}
	lines, err := b.lines(ctx, panel, v, s)
	if err != nil || len(lines) == 0 {
		return p, err
	}
	p.Drawing = draw(lines, s, panel.Unit, panel.Threshold)
	for i, l := range lines {
		now := l.last(s)
		beyond := l.first && past(now, panel.Threshold)
		p.Beyond = p.Beyond || beyond
		if i < named {
			p.Legend = append(p.Legend, legend{fmt.Sprintf("c%d", i%colours), l.name, write(now, panel.Unit), beyond})
		}
	}
	p.More = max(0, len(lines)-named)
	return p, nil
}

func past(v float64, t *observability.Threshold) bool {
	return t != nil && (t.Below && v < t.Value || !t.Below && v > t.Value)
}

// lines are the series of a panel, the largest first.
func (b *Board) lines(ctx context.Context, panel observability.Panel, v View, s span) ([]line, error) {
	var lines []line
	for i, q := range panel.Queries {
		found, err := b.prometheus.query(ctx, v.fill(q.Expr), s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", panel.Title, err)
		}
		for _, one := range found {
			lines = append(lines, line{name(q.Legend, one.Metric), one.Values, i == 0})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		if x, y := a.last(s), b.last(s); x != y && !math.IsNaN(x) && !math.IsNaN(y) {
			return cmp.Compare(y, x)
		}
		return cmp.Compare(a.name, b.name)
	})
	return lines, nil
}

// plain is a name of Kubernetes: in a regular expression and in a string of PromQL it stands for itself, but for its dots.
var plain = regexp.MustCompile(`^[a-z0-9.-]+$`)

// choices are those of the job's dashboard, which has them all. Every query of a page asks for them.
var choices = sync.OnceValue(func() []observability.Choice { return observability.Dashboards()[0].Choices })

// chosen is the value of a choice.
func (v View) chosen(name string) string {
	if name == "namespace" {
		return v.Namespace
	}
	return v.Job
}

// fill puts what is chosen into an expression.
func (v View) fill(expr string) string {
	for _, c := range choices() {
		value := ".*"
		if chosen := v.chosen(c.Name); plain.MatchString(chosen) {
			value = strings.ReplaceAll(chosen, ".", "[.]")
		}
		expr = strings.ReplaceAll(expr, "$"+c.Name, value)
	}
	return expr
}

var label = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// name fills the labels of a series into the text of a legend.
func name(text string, labels map[string]string) string {
	text = strings.TrimSpace(label.ReplaceAllStringFunc(text, func(of string) string {
		return labels[label.FindStringSubmatch(of)[1]]
	}))
	if text != "" {
		return text
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if k != "__name__" {
			all = append(all, k+"="+labels[k])
		}
	}
	return strings.Join(all, ", ")
}
