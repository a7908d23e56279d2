// SPDX-License-Identifier: Apache-2.0

package flinkrest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// answering is a client of a JobManager that answers each "METHOD PATH" with a text, or with 500.
func answering(t *testing.T, answers map[string]string) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, known := answers[r.Method+" "+r.URL.RequestURI()]
		if !known {
			w.WriteHeader(http.StatusInternalServerError)
			text = `{"errors":["Internal server error.","<Exception on server side:\njava.lang.X\n\tat y"]}`
		}
		_, _ = io.WriteString(w, text) // the client checks what arrives
	}))
	t.Cleanup(server.Close)
	return New(server.URL+"/", server.Client())
}

func TestASavepointIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	c := answering(t, map[string]string{
		"POST /jobs/j1/savepoints":   `{"request-id":"r1"}`,
		"POST /jobs/j1/stop":         `{"request-id":"r2"}`,
		"POST /jobs/j1/checkpoints":  `{"request-id":"r3"}`,
		"GET /jobs/j1/savepoints/r1": `{"status":{"id":"IN_PROGRESS"},"operation":null}`,
		"GET /jobs/j1/savepoints/r2": `{"status":{"id":"COMPLETED"},"operation":{"location":"s3://b/savepoint-1"}}`,
		"GET /jobs/j1/savepoints/r4": `{"status":{"id":"COMPLETED"},"operation":{"failure-cause":{"class":"x",` +
			`"stack-trace":"java.io.IOException: denied\n\tat z"}}}`,
		"GET /jobs/j1/checkpoints/r3": `{"status":{"id":"COMPLETED"},"operation":{"checkpointId":7}}`,
	})
	first, err := c.TriggerSavepoint(t.Context(), "j1", "s3://b")
	require.NoError(t, err)
	location, done, err := c.SavepointDone(t.Context(), "j1", first)
	require.NoError(t, err)
	require.False(t, done)
	require.Empty(t, location)

	second, err := c.StopWithSavepoint(t.Context(), "j1", "s3://b")
	require.NoError(t, err)
	location, done, err = c.SavepointDone(t.Context(), "j1", second)
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, "s3://b/savepoint-1", location)

	_, done, err = c.SavepointDone(t.Context(), "j1", "r4")
	require.EqualError(t, err, "java.io.IOException: denied", "Flink's first line")
	require.True(t, done)

	third, err := c.TriggerCheckpoint(t.Context(), "j1")
	require.NoError(t, err)
	done, err = c.CheckpointDone(t.Context(), "j1", third)
	require.NoError(t, err)
	require.True(t, done)
}

func TestARefusalHasFlinksOwnWords(t *testing.T) {
	t.Parallel()
	c := answering(t, nil)
	_, err := c.Jobs(t.Context())
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, &Error{Status: 500, Message: "java.lang.X"}, refused)
	require.Error(t, c.Cancel(t.Context(), "j1"))
}

func TestAJarIsUploadedAndRun(t *testing.T) {
	t.Parallel()
	var sent, asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/jars/upload":
			file, header, err := r.FormFile("jarfile")
			if err == nil {
				raw, _ := io.ReadAll(file) // a short one is seen below
				sent = header.Filename + ": " + string(raw)
			}
			_, _ = io.WriteString(w, `{"filename":"/tmp/flink-web-1/abc_job.jar","status":"success"}`)
		case "/jars/abc_job.jar/run":
			raw, _ := io.ReadAll(r.Body) // the same
			asked = string(raw)
			_, _ = io.WriteString(w, `{"jobid":"j1"}`)
		}
	}))
	t.Cleanup(server.Close)
	c := New(server.URL, server.Client())
	id, err := c.Upload(t.Context(), "job.jar", strings.NewReader("bytes"))
	require.NoError(t, err)
	require.Equal(t, "abc_job.jar", id)
	require.Equal(t, "job.jar: bytes", sent)
	require.NoError(t, c.Run(t.Context(), id, Run{JobID: "j1", Parallelism: 2, Savepoint: "s3://b/s"}))
	require.JSONEq(t, `{"jobId":"j1","parallelism":2,"savepointPath":"s3://b/s"}`, asked)
}
