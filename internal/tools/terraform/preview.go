// SPDX-License-Identifier: Apache-2.0

package terraform

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Preview is the graph of a configuration, keys of the stack file and their values, as the emrflink in the folder bin previews
// it offline. The stack file and the state folder are made in dir.
func Preview(ctx context.Context, bin, dir string, settings map[string]string) ([]Node, error) {
	path, err := filepath.Abs(filepath.Join(bin, "emrflink"))
	if err != nil {
		return nil, fmt.Errorf("find emrflink: %w", err)
	}
	file := filepath.Join(dir, "Pulumi.local.yaml")
	var text strings.Builder
	text.WriteString("config:\n  emrflink:target: local\n")
	for key, value := range settings {
		fmt.Fprintf(&text, "  emrflink:%s: %s\n", key, value)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return nil, fmt.Errorf("write a stack file: %w", err)
	}
	cmd := exec.CommandContext(ctx, path, "preview", "--offline", "--output", "json", "--config-file", file)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "EMRFLINK_HOME="+filepath.Join(dir, "home"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("preview with %v: %w\n%s", settings, err, stderr.String())
	}
	return ReadGraph(stdout.Bytes())
}
