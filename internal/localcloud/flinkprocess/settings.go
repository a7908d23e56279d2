// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// settings are the configuration of a Flink process.
type settings struct {
	values map[string]string
	said   []string // what was changed that the user may wonder about
}

// The files of Flink's configuration; the first one that is there counts.
const (
	legacyFile = "flink-conf.yaml"
	configFile = "config.yaml"
	log4jFile  = "log4j-console.properties"
)

// artifactsDir is the folder into which a JobManager fetches a jar of S3.
const artifactsDir = "user.artifacts.base-dir"

// log4jDefault is for pods that bring none: the console of an image, and the file that Flink's web UI shows.
//
//go:embed log4j-console.properties
var log4jDefault []byte

// configure writes the configuration folder: all files of the pod's, Flink's settings with what this machine needs.
func (b *box) configure(o Options) (settings, error) {
	conf := b.in(confFolder)
	if err := copyFiles(b.in(flinkFolder, "conf"), conf); err != nil {
		return settings{}, fmt.Errorf("copy the configuration of the pod: %w", err)
	}
	if _, err := os.Stat(filepath.Join(conf, log4jFile)); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(filepath.Join(conf, log4jFile), log4jDefault, 0o600); err != nil {
			return settings{}, err
		}
	}
	values, err := readSettings(conf)
	if err != nil {
		return settings{}, err
	}
	if values[artifactsDir] == "" {
		values[artifactsDir] = "/opt/flink/artifacts" // Flink's default, which would be a folder of this machine
	}
	s := settings{values: values}
	at := b.paths()
	for key, v := range values {
		if !isForOthers(key) {
			values[key] = b.localPath(at, key, v)
		}
		if strings.Contains(v, prestoScheme) && s.said == nil {
			s.said = append(s.said,
				"paths of "+prestoScheme+" are read as "+hadoopScheme+": the plugin of Presto is not installed")
		}
	}
	b.bind(values)
	if values[startTimeout] == "" {
		values[startTimeout] = slowStart
	}
	if o.S3Endpoint != "" {
		useS3(values, o.S3Endpoint, o.Region)
	}
	return s, writeSettings(conf, values)
}

func copyFiles(from, to string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		body, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), body, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// isForOthers says whether a setting is for pods that the JobManager makes: its paths are those of their containers.
func isForOthers(key string) bool {
	return strings.HasPrefix(key, "containerized.") ||
		strings.HasPrefix(key, "kubernetes.") && !strings.HasPrefix(key, "kubernetes.pod-template-file")
}

// localPath is a setting with the paths of this machine. A folder that the container would make on its own file system is in the
// pod's folder.
func (b *box) localPath(at paths, key, v string) string {
	text := at.text(v)
	if text == v && strings.HasPrefix(v, "/") && (strings.HasSuffix(key, "dir") || strings.HasSuffix(key, "dirs")) {
		return at.path(v)
	}
	return text
}

// A machine that starts several processes at once is slower than the 10 seconds that Flink gives its RPC system.
const (
	startTimeout = "pekko.startup-timeout"
	slowStart    = "2 min"
)

// bind has Flink listen on the pod's own address only. By default it listens on all addresses, and whoever reaches its REST port
// can run programs.
func (b *box) bind(values map[string]string) {
	if b.launch.role == taskManager {
		values["taskmanager.bind-host"], values["taskmanager.host"] = b.ip(), b.ip()
		return
	}
	values["jobmanager.bind-host"], values["rest.bind-address"], values["rest.address"] = b.ip(), b.ip(), b.ip()
}

// containerCredentials is the provider of Amazon's SDK in the plugin that reads the variables of environment.go.
const containerCredentials = "com.amazonaws.auth.EC2ContainerCredentialsProviderWrapper"

// useS3 leads Flink's file system for S3 to the account. The plugin reads each setting under several names, of which any may win.
func useS3(values map[string]string, endpoint, region string) {
	own := map[string]string{
		"endpoint": endpoint, "path.style.access": "true", "aws.credentials.provider": containerCredentials,
		"endpoint.region": region,
	}
	for key := range values {
		for _, prefix := range []string{"s3.", "s3a.", "fs.s3a."} {
			if name, ok := strings.CutPrefix(key, prefix); ok && own[strings.ReplaceAll(name, "-", ".")] != "" {
				delete(values, key)
			}
		}
	}
	for name, v := range own {
		if v != "" {
			values["fs.s3a."+name] = v
		}
	}
}

// readSettings reads the file that Flink would read.
func readSettings(conf string) (map[string]string, error) {
	raw, err := os.ReadFile(filepath.Join(conf, legacyFile))
	if err == nil {
		return parseLegacy(string(raw)), nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = os.ReadFile(filepath.Join(conf, configFile))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the pod mounts neither %s nor %s at /opt/flink/conf", legacyFile, configFile)
	}
	if err != nil {
		return nil, err
	}
	var tree yaml.Node
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		return nil, fmt.Errorf("read %s: %w", configFile, err)
	}
	values := map[string]string{}
	for _, document := range tree.Content {
		if err := flatten(values, "", document); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// parseLegacy reads lines of KEY: VALUE as Flink does: no YAML, and what follows a # is a comment.
func parseLegacy(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if key, v, ok := strings.Cut(line, ": "); ok {
			values[strings.TrimSpace(key)] = strings.TrimSpace(v)
		}
	}
	return values
}

// flatten writes nested keys with dots, and values as they stand there: the types of YAML are not those of Flink. Lists are
// written as Flink's text form of them has it.
func flatten(values map[string]string, key string, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if key != "" {
				name = key + "." + name
			}
			if err := flatten(values, name, n.Content[i+1]); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		var items []string
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return fmt.Errorf("setting %s of %s is a list of more than values, which the local target cannot write",
					key, configFile)
			}
			items = append(items, item.Value)
		}
		values[key] = strings.Join(items, ";")
	case yaml.ScalarNode:
		if n.Tag != "!!null" {
			values[key] = n.Value
		}
	case yaml.AliasNode:
		return flatten(values, key, n.Alias)
	}
	return nil
}

// writeSettings writes them as the only file of settings.
func writeSettings(conf string, values map[string]string) error {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&out, "%s: %s\n", key, values[key])
	}
	if err := os.Remove(filepath.Join(conf, configFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(filepath.Join(conf, legacyFile), []byte(out.String()), 0o600)
}
