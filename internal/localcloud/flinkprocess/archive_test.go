// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/flinkhome"
)

// The java of the test takes the list of classes as the archive.
const archiver = `#!/bin/sh
for w; do case $w in
-XX:SharedClassListFile=*) list=${w#*=} ;;
-XX:SharedArchiveFile=*) file=${w#*=} ;;
esac; done
exec cp "$list" "$file"
`

func TestTheArchiveOfARoleIsMadeOnceAfterItsFirstRun(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Options{Client: client()})
	java := filepath.Join(t.TempDir(), "java")
	require.NoError(t, os.WriteFile(java, []byte(archiver), 0o700))
	have := install{home: flinkhome.Home{Version: "1.20.1"}, java: flinkhome.Program{Path: java, Version: "17.0.15"}}
	a := r.archives
	list := a.list(have, jobManager, "uid-1")
	require.Equal(t, []string{"-XX:DumpLoadedClassList=" + list}, a.words(have, jobManager, "uid-1"))
	a.learn(have, jobManager, "uid-1", nil) // the process ended before it wrote anything
	require.NoError(t, os.WriteFile(list, []byte("classes"), 0o600))
	a.learn(have, jobManager, "uid-1", nil)
	require.Eventually(t, func() bool { return exists(a.file(have, jobManager)) }, time.Minute, 10*time.Millisecond)
	require.Contains(t, a.words(have, jobManager, "uid-2"), "-XX:SharedArchiveFile="+a.file(have, jobManager))
	require.Equal(t, []string{"-XX:DumpLoadedClassList=" + a.list(have, taskManager, "uid-2")},
		a.words(have, taskManager, "uid-2"))
	require.Eventually(t, func() bool { return !exists(list) }, time.Minute, 10*time.Millisecond, "nothing else is left")
	have.java.Version = "17.0.16"
	require.NotEqual(t, a.file(have, jobManager), a.file(install{home: have.home}, jobManager))
	require.Contains(t, a.words(have, jobManager, "uid-3")[0], "DumpLoadedClassList", "another Java has its own")
}

func TestAUsersGarbageCollectorIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	require.Contains(t, collector([]string{"-Dx=-XX:+UseG1GC", "-Xmn256m"}), "-XX:+UseSerialGC")
	require.Empty(t, collector([]string{"-XX:+UseG1GC"}), "a JVM refuses two")
}
