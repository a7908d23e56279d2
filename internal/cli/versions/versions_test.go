// SPDX-License-Identifier: Apache-2.0

package versions

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/upgrade"
)

func document(context.Context) (upgrade.Document, error) {
	return upgrade.Document{
		Stack: "dev", NotKnown: []string{"the versions of addons: AccessDenied"}, Parts: []upgrade.Part{
			{Name: "kubernetes", Key: "kubernetesVersion", Pinned: "1.35", Offered: []string{"1.36", "1.35"},
				Upgrade: "in place"},
			{Name: "chart karpenter", Pinned: "1.14.1", Upgrade: "with another build"},
			{Name: "chart cert-manager", Pinned: "v1.21.2", Upgrade: "with another build"},
		},
	}, nil
}

func TestVersions(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	require.NoError(t, r.Exec(t, NewCmd(r.Factory, document, nil)))
	require.Contains(t, r.Out.String(), "kubernetes\t1.35\t\t1.36\tkubernetesVersion\t")
	require.Contains(t, r.Out.String(), "  emrflink:kubernetesVersion: in place\n  charts: with another build\n")
	require.Contains(t, r.Err.String(), "not known: the versions of addons: AccessDenied")

	r = cmdtest.New(t)
	refused := func(context.Context) (upgrade.Document, error) {
		return upgrade.Document{}, errors.New("no credentials")
	}
	require.ErrorContains(t, r.Exec(t, NewCmd(r.Factory, refused, nil)), "no credentials")
}
