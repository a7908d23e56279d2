// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

// What is protected, by whom, and the command that ends it; nothing is touched, and a plan fails where a cleanup would refuse.
func TestAProtectedDeploymentIsNotTouched(t *testing.T) {
	t.Parallel()
	bucket := plans.StateResource{Type: "aws:s3/bucketV2:BucketV2", ID: "data", Custom: true, Protect: true}
	for name, c := range map[string]struct {
		settings, eks bool
		recorded      []plans.StateResource
		says, next    string
	}{
		"by the settings": {settings: true, says: "emrflink:protect in the settings", next: "emrflink deploy --stack"},
		"in the state":    {recorded: []plans.StateResource{bucket}, says: "BucketV2 data in the state", next: "emrflink deploy"},
		"by EKS": {
			eks: true, says: "deletion protection of EKS cluster " + cluster,
			next: "aws eks update-cluster-config --name " + cluster + " --no-deletion-protection --region",
		},
		"by all of them": {
			settings: true, eks: true, recorded: []plans.StateResource{bucket, {Type: "a:b:C", Protect: false, Custom: true}},
			says: "emrflink:protect in the settings, BucketV2 data in the state", next: "emrflink deploy",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.account.protected = c.eks
			w.c.Protected = Options{Protect: c.settings}.protected(c.recorded)
			_, err := w.run(t)
			var protected *ProtectedError
			require.ErrorAs(t, err, &protected)
			require.Contains(t, err.Error(), c.says)
			require.Contains(t, protected.Hint(), c.next)
			require.Equal(t, 2, protected.ExitCode())
			require.Empty(t, w.account.journal, "something was touched")
			_, err = w.c.Plan(t.Context())
			require.ErrorAs(t, err, &protected)
		})
	}
}
