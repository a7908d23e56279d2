// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"emrflink/internal/localcloud/provider/plug"
	"emrflink/internal/localcloud/provider/propdiff"
	"emrflink/internal/localcloud/provider/schema"
)

// nameDigits is how many hex digits the bridged provider puts after a logical name.
const nameDigits = 7

// Check fills in defaults and an automatic name and reports what is wrong.
func (s *Server) Check(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	u := urn.URN(req.GetUrn())
	k, err := s.lookup(string(u.Type()))
	if err != nil {
		return nil, err
	}
	olds, news, err := plug.DecodeBoth(req.GetOlds(), req.GetNews())
	if err != nil {
		return nil, err
	}
	var failures []*pulumirpc.CheckFailure
	fail := func(property, reason string) {
		failures = append(failures, &pulumirpc.CheckFailure{Property: property, Reason: reason})
	}
	for name, v := range k.defaults {
		if key := resource.PropertyKey(name); news[key].IsNull() {
			news[key] = resource.NewPropertyValue(v)
		}
	}
	if err := s.autoname(k, req, u.Name(), olds, news); err != nil {
		fail(k.name, err.Error())
	}
	k.documents(news, fail)
	for _, p := range k.in.Check(news, k.required...) {
		fail(p.Path.String(), p.Reason)
	}
	inputs, err := plug.Encode(news)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CheckResponse{Inputs: inputs, Failures: failures}, nil
}

// autoname gives the resource a name when its program gives none.
func (s *Server) autoname(k *kind, req *pulumirpc.CheckRequest, logical string, olds, news property) error {
	key := resource.PropertyKey(k.name)
	if k.name == "" || !news[key].IsNull() {
		return nil
	}
	auto := schema.Autoname{Digits: nameDigits, Max: k.max, Lower: k.lower, Stable: s.opts.PreviewOnly}
	if p := news[key+"Prefix"]; p.IsString() {
		logical = strings.TrimSuffix(p.StringValue(), "-")
	}
	old := ""
	if lost, ok := s.lost.of(req.GetUrn()); ok {
		olds = lost.inputs
	}
	if olds[key].IsString() {
		old = olds[key].StringValue()
	}
	name, err := auto.Name(req, logical, old)
	if err != nil {
		return err
	}
	news[key] = resource.NewProperty(name)
	return nil
}

// documents writes policies that are given as objects as text, and reports
// texts that are no JSON.
func (k *kind) documents(news property, fail func(property, reason string)) {
	for _, name := range slices.Concat(k.json, k.policies) {
		key := resource.PropertyKey(name)
		v := news[key]
		switch {
		case v.IsObject() && !v.ContainsUnknowns():
			b, err := json.Marshal(v.Mappable())
			if err != nil {
				fail(name, err.Error())
				continue
			}
			news[key] = resource.NewProperty(string(b))
		case v.IsString() && v.StringValue() != "" && !json.Valid([]byte(v.StringValue())):
			fail(name, "contains an invalid JSON document")
		}
	}
}

// Diff compares the inputs that the resource has with the ones it should have.
func (s *Server) Diff(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	k, err := s.lookup(string(urn.URN(req.GetUrn()).Type()))
	if err != nil {
		return nil, err
	}
	olds, news, err := plug.DecodeBoth(req.GetOldInputs(), req.GetNews())
	if err != nil {
		return nil, err
	}
	s.lost.forget(req.GetUrn())
	changes := propdiff.Diff(olds, news, k.rules())
	out := propdiff.Response(changes)
	if r, ok := s.opts.Account.Get(k.kind, req.GetId()); ok && strings.HasSuffix(r.State, "CREATE_FAILED") {
		// Nothing makes such a resource usable: it has to go first.
		out.Changes, out.DeleteBeforeReplace = pulumirpc.DiffResponse_DIFF_SOME, true
		out.Replaces = append(out.Replaces, "status")
		return out, nil
	}
	if len(out.Replaces) > 0 && k.name != "" {
		// A name that stays cannot be taken twice.
		key := resource.PropertyKey(k.name)
		out.DeleteBeforeReplace = olds[key].IsString() && olds[key].DeepEquals(news[key])
	}
	return out, nil
}
