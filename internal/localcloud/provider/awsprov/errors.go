// SPDX-License-Identifier: Apache-2.0

package awsprov

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"emrflink/internal/awskind"
	"emrflink/internal/localcloud/awserror"
)

// describe puts an error of the account into the words of the real provider, in
// which AWS's code follows "api error". What is no error of AWS's passes as it is.
func describe(ctx context.Context, doing string, a api, op, id string, err error) error {
	what := doing + " " + a.noun
	if id != "" {
		what += " (" + id + ")"
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, ctx.Err()) {
		err = cause
	}
	var refused *awserror.Error
	if !errors.As(err, &refused) {
		return status.Error(codes.Unknown, fmt.Sprintf("%s: %v", what, err))
	}
	return status.Error(codes.Unknown, fmt.Sprintf(
		"%s: operation error %s: %s, https response error StatusCode: %d, RequestID: local, api error %s: %s",
		what, a.service, op, refused.HTTP, refused.Code, refused.Message))
}

// gone says that an error means that there is no such resource. A key whose deletion is pending is as good as gone.
func gone(err error) bool {
	code := awserror.Code(err)
	return awskind.Absent(code) || code == "KMSInvalidStateException"
}
