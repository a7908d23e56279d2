// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
	api "k8s.io/client-go/tools/clientcmd/api"

	"emrflink/internal/disk"
	"emrflink/internal/exitcode"
)

// execAPIVersion is the exec credential protocol of the kubeconfigs that we write.
const execAPIVersion = "client.authentication.k8s.io/v1"

// tokenCommand is the command of ours that kubectl runs for a token.
const tokenCommand = "eks-token"

// Access is what a kubeconfig entry says. The token never appears in it: kubectl
// runs Command whenever it needs one.
type Access struct {
	ClusterName string // the entry is named after ARN, or after this when ARN is empty
	ClusterARN  string
	Region      string
	Endpoint    string
	CABase64    string
	Command     string            // path of this program
	Args        []string          // extra arguments in front of --cluster, e.g. {"--home", "/x"}
	Env         map[string]string // environment of the command, e.g. AWS_PROFILE
}

// Name is the name of the cluster, user and context entries.
func (a Access) Name() string {
	if a.ClusterARN != "" {
		return a.ClusterARN
	}
	return a.ClusterName
}

// Render returns a file with this one entry, as YAML. The context has the entry's name, or the alias.
func (a Access) Render(alias string) ([]byte, error) {
	cfg := api.NewConfig()
	if err := a.into(cfg, cmp.Or(alias, a.Name())); err != nil {
		return nil, err
	}
	return clientcmd.Write(*cfg)
}

// Merged is what became of an entry in a file: the name of its context, and whether that is the current one.
type Merged struct {
	Context string
	Current bool
}

// Merge adds or replaces the entry in the kubeconfig file at path and keeps all other entries. Its context becomes the
// current one if use says so, or if the file has none. The file is replaced in one step and has mode 0600. A file that
// cannot be parsed is left as it is, and so is one in which the alias is a context of another cluster.
func (a Access) Merge(path, alias string, use bool) (Merged, error) {
	cfg, err := loadKubeconfig(path)
	if err != nil {
		return Merged{}, err
	}
	context, current := cmp.Or(alias, a.Name()), cfg.CurrentContext
	if c := cfg.Contexts[context]; c != nil && c.Cluster != a.Name() {
		return Merged{}, &TakenError{Context: context, Cluster: c.Cluster, Path: path}
	}
	if err := a.into(cfg, context); err != nil {
		return Merged{}, err
	}
	if current != "" && !use {
		cfg.CurrentContext = current
	}
	return Merged{Context: context, Current: cfg.CurrentContext == context}, writeKubeconfig(path, cfg)
}

// TakenError is a context that a file has already, for another cluster.
type TakenError struct{ Context, Cluster, Path string }

// Error names the context, its cluster and the file.
func (e *TakenError) Error() string {
	return fmt.Sprintf("the context %q in %s is of cluster %q", e.Context, e.Path, e.Cluster)
}

// ExitCode is 2: nothing was changed.
func (e *TakenError) ExitCode() int { return exitcode.Usage }

// Hint is what to do next.
func (e *TakenError) Hint() string { return "choose another --alias" }

// Forget takes an entry of ours with all its contexts out of the kubeconfig file at path, and says whether there was one. An
// entry of the same name that another tool wrote stays.
func Forget(path, name string) (bool, error) {
	cfg, err := loadKubeconfig(path)
	if err != nil {
		return false, err
	}
	if user := cfg.AuthInfos[name]; user == nil || user.Exec == nil || !slices.Contains(user.Exec.Args, tokenCommand) {
		return false, nil
	}
	delete(cfg.Clusters, name)
	delete(cfg.AuthInfos, name)
	maps.DeleteFunc(cfg.Contexts, func(_ string, c *api.Context) bool { return c.Cluster == name })
	if cfg.Contexts[cfg.CurrentContext] == nil {
		cfg.CurrentContext = ""
	}
	return true, writeKubeconfig(path, cfg)
}

func (a Access) into(cfg *api.Config, context string) error {
	ca, err := base64.StdEncoding.DecodeString(a.CABase64)
	if err != nil {
		return fmt.Errorf("decode certificate authority of cluster %q: %w", a.ClusterName, err)
	}
	if a.ClusterName == "" || a.Endpoint == "" || a.Command == "" {
		return errors.New("render kubeconfig: cluster name, endpoint and command are required")
	}
	name := a.Name()
	cfg.Clusters[name] = &api.Cluster{Server: a.Endpoint, CertificateAuthorityData: ca}
	exec := &api.ExecConfig{
		APIVersion:      execAPIVersion,
		Command:         a.Command,
		Args:            append(append([]string{tokenCommand}, a.Args...), "--cluster", a.ClusterName, "--region", a.Region),
		InteractiveMode: api.NeverExecInteractiveMode,
	}
	for _, k := range slices.Sorted(maps.Keys(a.Env)) {
		exec.Env = append(exec.Env, api.ExecEnvVar{Name: k, Value: a.Env[k]})
	}
	cfg.AuthInfos[name] = &api.AuthInfo{Exec: exec}
	namespace := ""
	if old := cfg.Contexts[context]; old != nil {
		namespace = old.Namespace // which the user chose
	}
	cfg.Contexts[context] = &api.Context{Cluster: name, AuthInfo: name, Namespace: namespace}
	cfg.CurrentContext = context
	return nil
}

func loadKubeconfig(path string) (*api.Config, error) {
	cfg, err := clientcmd.LoadFromFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return api.NewConfig(), nil
	case err != nil:
		return nil, fmt.Errorf("read kubeconfig %q: %w", path, err)
	}
	for _, c := range cfg.Clusters { // relative paths in the file stay relative
		c.LocationOfOrigin = ""
	}
	for _, u := range cfg.AuthInfos {
		u.LocationOfOrigin = ""
	}
	for _, c := range cfg.Contexts {
		c.LocationOfOrigin = ""
	}
	return cfg, nil
}

func writeKubeconfig(path string, cfg *api.Config) error {
	body, err := clientcmd.Write(*cfg)
	if err != nil {
		return fmt.Errorf("encode kubeconfig %q: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder of kubeconfig: %w", err)
	}
	return disk.To(path)(body, 0o600)
}
