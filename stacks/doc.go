// SPDX-License-Identifier: Apache-2.0

// Package stacks is the program: the typed configuration of a deployment, and Blueprint, which composes the components
// into Amazon EMR on EKS with Apache Flink.
//
// Configuration comes from the keys emrflink:* of a Pulumi stack file. Every key has a default, and the defaults deploy
// the blueprint. One table (Keys) drives parsing, validation and documentation. Parse reports all problems at once.
//
// The package does not know where it runs: the same program deploys to AWS and to a simulated account.
package stacks
