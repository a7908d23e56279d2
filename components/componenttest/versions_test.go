// SPDX-License-Identifier: Apache-2.0

package componenttest_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/components/versions"
)

func TestTheDefaultKubernetesVersionSuitsEveryPart(t *testing.T) {
	t.Parallel()
	minor, err := strconv.Atoi(strings.TrimPrefix(versions.Kubernetes, "1."))
	require.NoError(t, err)
	for _, rule := range versions.KubernetesRules() {
		require.True(t, rule.Min <= minor && minor <= rule.Max, rule.Part)
		require.NotEmpty(t, rule.Source)
	}
}

func TestKarpenterAndItsCRDsAreOfOneVersion(t *testing.T) {
	t.Parallel()
	require.Equal(t, versions.Karpenter().Version, versions.KarpenterCRD().Version)
}

func TestReleasesAreDatedAndMatchTheirOperator(t *testing.T) {
	t.Parallel()
	dated := regexp.MustCompile(`^emr-7\.\d+\.0-flink-20\d{6}$`)
	for _, r := range versions.EMRReleases() {
		require.Regexp(t, dated, r.Label)
		require.Equal(t, r.Version, r.OperatorChart.Version)
		// EMR 7.6 to 7.14 run Flink 1.20 (EMR on EKS Development Guide, pages of the releases).
		require.Equal(t, "v1_20", r.FlinkVersion, r.Version)
	}
	_, ok := versions.EMR(versions.DefaultEMRRelease)
	require.True(t, ok)
}

func TestTheImageIsPinned(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^al2023@v20\d{6}$`, versions.AMIAlias)
}
