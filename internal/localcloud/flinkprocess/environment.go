// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"

	"emrflink/internal/localcloud/flinkconf"
)

// environment is that of a container as its pod has it, with paths of the container.
func (r *Runtime) environment(ctx context.Context, b *box, c corev1.Container) (map[string]string, error) {
	vars := map[string]string{}
	for _, from := range c.EnvFrom {
		data, err := r.envFrom(ctx, b.Pod.Namespace, from)
		if err != nil {
			return nil, fmt.Errorf("envFrom of container %q: %w", c.Name, err)
		}
		for key, v := range data {
			vars[from.Prefix+key] = string(v)
		}
	}
	for _, e := range c.Env {
		v, err := r.envValue(ctx, b.Pod, e, vars)
		if err != nil {
			return nil, fmt.Errorf("variable %q of container %q: %w", e.Name, c.Name, err)
		}
		vars[e.Name] = v
	}
	return vars, nil
}

func (r *Runtime) envFrom(ctx context.Context, namespace string, from corev1.EnvFromSource) (map[string][]byte, error) {
	if m := from.ConfigMapRef; m != nil {
		return r.configMapData(ctx, namespace, m.Name, m.Optional)
	}
	if s := from.SecretRef; s != nil {
		return r.secretData(ctx, namespace, s.Name, s.Optional)
	}
	return nil, fmt.Errorf("a %s is not one of the sources that the local target has", fieldOf(from))
}

func (r *Runtime) envValue(ctx context.Context, p *corev1.Pod, e corev1.EnvVar, vars map[string]string) (string, error) {
	from := e.ValueFrom
	if from == nil {
		return expand(e.Value, vars), nil
	}
	var (
		data     map[string][]byte
		err      error
		key      string
		optional *bool
	)
	switch {
	case from.FieldRef != nil:
		return fieldValue(p, from.FieldRef.FieldPath)
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		key, optional = ref.Key, ref.Optional
		data, err = r.configMapData(ctx, p.Namespace, ref.Name, optional)
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		key, optional = ref.Key, ref.Optional
		data, err = r.secretData(ctx, p.Namespace, ref.Name, optional)
	default:
		return "", fmt.Errorf("a %s is not one of the sources that the local target has", fieldOf(*from))
	}
	if err != nil {
		return "", err
	}
	v, ok := data[key]
	if !ok && (optional == nil || !*optional) {
		return "", fmt.Errorf("there is no key %q", key)
	}
	return string(v), nil
}

// The files of a pod's service account, where the API server has them mounted.
const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

// pythonDriver is the main class of a job in Python.
const pythonDriver = "org.apache.flink.client.python.PythonDriver"

// machineVars is the environment of the process: the pod's with the paths of this machine, and what tells Flink, its Kubernetes
// client and Amazon's SDK where they are. Nothing of our own environment gets through.
func (r *Runtime) machineVars(b *box, pod map[string]string) (map[string]string, error) {
	at := b.paths()
	vars := map[string]string{}
	for name, v := range pod {
		vars[name] = at.text(v)
	}
	server, err := url.Parse(r.o.APIServer)
	if err != nil {
		return nil, fmt.Errorf("read the address of the API server: %w", err)
	}
	host, port, err := net.SplitHostPort(server.Host)
	if err != nil {
		return nil, fmt.Errorf("read the address of the API server: %w", err)
	}
	tokenFile, err := r.roles.admit(b)
	if err != nil {
		return nil, err
	}
	for name, v := range map[string]string{
		"FLINK_HOME": b.in(flinkFolder), "FLINK_CONF_DIR": b.in(confFolder), "FLINK_LIB_DIR": b.in(flinkFolder, "lib"),
		"FLINK_PLUGINS_DIR": b.in(flinkFolder, "plugins"), "FLINK_LOG_DIR": b.in(logFolder),
		"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": b.in(rootFS), "HOSTNAME": b.Pod.Name, "LANG": "C.UTF-8",
		"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port,
		// Fabric8's client reads the two files of a service account from here instead of from accountFolder.
		"KUBERNETES_AUTH_SERVICEACCOUNT_TOKEN": at.path(filepath.Join(accountFolder, "token")),
		"KUBERNETES_CERTS_CA_FILE":             at.path(filepath.Join(accountFolder, "ca.crt")),
		"KUBERNETES_AUTH_TRYKUBECONFIG":        "false",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI":   r.roles.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": tokenFile,
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		vars[name] = v
	}
	if r.o.Region != "" {
		vars["AWS_REGION"], vars["AWS_DEFAULT_REGION"] = r.o.Region, r.o.Region
	}
	if r.o.S3Endpoint != "" {
		vars["AWS_ENDPOINT_URL"] = r.o.S3Endpoint
	}
	if b.home.Python != "" {
		opt, err := b.home.PythonJars()
		if err != nil {
			return nil, err
		}
		vars["FLINK_OPT_DIR"], vars["PATH"] = opt, filepath.Join(b.home.Python, "bin")+":"+vars["PATH"]
	} else if b.settings.values[flinkconf.MainClass] == pythonDriver {
		_, err := b.home.PythonJars()
		return nil, err
	}
	// The SDK would take the role of the pod's web identity from an STS that it cannot be told the address of.
	delete(vars, "AWS_ROLE_ARN")
	delete(vars, "AWS_WEB_IDENTITY_TOKEN_FILE")
	return vars, nil
}
