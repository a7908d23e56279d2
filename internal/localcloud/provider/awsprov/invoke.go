// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"context"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider/plug"
	"emrflink/internal/localcloud/provider/schema"
)

// function is one data source: the SDK's type of its arguments and what answers.
type function struct {
	args   any
	answer func(s *Server, c config, args property) (map[string]any, error)
}

func functions() map[string]function {
	return map[string]function{
		"aws:index/getCallerIdentity:getCallerIdentity": {aws.GetCallerIdentityArgs{}, (*Server).callerIdentity},
		"aws:index/getRegion:getRegion":                 {aws.GetRegionArgs{}, (*Server).region},
		"aws:index/getPartition:getPartition":           {aws.GetPartitionArgs{}, (*Server).partition},
		"aws:index/getAvailabilityZones:getAvailabilityZones": {
			aws.GetAvailabilityZonesArgs{}, (*Server).availabilityZones,
		},
	}
}

// Invoke answers a data source.
func (s *Server) Invoke(ctx context.Context, req *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	f, ok := functions()[req.GetTok()]
	if !ok {
		return nil, status.Errorf(codes.Unimplemented, "the local target does not simulate the function %s", req.GetTok())
	}
	args, err := plug.Decode(req.GetArgs())
	if err != nil {
		return nil, err
	}
	shape, err := schema.Of(f.args)
	if err != nil {
		return nil, err
	}
	out := &pulumirpc.InvokeResponse{}
	for _, p := range shape.Check(args) {
		out.Failures = append(out.Failures, &pulumirpc.CheckFailure{Property: p.Path.String(), Reason: p.Reason})
	}
	if len(out.Failures) > 0 {
		return out, nil
	}
	result, err := f.answer(s, s.configured(ctx), args)
	if err != nil {
		return nil, err
	}
	out.Return, err = plug.Encode(resource.NewPropertyMapFromMap(result))
	return out, err
}

func (s *Server) callerIdentity(_ config, _ property) (map[string]any, error) {
	return map[string]any{
		"accountId": s.opts.Account.ID(), "arn": s.caller.ARN, "id": s.opts.Account.ID(), "userId": s.caller.UserID,
	}, nil
}

func (s *Server) region(c config, args property) (map[string]any, error) {
	name := c.region
	for _, key := range []resource.PropertyKey{"name", "id"} {
		if v := args[key]; v.IsString() {
			name = v.StringValue()
		}
	}
	if args["endpoint"].IsString() {
		return nil, status.Error(codes.Unimplemented, "the local target does not look regions up by endpoint")
	}
	if !slices.Contains(s.opts.Account.KnownRegions(), name) {
		return nil, status.Errorf(codes.NotFound, "finding Region using the specified name: %q", name)
	}
	return map[string]any{
		"name": name, "id": name, "description": name, "endpoint": "ec2." + name + ".amazonaws.com",
	}, nil
}

func (s *Server) partition(_ config, _ property) (map[string]any, error) {
	return map[string]any{
		"partition": s.opts.Account.Partition(), "id": s.opts.Account.Partition(),
		"dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws",
	}, nil
}

// availabilityZones honours state and the two lists of exclusions. Every zone
// here is available and needs no opt-in, so a filter that asks for that changes
// nothing; any other filter is refused.
func (s *Server) availabilityZones(c config, args property) (map[string]any, error) {
	if err := zoneFilters(args["filters"]); err != nil {
		return nil, err
	}
	noName, err := texts(args["excludeNames"])
	if err != nil {
		return nil, err
	}
	noID, err := texts(args["excludeZoneIds"])
	if err != nil {
		return nil, err
	}
	var names, ids []any
	state := args["state"]
	for _, z := range s.zones(c) {
		if slices.Contains(noName, z.Name) || slices.Contains(noID, z.ID) ||
			(state.IsString() && state.StringValue() != "available") {
			continue
		}
		names, ids = append(names, z.Name), append(ids, z.ID)
	}
	out := map[string]any{"id": c.region, "names": names, "zoneIds": ids, "groupNames": []any{c.region}}
	for _, key := range []resource.PropertyKey{"excludeNames", "excludeZoneIds", "filters", "state", "allAvailabilityZones"} {
		if v, ok := args[key]; ok {
			out[string(key)] = v.Mappable()
		}
	}
	return out, nil
}

func (s *Server) zones(c config) []account.Zone { return s.opts.Account.ZonesIn(c.region) }

func zoneFilters(v value) error {
	var filters []struct {
		Name   string   `json:"name"`
		Values []string `json:"values"`
	}
	if err := nested(v, &filters); err != nil {
		return err
	}
	for _, f := range filters {
		plain := (f.Name == "opt-in-status" && slices.Contains(f.Values, "opt-in-not-required")) ||
			(f.Name == "zone-type" && slices.Contains(f.Values, "availability-zone"))
		if !plain {
			return status.Errorf(codes.Unimplemented,
				"the local target does not filter availability zones by %s=%v", f.Name, f.Values)
		}
	}
	return nil
}
