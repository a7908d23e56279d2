// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"emrflink/internal/localcloud/awserror"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// answer is a complete HTTP answer.
type answer struct {
	status      int
	contentType string
	header      http.Header
	body        []byte
	stream      io.ReadCloser // instead of body: length bytes of it
	length      int64
}

// protocol is one of Amazon's wire formats.
type protocol int

const (
	protoEC2   protocol = iota // query in, XML out, EC2's own error shape
	protoQuery                 // query in, XML with a Result element out
	protoJSON10
	protoJSON11
	protoRESTJSON
	protoRESTXML
)

// refuse makes an AWS error.
func refuse(status int, code, format string, args ...any) *awserror.Error {
	return &awserror.Error{Code: code, Message: fmt.Sprintf(format, args...), HTTP: status}
}

// invalid is the error for a parameter that AWS would not take.
func invalid(code, format string, args ...any) *awserror.Error {
	return refuse(http.StatusBadRequest, code, format, args...)
}

// asError makes an *awserror.Error of any error; what is not one is our own
// fault and answers 500.
func asError(err error) *awserror.Error {
	var e *awserror.Error
	if !errors.As(err, &e) {
		return &awserror.Error{Code: "InternalFailure", Message: err.Error(), HTTP: http.StatusInternalServerError}
	}
	c := *e
	if c.HTTP == 0 {
		c.HTTP = http.StatusBadRequest
	}
	return &c
}

// xmlAnswer is a document with status 200.
func xmlAnswer(n node) answer {
	return answer{status: http.StatusOK, contentType: "text/xml;charset=UTF-8", body: n.document()}
}

// jsonAnswer encodes v; a map with only JSON types cannot fail to encode.
func jsonAnswer(contentType string, v any) (answer, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return answer{}, fmt.Errorf("encode answer: %w", err)
	}
	return answer{status: http.StatusOK, contentType: contentType, body: b}, nil
}

func (p protocol) jsonType() string {
	switch p {
	case protoJSON10:
		return "application/x-amz-json-1.0"
	case protoJSON11:
		return "application/x-amz-json-1.1"
	}
	return "application/json"
}

// errorAnswer is an error in the shape of the protocol.
func (p protocol) errorAnswer(e *awserror.Error, ns, resource, requestID string) answer {
	a := answer{status: e.HTTP, contentType: "text/xml;charset=UTF-8", header: http.Header{}}
	kind := "Sender"
	if e.HTTP >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	switch p {
	case protoEC2:
		a.body = el("Response",
			el("Errors", el("Error", txt("Code", e.Code), txt("Message", e.Message))), txt("RequestID", requestID)).document()
	case protoQuery:
		n := el("ErrorResponse",
			el("Error", txt("Type", kind), txt("Code", e.Code), txt("Message", e.Message)), txt("RequestId", requestID))
		n.ns = ns
		a.body = n.document()
	case protoRESTXML:
		a.contentType = "application/xml"
		a.body = el("Error", txt("Code", e.Code), txt("Message", e.Message), opt("Resource", resource),
			txt("RequestId", requestID), txt("HostId", requestID)).document()
	default:
		a.contentType = p.jsonType()
		a.header.Set("X-Amzn-Errortype", e.Code)
		fields := map[string]string{"message": e.Message}
		if p != protoRESTJSON {
			fields["__type"] = e.Code
		}
		if p == protoJSON10 { // SQS, whose clients prefer the codes that it had before it spoke JSON
			a.header.Set("X-Amzn-Query-Error", queryErrorCode(e.Code)+";"+kind)
		}
		// A map of strings cannot fail to encode.
		a.body, _ = json.Marshal(fields)
	}
	return a
}

// noSuchQueueBefore is the code that a missing queue had before SQS spoke JSON.
const noSuchQueueBefore = "AWS.SimpleQueueService.NonExistentQueue"

// queryErrorCode is the code that SQS had for an error before it spoke JSON.
func queryErrorCode(code string) string {
	switch code {
	case "QueueDoesNotExist":
		return noSuchQueueBefore
	case "MessageNotInflight":
		return "AWS.SimpleQueueService." + code
	}
	return code
}
