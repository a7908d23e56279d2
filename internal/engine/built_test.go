// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"emrflink/internal/plans"

	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

func TestBackendsThatAreNotBuiltInAreRefusedByName(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"gs://states":                       "Google Cloud Storage",
		"azblob://states":                   "Azure Blob Storage",
		"postgres://u@host/db":              "PostgreSQL",
		"https://api.pulumi.com":            "Pulumi Cloud",
		"ftp://host":                        "ftp://",
		"file:///tmp/x":                     "",
		"file://~":                          "",
		"s3://states?region=us-west-2&a=b ": "",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			_, err := Open(t.Context(), Options{Stack: "dev", Home: t.TempDir(), BackendURL: url})
			if want == "" {
				require.NoError(t, err)
				return
			}
			var f *Failure
			require.ErrorAs(t, err, &f)
			require.Equal(t, CodeNotBuilt, f.Code)
			require.Contains(t, f.Message, want)
			require.Contains(t, f.Message, "file:// and s3://")
			require.Equal(t, 2, f.ExitCode())
		})
	}
}

func TestSecretsProvidersThatAreNotBuiltInAreRefusedByName(t *testing.T) {
	t.Parallel()
	for provider, want := range map[string]string{
		"gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k": "Google Cloud KMS",
		"azurekeyvault://v.vault.azure.net/keys/k":                "Azure Key Vault",
		"hashivault://k":                 "HashiCorp Vault",
		"service":                        "Pulumi Cloud",
		"passphrase":                     "",
		"awskms://alias/k":               "",
		"awskms:///arn:aws:kms:x:1:k/ab": "",
	} {
		file := filepath.Join(t.TempDir(), "Pulumi.dev.yaml")
		require.NoError(t, os.WriteFile(file, []byte("secretsprovider: "+provider+"\nconfig: {}\n"), 0o600))
		e := open(t, Options{Stack: "dev", Home: t.TempDir(), WorkFile: file})
		err := e.prepareWorkDir(t.TempDir())
		if want == "" {
			require.NoError(t, err, provider)
			continue
		}
		var f *Failure
		require.ErrorAs(t, err, &f, provider)
		require.Equal(t, CodeNotBuilt, f.Code)
		require.Contains(t, f.Message, want)
	}
}

func TestDefaultsHoldForWhatTheStackDoesNotSet(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, o := range []Options{
		{WorkFile: put(t, "config: {emrflink:name: mine}\nencryptionsalt: v1\n", home, "Pulumi.dev.yaml")},
		{Config: map[string]string{"emrflink:name": "mine"}},
	} {
		o.Stack, o.Home = "dev", home
		o.Defaults = map[string]any{"emrflink:name": "of all", "emrflink:teams": []any{"a"}, "aws:profile": "dev"}
		settings, err := open(t, o).stackSettings()
		require.NoError(t, err)
		require.Equal(t, map[string]any{"emrflink:name": "mine", "emrflink:teams": []any{"a"}, "aws:profile": "dev"},
			settings["config"])
	}
}

// Pulumi's own commands take the project file: its types, and the defaults of them.
func TestPulumiTakesTheProjectFile(t *testing.T) {
	t.Parallel()
	project, err := workspace.LoadProject("../../Pulumi.yaml")
	require.NoError(t, err)
	require.NoError(t, project.Validate())
	require.NotEmpty(t, project.Config)
	for key, of := range project.Config {
		require.NotNil(t, of.Default, "without a default every stack would have to set %s", key)
		// Pulumi has no type for a list of texts and objects.
		require.Equal(t, key != "emrflink:teams", of.IsExplicitlyTyped(), key)
	}
}

func TestPulumisOwnCommandsAreRefusedWhatIsNotBuiltIn(t *testing.T) {
	t.Setenv(backendVar, "")
	require.NoError(t, checkDirectUse([]string{"stack", "init", "--secrets-provider=awskms://alias/k"}))
	require.NoError(t, checkDirectUse([]string{"plugin", "install", "resource", "aws", "--server", "https://example.com"}))
	require.ErrorContains(t, checkDirectUse([]string{"stack", "init", "--secrets-provider=gcpkms://k"}), "Google Cloud KMS")
	require.ErrorContains(t, checkDirectUse([]string{"stack", "change-secrets-provider", "hashivault://k"}), "HashiCorp Vault")
	t.Setenv(backendVar, "gs://bucket")
	require.ErrorContains(t, checkDirectUse([]string{"stack", "ls"}), "Google Cloud Storage")
}

// fakeS3 keeps the objects of one bucket, as far as the engine's backend asks.
type fakeS3 struct {
	mu       sync.Mutex
	objects  map[string][]byte
	modified map[string]time.Time // in seconds, as S3 tells it
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch r.Method {
	case http.MethodPut:
		f.modified[key] = time.Now().Truncate(time.Second)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if from := r.Header.Get("X-Amz-Copy-Source"); from != "" {
			_, source, _ := strings.Cut(strings.TrimPrefix(from, "/"), "/")
			f.objects[key] = f.objects[strings.ReplaceAll(source, "%2F", "/")]
			_, _ = io.WriteString(w, `<CopyObjectResult><ETag>"x"</ETag></CopyObjectResult>`)
			return
		}
		f.objects[key] = plainBody(r, body)
		w.Header().Set("ETag", `"x"`)
	case http.MethodDelete:
		delete(f.objects, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		if key == "" {
			f.list(w, r.URL.Query().Get("prefix"), r.URL.Query().Get("delimiter"))
			return
		}
		body, ok := f.objects[key]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code></Error>`)
			return
		}
		w.Header().Set("ETag", `"x"`)
		http.ServeContent(w, r, "", time.Now(), strings.NewReader(string(body)))
	}
}

// lose deletes an object behind everybody's back.
func (f *fakeS3) lose(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.objects, key)
}

// inflate returns an object, and keeps it, as the versions wrote it that did not compress a state.
func (f *fakeS3) inflate(t *testing.T, key string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if encoding.DetectCompression(f.objects[key]) == encoding.CompressionGzip {
		plain, err := gzip.NewReader(bytes.NewReader(f.objects[key]))
		require.NoError(t, err)
		f.objects[key], err = io.ReadAll(plain)
		require.NoError(t, err)
	}
	return string(f.objects[key])
}

// plainBody takes the body out of the chunks in which the SDK sends it with a checksum at the end.
func plainBody(r *http.Request, body []byte) []byte {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return body
	}
	var out []byte
	for rest := string(body); ; {
		head, after, _ := strings.Cut(rest, "\r\n")
		size := 0
		for _, c := range strings.Split(head, ";")[0] {
			size = size*16 + strings.IndexRune("0123456789abcdef", c)
		}
		if size == 0 {
			return out
		}
		out = append(out, after[:size]...)
		rest = after[size+2:]
	}
}

func (f *fakeS3) list(w http.ResponseWriter, prefix, delimiter string) {
	type entry struct {
		Key          string
		Size         int
		LastModified time.Time
	}
	type folder struct{ Prefix string }
	var out struct {
		XMLName        xml.Name `xml:"ListBucketResult"`
		Contents       []entry
		CommonPrefixes []folder
	}
	for _, key := range slices.Sorted(maps.Keys(f.objects)) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if at := strings.Index(key[len(prefix):], delimiter); delimiter != "" && at >= 0 {
			p := folder{key[:len(prefix)+at+1]}
			if !slices.Contains(out.CommonPrefixes, p) {
				out.CommonPrefixes = append(out.CommonPrefixes, p)
			}
			continue
		}
		out.Contents = append(out.Contents, entry{key, len(f.objects[key]), f.modified[key]})
	}
	_ = xml.NewEncoder(w).Encode(out)
}

// fakeKMS encrypts by turning the bytes round.
func fakeKMS(t *testing.T, w http.ResponseWriter, r *http.Request) {
	var in struct{ Plaintext, CiphertextBlob string }
	if !assertDecoded(t, r.Body, &in) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	raw, err := base64.StdEncoding.DecodeString(in.Plaintext + in.CiphertextBlob)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	slices.Reverse(raw)
	name := map[bool]string{
		true: "CiphertextBlob", false: "Plaintext",
	}[strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Encrypt")]
	_ = json.NewEncoder(w).Encode(map[string]string{name: base64.StdEncoding.EncodeToString(raw), "KeyId": "k"})
}

func assertDecoded(t *testing.T, r io.Reader, v any) bool {
	err := json.NewDecoder(r).Decode(v)
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

// A state in S3 whose secrets a key of KMS encrypts is deployed, previewed and destroyed.
func TestAStateInS3WithAKeyOfKMS(t *testing.T) {
	t.Parallel()
	s3 := &fakeS3{objects: map[string][]byte{}, modified: map[string]time.Time{}}
	kmsCalls := 0
	var kmsGone atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "TrentService.") {
			s3.mu.Lock()
			kmsCalls++
			s3.mu.Unlock()
			if kmsGone.Load() {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","message":"no"}`)
				return
			}
			fakeKMS(t, w, r)
			return
		}
		s3.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	f := serveFakeAWS(t)
	env := f.env()
	env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_REGION"] = "AKIDEXAMPLE", "secret", "us-west-2"
	env["AWS_ENDPOINT_URL"] = srv.URL
	dir := t.TempDir()
	file := filepath.Join(dir, "Pulumi.local.yaml")
	require.NoError(t,
		os.WriteFile(file, []byte("secretsprovider: awskms://alias/state?region=us-west-2&awssdk=v2\nconfig: {}\n"), 0o600))
	e := open(t, Options{
		Home: filepath.Join(dir, "home"), WorkFile: file, Env: env, Program: chain(pulumi.Map{"size": pulumi.Int(1)}),
		BackendURL: "s3://states?region=us-west-2&awssdk=v2&s3ForcePathStyle=true&endpoint=" + srv.URL,
	})
	_, err := e.Deploy(t.Context(), nil)
	require.NoError(t, err)
	const state = ".pulumi/stacks/emrflink/local.json"
	s3.mu.Lock()
	require.Equal(t, encoding.CompressionGzip, encoding.DetectCompression(s3.objects[state]))
	s3.mu.Unlock()
	outputs, err := e.Outputs(t.Context())
	require.NoError(t, err)
	require.Equal(t, plans.Output{Value: "swordfish", Secret: true}, outputs["token"])
	require.Contains(t, s3.inflate(t, state), `"latest"`)
	plan, err := e.Preview(t.Context())
	require.NoError(t, err)
	require.Zero(t, plan.Summary.Changes())
	require.NoError(t, e.Ready(t.Context(), nil))
	kmsGone.Store(true)
	require.ErrorContains(t, e.Ready(t.Context(), nil), "AccessDeniedException")
	kmsGone.Store(false)
	s3.lose(state)
	_, err = e.Resources(t.Context())
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, CodeStateLost, failure.Code)
	require.Contains(t, failure.Message, "s3://states, while a copy of it")
	require.Contains(t, failure.Message, "has 2 resources")
	_, err = e.Deploy(t.Context(), nil)
	require.ErrorContains(t, err, CodeStateLost)
	_, err = e.Restore(t.Context(), ".pulumi/meta.yaml")
	require.ErrorContains(t, err, "is no copy of the state")
	taken, err := e.Restore(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, 2, taken.Resources)
	_, err = e.Restore(t.Context(), taken.Path) // the one that is replaced stays as a copy
	require.NoError(t, err)
	plan, err = e.Preview(t.Context())
	require.NoError(t, err)
	require.Zero(t, plan.Summary.Changes())
	_, err = e.Destroy(t.Context(), nil)
	require.NoError(t, err)
	s3.mu.Lock()
	require.NotZero(t, kmsCalls)
	s3.mu.Unlock()
	for key := range s3.objects {
		require.NotContains(t, s3.inflate(t, key), "swordfish", key)
	}
}
