// SPDX-License-Identifier: Apache-2.0

package plug

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
)

// Decode reads a property map from the wire. Unknown values stay, secrets are
// opened (the engine seals the outputs of secret inputs itself), references to
// resources become their ids.
func Decode(s *structpb.Struct) (resource.PropertyMap, error) {
	m, err := plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true})
	if err != nil {
		return nil, fmt.Errorf("decode properties: %w", err)
	}
	return m, nil
}

// DecodeBoth reads what a resource or a configuration was and what it shall be.
func DecodeBoth(olds, news *structpb.Struct) (was, is resource.PropertyMap, err error) {
	if was, err = Decode(olds); err != nil {
		return nil, nil, err
	}
	is, err = Decode(news)
	return was, is, err
}

// Encode writes a property map for the wire.
func Encode(m resource.PropertyMap) (*structpb.Struct, error) {
	s, err := plugin.MarshalProperties(m, plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true})
	if err != nil {
		return nil, fmt.Errorf("encode properties: %w", err)
	}
	return s, nil
}

// Unknown is the value that stands for what only the real operation gives.
func Unknown() resource.PropertyValue {
	return resource.MakeComputed(resource.NewProperty(""))
}

// Known drops from m every member that is unknown or holds something unknown,
// and returns the rest as plain JSON values.
func Known(m resource.PropertyMap) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if !v.ContainsUnknowns() {
			out[string(k)] = v.Mappable()
		}
	}
	return out
}

// InitFailed tells the engine that the resource exists but did not become what
// was asked: it is kept in the state with id and state, and the next update
// takes it from there.
func InitFailed(id string, state, inputs resource.PropertyMap, cause error) error {
	props, err := Encode(state)
	if err != nil {
		return cause
	}
	in, err := Encode(inputs)
	if err != nil {
		return cause
	}
	return rpcerror.WithDetails(
		rpcerror.New(codes.Unknown, cause.Error()),
		&pulumirpc.ErrorResourceInitFailed{Id: id, Properties: props, Reasons: []string{cause.Error()}, Inputs: in},
	)
}
