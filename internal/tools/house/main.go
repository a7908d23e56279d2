// SPDX-License-Identifier: Apache-2.0

// Command house writes the generated parts of docs/architecture.md: the picture of the packages from their imports, the
// purpose of each package from its comment, and the index of the decision records. Run it in the repository.
package main

import (
	"fmt"
	"os"
)

const pagePath = "docs/architecture.md"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	text, err := os.ReadFile(pagePath)
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	parts, err := written(".")
	if err != nil {
		return err
	}
	filled, err := fill(string(text), parts)
	if err != nil {
		return err
	}
	if err := os.WriteFile(pagePath, []byte(filled), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
