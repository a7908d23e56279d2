// SPDX-License-Identifier: Apache-2.0

package eksprov

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The kubeconfig of the component, in the order in which it writes the members:
// the text is an input of its providers.
type (
	config struct {
		APIVersion     string         `json:"apiVersion"`
		Clusters       []namedCluster `json:"clusters"`
		Contexts       []namedContext `json:"contexts"`
		CurrentContext string         `json:"current-context"`
		Kind           string         `json:"kind"`
		Users          []namedUser    `json:"users"`
	}
	namedCluster struct {
		Cluster struct {
			Server string `json:"server"`
			CA     string `json:"certificate-authority-data"`
		} `json:"cluster"`
		Name string `json:"name"`
	}
	namedContext struct {
		Context struct {
			Cluster string `json:"cluster"`
			User    string `json:"user"`
		} `json:"context"`
		Name string `json:"name"`
	}
	namedUser struct {
		Name string `json:"name"`
		User struct {
			Exec execCredential `json:"exec"`
		} `json:"user"`
	}
	execCredential struct {
		APIVersion string    `json:"apiVersion"`
		Command    string    `json:"command"`
		Args       []string  `json:"args"`
		Env        []envPair `json:"env"`
	}
	envPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

const execVersion = "client.authentication.k8s.io/v1beta1"

// kubeconfig is the text: credentials by the AWS CLI, and no region, which this
// release of the component leaves out.
func kubeconfig(c *eks.Cluster) pulumi.StringOutput {
	ca := c.CertificateAuthority.Data().Elem()
	return pulumi.All(c.Name, c.Endpoint, ca).ApplyT(func(v []any) (string, error) {
		name, _ := v[0].(string)
		endpoint, _ := v[1].(string)
		data, _ := v[2].(string)
		return marshalKubeconfig(name, endpoint, data)
	}).(pulumi.StringOutput)
}

func marshalKubeconfig(name, endpoint, ca string) (string, error) {
	var cluster namedCluster
	cluster.Name, cluster.Cluster.Server, cluster.Cluster.CA = "kubernetes", endpoint, ca
	var context namedContext
	context.Name, context.Context.Cluster, context.Context.User = "aws", "kubernetes", "aws"
	user := namedUser{Name: "aws"}
	user.User.Exec = execCredential{
		APIVersion: execVersion, Command: "aws",
		Args: []string{"eks", "get-token", "--cluster-name", name, "--output", "json"},
		Env:  []envPair{{Name: "KUBERNETES_EXEC_INFO", Value: fmt.Sprintf(`{"apiVersion": %q}`, execVersion)}},
	}
	b, err := json.Marshal(config{
		APIVersion: "v1", Clusters: []namedCluster{cluster}, Contexts: []namedContext{context}, CurrentContext: "aws",
		Kind: "Config", Users: []namedUser{user},
	})
	if err != nil {
		return "", fmt.Errorf("write kubeconfig: %w", err)
	}
	return string(b), nil
}

// outputs are the component's. core has in mode API a member that the Go SDK of
// this release cannot read (an access entry, which it takes for a type of its
// own), so that a program that reads core fails here as it does on AWS.
func (b *builder) outputs() pulumi.Map {
	parsed := b.kubeconfig.ApplyT(func(text string) (any, error) {
		var v any
		err := json.Unmarshal([]byte(text), &v)
		return v, err
	})
	roles, entries := pulumi.Array{}, pulumi.Array{}
	if b.nodeRole != nil {
		roles, entries = pulumi.Array{b.nodeRole.role}, pulumi.Array{b.entry}
	}
	core := pulumi.Map{
		"cluster": b.cluster, "clusterIamRole": b.clusterRole.role, "clusterSecurityGroup": b.clusterGroup,
		"endpoint": b.cluster.Endpoint, "instanceRoles": roles, "kubeconfig": parsed, "provider": b.kubernetes,
		"accessEntries": entries, "subnetIds": b.subnets(), "vpcId": b.args.VpcId,
		"nodeGroupOptions": pulumi.Map{},
	}
	for key, v := range map[string]pulumi.Input{
		"publicSubnetIds": b.args.PublicSubnetIds, "privateSubnetIds": b.args.PrivateSubnetIds,
		"nodeSecurityGroupTags": b.args.NodeSecurityGroupTags, "tags": b.args.Tags,
	} {
		if v != nil {
			core[key] = v
		}
	}
	return pulumi.Map{
		"clusterSecurityGroup": b.clusterGroup, "nodeSecurityGroup": b.nodeGroup, "eksCluster": b.cluster,
		"eksClusterIngressRule": b.ingress, "instanceRoles": roles, "kubeconfig": parsed,
		"kubeconfigJson": b.kubeconfig, "core": core,
	}
}
