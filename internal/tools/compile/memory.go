// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// relaxed is the environment of compilers where so many bytes of memory are free and so many of them run at once. A third
// of a compiler's CPU seconds is its garbage collector, which runs when the heap has doubled. With memory to spare it need
// not. The largest package (EC2's client) takes 53 CPU s and 3.2 GB, 41 s and 4.7 GB with GOGC=400, 37 s and 5.6 GB with 800
// and as much without a collector below 6 GiB; the smallest, of which there are thousands, 0.48, 0.42, 0.40 and 0.38 CPU s.
// Go's build cache does not count these variables.
func relaxed(free int64, processors int) []string {
	const gib = 1 << 30
	switch {
	case free >= int64(processors)*9*gib:
		return []string{"GOGC=off", "GOMEMLIMIT=6GiB"}
	case free >= 14*gib:
		return []string{"GOGC=800"}
	case free >= 10*gib:
		return []string{"GOGC=400"}
	}
	return nil
}

// Environ is the environment of a go command: the process's own, and what relaxes its garbage collector when the user has
// not set that.
func Environ() []string {
	env := os.Environ()
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if _, set := os.LookupEnv(name); set {
			return env
		}
	}
	return append(env, relaxed(availableMemory(), runtime.GOMAXPROCS(0))...)
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
