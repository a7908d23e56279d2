// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// tokenPrefix starts every EKS bearer token (aws-iam-authenticator's v1).
	tokenPrefix = "k8s-aws-v1."
	// clusterIDHeader binds a token to one cluster; it is signed.
	clusterIDHeader = "x-k8s-aws-id"
	// presignSeconds is X-Amz-Expires of the presigned request. EKS accepts a
	// token for 15 minutes after its X-Amz-Date whatever this says.
	presignSeconds = "60"
	// tokenLifetime is one minute less than what EKS accepts.
	tokenLifetime = 14 * time.Minute
)

// Identity is the caller as AWS sees it.
type Identity struct {
	Account   string // twelve digits
	ARN       string
	UserID    string
	Partition string // "aws", "aws-cn", "aws-us-gov"
}

// Identity asks STS who the credentials belong to (sts:GetCallerIdentity, which
// no policy can forbid).
func (c *Client) Identity(ctx context.Context) (Identity, error) {
	out, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, wrap("sts:GetCallerIdentity", "", err)
	}
	id := Identity{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn), UserID: aws.ToString(out.UserId)}
	if parts := strings.SplitN(id.ARN, ":", 3); len(parts) == 3 {
		id.Partition = parts[1]
	}
	return id, nil
}

// EKSToken makes the bearer token of a cluster: a presigned GetCallerIdentity
// with the cluster's name signed into it. It makes no call. The time is when
// the token should be replaced.
func (c *Client) EKSToken(ctx context.Context, cluster string) (string, time.Time, error) {
	if cluster == "" {
		return "", time.Time{}, &Error{
			Op: "sts:GetCallerIdentity", Code: "InvalidParameter", Message: "the cluster's name is empty",
		}
	}
	made := c.now()
	presign := sts.NewPresignClient(c.sts, func(po *sts.PresignOptions) {
		po.ClientOptions = append(po.ClientOptions, func(so *sts.Options) {
			so.APIOptions = append(so.APIOptions,
				smithyhttp.SetHeaderValue(clusterIDHeader, cluster),
				smithyhttp.SetHeaderValue("X-Amz-Expires", presignSeconds))
		})
	})
	req, err := presign.PresignGetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", time.Time{}, wrap("sts:GetCallerIdentity", cluster, err)
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString([]byte(req.URL)), made.Add(tokenLifetime), nil
}

// AssumeRole returns a client with the credentials of a role, which last an
// hour.
func (c *Client) AssumeRole(ctx context.Context, roleARN, session string) (*Client, error) {
	out, err := c.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &roleARN, RoleSessionName: &session})
	if err != nil {
		return nil, wrap("sts:AssumeRole", roleARN, err)
	}
	cr := out.Credentials
	return c.as(cr), nil
}

// AssumeRoleWithWebIdentity exchanges a Kubernetes service-account token for
// the credentials of a role (IRSA) and returns a client that uses them. The
// call is not signed: the token is the proof.
func (c *Client) AssumeRoleWithWebIdentity(ctx context.Context, roleARN, session, token string) (*Client, error) {
	out, err := c.sts.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &roleARN, RoleSessionName: &session, WebIdentityToken: &token,
	})
	if err != nil {
		return nil, wrap("sts:AssumeRoleWithWebIdentity", roleARN, err)
	}
	cr := out.Credentials
	return c.as(cr), nil
}

// RoleTrust returns the trust policy of a role as JSON (iam:GetRole, whose answer is percent-encoded).
func (c *Client) RoleTrust(ctx context.Context, roleName string) (string, error) {
	out, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &roleName})
	if err != nil {
		return "", wrap("iam:GetRole", roleName, err)
	}
	return decoded("iam:GetRole", roleName, out.Role.AssumeRolePolicyDocument)
}

// Credentials are the keys that the client signs with; expires is zero for keys that do not expire.
func (c *Client) Credentials(ctx context.Context) (key, secret, token string, expires time.Time, err error) {
	got, err := c.cfg.Credentials.Retrieve(ctx)
	return got.AccessKeyID, got.SecretAccessKey, got.SessionToken, got.Expires, err
}

// as is c with the credentials of a session.
func (c *Client) as(cr *types.Credentials) *Client {
	cfg := c.cfg.Copy()
	cfg.Credentials = aws.NewCredentialsCache(credentials.StaticCredentialsProvider{Value: aws.Credentials{
		AccessKeyID: aws.ToString(cr.AccessKeyId), SecretAccessKey: aws.ToString(cr.SecretAccessKey),
		SessionToken: aws.ToString(cr.SessionToken), CanExpire: cr.Expiration != nil, Expires: aws.ToTime(cr.Expiration),
	}})
	return fromConfig(cfg, c.now)
}
