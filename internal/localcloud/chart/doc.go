// SPDX-License-Identifier: Apache-2.0

// Package chart has the stand-ins of the Helm charts and EKS addons that the blueprint installs: small manifests for
// the local control plane, with the names, service accounts, access rules, images and environment of the real chart at
// the pinned version. IAM trust, scheduling and the controllers that run beside the control plane depend on these.
//
// They are not the charts: nothing is downloaded, and no image is run. In particular
//
//   - values are strict: a key that the stand-in does not know is an error that
//     names the chart, the key and the nearest one, where Helm would ignore it;
//   - webhook configurations and aggregated API services are not installed,
//     because no webhook and no extension server would answer: every create would
//     fail;
//   - cert-manager's CRDs are a set written here, with the main fields, labelled
//     as a stand-in;
//   - the Flink CRDs are those of the open-source operator 1.10 that EMR's is
//     based on (crds/NOTICE), with the fields that EMR documents added in code:
//     EMR's own are not public;
//   - Karpenter's CRDs are the real ones, handed in by the caller.
package chart
