// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/provider/plug"
	"emrflink/internal/localcloud/provider/propdiff"
	"emrflink/internal/localcloud/provider/schema"
	"emrflink/stacks/nearest"
)

// config is the configuration of one provider resource.
type config struct {
	region      string
	defaultTags map[string]string
}

// settings are the provider's configuration keys that are honoured, or that
// only say how AWS is reached, which the local target has no use for.
func settings() []string {
	return []string{
		"region", "defaultTags", "allowedAccountIds", "forbiddenAccountIds", "version",
		"accessKey", "secretKey", "token", "profile", "sharedConfigFiles", "sharedCredentialsFiles", "maxRetries", "retryMode",
		"skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation", "skipRequestingAccountId",
		"httpProxy", "httpsProxy", "noProxy", "customCaBundle", "insecure", "useFipsEndpoint", "useDualstackEndpoint",
		"stsRegion", "ec2MetadataServiceEndpoint", "ec2MetadataServiceEndpointMode", "tokenBucketRateLimiterCapacity",
	}
}

// CheckConfig refuses configuration that does not exist or is not simulated.
func (s *Server) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	news, err := plug.Decode(req.GetNews())
	if err != nil {
		return nil, err
	}
	known, err := schema.Of(aws.ProviderArgs{})
	if err != nil {
		return nil, err
	}
	allowed := settings()
	out := &pulumirpc.CheckResponse{Inputs: req.GetNews()}
	for _, key := range news.StableKeys() {
		name := string(key)
		switch {
		case slices.Contains(allowed, name) || name == "__internal":
			continue
		case known.Has(name):
			out.Failures = append(out.Failures, &pulumirpc.CheckFailure{
				Property: name, Reason: "the local target does not simulate this setting of the aws provider",
			})
		default:
			out.Failures = append(out.Failures, &pulumirpc.CheckFailure{
				Property: name, Reason: "no such setting" + nearest.Suggest(name, known.Names()),
			})
		}
	}
	return out, nil
}

// DiffConfig compares two configurations. None of them needs other resources.
func (s *Server) DiffConfig(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news, err := plug.DecodeBoth(req.GetOldInputs(), req.GetNews())
	if err != nil {
		return nil, err
	}
	delete(olds, "version")
	delete(news, "version")
	return propdiff.Response(propdiff.Diff(olds, news, propdiff.Rules{})), nil
}

// Configure keeps the configuration for the connection's calls.
func (s *Server) Configure(ctx context.Context, req *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	args, err := plug.Decode(req.GetArgs())
	if err != nil {
		return nil, err
	}
	c := config{region: s.opts.Account.Region()}
	if r := args["region"]; r.IsString() && r.StringValue() != "" {
		c.region = r.StringValue()
	}
	if !slices.Contains(s.opts.Account.KnownRegions(), c.region) {
		return nil, status.Errorf(codes.InvalidArgument, "invalid AWS Region: %s%s",
			c.region, nearest.Suggest(c.region, s.opts.Account.KnownRegions()))
	}
	if c.defaultTags, err = defaultTags(args["defaultTags"]); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "defaultTags: %v", err)
	}
	if err := s.checkAccount(args); err != nil {
		return nil, status.Error(codes.PermissionDenied, err.Error())
	}
	plug.SessionOf(ctx).Configure(c)
	return &pulumirpc.ConfigureResponse{SupportsPreview: true, SupportsAutonamingConfiguration: true}, nil
}

// checkAccount honours the two settings that keep a program to its account.
func (s *Server) checkAccount(args property) error {
	id := s.opts.Account.ID()
	allowed, err := texts(args["allowedAccountIds"])
	if err != nil {
		return fmt.Errorf("allowedAccountIds: %w", err)
	}
	forbidden, err := texts(args["forbiddenAccountIds"])
	if err != nil {
		return fmt.Errorf("forbiddenAccountIds: %w", err)
	}
	if (len(allowed) > 0 && !slices.Contains(allowed, id)) || slices.Contains(forbidden, id) {
		return fmt.Errorf("AWS account ID not allowed: %s", id)
	}
	return nil
}

// configured returns the configuration of a call's connection.
func (s *Server) configured(ctx context.Context) config {
	if c, ok := plug.SessionOf(ctx).Config().(config); ok {
		return c
	}
	return config{region: s.opts.Account.Region()}
}

// nested reads a structured setting, which arrives as JSON text.
func nested(v value, into any) error {
	if v.IsNull() {
		return nil
	}
	if v.IsString() {
		return json.Unmarshal([]byte(v.StringValue()), into)
	}
	text, err := json.Marshal(v.Mappable())
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func defaultTags(v value) (map[string]string, error) {
	var out struct {
		Tags map[string]string `json:"tags"`
	}
	return out.Tags, nested(v, &out)
}

func texts(v value) ([]string, error) {
	var out []string
	return out, nested(v, &out)
}

// withDefaults returns the tags of a resource: its own over the provider's.
// known is false while one of them is not known yet.
func (c config) withDefaults(tags value) (all property, known bool) {
	all = property{}
	for k, v := range c.defaultTags {
		all[resource.PropertyKey(k)] = resource.NewProperty(v)
	}
	if tags.IsComputed() {
		return all, false
	}
	if tags.IsObject() {
		maps.Copy(all, tags.ObjectValue())
	}
	return all, true
}

// own drops from a resource's tags the provider's default ones that the program
// does not give itself, and AWS's own.
func (c config) own(r account.Resource, given property) property {
	out := property{}
	for k, v := range r.Tags {
		_, asked := given[resource.PropertyKey(k)]
		if d, ok := c.defaultTags[k]; ok && d == v && !asked {
			continue
		}
		if len(k) >= 4 && k[:4] == "aws:" {
			continue
		}
		out[resource.PropertyKey(k)] = resource.NewProperty(v)
	}
	return out
}
