// SPDX-License-Identifier: Apache-2.0

// Command firstlook shows the blueprint before anything of Pulumi, AWS or Kubernetes is compiled: what `emrflink
// preview` prints for it, with its cost and its picture. The graph is saved beside this file; `make docs` writes it
// with the program itself, and a test compares it with what the program computes.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"

	"emrflink/internal/plans"
	"emrflink/internal/preview"
)

//go:embed blueprint.json
var blueprint []byte

func main() {
	svg := flag.String("svg", "", "write the picture to this file")
	flag.Parse()
	if err := run(os.Stdout, *svg); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, svg string) error {
	graph, err := preview.ParseBaseline(blueprint, func([]byte) (plans.Exported, error) {
		return plans.Exported{}, fmt.Errorf("it is no saved graph")
	})
	if err != nil {
		return fmt.Errorf("read the saved graph: %w", err)
	}
	report, err := preview.New(graph.Plan(), graph.Region)
	if err != nil {
		return err
	}
	if err := report.Text(w, preview.TextOptions{}); err != nil {
		return err
	}
	if svg == "" {
		return nil
	}
	f, err := os.Create(svg)
	if err != nil {
		return err
	}
	if err := preview.SVG(f, report.Document); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nThe picture of it: %s\n", svg)
	return err
}
