// SPDX-License-Identifier: Apache-2.0

// Package flinkrest speaks the REST API of a Flink JobManager, as far as jobs are looked at, stopped and saved.
//
// Its documents are those of Flink 1.20 (nightlies.apache.org/flink/flink-docs-release-1.20, REST API); fields that nobody
// reads are left out.
//
// Place: adapter. It is given an HTTP client and does not know how a JobManager is reached.
package flinkrest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Config is what a JobManager tells of itself (GET /config). It answers as soon as its REST API serves.
type Config struct {
	Version  string `json:"flink-version"`
	Revision string `json:"flink-revision"`
}

// Overview is the cluster in numbers (GET /overview).
type Overview struct {
	TaskManagers int    `json:"taskmanagers"`
	Slots        int    `json:"slots-total"`
	FreeSlots    int    `json:"slots-available"`
	Running      int    `json:"jobs-running"`
	Finished     int    `json:"jobs-finished"`
	Cancelled    int    `json:"jobs-cancelled"`
	Failed       int    `json:"jobs-failed"`
	Version      string `json:"flink-version"`
	Commit       string `json:"flink-commit"`
}

// Job is one row of GET /jobs/overview. Times are milliseconds since 1970; -1 is not yet. State is INITIALIZING, CREATED,
// RUNNING, RESTARTING, FAILING, FAILED, CANCELLING, CANCELED, FINISHED, SUSPENDED or RECONCILING.
type Job struct {
	ID           string `json:"jid"`
	Name         string `json:"name"`
	State        string `json:"state"`
	StartTime    int64  `json:"start-time"`
	EndTime      int64  `json:"end-time"`
	Duration     int64  `json:"duration"`
	LastModified int64  `json:"last-modification"`
}

// Jobs is the document of GET /jobs/overview.
type Jobs struct {
	Jobs []Job `json:"jobs"`
}

// Checkpoint is a checkpoint or a savepoint of GET /jobs/ID/checkpoints.
type Checkpoint struct {
	ID        int64  `json:"id"`
	Status    string `json:"status"` // IN_PROGRESS, COMPLETED, FAILED
	Savepoint bool   `json:"is_savepoint"`
	Triggered int64  `json:"trigger_timestamp"`
	Bytes     int64  `json:"state_size"`
	Millis    int64  `json:"end_to_end_duration"`
	Path      string `json:"external_path"`

	Subtasks     int    `json:"num_subtasks,omitempty"`
	Acknowledged int    `json:"num_acknowledged_subtasks,omitempty"`
	Failed       int64  `json:"failure_timestamp,omitempty"`
	Failure      string `json:"failure_message,omitempty"`
}

// Checkpoints is the document of GET /jobs/ID/checkpoints.
type Checkpoints struct {
	Counts struct {
		Restored   int64 `json:"restored"`
		Total      int64 `json:"total"`
		InProgress int64 `json:"in_progress"`
		Completed  int64 `json:"completed"`
		Failed     int64 `json:"failed"`
	} `json:"counts"`
	Latest struct {
		Completed *Checkpoint `json:"completed"`
		Savepoint *Checkpoint `json:"savepoint"`
		Restored  *Checkpoint `json:"restored"`
	} `json:"latest"`
	History []Checkpoint `json:"history,omitempty"` // the newest first
}

// Exceptions is the document of GET /jobs/ID/exceptions.
type Exceptions struct {
	Root    string `json:"root-exception"` // with its stack trace; "" when there is none
	History struct {
		Entries []Exception `json:"entries,omitempty"` // the newest first
	} `json:"exceptionHistory,omitzero"`
}

// Exception is what a job, or a part of it, was restarted for.
type Exception struct {
	Name   string `json:"exceptionName"`
	Trace  string `json:"stacktrace"`
	Millis int64  `json:"timestamp"`
	Task   string `json:"taskName,omitempty"`
	Worker string `json:"taskManagerId,omitempty"`
}

// Trigger is the answer to the start of something that takes time.
type Trigger struct {
	RequestID string `json:"request-id"`
}

// Operation is how something that was triggered went.
type Operation struct {
	Status struct {
		ID string `json:"id"` // IN_PROGRESS or COMPLETED, which a failure is too
	} `json:"status"`
	Operation *Outcome `json:"operation"`
}

// Outcome is the result of an Operation.
type Outcome struct {
	Location string `json:"location,omitempty"`
	Failure  *Cause `json:"failure-cause,omitempty"`
}

// Cause is an exception of Flink's.
type Cause struct {
	Class string `json:"class"`
	Trace string `json:"stack-trace"`
}

// The states of an Operation.
const (
	InProgress = "IN_PROGRESS"
	Completed  = "COMPLETED"
)

// Savepoint is the body of POST /jobs/ID/savepoints.
type Savepoint struct {
	Directory string `json:"target-directory,omitempty"` // "" is that of the job's configuration
	Cancel    bool   `json:"cancel-job"`
	Format    string `json:"formatType"` // CANONICAL or NATIVE
}

// Stop is the body of POST /jobs/ID/stop.
type Stop struct {
	Directory string `json:"targetDirectory,omitempty"`
	Drain     bool   `json:"drain"`
	Format    string `json:"formatType"`
}

// CheckpointTrigger is the body of POST /jobs/ID/checkpoints.
type CheckpointTrigger struct {
	Type string `json:"checkpointType"` // CONFIGURED, FULL, INCREMENTAL
}

// Disposal is the body of POST /savepoint-disposal.
type Disposal struct {
	Location string `json:"savepoint-path"`
}

// Uploaded is the answer to POST /jars/upload. The last part of Filename is the jar's id.
type Uploaded struct {
	Filename string `json:"filename"`
	Status   string `json:"status"`
}

// Run is the body of POST /jars/ID/run.
type Run struct {
	JobID         string            `json:"jobId"`
	EntryClass    string            `json:"entryClass,omitempty"`
	Args          []string          `json:"programArgsList,omitempty"`
	Parallelism   int               `json:"parallelism"`
	Savepoint     string            `json:"savepointPath,omitempty"`
	Configuration map[string]string `json:"flinkConfiguration,omitempty"`
}

// Submitted is the answer to POST /jars/ID/run.
type Submitted struct {
	JobID string `json:"jobid"`
}

// Refusals is the document of every error.
type Refusals struct {
	Errors []string `json:"errors"`
}

// Error is an answer of a JobManager that is no success.
type Error struct {
	Status  int
	Message string // Flink's own words, the first line
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("Flink answered %d: %s", e.Status, e.Message) }

// Client asks one JobManager.
type Client struct {
	base string
	http *http.Client
}

// New returns a client for the JobManager at base, "http://HOST:PORT".
func New(base string, c *http.Client) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), http: c}
}

// Config asks whether the JobManager serves, and which Flink it is.
func (c *Client) Config(ctx context.Context) (Config, error) { return get[Config](ctx, c, "/config") }

// Overview returns the cluster in numbers.
func (c *Client) Overview(ctx context.Context) (Overview, error) {
	return get[Overview](ctx, c, "/overview")
}

// Jobs lists the jobs.
func (c *Client) Jobs(ctx context.Context) ([]Job, error) {
	all, err := get[Jobs](ctx, c, "/jobs/overview")
	return all.Jobs, err
}

// Checkpoints tells of a job's checkpoints.
func (c *Client) Checkpoints(ctx context.Context, job string) (Checkpoints, error) {
	return get[Checkpoints](ctx, c, jobPath(job, "checkpoints"))
}

// RootException is the first line of the exception that a job failed with; "" when there is none.
func (c *Client) RootException(ctx context.Context, job string) (string, error) {
	e, err := get[Exceptions](ctx, c, jobPath(job, "exceptions"))
	return firstLine(e.Root), err
}

// TriggerSavepoint starts a savepoint of a running job below dir.
func (c *Client) TriggerSavepoint(ctx context.Context, job, dir string) (request string, err error) {
	return c.trigger(ctx, jobPath(job, "savepoints"), Savepoint{Directory: dir, Format: "CANONICAL"})
}

// StopWithSavepoint starts a savepoint with which the job ends.
func (c *Client) StopWithSavepoint(ctx context.Context, job, dir string) (request string, err error) {
	return c.trigger(ctx, jobPath(job, "stop"), Stop{Directory: dir, Format: "CANONICAL"})
}

// TriggerCheckpoint starts a checkpoint beside those that the job takes by itself.
func (c *Client) TriggerCheckpoint(ctx context.Context, job string) (request string, err error) {
	return c.trigger(ctx, jobPath(job, "checkpoints"), CheckpointTrigger{Type: "FULL"})
}

// SavepointDone says whether a savepoint of TriggerSavepoint or StopWithSavepoint has ended, and where it is. A savepoint that
// failed is an error that has Flink's first line.
func (c *Client) SavepointDone(ctx context.Context, job, request string) (location string, done bool, err error) {
	return c.outcome(ctx, jobPath(job, "savepoints", request))
}

// CheckpointDone says whether a checkpoint of TriggerCheckpoint has ended.
func (c *Client) CheckpointDone(ctx context.Context, job, request string) (done bool, err error) {
	_, done, err = c.outcome(ctx, jobPath(job, "checkpoints", request))
	return done, err
}

// DisposeSavepoint starts the deletion of a savepoint's files.
func (c *Client) DisposeSavepoint(ctx context.Context, location string) (request string, err error) {
	return c.trigger(ctx, "/savepoint-disposal", Disposal{Location: location})
}

// DisposalDone says whether a deletion of DisposeSavepoint has ended.
func (c *Client) DisposalDone(ctx context.Context, request string) (done bool, err error) {
	_, done, err = c.outcome(ctx, "/savepoint-disposal/"+url.PathEscape(request))
	return done, err
}

// Upload sends a jar and returns its id.
func (c *Client) Upload(ctx context.Context, name string, jar io.Reader) (string, error) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		part, err := form.CreateFormFile("jarfile", name)
		if err == nil {
			_, err = io.Copy(part, jar)
		}
		_ = w.CloseWithError(errors.Join(err, form.Close())) // it has no error
	}()
	var got Uploaded
	err := c.send(ctx, http.MethodPost, "/jars/upload", form.FormDataContentType(), r, &got)
	_ = r.Close() // ends the copying when the answer came before its end
	return path.Base(got.Filename), err
}

// Run starts a job of an uploaded jar.
func (c *Client) Run(ctx context.Context, jar string, job Run) error {
	return c.do(ctx, http.MethodPost, "/jars/"+url.PathEscape(jar)+"/run", job, nil)
}

// Cancel ends a job without a savepoint; it is over later.
func (c *Client) Cancel(ctx context.Context, job string) error {
	return c.do(ctx, http.MethodPatch, jobPath(job)+"?mode=cancel", nil, nil)
}

func (c *Client) outcome(ctx context.Context, path string) (location string, done bool, err error) {
	op, err := get[Operation](ctx, c, path)
	switch {
	case err != nil:
		return "", false, err
	case op.Status.ID != Completed:
		return "", false, nil
	case op.Operation == nil:
		return "", true, nil
	case op.Operation.Failure != nil:
		return "", true, errors.New(firstLine(op.Operation.Failure.Trace))
	}
	return op.Operation.Location, true, nil
}

func (c *Client) trigger(ctx context.Context, path string, body any) (string, error) {
	var t Trigger
	err := c.do(ctx, http.MethodPost, path, body, &t)
	return t.RequestID, err
}

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	var into T
	err := c.do(ctx, http.MethodGet, path, nil, &into)
	return into, err
}

// most is how much of an answer is read: a list of hundreds of jobs is smaller.
const most = 8 << 20

func (c *Client) do(ctx context.Context, method, path string, body, into any) error {
	if body == nil {
		return c.send(ctx, method, path, "", nil, into)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.send(ctx, method, path, "application/json", bytes.NewReader(raw), into)
}

func (c *Client) send(ctx context.Context, method, path, contentType string, body io.Reader, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() // it was only read
	raw, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return refused(res.StatusCode, raw)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

func refused(status int, raw []byte) error {
	var r Refusals
	message := strings.TrimSpace(string(raw))
	if json.Unmarshal(raw, &r) == nil && len(r.Errors) > 0 {
		// Flink's first is often "Internal server error.", and then the exception follows.
		message = strings.TrimPrefix(r.Errors[len(r.Errors)-1], "<Exception on server side:")
	}
	return &Error{Status: status, Message: firstLine(message)}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

func jobPath(job string, rest ...string) string {
	parts := []string{"/jobs", url.PathEscape(job)}
	for _, r := range rest {
		parts = append(parts, url.PathEscape(r))
	}
	return strings.Join(parts, "/")
}
