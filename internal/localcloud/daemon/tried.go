// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider"
	"emrflink/internal/localcloud/sts"
	"emrflink/internal/untyped"
)

// triedRole is the name of the role that has just the policies that somebody wants to try.
const triedRole = "tried"

// Identity is who makes the calls of a command: its credentials, and the provider servers that act as it.
type Identity struct {
	ARN          string `json:"arn"`
	AccessKey    string `json:"accessKey"`
	SecretKey    string `json:"secretKey"`
	SessionToken string `json:"sessionToken"`
	Ports        Ports  `json:"ports"`
}

// Administrator is the identity of the daemon's own servers.
func (i Info) Administrator() Identity {
	return Identity{AccessKey: i.AccessKey, SecretKey: i.SecretKey, Ports: i.Ports}
}

// documents are those of IAM policies.
type documents struct {
	Policies []string `json:"policies"`
}

// Try makes a role of the simulated account that has just these policies, documents of IAM, and returns an identity of it. A
// *RefusedError says what IAM has against a document.
func (c *Client) Try(ctx context.Context, policies []string) (Identity, error) {
	var i Identity
	return i, c.call(ctx, http.MethodPost, "try", documents{policies}, &i)
}

func (d *Daemon) try(w http.ResponseWriter, r *http.Request) {
	var in documents
	d.take(w, r, &in, func() (any, error) {
		d.trying.Lock()
		defer d.trying.Unlock()
		return d.tried(r.Context(), in.Policies)
	})
}

// tried is the identity of the role. Its servers, once started, run as long as the daemon's own.
func (d *Daemon) tried(ctx context.Context, policies []string) (Identity, error) {
	if err := d.setTried(ctx, policies); err != nil {
		return Identity{}, err
	}
	session, err := d.triedSession(ctx)
	if err != nil {
		return Identity{}, err
	}
	if d.triedServers == nil {
		caller, _, err := sts.CallerByAccessKey(d.account, session.AccessKey, session.Token)
		if err != nil {
			return Identity{}, err
		}
		caller.Via = account.ByUser
		o := d.providerOptions()
		o.Caller, o.ExecEnv = &caller, d.triedEnvironment
		if d.triedServers, err = provider.Serve(d.ctx, o); err != nil {
			return Identity{}, err
		}
	}
	return Identity{
		ARN: session.AssumedRoleARN, AccessKey: session.AccessKey, SecretKey: session.Secret, SessionToken: session.Token,
		Ports: portsOf(d.triedServers),
	}, nil
}

func (d *Daemon) triedSession(ctx context.Context) (sts.Credentials, error) {
	return sts.Service{Account: d.account}.AssumeRole(ctx, d.account.Administrator(), triedRole, "command")
}

// triedEnvironment is what the credential command of a kubeconfig needs to be the role.
func (d *Daemon) triedEnvironment() (map[string]string, error) {
	s, err := d.triedSession(d.ctx)
	return map[string]string{
		"AWS_ACCESS_KEY_ID": s.AccessKey, "AWS_SECRET_ACCESS_KEY": s.Secret, "AWS_SESSION_TOKEN": s.Token,
	}, err
}

// setTried makes the role and gives it these policies and no others.
func (d *Daemon) setTried(ctx context.Context, policies []string) error {
	admin := d.account.Administrator()
	have := d.account.Find(account.KindPolicy, func(r account.Resource) bool { return strings.HasPrefix(r.Name, triedRole+"-") })
	slices.SortFunc(have, func(a, b account.Resource) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), strings.Compare(a.Name, b.Name))
	})
	if slices.EqualFunc(have, policies, func(r account.Resource, text string) bool {
		return untyped.Text(r.Props["policy"]) == text
	}) {
		return nil
	}
	attached := d.account.Find(account.KindRolePolicyAttachment, func(r account.Resource) bool {
		return r.Props["role"] == triedRole
	})
	var errs []error
	for _, r := range slices.Concat(attached, have) {
		errs = append(errs, d.account.Delete(ctx, admin, r.Kind, r.ID))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if _, there := d.account.Get(account.KindRole, triedRole); !there {
		trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:` +
			d.account.Partition() + `:iam::` + d.account.ID() + `:root"}}]}`
		if _, err := d.account.Create(ctx, admin, account.KindRole,
			account.Props{"name": triedRole, "path": "/", "assumeRolePolicy": trust}); err != nil {
			return err
		}
	}
	for n, text := range policies {
		p, err := d.account.Create(ctx, admin, account.KindPolicy,
			account.Props{"name": triedRole + "-" + strconv.Itoa(n+1), "path": "/", "policy": text})
		if err == nil {
			_, err = d.account.Create(ctx, admin, account.KindRolePolicyAttachment,
				account.Props{"role": triedRole, "policyArn": p.ARN})
		}
		if err != nil {
			return &RefusedError{Why: fmt.Sprintf("policy %d of %d: %v", n+1, len(policies), err)}
		}
	}
	return nil
}
