// SPDX-License-Identifier: Apache-2.0

package kube

import (
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
)

// execAPIVersion is the exec credential protocol of the kubeconfigs that we write.
const execAPIVersion = "client.authentication.k8s.io/v1"

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

// Render returns a file with this one entry, as YAML.
func (a Access) Render() ([]byte, error) {
	cfg := api.NewConfig()
	if err := a.into(cfg); err != nil {
		return nil, err
	}
	return clientcmd.Write(*cfg)
}

// Merge adds or replaces the entry in the kubeconfig file at path, makes its
// context the current one and keeps all other entries. The file is replaced in
// one step and has mode 0600. A file that cannot be parsed is left as it is.
func (a Access) Merge(path string) error {
	cfg, err := loadKubeconfig(path)
	if err != nil {
		return err
	}
	if err := a.into(cfg); err != nil {
		return err
	}
	return writeKubeconfig(path, cfg)
}

// Forget takes the entry out of the kubeconfig file at path again; entries that
// are not there, or no file, are no error.
func (a Access) Forget(path string) error {
	cfg, err := loadKubeconfig(path)
	if err != nil {
		return err
	}
	name := a.Name()
	if _, ok := cfg.Clusters[name]; !ok {
		return nil
	}
	delete(cfg.Clusters, name)
	delete(cfg.AuthInfos, name)
	delete(cfg.Contexts, name)
	if cfg.CurrentContext == name {
		cfg.CurrentContext = ""
	}
	return writeKubeconfig(path, cfg)
}

func (a Access) into(cfg *api.Config) error {
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
		Args:            append(append([]string{"eks-token"}, a.Args...), "--cluster", a.ClusterName, "--region", a.Region),
		InteractiveMode: api.NeverExecInteractiveMode,
	}
	for _, k := range slices.Sorted(maps.Keys(a.Env)) {
		exec.Env = append(exec.Env, api.ExecEnvVar{Name: k, Value: a.Env[k]})
	}
	cfg.AuthInfos[name] = &api.AuthInfo{Exec: exec}
	cfg.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	cfg.CurrentContext = name
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
