// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kballard/go-shellquote"
	corev1 "k8s.io/api/core/v1"
)

// role is what a pod is in its Flink cluster: the value of its label.
type role string

const (
	jobManager  role = "jobmanager"
	taskManager role = "taskmanager"
)

// launch is what the command of a container asks for.
type launch struct {
	role  role
	class string   // main class
	args  []string // after its --configDir
}

// The scripts of Flink's images that a pod of the native mode runs, with the classes that those start.
const (
	jobManagerScript  = "kubernetes-jobmanager.sh"
	taskManagerScript = "kubernetes-taskmanager.sh"
	taskManagerClass  = "org.apache.flink.kubernetes.taskmanager.KubernetesTaskExecutorRunner"
)

var jobManagerClasses = map[string]string{
	"kubernetes-application": "org.apache.flink.kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint",
	"kubernetes-session":     "org.apache.flink.kubernetes.entrypoint.KubernetesSessionClusterEntrypoint",
}

// parseLaunch reads the command and the arguments of a container, such as
//
//	/docker-entrypoint.sh bash -c "kubernetes-jobmanager.sh kubernetes-application "
func parseLaunch(c corev1.Container, vars map[string]string) (launch, error) {
	words := commandWords(c, vars)
	if len(words) > 0 && path.Base(words[0]) == "docker-entrypoint.sh" {
		words = words[1:]
	}
	words, err := unshell(words)
	if err != nil {
		return launch{}, fmt.Errorf("read the command of container %q: %w", c.Name, err)
	}
	if len(words) > 0 {
		switch words[0] = path.Base(words[0]); {
		case words[0] == taskManagerScript:
			return launch{role: taskManager, class: taskManagerClass, args: words[1:]}, nil
		case words[0] == jobManagerScript && len(words) > 1 && jobManagerClasses[words[1]] != "":
			return launch{role: jobManager, class: jobManagerClasses[words[1]], args: words[2:]}, nil
		}
	}
	return launch{}, fmt.Errorf("container %q runs %q: the local target runs only %s and %s, as Flink's native mode writes them",
		c.Name, strings.Join(words, " "), jobManagerScript, taskManagerScript)
}

// unshell splits the text of `bash -c TEXT` into words.
func unshell(words []string) ([]string, error) {
	if len(words) != 3 || words[1] != "-c" || !slices.Contains([]string{"bash", "sh"}, path.Base(words[0])) {
		return words, nil
	}
	split, err := shellquote.Split(words[2])
	if err != nil {
		return nil, err
	}
	for _, w := range split {
		if slices.Contains([]string{"&&", "||", "|", "&", ";", ">", "<"}, w) || strings.HasSuffix(w, ";") {
			return nil, fmt.Errorf("%q in it needs a shell, which is not run", w)
		}
	}
	if len(split) > 0 && split[0] == "exec" {
		split = split[1:]
	}
	return split, nil
}

// commandWords are the words that a container's process gets, with its variables put in.
func commandWords(c corev1.Container, vars map[string]string) []string {
	var words []string
	for _, w := range slices.Concat(c.Command, c.Args) {
		words = append(words, expand(w, vars))
	}
	return words
}

// reference is $(NAME), or $$ for a $ that starts none.
var reference = regexp.MustCompile(`\$\$|\$\([^()]+\)`)

// expand puts variables into a text as Kubernetes does: a name that is not known stays as it is.
func expand(text string, vars map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(m string) string {
		if m == "$$" {
			return "$"
		}
		if v, ok := vars[m[2:len(m)-1]]; ok {
			return v
		}
		return m
	})
}
