// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/sts"
)

// maxBody is the largest request that is read into memory, in bytes. Objects of S3 are not, see Operation.streams.
const maxBody = 64 << 20

// Options configure the handler.
type Options struct {
	Logger *slog.Logger     // one debug record per request; nil is discarded
	Now    func() time.Time // clock of signatures; nil is time.Now
	// Tokens verifies service accounts' tokens; nil takes their claims as they are.
	Tokens sts.TokenVerifier
	// Observe, when not nil, is told of every request that was answered: tests
	// and the daemon's status use it. It must not block.
	Observe func(Call)
}

// Call is one answered request.
type Call struct {
	Operation string // "ec2:RunInstances"; "" when the request named none
	Caller    string // ARN; "" when not authenticated
	Status    int    // HTTP status
	Code      string // AWS's error code, "" on success
}

// server is the http.Handler.
type server struct {
	account  *account.Account
	sts      sts.Service
	log      *slog.Logger
	now      func() time.Time
	observe  func(Call)
	handlers map[string]Operation // by "service:Name"
}

var _ http.Handler = (*server)(nil)

// New returns the handler of the account's AWS API.
func New(a *account.Account, o Options) http.Handler {
	s := &server{
		account: a, sts: sts.Service{Account: a, Tokens: o.Tokens}, log: o.Logger, now: o.Now, observe: o.Observe,
		handlers: map[string]Operation{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.observe == nil {
		s.observe = func(Call) {}
	}
	for _, op := range Operations() {
		s.handlers[op.Service+":"+op.Name] = op
	}
	return s
}

// request is one call on its way through a handler.
type request struct {
	ctx     context.Context
	account *account.Account
	sts     sts.Service
	caller  account.Caller
	service string // as IAM spells it: "ec2", "elasticloadbalancing"
	op      string
	region  string
	proto   protocol
	ns      string            // XML namespace of the query protocols
	form    *params           // query protocols
	vars    map[string]string // from the path of the REST protocols
	http    *http.Request
	body    []byte
	payload *payload       // of S3
	fields  map[string]any // the body of the JSON protocols, see field
	fleet   *fleetRequest  // of CreateFleet and RunInstances, read to know what they need
	launch  *launch
	refused []error // by item, nil when it is allowed, see Operation.byItem
	id      string  // request id
	now     time.Time
}

// ServeHTTP answers one AWS request.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{ctx: r.Context(), account: s.account, sts: s.sts, http: r, id: requestID(), now: s.now()}
	ans, err := s.serve(q, w)
	call := Call{Caller: q.caller.ARN}
	if q.op != "" {
		call.Operation = q.service + ":" + q.op
	}
	if err != nil {
		e := q.translate(asError(err))
		call.Code = e.Code
		said := ans.header // what a refusal says beside its error
		ans = q.proto.errorAnswer(e, q.ns, r.URL.Path, q.id)
		maps.Copy(ans.header, said)
		if q.proto == protoRESTXML {
			drain(r)
		}
	}
	call.Status = ans.status
	s.write(w, r, q.id, ans)
	s.log.DebugContext(r.Context(), "aws api", "operation", call.Operation, "caller", call.Caller, "status", call.Status, "code",
		call.Code)
	s.observe(call)
}

func (s *server) write(w http.ResponseWriter, r *http.Request, id string, ans answer) {
	h := w.Header()
	for k, v := range ans.header {
		h[k] = v
	}
	if ans.contentType != "" {
		h.Set("Content-Type", ans.contentType)
	}
	if ans.stream != nil {
		h.Set("Content-Length", strconv.FormatInt(ans.length, 10))
		defer func() { _ = ans.stream.Close() }()
	}
	h.Set("Date", s.now().UTC().Format(http.TimeFormat)) // by the account's clock, which signatures are compared with
	h.Set("X-Amzn-Requestid", id)
	h.Set("X-Amz-Request-Id", id)
	w.WriteHeader(ans.status)
	// When a write fails, the client went away: there is nobody left to tell.
	switch {
	case r.Method == http.MethodHead:
	case ans.stream != nil:
		_, _ = io.CopyN(w, ans.stream, ans.length)
	default:
		_, _ = w.Write(ans.body)
	}
}

// serve routes, authenticates and runs.
func (s *server) serve(q *request, w http.ResponseWriter) (answer, error) {
	var sig signature
	var err error
	signed := false
	if !isPodIdentity(q.http, strings.HasPrefix(q.http.Header.Get("Authorization"), sigAlgorithm)) {
		if sig, signed, err = parseSignature(q.http); err != nil {
			return answer{}, err
		}
	}
	q.route(sig, signed)
	if err := q.readAhead(w); err != nil {
		return answer{}, err
	}
	op, known := s.handlers[q.service+":"+q.op]
	if signed {
		if err := q.authenticate(sig); err != nil {
			return answer{}, err
		}
	} else if !known || !op.unsigned {
		return answer{}, refuse(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	if !known {
		return answer{}, refuse(http.StatusNotImplemented, "NotImplemented", "%s:%s is not simulated by emrflink's local target",
			q.service, q.op)
	}
	return op.serve(q, w)
}

// serve reads what the operation needs, asks whether it may, and runs it.
func (o Operation) serve(q *request, w http.ResponseWriter) (answer, error) {
	if q.service == "sqs" && q.proto == protoQuery {
		if err := q.queueForm(); err != nil {
			return answer{}, err
		}
	}
	if q.payload != nil && !o.streams {
		if err := q.readPayload(w); err != nil {
			return answer{}, err
		}
	}
	if err := q.authorize(o); err != nil {
		return answer{}, err
	}
	if err := o.check(q); err != nil {
		return answer{}, err
	}
	return o.run(q)
}

// readAhead reads the body of every service but S3: its hash is a part of the signature, and some of them name their operation
// in it.
func (q *request) readAhead(w http.ResponseWriter) error {
	if q.proto == protoRESTXML {
		return nil
	}
	if err := q.read(http.MaxBytesReader(w, q.http.Body, maxBody)); err != nil {
		return err
	}
	if q.op == "" && (q.proto == protoEC2 || q.proto == protoQuery) {
		return q.routeForm()
	}
	return nil
}

// read reads the body into memory.
func (q *request) read(body io.Reader) (err error) {
	q.body, err = io.ReadAll(body)
	var tooLarge *http.MaxBytesError
	var refused *awserror.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return invalid("EntityTooLarge", "the simulated account takes requests of up to %d bytes", maxBody)
	case errors.As(err, &refused):
		return refused
	}
	return invalid("RequestTimeout", "the request's body ended early: %v", err)
}

// authenticate finds the caller. The body of an S3 request is still to be read: what it must be is in the headers, signed.
func (q *request) authenticate(sig signature) error {
	var err error
	hash := q.http.Header.Get("X-Amz-Content-Sha256")
	switch {
	case q.proto != protoRESTXML:
		hash, err = payloadHash(hash, q.body)
	case hash == "" && sig.presigned:
		hash = unsignedPayload
	case hash == "":
		err = invalid("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	}
	if err != nil {
		return err
	}
	caller, secret, err := authenticate(q.account, q.http, sig, hash, q.now)
	if err != nil {
		return err
	}
	q.caller = caller
	if q.proto == protoRESTXML {
		q.payload, err = newPayload(q.http, sig, secret, hash)
	}
	return err
}

// route finds service, protocol and operation of a request; the operation of the query protocols is found by routeForm.
func (q *request) route(sig signature, signed bool) {
	target := q.http.Header.Get("X-Amz-Target")
	q.service, q.region = sig.service, sig.region
	if !signed {
		q.service, q.region = "sts", q.account.Region()
	}
	if isPodIdentity(q.http, signed) {
		q.service, q.op, q.proto = "eks-auth", "AssumeRoleForPodIdentity", protoRESTJSON
		return
	}
	switch q.service {
	case "ec2":
		q.proto, q.ns = protoEC2, nsEC2
	case "iam":
		q.proto, q.ns = protoQuery, nsIAM
	case "sts":
		q.proto, q.ns = protoQuery, nsSTS
	case "elasticloadbalancing":
		q.proto, q.ns = protoQuery, nsELB
	case "sqs":
		q.proto = protoJSON10
		if target == "" {
			q.proto, q.ns = protoQuery, nsSQS
		}
	case "tagging":
		q.service, q.proto = "tag", protoJSON11
	case "ssm", "pricing", "logs", "events", "kms", "servicequotas":
		q.proto = protoJSON11
	case "eks":
		q.proto = protoRESTJSON
		q.op, q.vars = eksOperation(q.http)
		return
	case "s3":
		q.proto = protoRESTXML
		q.op, q.vars = s3Operation(q.http)
		return
	default:
		// An unknown service: answer in the shape its request suggests.
		q.proto = protoRESTJSON
		if target != "" {
			q.proto = protoJSON11
		}
	}
	q.routeTarget(target)
}

// routeTarget finds the operation in X-Amz-Target, which the JSON protocols have.
func (q *request) routeTarget(target string) {
	if target != "" {
		_, q.op, _ = strings.Cut(target, ".")
	} else if q.proto != protoEC2 && q.proto != protoQuery {
		q.op = q.http.Method + " " + q.http.URL.Path
	}
}

// routeForm reads the operation of the query protocols from body or URL.
func (q *request) routeForm() error {
	form := q.http.URL.Query()
	if q.http.Method == http.MethodPost {
		posted, err := url.ParseQuery(string(q.body))
		if err != nil {
			return invalid("MalformedQueryString", "the form does not parse: %v", err)
		}
		form = posted
	}
	q.form = parseParams(form)
	if q.op = q.form.str("Action"); q.op == "" {
		return invalid("MissingAction", "The request must contain the parameter Action.")
	}
	return nil
}

// field is a text of the JSON body by its name, "" when there is none. A body that is no JSON is refused by decode.
func (q *request) field(name string) string {
	if q.fields == nil {
		q.fields = map[string]any{}
		_ = json.Unmarshal(q.body, &q.fields)
	}
	s, _ := q.fields[name].(string)
	return s
}

// decode reads the JSON body of the request.
func (q *request) decode(v any) error {
	if len(bytes.TrimSpace(q.body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(q.body, v); err != nil {
		return invalid("SerializationException", "the request's JSON does not parse: %v", err)
	}
	return nil
}

// ec2 is EC2's answer: the children below OPERATIONResponse.
func (q *request) ec2(kids ...node) (answer, error) {
	n := el(q.op+"Response", append([]node{txt("requestId", q.id)}, kids...)...)
	n.ns = nsEC2
	return xmlAnswer(n), nil
}

// query is the answer of IAM, STS and ELB: the children of OPERATIONResult.
func (q *request) query(kids ...node) (answer, error) {
	n := el(q.op+"Response", el(q.op+"Result", kids...), el("ResponseMetadata", txt("RequestId", q.id)))
	n.ns = q.ns
	return xmlAnswer(n), nil
}

// json is the answer of the JSON protocols, and of SQS in its older one.
func (q *request) json(v map[string]any) (answer, error) {
	if q.proto == protoQuery {
		return q.query(queueNodes(v)...)
	}
	return jsonAnswer(q.proto.jsonType(), v)
}

// translate gives an error the code that the service of the request uses.
func (q *request) translate(e *awserror.Error) *awserror.Error {
	switch e.Code {
	case "QueueDoesNotExist", noSuchQueueBefore:
		e.Code = "QueueDoesNotExist"
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		switch q.proto {
		case protoEC2:
			e.Code, e.HTTP = "UnauthorizedOperation", http.StatusForbidden
			if !strings.HasPrefix(e.Message, "You are not authorized") {
				e.Message = "You are not authorized to perform this operation. " + e.Message
			}
		case protoJSON11:
			e.Code, e.HTTP = "AccessDeniedException", http.StatusBadRequest
		case protoRESTJSON, protoJSON10:
			e.Code, e.HTTP = "AccessDeniedException", http.StatusForbidden
		default:
			e.Code, e.HTTP = "AccessDenied", http.StatusForbidden
		}
	case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure":
		e.HTTP = http.StatusForbidden
		switch q.proto {
		case protoEC2:
			e.Code, e.HTTP = "AuthFailure", http.StatusUnauthorized
		case protoQuery:
			e.Code = "InvalidClientTokenId"
		case protoRESTXML:
			e.Code = "InvalidAccessKeyId"
		default:
			e.Code = "UnrecognizedClientException"
		}
	}
	if q.service == "sqs" && q.proto == protoQuery {
		e.Code = queryErrorCode(e.Code)
	}
	return e
}

// requestID is a random UUID.
func requestID() string {
	var b [16]byte
	// crypto/rand.Read never returns an error.
	_, _ = rand.Read(b[:])
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
