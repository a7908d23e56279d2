// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"

	"emrflink/internal/upgrade"
)

// versions compares the versions of the stack with what the account offers. A stack that was never deployed has settings.
func (a *app) versions(ctx context.Context) (upgrade.Document, error) {
	s, err := a.openStack()
	if err != nil {
		return upgrade.Document{}, err
	}
	defer s.Close() // nothing was changed
	record, err := recorder{s}.Record(ctx)
	if err != nil {
		return upgrade.Document{}, classify(err)
	}
	client, err := s.client(ctx)
	if err != nil {
		return upgrade.Document{}, err
	}
	return upgrade.Read(ctx, client, s.settings.config, record.Resources, s.Info()), nil
}
