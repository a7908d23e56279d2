// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"emrflink/internal/kube"
	"emrflink/internal/localcloud/flinkoperator/scenario"
)

// keystorePassword protects a key that lives as long as a comparison.
const keystorePassword = "comparison"

// compareFiles asks the API server about each object of the files, alone and with the real operator's webhook behind it.
func (t *tool) compareFiles(ctx context.Context) (err error) {
	if err := t.deploy(ctx); err != nil {
		return err
	}
	objects, err := objectsIn(t.files)
	if err != nil {
		return err
	}
	for i := range objects {
		if objects[i].APIServer, err = t.submit(ctx, objects[i], "strict"); err != nil {
			return err
		}
	}
	w, err := t.startWebhook(ctx)
	if w != nil {
		defer func() { err = errors.Join(err, t.configureWebhook(context.WithoutCancel(ctx), 0, nil), w.stop()) }()
	}
	if err != nil {
		return err
	}
	for i := range objects {
		// Without the fields that the API server does not know, it lets the webhook see the rest.
		refused, err := t.submit(ctx, objects[i], "ignore")
		if err != nil {
			return err
		}
		said, is := strings.CutPrefix(refused, denial)
		if is || refused == "" {
			objects[i].Webhook = said
		} else {
			objects[i].NotReached = refused
		}
	}
	return t.saveComparison(Comparison{Operator: version, Objects: objects})
}

// webhookName is that of both webhooks here, and denial the words in which the API server gives their refusals.
const webhookName = "referee.flink.apache.org"

var denial = fmt.Sprintf("admission webhook %q denied the request: ", webhookName)

// submit sends an object as `kubectl apply --dry-run=server` does; the answer is the refusal, "" for none.
func (t *tool) submit(ctx context.Context, o Said, validate string) (refusal string, err error) {
	raw, err := json.Marshal(forOpenSource(o.values))
	if err != nil {
		return "", err
	}
	// #nosec G204 -- the kubeconfig is our own
	cmd := exec.CommandContext(ctx, "kubectl", "--kubeconfig", t.kubeconfig, "--namespace", scenario.Namespace, "apply",
		"--dry-run=server", "--validate="+validate, "--filename", "-")
	cmd.Dir, cmd.Stdin, cmd.Env = t.home, bytes.NewReader(raw), append(os.Environ(), "HOME="+t.home)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		return "", err
	}
	said := strings.Join(strings.Fields(string(out)), " ")
	for _, before := range []string{`error when creating "STDIN": `, " is invalid: ", "error: resource mapping not found for ",
		"error: error when retrieving current configuration of: ", "Error from server: "} {
		if _, refusal, found := strings.Cut(said, before); found {
			return refusal, nil
		}
	}
	return "", fmt.Errorf("kubectl apply of %s %s: %s", o.File, o.Object, said)
}

// startWebhook runs the operator's admission controller, and lets the API server ask it.
func (t *tool) startWebhook(ctx context.Context) (*javaProgram, error) {
	dir := filepath.Join(t.home, "webhook")
	if err := errors.Join(os.RemoveAll(dir), makeConf(dir)); err != nil {
		return nil, err
	}
	store := filepath.Join(dir, "keystore.p12")
	certificate, err := t.makeKeystore(ctx, store)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	w, err := t.startJava(dir, t.webhook, "org.apache.flink.kubernetes.operator.admission.FlinkOperatorWebhook", nil,
		"WEBHOOK_KEYSTORE_FILE="+store, "WEBHOOK_KEYSTORE_PASSWORD="+keystorePassword, "WEBHOOK_KEYSTORE_TYPE=pkcs12",
		"WEBHOOK_SERVER_PORT="+strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	if err := w.ready(ctx, "Webhook listening at"); err != nil {
		return w, err
	}
	return w, t.configureWebhook(ctx, port, certificate)
}

// makeKeystore makes a key for this machine, and returns its certificate.
func (t *tool) makeKeystore(ctx context.Context, file string) ([]byte, error) {
	keytool := filepath.Join(filepath.Dir(t.flink.Java.Path), "keytool")
	common := []string{"-keystore", file, "-storetype", "PKCS12", "-storepass", keystorePassword, "-alias", "webhook"}
	for _, words := range [][]string{
		{"-genkeypair", "-keyalg", "EC", "-dname", "CN=webhook", "-ext", "SAN=IP:127.0.0.1", "-validity", "2"},
		{"-exportcert", "-rfc"},
	} {
		out, err := exec.CommandContext(ctx, keytool, append(words, common...)...).Output() // #nosec G204 -- of the same Java
		if err != nil {
			return nil, fmt.Errorf("keytool %s: %w", words[0], err)
		}
		if words[0] == "-exportcert" {
			return out, nil
		}
	}
	return nil, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	at, _ := l.Addr().(*net.TCPAddr)
	return at.Port, l.Close()
}

// configureWebhook tells the API server of the webhooks that the operator's chart brings; port 0 takes them away.
func (t *tool) configureWebhook(ctx context.Context, port int, certificate []byte) error {
	for path, kind := range map[string]kube.Kind{"validate": kube.KindValidatingWebhook, "mutate": kube.KindMutatingWebhook} {
		if port == 0 {
			if err := t.cluster.Delete(ctx, kind.Ref("", webhookName), kube.Background); err != nil && !kube.IsNotFound(err) {
				return err
			}
			continue
		}
		resources := []any{"flinksessionjobs"}
		if path == "validate" {
			resources = append(resources, "flinkdeployments", "flinkstatesnapshots")
		}
		_, err := t.cluster.Apply(ctx, kube.NewObject(kind, "", webhookName, map[string]any{"webhooks": []any{map[string]any{
			"name": webhookName, "admissionReviewVersions": []any{"v1"}, "sideEffects": "None", "failurePolicy": "Fail",
			"clientConfig": map[string]any{
				"url": fmt.Sprintf("https://127.0.0.1:%d/%s", port, path), "caBundle": certificate,
			},
			"rules": []any{map[string]any{
				"apiGroups": []any{"flink.apache.org"}, "apiVersions": []any{"*"}, "operations": []any{"CREATE", "UPDATE"},
				"scope": "Namespaced", "resources": resources,
			}},
		}}}))
		if err != nil {
			return err
		}
	}
	if port != 0 {
		time.Sleep(2 * time.Second) // the API server reads its webhooks when it sees the change
	}
	return nil
}

// saveComparison prints where our port of the validator says something else, and writes the record and the page when the files
// are those of the page.
func (t *tool) saveComparison(c Comparison) error {
	differ := c.Differences()
	for _, d := range differ {
		fmt.Println(d)
	}
	fmt.Printf("%d objects, %d differences between the webhook and our port of its validator\n", len(c.Objects), len(differ))
	if filepath.Clean(t.files) != filepath.Clean(casesFolder) {
		return nil
	}
	raw, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return err
	}
	page, err := os.ReadFile(comparisonPage)
	if err != nil {
		return err
	}
	written, err := c.on(string(page), casesFolder)
	return errors.Join(err, os.WriteFile(filepath.Join(casesFolder, recordFile), append(raw, '\n'), 0o600),
		os.WriteFile(comparisonPage, []byte(written), 0o600))
}
