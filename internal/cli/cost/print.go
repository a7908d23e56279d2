// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cost"
	"emrflink/internal/iostreams"
)

func perHour(v float64) string  { return fmt.Sprintf("$%.4f", v) }
func perMonth(v float64) string { return fmt.Sprintf("$%.2f", v) }

func between(r cost.Range, write func(float64) string) string {
	if r.From == r.To {
		return write(r.From)
	}
	return write(r.From) + " to " + write(r.To)
}

// show prints the report for a reader: the parts, their sum, what the sample job adds, and what is in no sum.
func show(ios *iostreams.IOStreams, r cost.Report, verbose bool) error {
	w := ios.Out
	if r.Prices.AsOf == "" {
		_, _ = fmt.Fprintf(w, "no prices for stack %s in %s\n", r.Stack, r.Region)
	} else {
		_, _ = fmt.Fprintf(w, "stack %s in %s at list prices of %s (%s)\n\n", r.Stack, r.Region, r.Prices.AsOf, r.Prices.Source)
		if err := showTables(ios, r); err != nil {
			return err
		}
	}
	for _, u := range r.Unpriced {
		_, _ = fmt.Fprintf(w, "not priced: %s\n", u)
	}
	cmdutil.PrintNotIncluded(w, "not included", r.NotIncluded, verbose)
	cmdutil.PrintSimulated(ios, r.Simulated)
	return nil
}

func showTables(ios *iostreams.IOStreams, r cost.Report) error {
	t := ios.NewTable("COMPONENT", "WHAT", "USD/HOUR", "USD/MONTH")
	for _, part := range r.Components {
		for _, i := range part.Items {
			t.Row(part.Name, what(i), perHour(i.HourlyUSD), perMonth(i.MonthlyUSD))
		}
		if len(part.Items) > 1 {
			t.Row(part.Name, "together", perHour(part.HourlyUSD), perMonth(part.MonthlyUSD))
		}
	}
	t.Row("total", "idle", perHour(r.Idle.HourlyUSD), perMonth(r.Idle.MonthlyUSD))
	if err := t.Render(); err != nil {
		return err
	}
	if len(r.SampleJob.Nodes) == 0 {
		return nil
	}
	_, _ = fmt.Fprintf(ios.Out, "\nthe sample job %q adds, while it runs, on demand:\n", r.SampleJob.Name)
	n := ios.NewTable("PODS", "NODE POOL", "NODES", "INSTANCE TYPES", "USD/HOUR")
	for _, node := range r.SampleJob.Nodes {
		n.Row(fmt.Sprintf("%d %s", node.Pods, node.Role), node.NodePool, nodes(node), instanceTypes(node.Choices),
			between(node.HourlyUSD, perHour))
	}
	n.Row("total", "with the sample job", "", "", between(r.WithSampleJob.HourlyUSD, perHour))
	if err := n.Render(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(ios.Out, "a month with the sample job: %s\n", between(r.WithSampleJob.MonthlyUSD, perMonth))
	if slices.ContainsFunc(r.SampleJob.Nodes, func(n cost.Nodes) bool { return slices.Contains(n.CapacityTypes, "spot") }) {
		_, _ = fmt.Fprintln(ios.Out, "spot is not priced: spot prices change and are in no price list, so spot nodes are "+
			"counted at the on-demand price")
	}
	_, _ = fmt.Fprintln(ios.Out)
	return nil
}

func what(i cost.Item) string {
	text := i.What
	if i.Quantity != 1 {
		text = fmt.Sprintf("%g x %s", i.Quantity, text)
	}
	if i.Note != "" {
		text += " (" + i.Note + ")"
	}
	return text
}

func nodes(n cost.Nodes) string {
	if n.Least == n.Most {
		return fmt.Sprint(n.Least)
	}
	return fmt.Sprintf("%d to %d", n.Least, n.Most)
}

// instanceTypes names the cheapest, the dearest, and how many there are between.
func instanceTypes(types []cost.Choice) string {
	const few = 3
	if len(types) <= few {
		names := make([]string, 0, few)
		for _, t := range types {
			names = append(names, t.Type)
		}
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s to %s (%d types)", types[0].Type, types[len(types)-1].Type, len(types))
}
