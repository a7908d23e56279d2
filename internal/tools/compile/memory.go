// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// A third of the CPU seconds of a compiler is its garbage collector, which runs when the heap has doubled. With memory to
// spare it need not: at five times the heap a build takes a quarter fewer CPU seconds, and the largest package (EC2's
// client) 5 GB. Go's build cache does not count GOGC.
const (
	spareMemory = 10 << 30
	relaxedGOGC = "GOGC=400"
)

// Environ is the environment of a go command: the process's own, and GOGC when nobody has set it and there is memory.
func Environ() []string {
	env := os.Environ()
	if _, set := os.LookupEnv("GOGC"); set || availableMemory() < spareMemory {
		return env
	}
	return append(env, relaxedGOGC)
}

// availableMemory is what Linux would give without swapping, in bytes; 0 where that is not known.
func availableMemory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	return memAvailable(bufio.NewScanner(f))
}

func memAvailable(lines *bufio.Scanner) int64 {
	for lines.Scan() {
		var kib int64
		if rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				return kib << 10
			}
		}
	}
	return 0
}
