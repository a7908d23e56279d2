// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"emrflink/observability"
)

// platform is the column of what is of no job.
const platform = "platform"

// row is what was seen of one panel or alert: the largest value by scenario.
type row struct {
	section, title, needs string
	values                map[string]float64
}

// seen is the table.
type seen struct {
	jobs []scenario // those that run
	rows []row
}

func (p *prometheus) evaluate(ctx context.Context) (seen, error) {
	var s seen
	running, err := p.query(ctx, `max by (flink_deployment) (flink_jobmanager_numRunningJobs)`, 0)
	if err != nil {
		return s, err
	}
	for _, j := range scenarios() {
		if slices.ContainsFunc(running, func(r series) bool { return r.Metric["flink_deployment"] == j.name }) {
			s.jobs = append(s.jobs, j)
		}
	}
	for _, d := range observability.Dashboards() {
		for _, panel := range d.Panels() {
			r := row{d.Title, panel.Title, panel.Needs, map[string]float64{}}
			for _, q := range panel.Queries {
				if err := p.add(ctx, q.Expr, r.values); err != nil {
					return s, err
				}
			}
			s.rows = append(s.rows, r)
		}
	}
	for _, a := range observability.Alerts() {
		r := row{"Alerts", a.Name, "", map[string]float64{}}
		if err := p.add(ctx, a.Expr, r.values); err != nil {
			return s, err
		}
		s.rows = append(s.rows, r)
	}
	return s, nil
}

// add puts the results of a query during the last minute into the columns, by the job that their labels name: a job that
// restarts has tasks at some times only.
func (p *prometheus) add(ctx context.Context, expr string, values map[string]float64) error {
	var results []series
	var err error
	for ago := time.Duration(0); ago <= time.Minute && err == nil; ago += 10 * time.Second {
		var then []series
		then, err = p.query(ctx, expr, ago)
		results = append(results, then...)
	}
	for _, r := range results {
		column := cmp.Or(r.Metric["flink_deployment"], platform)
		if pod := r.Metric["pod"]; pod != "" && column == platform {
			name, _, _ := strings.Cut(pod, "-")
			if slices.ContainsFunc(scenarios(), func(s scenario) bool { return s.name == name }) {
				column = name
			}
		}
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		if old, ok := values[column]; !ok || v > old || math.IsNaN(old) {
			values[column] = v
		}
	}
	return err
}

// problems are the queries that are empty and should not be, and the alerts that do not see their trouble.
func (s seen) problems() error {
	var errs []error
	for _, r := range s.rows {
		switch {
		case r.section == "Alerts":
			for _, j := range s.jobs {
				if _, ok := r.values[j.name]; j.alert == r.title && !ok {
					errs = append(errs, fmt.Errorf("alert %s does not see the job %q", r.title, j.name))
				}
			}
		case r.needs == "" && len(r.values) == 0:
			errs = append(errs, fmt.Errorf("%s, %q: its query is empty", r.section, r.title))
		case r.needs == "" && r.values[platform] == 0 && len(r.values) > 0 && len(r.values) < len(s.jobs) && !hasPlatform(r):
			if r.title != "Age of the newest checkpoint" { // the job that refuses them has none
				errs = append(errs, fmt.Errorf("%s, %q: only for %d of %d jobs", r.section, r.title, len(r.values), len(s.jobs)))
			}
		}
	}
	return errors.Join(errs...)
}

func hasPlatform(r row) bool { _, ok := r.values[platform]; return ok }

// page is the Markdown.
func (s seen) page() string {
	var b strings.Builder
	b.WriteString("# Panels and alerts, seen\n\nWritten by `make panels`: each query of the dashboards and alerts, evaluated " +
		"by a real Prometheus over real Flink jobs on the local target, each in one trouble. A cell is the largest value of " +
		"the last minute; an empty one says that the query has no result for the job. An alert's cell says that its condition " +
		"holds, not how long.\n\n| job | trouble |\n|---|---|\n")
	for _, j := range s.jobs {
		fmt.Fprintf(&b, "| `%s` | %s |\n", j.name, j.trouble)
	}
	section := ""
	for _, r := range s.rows {
		if r.section != section {
			section = r.section
			fmt.Fprintf(&b, "\n## %s\n\n| query |", section)
			for _, j := range s.jobs {
				fmt.Fprintf(&b, " %s |", j.name)
			}
			b.WriteString(" platform | only for |\n|---|" + strings.Repeat("---|", len(s.jobs)+2) + "\n")
		}
		fmt.Fprintf(&b, "| %s |", r.title)
		for _, j := range append(slices.Clone(s.jobs), scenario{name: platform}) {
			cell := ""
			if v, ok := r.values[j.name]; ok {
				cell = strconv.FormatFloat(v, 'g', 3, 64)
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		fmt.Fprintf(&b, " %s |\n", r.needs)
	}
	return b.String()
}
