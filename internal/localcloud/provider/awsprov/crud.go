// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider/plug"
)

// Create makes the resource, or says what it would be.
func (s *Server) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	u := urn.URN(req.GetUrn())
	k, err := s.lookup(string(u.Type()))
	if err != nil {
		return nil, err
	}
	inputs, err := plug.Decode(req.GetProperties())
	if err != nil {
		return nil, err
	}
	c := s.configured(ctx)
	if req.GetPreview() {
		props, err := plug.Encode(k.planned(c, nil, inputs))
		return &pulumirpc.CreateResponse{Properties: props}, err
	}
	if err := s.mayChange(ctx, "create", u); err != nil {
		return nil, err
	}
	if id, ok := s.takeUp(req.GetUrn(), k, inputs); ok {
		return s.resume(ctx, req.GetUrn(), k, id, inputs)
	}
	return s.create(ctx, req.GetUrn(), k, c, inputs)
}

// create makes a resource and remembers it for an engine that does not hear of
// it. What exists in spite of an error is reported with it.
func (s *Server) create(ctx context.Context, id string, k *kind, c config, inputs property) (*pulumirpc.CreateResponse, error) {
	props, err := k.props(c, inputs)
	if err != nil {
		return nil, err
	}
	session := plug.SessionOf(ctx)
	ctx, cancel := session.Context(ctx)
	defer cancel()
	if err := s.permitted(ctx, k, awskind.PhaseCreate, "creating", k.api.create, "", inputs); err != nil {
		return nil, err
	}
	if err := s.faulty(ctx, k, "creating", k.api.create, requested(k, inputs)); err != nil {
		return nil, err
	}
	since := s.newest(k.kind)
	r, err := s.opts.Account.Create(ctx, s.as(c), k.kind, props)
	if err != nil {
		var exists bool
		if r, exists = s.begun(k.kind, since, props); !exists {
			return nil, describe(ctx, "creating", k.api, k.api.create, "", err)
		}
		err = describe(ctx, "creating", k.api, k.api.create, r.ID, err)
	}
	s.lost.remember(id, made{id: r.ID, inputs: inputs, at: time.Now(), session: session})
	if err != nil {
		return nil, plug.InitFailed(r.ID, k.outputs(c, r, inputs), inputs, err)
	}
	out, err := plug.Encode(k.outputs(c, r, inputs))
	return &pulumirpc.CreateResponse{Id: r.ID, Properties: out}, err
}

// resume takes up a creation whose engine died.
func (s *Server) resume(ctx context.Context, urn string, k *kind, id string, inputs property) (*pulumirpc.CreateResponse, error) {
	s.Log.Info("take up a creation that no engine knows of", "urn", urn, "id", id)
	out, err := s.change(ctx, k, id, inputs)
	if err != nil {
		return nil, err
	}
	s.lost.remember(urn, made{id: id, inputs: inputs, at: time.Now(), session: plug.SessionOf(ctx)})
	props, err := plug.Encode(out)
	return &pulumirpc.CreateResponse{Id: id, Properties: props}, err
}

// Update changes the resource in place, or says what it would be.
func (s *Server) Update(ctx context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	u := urn.URN(req.GetUrn())
	k, err := s.lookup(string(u.Type()))
	if err != nil {
		return nil, err
	}
	olds, inputs, err := plug.DecodeBoth(req.GetOlds(), req.GetNews())
	if err != nil {
		return nil, err
	}
	c := s.configured(ctx)
	if req.GetPreview() {
		props, err := plug.Encode(k.planned(c, olds, inputs))
		return &pulumirpc.UpdateResponse{Properties: props}, err
	}
	if err := s.mayChange(ctx, "update", u); err != nil {
		return nil, err
	}
	s.lost.forget(req.GetUrn())
	state, err := s.change(ctx, k, req.GetId(), inputs)
	if err != nil {
		return nil, err
	}
	out, err := plug.Encode(state)
	return &pulumirpc.UpdateResponse{Properties: out}, err
}

// change updates a resource, after its creation when that is under way still.
func (s *Server) change(ctx context.Context, k *kind, id string, inputs property) (property, error) {
	c := s.configured(ctx)
	props, err := k.props(c, inputs)
	if err != nil {
		return nil, err
	}
	ctx, cancel := plug.SessionOf(ctx).Context(ctx)
	defer cancel()
	if err := s.opts.Account.Wait(ctx, k.kind, id); err != nil {
		return nil, describe(ctx, "waiting for", k.api, k.api.update, id, err)
	}
	if err := s.permitted(ctx, k, awskind.PhaseUpdate, "updating", k.api.update, id, inputs); err != nil {
		return nil, err
	}
	if err := s.faulty(ctx, k, "updating", k.api.update, id); err != nil {
		return nil, err
	}
	r, err := s.opts.Account.Update(ctx, s.as(c), k.kind, id, props)
	if err != nil {
		return nil, describe(ctx, "updating", k.api, k.api.update, id, err)
	}
	return k.outputs(c, r, inputs), nil
}

// Read returns what the account has under the id, nothing when it is gone.
func (s *Server) Read(ctx context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	k, err := s.lookup(string(urn.URN(req.GetUrn()).Type()))
	if err != nil {
		return nil, err
	}
	inputs, err := plug.Decode(req.GetInputs())
	if err != nil {
		return nil, err
	}
	s.lost.forget(req.GetUrn())
	c := s.configured(ctx)
	r, ok := s.opts.Account.Get(k.kind, req.GetId())
	if !ok {
		r, ok = s.byProperties(k, c, inputs)
	}
	if r.State == account.StatePendingDeletion { // the real provider takes such a key for gone
		ok = false
	}
	if !ok {
		return &pulumirpc.ReadResponse{}, nil
	}
	if err := s.permitted(ctx, k, awskind.PhaseRead, "reading", "Describe", r.ID, inputs); err != nil {
		return nil, err
	}
	actual := k.actual(c, r, inputs)
	props, err := plug.Encode(k.outputs(c, r, actual))
	if err != nil {
		return nil, err
	}
	in, err := plug.Encode(actual)
	return &pulumirpc.ReadResponse{Id: r.ID, Properties: props, Inputs: in}, err
}

// byProperties finds a security group rule by what it says: the real provider
// reads rules so, their id is its own invention.
func (s *Server) byProperties(k *kind, c config, inputs property) (account.Resource, bool) {
	if k.kind != account.KindSecurityGroupRule || len(inputs) == 0 {
		return account.Resource{}, false
	}
	want, err := k.props(c, inputs)
	if err != nil {
		return account.Resource{}, false
	}
	found := s.opts.Account.Find(k.kind, func(r account.Resource) bool { return reflect.DeepEqual(r.Props, want) })
	if len(found) != 1 {
		return account.Resource{}, false
	}
	return found[0], true
}

// Delete removes the resource. One that is gone already is no error.
func (s *Server) Delete(ctx context.Context, req *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	u := urn.URN(req.GetUrn())
	k, err := s.lookup(string(u.Type()))
	if err != nil {
		return nil, err
	}
	olds, err := plug.Decode(req.GetProperties())
	if err != nil {
		return nil, err
	}
	if err := s.mayChange(ctx, "delete", u); err != nil {
		return nil, err
	}
	s.lost.forget(req.GetUrn())
	if skip := olds["skipDestroy"]; skip.IsBool() && skip.BoolValue() {
		return &emptypb.Empty{}, nil
	}
	ctx, cancel := plug.SessionOf(ctx).Context(ctx)
	defer cancel()
	if err := s.permitted(ctx, k, awskind.PhaseDelete, "deleting", k.api.delete, req.GetId(), olds); err != nil {
		return nil, err
	}
	if err := s.faulty(ctx, k, "deleting", k.api.delete, req.GetId()); err != nil {
		return nil, err
	}
	if force := olds["forceDestroy"]; k.kind == account.KindBucket && force.IsBool() && force.BoolValue() {
		if err := s.empty(req.GetId()); err != nil {
			return nil, describe(ctx, "emptying", k.api, "DeleteObjects", req.GetId(), err)
		}
	}
	err = s.opts.Account.Delete(ctx, s.as(s.configured(ctx)), k.kind, req.GetId())
	if err != nil && !gone(err) {
		return nil, describe(ctx, "deleting", k.api, k.api.delete, req.GetId(), err)
	}
	return &emptypb.Empty{}, nil
}

// requested is the name that a creation asks for, "" when AWS names the resource.
func requested(k *kind, inputs property) string {
	if v := inputs[resource.PropertyKey(k.name)]; k.name != "" && v.IsString() {
		return v.StringValue()
	}
	return ""
}

// mayChange refuses a change in a preview-only server and asks for faults.
func (s *Server) mayChange(ctx context.Context, op string, u urn.URN) error {
	if s.opts.PreviewOnly {
		return status.Errorf(codes.FailedPrecondition, "%s %s: only previews work offline", op, u.Name())
	}
	return s.fault(ctx, op, string(u.Type()), u.Name())
}

// empty deletes every version of every object, as forceDestroy asks.
func (s *Server) empty(bucket string) error {
	objects, err := s.opts.Account.Objects.ListVersions(bucket, "")
	if err != nil {
		if gone(err) {
			return nil
		}
		return err
	}
	for _, o := range objects {
		if err := s.opts.Account.Objects.Delete(bucket, o.Key, o.VersionID); err != nil {
			return fmt.Errorf("object %q: %w", o.Key, err)
		}
	}
	return nil
}
