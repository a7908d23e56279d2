// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tool is a command that an assistant can run.
type tool struct {
	name, text string
	words      []string // of the command
	params     []param
	writes     bool
	verdict    bool // its exit code is part of the answer
}

// param is something that a tool is told.
type param struct {
	name, text string
	needed     bool
	number     bool
	file       bool // the command is given a file with the text
	flag       bool // --NAME VALUE, else an argument
}

// job is what most tools are about.
func job(more ...param) []param {
	return append([]param{
		{name: "job", text: "name of the Flink job", needed: true},
		{name: "team", text: "team that runs it, when several have a job of the name", flag: true},
	}, more...)
}

// tools are all of them.
func tools() []tool {
	team := param{name: "team", text: "the jobs of this team only", flag: true}
	return []tool{
		{name: "job_list", words: []string{"job", "list"}, params: []param{team},
			text: "List the Flink jobs: state, health, parallelism, last checkpoint, restarts, release, price per hour."},
		{name: "job_status", words: []string{"job", "status"}, params: job(),
			text: "Show a Flink job: state, health, what it waits for, last checkpoint, pods and nodes."},
		{name: "job_diagnose", words: []string{"job", "diagnose"}, verdict: true,
			params: []param{{name: "job", text: "name of the Flink job; all jobs without it"}, team},
			text: "Say what is wrong with a Flink job: verdict, findings by weight with evidence, cause and the command to " +
				"run, " +
				"what could not be assessed, and a timeline."},
		{name: "job_states", words: []string{"job", "state", "list"}, params: job(),
			text: "List the checkpoints and savepoints of a Flink job: which are complete, their age, size and format."},
		{name: "job_history", words: []string{"job", "history"}, params: job(),
			text: "List the specs that a Flink job had, with who changed it, when, and from which state it started."},
		{name: "job_events", words: []string{"job", "events"}, params: job(),
			text: "Show what Kubernetes and the operator said about a Flink job."},
		{name: "job_logs", words: []string{"job", "logs"}, params: job(
			param{name: "tail", text: "last lines of each pod", number: true, needed: true, flag: true},
			param{name: "role", text: "jobmanager or taskmanager", flag: true},
			param{name: "from", text: "pods, cloudwatch or s3", flag: true},
		), text: "Show the last lines of the logs of a Flink job's pods."},
		{name: "job_validate", words: []string{"job", "validate"}, verdict: true,
			params: []param{{name: "manifest", text: "the YAML of a FlinkDeployment or FlinkSessionJob", needed: true,
				file: true}},
			text: "Check a job file: what the operator and Flink would refuse or ignore, with the line and the mend."},
		{name: "preview", words: []string{"preview", "--offline"},
			text: "Show the resources of the stack as its settings describe them, with their price and findings. Nothing is " +
				"contacted."},
		{name: "stack_status", words: []string{"status"}, text: "Show the resources of the stack and the health of its cluster."},

		{name: "job_savepoint", writes: true, words: []string{"job", "savepoint"}, params: job(),
			text: "Take a savepoint of a Flink job while it runs on."},
		{name: "job_suspend", writes: true, words: []string{"job", "suspend"}, params: job(),
			text: "Stop a Flink job and keep its state."},
		{name: "job_resume", writes: true, words: []string{"job", "resume"}, params: job(),
			text: "Let a suspended Flink job go on from its state."},
		{name: "job_restart", writes: true, words: []string{"job", "restart"}, params: job(),
			text: "Stop a Flink job and start it from its state."},
		{name: "job_rescale", writes: true, words: []string{"job", "rescale"},
			params: job(param{name: "parallelism", text: "task slots that it uses", number: true, needed: true, flag: true}),
			text:   "Run a Flink job with another parallelism, from its state."},
	}
}

// schema is the JSON Schema of what the tool is told.
func (t tool) schema() map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, p := range t.params {
		kind := map[string]any{"type": "string", "description": p.text}
		if p.number {
			kind = map[string]any{"type": "integer", "description": p.text, "minimum": 1}
		}
		properties[p.name] = kind
		if p.needed {
			required = append(required, p.name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// command is the command line for what the tool was told. A value cannot become a flag. done removes its files.
func (t tool) command(arguments []byte) (args []string, done func(), err error) {
	done = func() {}
	told := map[string]any{}
	if len(arguments) > 0 {
		d := json.NewDecoder(bytes.NewReader(arguments))
		d.UseNumber()
		if err := d.Decode(&told); err != nil {
			return nil, done, fmt.Errorf("read the arguments of %s: %w", t.name, err)
		}
	}
	args = append(slices.Clone(t.words), "--output=json")
	var names []string
	for _, p := range t.params {
		value, given := told[p.name]
		delete(told, p.name)
		if !given || value == nil || value == "" {
			if p.needed {
				return nil, done, fmt.Errorf("%s needs %s: %s", t.name, p.name, p.text)
			}
			continue
		}
		if _, is := value.(json.Number); is != p.number {
			return nil, done, fmt.Errorf("%s: %s is %v, which is of another type than its schema says", t.name, p.name, value)
		}
		word := fmt.Sprint(value)
		switch {
		case p.file:
			if word, done, err = fileWith(word); err != nil {
				return nil, done, err
			}
			names = append(names, word)
		case p.flag:
			args = append(args, "--"+p.name+"="+word)
		default:
			names = append(names, word)
		}
	}
	if len(told) > 0 {
		return nil, done, fmt.Errorf("%s does not take %s", t.name, strings.Join(slices.Sorted(maps.Keys(told)), ", "))
	}
	if len(names) > 0 {
		args = append(append(args, "--"), names...)
	}
	return args, done, nil
}

// fileWith writes a text into a file, which done removes.
func fileWith(text string) (path string, done func(), err error) {
	dir, err := os.MkdirTemp("", "emrflink-mcp-")
	if err != nil {
		return "", func() {}, err
	}
	path = filepath.Join(dir, "job.yaml")
	return path, func() { _ = os.RemoveAll(dir) }, os.WriteFile(path, []byte(text), 0o600)
}
