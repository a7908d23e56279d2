// SPDX-License-Identifier: Apache-2.0

package awsapi

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
)

// rawAttempts is how often a throttled or failed call is tried in all.
const rawAttempts = 3

// rawClient calls the services of which emrflink needs a few
// operations each (CloudWatch Logs, SQS, EventBridge, Service Quotas, classic load balancers): a signed POST does not justify the
// compile time of their generated clients.
type rawClient struct {
	cfg    aws.Config
	signer *v4.Signer
	now    func() time.Time
}

func newRawClient(cfg aws.Config, now func() time.Time) *rawClient {
	return &rawClient{cfg: cfg, signer: v4.NewSigner(), now: now}
}

// rawService is one JSON service: its signing name and what starts X-Amz-Target.
type rawService struct{ name, target, version string }

func sqsService() rawService    { return rawService{"sqs", "AmazonSQS", "1.0"} }
func eventsService() rawService { return rawService{"events", "AWSEvents", "1.1"} }

// endpoint is the explicit one, or the service's regional endpoint.
func (r *rawClient) endpoint(service string) string {
	if r.cfg.BaseEndpoint != nil {
		return strings.TrimSuffix(*r.cfg.BaseEndpoint, "/") + "/"
	}
	suffix := "amazonaws.com"
	if strings.HasPrefix(r.cfg.Region, "cn-") {
		suffix = "amazonaws.com.cn"
	}
	if service == "ecr" { // the name ecr is of what docker pulls from
		service = "api.ecr"
	}
	return "https://" + service + "." + r.cfg.Region + "." + suffix + "/"
}

func (r *rawClient) http() aws.HTTPClient {
	if r.cfg.HTTPClient == nil {
		return http.DefaultClient
	}
	return r.cfg.HTTPClient
}

// rawRequest is a POST to a service.
type rawRequest struct {
	service, op, resource string
	header                map[string]string
	body                  []byte
	// failure reads the error shape of the service's protocol.
	failure func(body []byte, header http.Header) (code, message string)
}

func (q rawRequest) name() string { return q.service + ":" + q.op }

// call posts in to an operation and decodes its answer into out (nil: dropped).
func (r *rawClient) call(ctx context.Context, s rawService, op, resource string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode %s:%s: %w", s.name, op, err)
	}
	answer, err := r.send(ctx, rawRequest{
		service: s.name, op: op, resource: resource, body: body, failure: jsonFailure, header: map[string]string{
			"Content-Type": "application/x-amz-json-" + s.version, "X-Amz-Target": s.target + "." + op,
		},
	})
	if err != nil || out == nil || len(answer) == 0 {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode the answer of %s:%s: %w", s.name, op, err)
	}
	return nil
}

// send posts a request, again when it was throttled or failed, and returns the answer.
func (r *rawClient) send(ctx context.Context, q rawRequest) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		answer, err := r.once(ctx, q)
		var e *Error
		if err == nil || attempt == rawAttempts || !errors.As(err, &e) || !e.retryable() {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return nil, wrap(q.name(), q.resource, ctx.Err())
		case <-time.After(time.Duration(attempt*attempt) * 200 * time.Millisecond):
		}
	}
}

// retryable says whether the same call may succeed a moment later.
func (e *Error) retryable() bool {
	return e.HTTP == 0 && !errors.Is(e.err, context.Canceled) && !errors.Is(e.err, context.DeadlineExceeded) ||
		e.HTTP == http.StatusTooManyRequests || e.HTTP >= 500 && e.HTTP != http.StatusNotImplemented ||
		strings.Contains(e.Code, "Throttl")
}

func (r *rawClient) once(ctx context.Context, q rawRequest) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.endpoint(q.service), bytes.NewReader(q.body))
	if err != nil {
		return nil, wrap(q.name(), q.resource, err)
	}
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	cr, err := r.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, &Error{Op: q.name(), Resource: q.resource, Code: "CredentialsUnavailable", Message: err.Error(), err: err}
	}
	sum := sha256.Sum256(q.body)
	if err := r.signer.SignHTTP(ctx, cr, req, hex.EncodeToString(sum[:]), q.service, r.cfg.Region, r.now()); err != nil {
		return nil, wrap(q.name(), q.resource, err)
	}
	resp, err := r.http().Do(req)
	if err != nil {
		return nil, wrap(q.name(), q.resource, err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, wrap(q.name(), q.resource, err)
	}
	if resp.StatusCode < http.StatusMultipleChoices {
		return answer, nil
	}
	code, message := q.failure(answer, resp.Header)
	return nil, &Error{
		Op: q.name(), Resource: q.resource, Code: code, Message: message, HTTP: resp.StatusCode,
		RequestID: resp.Header.Get("X-Amzn-Requestid"),
	}
}

// jsonFailure reads the error shape of the JSON protocols.
func jsonFailure(body []byte, header http.Header) (code, message string) {
	var e struct {
		Type     string `json:"__type"`
		Message  string `json:"message"`
		MessageU string `json:"Message"`
	}
	if json.Unmarshal(body, &e) != nil {
		message = strings.TrimSpace(string(body))
	}
	code = e.Type
	if q := header.Get("X-Amzn-Query-Error"); q != "" && code == "" {
		code, _, _ = strings.Cut(q, ";")
	}
	if _, after, ok := strings.Cut(code, "#"); ok {
		code = after
	}
	for _, m := range []string{e.Message, e.MessageU} {
		if m != "" {
			message = m
		}
	}
	return code, message
}
