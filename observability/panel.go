// SPDX-License-Identifier: Apache-2.0

package observability

// Unit is how a panel writes its values, as Grafana names it.
type Unit string

// The units.
const (
	Count     Unit = "short"
	Share     Unit = "percentunit" // 0 to 1
	Seconds   Unit = "s"
	Bytes     Unit = "bytes"
	PerSecond Unit = "ops"
	USD       Unit = "currencyUSD"
)

// Query is one expression of a panel.
type Query struct {
	// Expr is PromQL. $namespace and $job stand for what the reader chose: regular expressions.
	Expr string
	// Legend names a time series by its labels: {{task_name}}.
	Legend string
}

// Threshold is the value of a panel's first query from which the picture is bad.
type Threshold struct {
	Value float64
	// Below says that smaller values are the bad ones.
	Below bool
}

// Panel is one picture.
type Panel struct {
	// Title and Unit are what it shows, and in what.
	Title string
	Unit  Unit
	// Queries are drawn together.
	Queries []Query
	// Threshold is nil when no value is bad in itself.
	Threshold *Threshold
	// Bad says in a sentence what a bad picture means, Command what to run then. {job} stands for the job's name.
	Bad, Command string
	// Needs says what the numbers are of that only some jobs or clusters have, "" when all do.
	Needs string
}

// Row is a line of panels with a title.
type Row struct {
	Title  string
	Panels []Panel
}

// Dashboard is a page of panels.
type Dashboard struct {
	// UID is its name in Grafana's addresses and of its file.
	UID, Title string
	// Choices are what the reader chooses.
	Choices []Choice
	Rows    []Row
}

// Choice is a variable of a dashboard: the values of a label of a metric.
type Choice struct {
	Name, Label, Metric string
}

// Panels are those of all rows.
func (d Dashboard) Panels() []Panel {
	var out []Panel
	for _, r := range d.Rows {
		out = append(out, r.Panels...)
	}
	return out
}

// Dashboards are all of them, in the order in which trouble is looked for.
func Dashboards() []Dashboard {
	return []Dashboard{jobDashboard(), teamDashboard(), operatorDashboard(), nodeDashboard(), costDashboard()}
}

func above(v float64) *Threshold { return &Threshold{Value: v} }
func under(v float64) *Threshold { return &Threshold{Value: v, Below: true} }

// panel is a panel with one query.
func panel(title string, unit Unit, expr, legend string, bad *Threshold, means, command string) Panel {
	return Panel{Title: title, Unit: unit, Queries: []Query{{Expr: expr, Legend: legend}}, Threshold: bad, Bad: means,
		Command: command}
}

// with adds a query.
func (p Panel) with(expr, legend string) Panel {
	p.Queries = append(p.Queries, Query{Expr: expr, Legend: legend})
	return p
}

// only says what the numbers are of.
func (p Panel) only(needs string) Panel {
	p.Needs = needs
	return p
}
