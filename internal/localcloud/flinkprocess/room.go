// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// processMB is what a process of Flink takes once it works, with the JVM options of command.go.
	processMB = 400
	// holdsFor is how long room is kept for a pod that was let in and does not start.
	holdsFor = 30 * time.Second
)

// room knows what memory the machine has for further processes. One that has just started has not taken yet what it will take.
type room struct {
	free func() int
	rss  func(pid int) int64

	mu   sync.Mutex
	pods map[string]admitted // UID
}

// admitted is a pod for which there was room.
type admitted struct {
	at  time.Time
	pid int
}

func newRoom(free func() int) *room {
	return &room{free: free, rss: anonymous, pods: map[string]admitted{}}
}

// holds says why there is no room for a pod, or keeps the room for it.
func (r *room) holds(uid string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.pods[uid]; ok {
		return ""
	}
	free := r.free()
	for uid, p := range r.pods {
		switch {
		case p.pid == 0 && time.Since(p.at) > holdsFor:
			delete(r.pods, uid)
		case p.pid == 0:
			free -= processMB
		default:
			free -= max(0, processMB-int(r.rss(p.pid)>>20))
		}
	}
	if free < processMB {
		return fmt.Sprintf("no room: this machine has %d MB of memory left, and a process of Flink needs %d MB; "+
			"it starts when there is room", max(0, free), processMB)
	}
	r.pods[uid] = admitted{at: time.Now()}
	return ""
}

func (r *room) started(uid string, pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pods[uid] = admitted{at: time.Now(), pid: pid}
}

// processes are those of the pods, by UID.
func (r *room) processes() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]int{}
	for uid, p := range r.pods {
		if p.pid != 0 {
			out[uid] = p.pid
		}
	}
	return out
}

func (r *room) leave(uid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pods, uid)
}

// availableMB is what Linux would give without swapping; no limit where that is not known.
func availableMB() int {
	if kib, ok := procField("/proc/meminfo", "MemAvailable:"); ok {
		return int(kib >> 10)
	}
	return math.MaxInt32
}

// anonymous is the memory of a process that is not of files, which is what counts against a pod's limit; 0 when it is gone.
func anonymous(pid int) int64 {
	kib, _ := procField(fmt.Sprintf("/proc/%d/status", pid), "RssAnon:")
	return kib << 10
}

// cpuTime is what a process has used of the processors; Linux counts it in hundredths of a second (USER_HZ in proc(5)).
func cpuTime(pid int) (used time.Duration, ok bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	_, rest, _ := strings.Cut(string(raw), ") ") // the name before it may hold anything
	values := strings.Fields(rest)
	const user, system = 11, 12
	if len(values) <= system {
		return 0, false
	}
	for _, v := range values[user : system+1] {
		ticks, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return 0, false
		}
		used += time.Duration(ticks) * time.Second / 100
	}
	return used, true
}

// procField is a number of KiB in a file of /proc.
func procField(path, name string) (kib int64, ok bool) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(raw)) {
		if rest, is := strings.CutPrefix(line, name); is {
			_, err := fmt.Sscan(rest, &kib)
			return kib, err == nil
		}
	}
	return 0, false
}
