// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
)

// LocalSettings reads what the local target starts with from its variables; 0 is what is not set.
func LocalSettings(getenv func(string) string) (speed float64, port int, err error) {
	if v := getenv("EMRFLINK_SPEED"); v != "" {
		if speed, err = strconv.ParseFloat(v, 64); err != nil {
			return 0, 0, &UsageError{
				Err: fmt.Errorf("EMRFLINK_SPEED=%q: want a number such as 200", v), Next: "unset EMRFLINK_SPEED",
			}
		}
	}
	if v := getenv("EMRFLINK_LOCAL_PORT"); v != "" {
		if port, err = strconv.Atoi(v); err != nil {
			return 0, 0, &UsageError{
				Err: fmt.Errorf("EMRFLINK_LOCAL_PORT=%q: want a port such as 4599", v), Next: "unset EMRFLINK_LOCAL_PORT",
			}
		}
	}
	return speed, port, ValidLocal(speed, port)
}

// envPolicies is the folder of the policies that commands on the local target have.
const envPolicies = "EMRFLINK_LOCAL_POLICIES"

// LocalPolicies reads the IAM policies that are to be tried on the local target, as `policy --dir` writes them; none when the
// variable is not set.
func LocalPolicies(getenv func(string) string) ([]string, error) {
	dir := getenv(envPolicies)
	if dir == "" {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err == nil && len(files) == 0 {
		err = errors.New("no file NAME.json with a policy is there")
	}
	var out []string
	for _, file := range files {
		text, readErr := os.ReadFile(file)
		if err = errors.Join(err, readErr); err == nil {
			out = append(out, string(text))
		}
	}
	if err != nil {
		return nil, &UsageError{Err: fmt.Errorf("%s=%q: %w", envPolicies, dir, err), Next: "emrflink policy --dir " + dir}
	}
	return out, nil
}

// ValidLocal refuses a speed or a port that the local target cannot start with; 0 leaves the choice to it.
func ValidLocal(speed float64, port int) error {
	if speed < 0 || math.IsNaN(speed) || math.IsInf(speed, 0) {
		return Usagef("speed %g: want a positive number", speed)
	}
	if port < 0 || port > 65535 {
		return Usagef("port %d: want 1 to 65535", port)
	}
	return nil
}
