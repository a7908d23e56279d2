// SPDX-License-Identifier: Apache-2.0

package karpenter_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestChartValuesAreKeysOfTheChart: Helm takes a key that a chart does not have without a word. The values of the
// blueprint are compared with values.yaml of the chart in the very version that this module links.
func TestChartValuesAreKeysOfTheChart(t *testing.T) {
	t.Parallel()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/karpenter-provider-aws").Output()
	if err != nil {
		t.Fatalf("find the module of Karpenter: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "charts", "karpenter", "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	chart := map[string]any{}
	if err := yaml.Unmarshal(raw, &chart); err != nil {
		t.Fatal(err)
	}
	values := newWorld(t).KarpenterValues
	if len(values) < 4 {
		t.Fatalf("values %v: too few to be those of the blueprint", values)
	}
	if unknown := unknownKeys("", values, chart); len(unknown) > 0 {
		t.Errorf("the chart has no %v", unknown)
	}
	values["webhook"] = map[string]any{"enabled": false} // gone since 1.1, and still in many examples
	values["settings"].(map[string]any)["aws"] = map[string]any{"clusterName": "c"}
	if unknown := unknownKeys("", values, chart); len(unknown) != 2 {
		t.Errorf("of two keys that the chart does not have, %v are found", unknown)
	}
}

// unknownKeys lists the keys that defaults do not have. Below a default that is empty, a list or labels of a node,
// everything is the user's own.
func unknownKeys(at string, values, defaults map[string]any) []string {
	var out []string
	for key, v := range values {
		path := strings.TrimPrefix(at+"."+key, ".")
		known, ok := defaults[key]
		if !ok {
			out = append(out, path)
			continue
		}
		below, isMap := known.(map[string]any)
		mine, isMine := v.(map[string]any)
		if isMap && isMine && len(below) > 0 && key != "nodeSelector" {
			out = append(out, unknownKeys(path, mine, below)...)
		}
	}
	return out
}
