// SPDX-License-Identifier: Apache-2.0

package karpenter

import (
	"bytes"
	"fmt"
	"io"

	awsapis "github.com/aws/karpenter-provider-aws/pkg/apis"
	coreapis "sigs.k8s.io/karpenter/pkg/apis"
)

// WriteCRDs writes the definitions of the chart karpenter-crd as one YAML stream: those of the AWS provider,
// which narrow the core ones, and the core's CapacityBuffer, which the provider takes over unchanged.
func WriteCRDs(w io.Writer) error {
	for _, crd := range [][]byte{
		awsapis.EC2NodeClassCRD, awsapis.NodeClaimCRD, awsapis.NodePoolCRD, awsapis.NodeOverlayCRD,
		coreapis.CapacityBufferCRD,
	} {
		body := bytes.TrimPrefix(bytes.TrimSpace(crd), []byte("---\n"))
		if _, err := fmt.Fprintf(w, "---\n%s\n", body); err != nil {
			return fmt.Errorf("write CRDs: %w", err)
		}
	}
	return nil
}
