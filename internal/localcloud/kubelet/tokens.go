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

	"emrflink/internal/disk"
)

// Tokens keeps the projected tokens of a service account on disk, as a kubelet does in a pod's volume: asked for
// at the API server, renewed when four fifths of their life are over, without a newline at the end.
type Tokens struct {
	Client             API
	Namespace, Account string
	Dir                string
	Files              map[string]Token // file name -> what is in it
	Log                *slog.Logger
}

// Token is one projected token; an empty audience is the API server's own.
type Token struct {
	Audience string
	Lifetime time.Duration
}

const (
	renewAt    = 0.8
	renewRetry = 10 * time.Second
)

// Write asks for all tokens once.
func (t Tokens) Write(ctx context.Context) error {
	for name, spec := range t.Files {
		if err := t.writeOne(ctx, name, spec); err != nil {
			return err
		}
	}
	return nil
}

func (t Tokens) writeOne(ctx context.Context, name string, spec Token) error {
	seconds := int64(spec.Lifetime.Seconds())
	req := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	if spec.Audience != "" {
		req.Spec.Audiences = []string{spec.Audience}
	}
	got, err := t.Client.CoreV1().ServiceAccounts(t.Namespace).CreateToken(ctx, t.Account, req, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("ask for a token of service account %q: %w", t.Account, err)
	}
	if err := disk.Replace(filepath.Join(t.Dir, name), []byte(got.Status.Token)); err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	return nil
}

// Refresh renews the tokens until ctx ends.
func (t Tokens) Refresh(ctx context.Context) {
	shortest := 24 * time.Hour
	for _, spec := range t.Files {
		shortest = min(shortest, spec.Lifetime)
	}
	every := time.Duration(float64(shortest) * renewAt)
	for wait := every; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = every
		if err := t.Write(ctx); err != nil && ctx.Err() == nil {
			t.Log.Warn("renew tokens", "account", t.Account, "error", err)
			wait = renewRetry
		}
	}
}
