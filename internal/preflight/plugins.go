// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"emrflink/internal/check"
	"emrflink/internal/disk"
)

const (
	gib = 1 << 30
	// pluginsTake is about what all plugins take on a disk, each unpacked to several hundred MB.
	pluginsTake = 3 * gib
	// pluginsNeed is what a machine should have of memory: two plugins of aws and two of kubernetes run at the same time, each
	// with a few hundred MB, beside the engine and Node for pulumi-eks.
	pluginsNeed = 4 * gib
	// reported is how much less a machine of N GiB says that it has: firmware and kernel keep some.
	reported = gib / 4
)

// pluginsID and memoryID are names of checks.
const (
	pluginsID = "provider-plugins"
	memoryID  = "memory"
)

// plugins checks that the provider plugins are there, or have room.
func (m Machine) plugins() check.Check {
	missing, dir := m.Plugins()
	if len(missing) == 0 {
		return fine(pluginsID, "all are in %s", dir)
	}
	c := check.Check{
		ID: pluginsID, Status: check.Warning, What: fmt.Sprintf("not in %s yet: %s", dir, strings.Join(missing, ", ")),
		Why: "the first preview or deploy downloads them", Fix: "emrflink doctor --fetch",
	}
	at, err := disk.Existing(dir)
	if err != nil {
		return c
	}
	if free, err := m.Free(at); err == nil && free < pluginsTake {
		c.Status = check.Error
		c.Why = fmt.Sprintf("they take about %d GiB, and %.1f GiB are free at %s", pluginsTake/gib, float64(free)/gib, at)
		c.Fix = "free some space, or set PULUMI_HOME to a folder on another disk"
	}
	return c
}

// memory checks that the plugins fit into the memory, which a container may limit.
func (m Machine) memory() check.Check {
	has, err := m.total()
	if err != nil {
		return check.Check{ID: memoryID, Status: check.Skipped, What: "not known here", Why: err.Error()}
	}
	c := fine(memoryID, "%.1f GiB", float64(has)/gib)
	if has < pluginsNeed-reported {
		c.Status, c.Fix = check.Warning, "use a machine or a container with more memory"
		c.Why = fmt.Sprintf("%d GiB are the least: two plugins of aws and two of kubernetes run at the same time, and the "+
			"system may kill one in the middle of a deploy", pluginsNeed/gib)
	}
	return c
}

// total is the machine's memory, or the limit of the container.
func (m Machine) total() (uint64, error) {
	raw, err := fs.ReadFile(m.Root, "proc/meminfo")
	if err != nil {
		return 0, err
	}
	var kib uint64
	if _, err := fmt.Sscanf(string(raw), "MemTotal: %d kB", &kib); err != nil {
		return 0, errors.New("/proc/meminfo does not say the total")
	}
	has := kib << 10
	if raw, err := fs.ReadFile(m.Root, "sys/fs/cgroup/memory.max"); err == nil {
		if limit, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64); err == nil {
			has = min(has, limit)
		}
	}
	return has, nil
}
