// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto/rand"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// identity is a user of the static token file.
type identity struct {
	user, group, kubeconfig string
}

// identities are the three static users. The administrator is in system:masters, the group that the API server
// lets pass before it asks RBAC; everyone else (tokens of the webhook, service accounts) is subject to RBAC. The
// controller manager is in it too: it runs without per-controller service accounts, to save their start-up.
// The scheduler has its bootstrap role and no more.
func identities() []identity {
	return []identity{
		{user: "emrflink:local-admin", group: "system:masters", kubeconfig: adminConfig},
		{user: "system:kube-controller-manager", group: "system:masters", kubeconfig: managerConfig},
		{user: "system:kube-scheduler", kubeconfig: schedulerConf},
	}
}

// writeCredentials writes the token file and a kubeconfig per identity. Tokens are kept between starts, so that
// a client survives a restart; the endpoint in the kubeconfigs follows the listener.
func (d dir) writeCredentials(endpoint string) (adminToken string, err error) {
	tokens, err := d.tokens()
	if err != nil {
		return "", err
	}
	ca, err := d.read(caCertFile)
	if err != nil {
		return "", err
	}
	var table strings.Builder
	w := csv.NewWriter(&table)
	for _, id := range identities() {
		token := tokens[id.user]
		row := []string{token, id.user, id.user}
		if id.group != "" {
			row = append(row, id.group)
		}
		if err := w.Write(row); err != nil {
			return "", fmt.Errorf("encode tokens: %w", err)
		}
		if err := d.writeKubeconfig(id.kubeconfig, endpoint, ca, &clientcmdapi.AuthInfo{Token: token}); err != nil {
			return "", err
		}
	}
	w.Flush()
	if err := d.write(tokenFile, []byte(table.String())); err != nil {
		return "", err
	}
	return tokens[identities()[0].user], nil
}

// tokens reads the tokens of an earlier start and makes those that are missing.
func (d dir) tokens() (map[string]string, error) {
	out := map[string]string{}
	if d.exists(tokenFile) {
		body, err := d.read(tokenFile)
		if err != nil {
			return nil, err
		}
		r := csv.NewReader(strings.NewReader(string(body)))
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", d.path(tokenFile), err)
		}
		for _, row := range rows {
			if len(row) > 1 {
				out[row[1]] = row[0]
			}
		}
	}
	for _, id := range identities() {
		if out[id.user] != "" {
			continue
		}
		var raw [24]byte
		if _, err := rand.Read(raw[:]); err != nil {
			return nil, fmt.Errorf("make a token: %w", err)
		}
		out[id.user] = hex.EncodeToString(raw[:])
	}
	return out, nil
}

func (d dir) writeKubeconfig(name, endpoint string, ca []byte, user *clientcmdapi.AuthInfo) error {
	c := clientcmdapi.NewConfig()
	c.Clusters["local"] = &clientcmdapi.Cluster{Server: endpoint, CertificateAuthorityData: ca}
	c.AuthInfos["local"] = user
	c.Contexts["local"] = &clientcmdapi.Context{Cluster: "local", AuthInfo: "local"}
	c.CurrentContext = "local"
	body, err := clientcmd.Write(*c)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return d.write(name, body)
}

// writeWebhook writes the kubeconfig with which the API server asks about tokens that it does not know.
func (d dir) writeWebhook(url string) error {
	return d.writeKubeconfig(webhookConfig, url, nil, clientcmdapi.NewAuthInfo())
}

// writeEgress writes the rule that keeps the API server on this machine: what it would send into the cluster (kubelets, pods,
// webhook services) goes to the proxy of package egress, instead of being dialled at an address of the simulated VPC, which may
// be somebody's real host.
func (d dir) writeEgress() error {
	return d.write(egressConfig, fmt.Appendf(nil, `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: %s
`, egressSocket))
}
