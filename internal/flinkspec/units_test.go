// SPDX-License-Identifier: Apache-2.0

package flinkspec

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMemoryIsReadAsTheOperatorReadsIt(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("testdata/memory-notations.tsv")
	require.NoError(t, err)
	all := Rows(string(table), 3)
	require.Greater(t, len(all), 20)
	for _, r := range all {
		got, err := ResourceMemory(r[0])
		if r[1] == "refused" {
			require.Error(t, err, r[0])
			continue
		}
		want, _ := strconv.ParseInt(r[1], 10, 64)
		require.NoError(t, err, r[0])
		require.Equal(t, want, got, r[0])
	}
}

func TestTheTablesHaveAllTheirColumns(t *testing.T) {
	t.Parallel()
	for table, columns := range map[string]int{
		fieldsTable: 7, emrFieldsTable: 3, operatorKeysTable: 7, flinkKeysTable: 6, emrKeysTable: 4,
	} {
		want := 0
		for line := range strings.Lines(table) {
			if !strings.HasPrefix(line, "#") {
				want++
			}
		}
		require.Len(t, Rows(table, columns), want)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"10s": 10 * time.Second, "500": 500 * time.Millisecond, "1 min": time.Minute, "2 h": 2 * time.Hour,
		"-1 min": -time.Minute,
	} {
		got, err := Duration(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "x", "10 parsecs", "1.5s", "99999999999999999999s", "9999999999999 d"} {
		_, err := Duration(in)
		require.Error(t, err, in)
	}
	for _, in := range []string{"", "x", "1.5g", "-1g", "2Gi", "99999999999 t"} {
		_, err := Size(in)
		require.Error(t, err, in)
	}
	for _, in := range []string{"2X", "", ".", "1e99", "Gi"} {
		_, err := Quantity(in)
		require.Error(t, err, in)
	}
}

// Every key's own default is a value that it takes.
func TestKeysTakeTheirDefaults(t *testing.T) {
	t.Parallel()
	checked := map[string]int{}
	for name, k := range keys() {
		if k.Default == "" {
			continue
		}
		require.NoErrorf(t, k.Check(k.Default), "%s of type %s", name, k.Type)
		checked[k.Type]++
	}
	for _, typ := range []string{"Duration", "MemorySize", "Boolean", "Integer", "Double", "Enum"} {
		require.Positive(t, checked[typ], typ)
	}
	require.Greater(t, len(KeyNames(Operator)), 800)
	bad := map[string]string{"execution.checkpointing.interval": "ten seconds", "taskmanager.numberOfTaskSlots": "2.5",
		"execution.checkpointing.mode": "TWICE", "web.submit.enable": "no", "taskmanager.memory.segment-size": "32 q"}
	for key, value := range bad {
		k, known := KeyOf(key)
		require.True(t, known, key)
		require.Error(t, k.Check(value), key)
	}
}

func TestAnOlderNameIsThatOfItsKey(t *testing.T) {
	t.Parallel()
	k, known := KeyOf("state.backend")
	require.True(t, known)
	require.Equal(t, "state.backend.type", k.Name)
	_, known = KeyOf("state.backnd")
	require.False(t, known)
	k, _ = KeyOf("job.autoscaler.utilization.target")
	require.False(t, k.In(Operator))
	k, _ = KeyOf("job.autoscaler.target.utilization")
	require.True(t, k.In(Operator))
}

// What a TaskManager of 1 GiB was seen to be started with: -Xmx161061270 -XX:MaxDirectMemorySize=201326592
// -XX:MaxMetaspaceSize=268435456.
func TestMemoryIsDividedAsFlinkDoes(t *testing.T) {
	t.Parallel()
	m, err := TaskManagerMemory(nil, 1<<30)
	require.NoError(t, err)
	require.Equal(t, Memory{
		Process: 1 << 30, Flink: 603979776, Metaspace: 268435456, Overhead: 201326592, Heap: 161061270, OffHeap: 201326592,
		Managed: 241591914, Network: 67108864, TaskHeap: 26843542,
	}, m)
	_, err = TaskManagerMemory(nil, 512<<20)
	require.Error(t, err)
	_, err = TaskManagerMemory(map[string]string{"taskmanager.memory.managed.size": "2g"}, 2<<30)
	require.ErrorContains(t, err, "managed 2048 MiB")
	_, err = TaskManagerMemory(map[string]string{"taskmanager.memory.network.min": "2g", "taskmanager.memory.network.max": "1g"},
		4<<30)
	require.ErrorContains(t, err, "network.max")
	_, err = TaskManagerMemory(map[string]string{"taskmanager.memory.managed.fraction": "1.4"}, 4<<30)
	require.ErrorContains(t, err, "fraction")
	_, err = TaskManagerMemory(map[string]string{"taskmanager.memory.flink.size": "4g"}, 4<<30)
	require.ErrorContains(t, err, "flink.size")
	j, err := JobManagerMemory(nil, 2<<30)
	require.NoError(t, err)
	require.Equal(t, int64(2<<30)-256<<20-214748368-128<<20, j.Heap)
	_, err = JobManagerMemory(map[string]string{"jobmanager.memory.heap.size": "4g"}, 2<<30)
	require.ErrorContains(t, err, "heap of 4096 MiB")
	_, err = JobManagerMemory(nil, 300<<20)
	require.Error(t, err)
}

func TestThePartsOfTheMemoryAreTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		process := rapid.Int64Range(1, 64<<30).Draw(rt, "process")
		if m, err := TaskManagerMemory(nil, process); err == nil {
			require.Equal(rt, process, m.Heap+m.OffHeap+m.Managed+m.Metaspace+m.Overhead)
			require.GreaterOrEqual(rt, m.TaskHeap, int64(0))
		}
		if m, err := JobManagerMemory(nil, process); err == nil {
			require.Equal(rt, process, m.Heap+m.OffHeap+m.Metaspace+m.Overhead)
		}
	})
}

func TestVersionsThatTheTablesDoNotHaveAreSaid(t *testing.T) {
	t.Parallel()
	for _, table := range []string{fieldsTable, operatorKeysTable} {
		require.Contains(t, table, "from the releases "+firstOperator+" to "+lastOperator)
	}
	v, err := ChooseVersions("", "emr-7.13.0-flink-20260410")
	require.NoError(t, err)
	require.Equal(t, []string{"7.13", "1.10.0", "1.20"}, []string{v.EMR, v.Operator, v.Flink})
	require.Len(t, v.Unknown, 1)
	require.Contains(t, v.Unknown[0], "AWS does not publish: 1.10.0 was taken, that of EMR 7.10")
	v, err = ChooseVersions("v1.14.1", "7.4")
	require.NoError(t, err)
	require.Equal(t, "1.14.1 1.19", v.Operator+" "+v.Flink)
	require.Len(t, v.Unknown, 2)
	for want, of := range map[string][2]string{
		"they have 1.5.0 to 1.16.0": {"1.17.0"}, `"2.0" is no release of the Flink Kubernetes operator`: {"2.0"},
		"EMR 7.5 is not in the table: it has 6.13,": {"", "7.5.0"}, `"latest" is no release label`: {"", "latest"},
	} {
		_, err := ChooseVersions(of[0], of[1])
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, []string{"v1_20", "v1_19", "v1_17", ""},
		[]string{FlinkVersion("7.20.1"), FlinkVersion("7.5"), FlinkVersion("6.13.0"), FlinkVersion("6.9")})
}
