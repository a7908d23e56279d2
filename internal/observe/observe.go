// SPDX-License-Identifier: Apache-2.0

// Package observe reads the current state of a deployment from AWS and from the cluster.
package observe

import (
	"context"

	"emrflink/internal/awsapi"
	"emrflink/internal/flinkjob"
	"emrflink/internal/kube"
)

// Cluster is what the cloud says about the cluster of a deployment.
type Cluster struct {
	Name    string             `json:"name"`
	Status  string             `json:"status"` // ACTIVE, CREATING, ...; "" = it does not exist
	Version string             `json:"version"`
	Health  []string           `json:"health"`
	Nodes   []kube.Node        `json:"nodes"`
	Jobs    []flinkjob.Summary `json:"jobs"`
}

// Connect asks EKS for a cluster and returns the client of its API server. What it found is meaningful beside an error.
type Connect func(ctx context.Context, name string) (awsapi.Cluster, *kube.Client, error)

// Read asks for a cluster, its nodes and its jobs. What was found before an error is returned with it.
func Read(ctx context.Context, name string, connect Connect) (Cluster, error) {
	out := Cluster{Name: name, Health: []string{}, Nodes: []kube.Node{}, Jobs: []flinkjob.Summary{}}
	if name == "" {
		return out, nil // an interrupted deploy has no outputs yet
	}
	k, client, err := connect(ctx, name)
	if awsapi.IsNotFound(err) {
		return out, nil
	}
	out.Status, out.Version, out.Health = k.Status, k.Version, append(out.Health, k.Health...)
	if err != nil {
		return out, err
	}
	nodes, err := client.Nodes(ctx)
	if err != nil {
		return out, err
	}
	out.Nodes = append(out.Nodes, nodes...)
	jobs, err := flinkjob.Runner{Kube: client}.Jobs(ctx, "")
	out.Jobs = append(out.Jobs, jobs...)
	return out, err
}
