// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"emrflink/internal/awskind"
)

// Error is what AWS answered to one operation, or why it could not be asked.
type Error struct {
	Op        string // "ec2:DescribeVpcs"
	Resource  string // what the call was about, "" when nothing in particular
	Code      string // AWS's code: "DependencyViolation"; "" when AWS was not reached
	Message   string // AWS's text
	RequestID string // "" when AWS was not reached
	HTTP      int    // the status, 0 when AWS was not reached
	err       error
}

// Error is one line: the operation, the resource, AWS's code, text and request.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Resource != "" {
		fmt.Fprintf(&b, " %q", e.Resource)
	}
	b.WriteString(": ")
	if e.Code != "" {
		b.WriteString(e.Code + ": ")
	}
	b.WriteString(e.Message)
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	return b.String()
}

// Unwrap is the SDK's error, for context.Canceled and its like.
func (e *Error) Unwrap() error { return e.err }

// NotFound says that the thing asked for does not exist.
func (e *Error) NotFound() bool { return awskind.Absent(e.Code) }

// Denied says that the credentials are missing, expired or not allowed to.
func (e *Error) Denied() bool {
	switch e.Code {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthFailure", "InvalidClientTokenId",
		"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "SignatureDoesNotMatch",
		"InvalidAccessKeyId", "MissingCredentials", "CredentialsUnavailable":
		return true
	}
	return e.HTTP == http.StatusForbidden || e.HTTP == http.StatusUnauthorized
}

// Hint says in one line what a person can do, "" when nothing general helps.
func (e *Error) Hint() string {
	switch e.Code {
	case "ExpiredToken", "ExpiredTokenException":
		return "the credentials have expired: sign in again"
	case "MissingCredentials", "CredentialsUnavailable":
		return "no AWS credentials were found: sign in, or set AWS_PROFILE"
	case "MissingRegion":
		return "set the region in the stack file (emrflink:region) or AWS_REGION"
	case "SignatureDoesNotMatch", "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "InvalidAccessKeyId":
		return "AWS does not know these credentials: check AWS_PROFILE and the clock of this machine"
	case "DependencyViolation", "DeleteConflict", "ResourceInUseException", "ResourceInUse":
		return "something else still uses it: delete that first"
	case "BucketNotEmpty":
		return "the bucket has objects or old versions left: empty it first"
	case "Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown":
		return "AWS limits the rate of calls: try again in a minute"
	}
	if e.Denied() {
		return "the identity in use is not allowed to call " + e.Op
	}
	return ""
}

// IsNotFound says whether err is AWS's answer that a thing does not exist. A
// failed connection is not: unreachable does not mean gone.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.NotFound()
}

// IsDenied says whether err is about credentials or permissions.
func IsDenied(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Denied()
}

// IsCode says whether err is AWS's answer with this code.
func IsCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// wrap turns an error of the SDK into an *Error; nil stays nil.
func wrap(op, resource string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: op, Resource: resource, Message: err.Error(), err: err}
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
	}
	var re *awshttp.ResponseError
	if errors.As(err, &re) {
		e.RequestID, e.HTTP = re.ServiceRequestID(), re.HTTPStatusCode()
	}
	if e.Code == "" && strings.Contains(e.Message, "get credentials") {
		e.Code = "CredentialsUnavailable"
	}
	return e
}
