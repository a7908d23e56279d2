// SPDX-License-Identifier: Apache-2.0

// Package ssm reads parameters of the Parameter Store. It takes the place of the AWS SDK's module of the same name, of
// whose 150 operations Karpenter calls one (docs/adr/0005-lean-start.md). It calls with a region's own endpoint, or the one
// that AWS_ENDPOINT_URL names, and does not try again: Karpenter asks once more in its next round.
package ssm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

// Options are what a call could set; there is nothing to set.
type Options struct{}

// GetParameterInput names a parameter.
type GetParameterInput struct{ Name *string }

// GetParameterOutput is the parameter.
type GetParameterOutput struct{ Parameter *types.Parameter }

// Client calls the service of one region.
type Client struct{ cfg aws.Config }

// NewFromConfig makes a client; nothing is contacted.
func NewFromConfig(cfg aws.Config, _ ...func(*Options)) *Client { return &Client{cfg: cfg} }

// GetParameter reads a parameter. An error of the service is a smithy.APIError: ParameterNotFound for one.
func (c *Client) GetParameter(ctx context.Context, in *GetParameterInput, _ ...func(*Options)) (*GetParameterOutput, error) {
	out, err := c.call(ctx, in)
	if err != nil {
		return nil, &smithy.OperationError{ServiceID: "SSM", OperationName: "GetParameter", Err: err}
	}
	return out, nil
}

func (c *Client) call(ctx context.Context, in *GetParameterInput) (*GetParameterOutput, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
	keys, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "ssm", c.cfg.Region, time.Now()); err != nil {
		return nil, err
	}
	var client aws.HTTPClient = http.DefaultClient
	if c.cfg.HTTPClient != nil {
		client = c.cfg.HTTPClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, failure(resp.Status, answer)
	}
	var out GetParameterOutput
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return &out, nil
}

func (c *Client) endpoint() string {
	if c.cfg.BaseEndpoint != nil {
		return strings.TrimSuffix(*c.cfg.BaseEndpoint, "/") + "/"
	}
	suffix := "amazonaws.com"
	if strings.HasPrefix(c.cfg.Region, "cn-") {
		suffix = "amazonaws.com.cn"
	}
	return "https://ssm." + c.cfg.Region + "." + suffix + "/"
}

// failure reads an error of the JSON protocol: "com.amazonaws.ssm#ParameterNotFound".
func failure(status string, answer []byte) error {
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(answer, &e); err != nil || e.Type == "" {
		return fmt.Errorf("answer %s", status)
	}
	return &smithy.GenericAPIError{Code: e.Type[strings.LastIndex(e.Type, "#")+1:], Message: e.Message}
}
