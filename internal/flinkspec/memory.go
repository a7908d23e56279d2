// SPDX-License-Identifier: Apache-2.0

package flinkspec

import (
	"fmt"
	"math/big"
)

// Memory is how Flink divides the memory of a process, in bytes.
type Memory struct {
	Process, Flink, Metaspace, Overhead int64
	// Of the JobManager: heap and off-heap. Of the TaskManager: those of the framework and the tasks together.
	Heap, OffHeap int64
	// Of the TaskManager alone.
	Managed, Network, TaskHeap int64
}

// sizeOf is a key's size, its default, or 0; set says whether the configuration has it.
func sizeOf(conf map[string]string, key string) (n int64, set bool, err error) {
	text, set := conf[key]
	if !set {
		k, _ := KeyOf(key)
		if k.Default == "" {
			return 0, false, nil
		}
		text = k.Default
	}
	n, err = Size(text)
	if err != nil {
		return 0, set, fmt.Errorf("%s: %w", key, err)
	}
	return n, set, nil
}

// fraction is a part of an amount. Flink reads fractions as 32-bit numbers, and rounds down.
func fraction(conf map[string]string, key string, of int64) (int64, error) {
	k, _ := KeyOf(key)
	text, set := conf[key]
	if !set {
		text = k.Default
	}
	var f float32
	if _, err := fmt.Sscan(text, &f); err != nil || f < 0 || f >= 1 {
		return 0, fmt.Errorf("%s: %q is no fraction of 1", key, text)
	}
	part := new(big.Rat).Mul(new(big.Rat).SetFloat64(float64(f)), new(big.Rat).SetInt64(of))
	return new(big.Int).Quo(part.Num(), part.Denom()).Int64(), nil
}

// bounded is a fraction that is not below PREFIX.min and not above PREFIX.max.
func bounded(conf map[string]string, prefix string, of int64) (int64, error) {
	least, _, err := sizeOf(conf, prefix+".min")
	if err != nil {
		return 0, err
	}
	most, _, err := sizeOf(conf, prefix+".max")
	if err != nil {
		return 0, err
	}
	if most < least {
		return 0, fmt.Errorf("%s.max is less than %s.min", prefix, prefix)
	}
	part, err := fraction(conf, prefix+".fraction", of)
	return min(max(part, least), most), err
}

// common is what both processes have: the JVM's own part, and what remains for Flink.
func common(conf map[string]string, component string, process int64) (m Memory, err error) {
	prefix := component + ".memory."
	m.Process = process
	if m.Metaspace, _, err = sizeOf(conf, prefix+"jvm-metaspace.size"); err != nil {
		return m, err
	}
	if m.Overhead, err = bounded(conf, prefix+"jvm-overhead", process); err != nil {
		return m, err
	}
	m.Flink = process - m.Metaspace - m.Overhead
	if total, set, err := sizeOf(conf, prefix+"flink.size"); err != nil || set {
		m.Overhead, m.Flink = process-m.Metaspace-total, total
		if err == nil && m.Overhead < 0 {
			err = fmt.Errorf("%sflink.size of %s and the metaspace of %s are more than the %s of the process",
				prefix, MiB(total), MiB(m.Metaspace), MiB(process))
		}
		if err != nil {
			return m, err
		}
	}
	if m.Flink <= 0 {
		return m, fmt.Errorf("the metaspace of %s and the JVM's overhead of %s leave nothing of the %s of the process",
			MiB(m.Metaspace), MiB(m.Overhead), MiB(process))
	}
	return m, nil
}

// TaskManagerMemory divides a TaskManager's process memory, which the operator sets from taskManager.resource.memory. An
// error says which parts do not fit.
func TaskManagerMemory(conf map[string]string, process int64) (Memory, error) {
	m, err := common(conf, "taskmanager", process)
	if err != nil {
		return m, err
	}
	const prefix = "taskmanager.memory."
	var parts [3]int64
	for i, key := range []string{"framework.heap.size", "framework.off-heap.size", "task.off-heap.size"} {
		if parts[i], _, err = sizeOf(conf, prefix+key); err != nil {
			return m, err
		}
	}
	frameworkHeap, frameworkOffHeap, taskOffHeap := parts[0], parts[1], parts[2]
	if m.Network, err = bounded(conf, prefix+"network", m.Flink); err != nil {
		return m, err
	}
	managed, set, err := sizeOf(conf, prefix+"managed.size")
	if err == nil && !set {
		managed, err = fraction(conf, prefix+"managed.fraction", m.Flink)
	}
	if err != nil {
		return m, err
	}
	m.Managed = managed
	m.TaskHeap = m.Flink - frameworkHeap - frameworkOffHeap - taskOffHeap - m.Network - m.Managed
	heap, set, err := sizeOf(conf, prefix+"task.heap.size")
	if err != nil {
		return m, err
	}
	if m.TaskHeap < 0 || set && heap > m.TaskHeap {
		return m, fmt.Errorf("the heap (framework %s, tasks %s), off-heap (framework %s, tasks %s), "+
			"network %s and managed %s memory "+
			"are more than the %s that are Flink's of the %s of the process", MiB(frameworkHeap), MiB(heap),
			MiB(frameworkOffHeap),
			MiB(taskOffHeap), MiB(m.Network), MiB(m.Managed), MiB(m.Flink), MiB(process))
	}
	m.Heap, m.OffHeap = frameworkHeap+m.TaskHeap, frameworkOffHeap+taskOffHeap+m.Network
	return m, nil
}

// JobManagerMemory divides a JobManager's process memory.
func JobManagerMemory(conf map[string]string, process int64) (Memory, error) {
	m, err := common(conf, "jobmanager", process)
	if err != nil {
		return m, err
	}
	if m.OffHeap, _, err = sizeOf(conf, "jobmanager.memory.off-heap.size"); err != nil {
		return m, err
	}
	m.Heap = m.Flink - m.OffHeap
	heap, set, err := sizeOf(conf, "jobmanager.memory.heap.size")
	if err != nil {
		return m, err
	}
	if m.Heap <= 0 || set && heap > m.Heap {
		return m, fmt.Errorf("the heap of %s and the off-heap memory of %s are more than the %s that are Flink's of the %s of "+
			"the process",
			MiB(max(heap, 0)), MiB(m.OffHeap), MiB(m.Flink), MiB(process))
	}
	return m, nil
}

// MiB is an amount of bytes in words.
func MiB(n int64) string {
	if n != 0 && n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
