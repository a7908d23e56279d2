// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tokens keeps the projected tokens of a service account on disk, as a kubelet does in a pod's volume: asked for
// at the API server, renewed when four fifths of their life are over, without a newline at the end.
type tokens struct {
	client             API
	namespace, account string
	dir                string
	files              map[string]tokenSpec // file name -> what is in it
	log                *slog.Logger
}

// tokenSpec is one projected token; an empty audience is the API server's own.
type tokenSpec struct {
	audience string
	lifetime time.Duration
}

const (
	renewAt    = 0.8
	renewRetry = 10 * time.Second
)

// write asks for all tokens once.
func (t tokens) write(ctx context.Context) error {
	for name, spec := range t.files {
		if err := t.writeOne(ctx, name, spec); err != nil {
			return err
		}
	}
	return nil
}

func (t tokens) writeOne(ctx context.Context, name string, spec tokenSpec) error {
	seconds := int64(spec.lifetime.Seconds())
	req := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	if spec.audience != "" {
		req.Spec.Audiences = []string{spec.audience}
	}
	got, err := t.client.CoreV1().ServiceAccounts(t.namespace).CreateToken(ctx, t.account, req, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("ask for a token of service account %q: %w", t.account, err)
	}
	if err := replaceFile(filepath.Join(t.dir, name), []byte(got.Status.Token)); err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	return nil
}

// refresh renews the tokens until ctx ends.
func (t tokens) refresh(ctx context.Context) {
	shortest := 24 * time.Hour
	for _, spec := range t.files {
		shortest = min(shortest, spec.lifetime)
	}
	every := time.Duration(float64(shortest) * renewAt)
	for wait := every; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = every
		if err := t.write(ctx); err != nil && ctx.Err() == nil {
			t.log.Warn("renew tokens", "account", t.account, "error", err)
			wait = renewRetry
		}
	}
}
