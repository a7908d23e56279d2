// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"emrflink/internal/localcloud/flinkconf"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

func TestTheCommandOfAPodIsReadAsAShellWould(t *testing.T) {
	t.Parallel()
	type of = []string
	for name, c := range map[string]struct {
		command, args of
		want          launch
		refused       string
	}{
		"a JobManager of an application": {
			command: of{"/docker-entrypoint.sh"}, args: of{"bash", "-c", "kubernetes-jobmanager.sh kubernetes-application "},
			want: launch{role: jobManager, class: jobManagerClasses["kubernetes-application"], args: of{}},
		},
		"a JobManager of a session, by its path": {
			args: of{
				"/docker-entrypoint.sh", "bash", "-c", "exec /opt/flink/bin/kubernetes-jobmanager.sh kubernetes-session -Da=b",
			},
			want: launch{role: jobManager, class: jobManagerClasses["kubernetes-session"], args: of{"-Da=b"}},
		},
		"a TaskManager, whose values are quoted": {
			command: of{"/docker-entrypoint.sh"},
			args: of{"bash", "-c", `kubernetes-taskmanager.sh -Djobmanager.rpc.address='127.99.0.7' -Da='b c;d' -D cpu=$(CPU) ` +
				`-Dweb.dir='it'"'"'s'`},
			want: launch{role: taskManager, class: taskManagerClass, args: of{
				"-Djobmanager.rpc.address=127.99.0.7", "-Da=b c;d", "-D", "cpu=2.0", "-Dweb.dir=it's"}},
		},
		"another program":     {args: of{"python", "job.py"}, refused: `runs "python job.py": the local target runs only`},
		"another entry point": {args: of{"kubernetes-jobmanager.sh", "standalone"}, refused: "the local target runs only"},
		"more than one program": {
			args: of{"bash", "-c", "sleep 1; kubernetes-jobmanager.sh"}, refused: `"1;" in it needs a shell`,
		},
		"a chain of programs":    {args: of{"sh", "-c", "true && kubernetes-jobmanager.sh"}, refused: `"&&" in it needs a shell`},
		"a quote without an end": {args: of{"bash", "-c", "kubernetes-taskmanager.sh 'a"}, refused: "Unterminated single-quoted"},
		"no command":             {refused: "the local target runs only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			container := corev1.Container{Name: flinkconf.MainContainer, Command: c.command, Args: c.args}
			got, err := parseLaunch(container, map[string]string{"CPU": "2.0"})
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestVariablesArePutInAsKubernetesDoes(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"A": "1"}
	for text, want := range map[string]string{
		"$(A)/$(B)": "1/$(B)", "$$(A)": "$(A)", "$A ${A}": "$A ${A}", "": "", "$$": "$", "$(A": "$(A",
	} {
		require.Equal(t, want, expand(text, vars), text)
	}
}
