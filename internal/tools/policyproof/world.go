// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"emrflink/internal/awsapi"
	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/localcloud/provider/awsprov"
	"emrflink/internal/localcloud/provider/plug"
	"emrflink/internal/localcloud/sts"
	"emrflink/internal/tools/terraform"
)

const role = "tested"

// world is an account in this process, without a control plane, with a role that has the policies of a test.
type world struct {
	account     *account.Account
	admin, role *awsprov.Server
	client      *awsapi.Client
	server      *httptest.Server

	made  map[string]made
	types map[string]string
}

// newWorld makes an account, and a role with exactly these documents.
func newWorld(ctx context.Context, documents []string) (*world, error) {
	a, err := account.Open(account.Options{})
	if err != nil {
		return nil, err
	}
	w := &world{account: a, made: map[string]made{}, types: map[string]string{}}
	admin := a.Administrator()
	trust := `{"Version":"2012-10-17","Statement":[{"Sid":"Account","Effect":"Allow","Action":"sts:AssumeRole",` +
		`"Principal":{"AWS":"arn:aws:iam::` + a.ID() + `:root"}}]}`
	r, err := a.Create(ctx, admin, account.KindRole, account.Props{"name": role, "path": "/", "assumeRolePolicy": trust})
	if err != nil {
		return nil, err
	}
	if _, err := a.Create(ctx, admin, account.KindRole,
		account.Props{"name": "platform-admin", "path": "/", "assumeRolePolicy": trust}); err != nil { // of the configuration
		return nil, err
	}
	for i, text := range documents {
		p, err := a.Create(ctx, admin, account.KindPolicy,
			account.Props{"name": "tested-" + strconv.Itoa(i), "path": "/", "policy": text})
		if err != nil {
			return nil, err
		}
		if _, err := a.Create(ctx, admin, account.KindRolePolicyAttachment,
			account.Props{"role": role, "policyArn": p.ARN}); err != nil {
			return nil, err
		}
	}
	credentials, err := sts.Service{Account: a}.AssumeRole(ctx, admin, r.ARN, "proof")
	if err != nil {
		return nil, err
	}
	caller, _, err := sts.CallerByAccessKey(a, credentials.AccessKey, credentials.Token)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	if w.admin, err = awsprov.New(awsprov.Options{Account: a, Logger: log}); err != nil {
		return nil, err
	}
	if w.role, err = awsprov.New(awsprov.Options{Account: a, Caller: &caller, Logger: log}); err != nil {
		return nil, err
	}
	w.server = httptest.NewServer(awswire.New(a, awswire.Options{}))
	w.client, err = awsapi.New(ctx, awsapi.Options{Region: a.Region(), Env: map[string]string{
		awsapi.EnvEndpoint: w.server.URL, awsapi.EnvAccessKey: credentials.AccessKey, awsapi.EnvSecretKey: credentials.Secret,
		awsapi.EnvSessionToken: credentials.Token,
	}})
	return w, err
}

func (w *world) close() error {
	w.server.Close()
	return w.account.Close()
}

// create makes a resource by one of the two providers.
func (w *world) create(ctx context.Context, by *awsprov.Server, n terraform.Node) error {
	k, _ := awskind.OfType(n.Type)
	w.types[n.URN] = k.Terraform
	props, err := plug.Encode(resource.NewPropertyMapFromMap(resolver{node: n, types: w.types, made: w.made}.inputs()))
	if err != nil {
		return err
	}
	out, err := by.Create(ctx, &pulumirpc.CreateRequest{Urn: n.URN, Properties: props})
	if err != nil {
		return fmt.Errorf("create %s: %w", n.Name, err)
	}
	outputs, err := plug.Decode(out.GetProperties())
	if err != nil {
		return err
	}
	w.made[n.URN] = made{out.GetId(), outputs.Mappable()}
	return nil
}

func (w *world) read(ctx context.Context, by *awsprov.Server, n terraform.Node) error {
	_, err := by.Read(ctx, &pulumirpc.ReadRequest{Urn: n.URN, Id: w.made[n.URN].id})
	if err != nil {
		return fmt.Errorf("read %s: %w", n.Name, err)
	}
	return nil
}

// update changes the tags of what has some; what has none is updated with what it has.
func (w *world) update(ctx context.Context, by *awsprov.Server, n terraform.Node) error {
	in := resolver{node: n, types: w.types, made: w.made}.inputs()
	if tags, ok := in["tags"].(map[string]any); ok {
		tags["changed"] = "yes"
	}
	news, err := plug.Encode(resource.NewPropertyMapFromMap(in))
	if err != nil {
		return err
	}
	_, err = by.Update(ctx, &pulumirpc.UpdateRequest{Urn: n.URN, Id: w.made[n.URN].id, News: news})
	if err != nil {
		return fmt.Errorf("update %s: %w", n.Name, err)
	}
	return nil
}

func (w *world) remove(ctx context.Context, by *awsprov.Server, n terraform.Node) error {
	props, err := plug.Encode(resource.NewPropertyMapFromMap(w.made[n.URN].outputs))
	if err != nil {
		return err
	}
	if _, err = by.Delete(ctx, &pulumirpc.DeleteRequest{Urn: n.URN, Id: w.made[n.URN].id, Properties: props}); err != nil {
		return fmt.Errorf("delete %s: %w", n.Name, err)
	}
	return nil
}
