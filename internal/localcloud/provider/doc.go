// SPDX-License-Identifier: Apache-2.0

// Package provider serves localcloud to the Pulumi engine: three resource provider servers (aws, eks, kubernetes) take
// the place of the plugins that the engine downloads for a real account. The engine finds them through
// PULUMI_DEBUG_PROVIDERS, which names a loopback port per package.
//
// What each of them does is in its own package:
//
//   - awsprov acts on the simulated account,
//   - eksprov implements Construct for the cluster of pulumi-eks v2,
//   - kubeprov does server-side apply on the control plane that the provider's
//     kubeconfig names, and installs the stand-ins of Helm charts.
//
// Schemas are learned from the Go SDKs' types by reflection (package schema): an unknown property is an error, and so
// is a missing required one. What is not simulated is refused by name; nothing is pretended.
//
// One server serves every provider resource of its package, default and
// explicit, of every engine that attaches. Their configurations are kept apart
// by connection: the engine opens one for each provider resource.
package provider
