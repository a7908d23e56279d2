// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"emrflink/internal/exitcode"
)

// Jar is a program of this machine, and where it is uploaded.
type Jar struct{ File, URI string }

// jarVariable begins what stands in a manifest for a jar that is built: ${jar} of the sample itself, ${jar:sql} of another one.
const jarVariable = "${jar"

// jarOf is the jar of a sample in the team's folder of jars; the zero value for a sample whose jar is in EMR's image. Its digest
// is in its name: Flink does not see that the object at a URI has changed.
func jarOf(name, built, team string) (Jar, error) {
	sample, err := findSample(name)
	of, isBuilt := strings.CutPrefix(sample.JarURI, jarVariable)
	if err != nil || !isBuilt {
		return Jar{}, nil //nolint:nilerr // Validate says which samples there are
	}
	if of = strings.Trim(of, ":}"); of != "" {
		name = of
	}
	jar, err := NewJar(filepath.Join(built, name+".jar"), name, team)
	var unread *fs.PathError
	if errors.As(err, &unread) {
		err = &NoJarError{Sample: name, Err: err}
	}
	return jar, err
}

// NewJar is a jar of this machine with its place in the team's folder of jars.
func NewJar(file, name, team string) (Jar, error) {
	f, err := os.Open(file) // #nosec G304 -- beside the program, or where the user says
	if err != nil {
		return Jar{}, err
	}
	defer f.Close() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return Jar{}, err
	}
	if team == "" {
		return Jar{}, errors.New("read stack outputs: the team has no jarsUri; deploy the stack again")
	}
	return Jar{File: file, URI: fmt.Sprintf("%s/%s-%s.jar", team, name, hex.EncodeToString(h.Sum(nil)[:8]))}, nil
}

// NoJarError says that the jar of a sample cannot be read.
type NoJarError struct {
	Sample string
	Err    error
}

// Error implements error.
func (e *NoJarError) Error() string {
	return fmt.Sprintf("the jar of sample job %q is not built: %v", e.Sample, e.Err)
}

// Unwrap returns the cause.
func (e *NoJarError) Unwrap() error { return e.Err }

// Code is a stable id of the failure.
func (e *NoJarError) Code() string { return "flinkjob.no-jar" }

// ExitCode is 2: nothing was contacted for it.
func (e *NoJarError) ExitCode() int { return exitcode.Usage }

// Hint is the command that builds it.
func (e *NoJarError) Hint() string { return "make samples" }

// upload brings the jar of a job to the bucket unless it is there.
func (r Runner) upload(ctx context.Context, j Jar) error {
	if j.URI == "" {
		return nil
	}
	bucket, key, err := splitURI(j.URI)
	if err != nil {
		return err
	}
	folder, _ := cutLast(key, "/")
	there, err := r.Objects.ListObjects(ctx, bucket, folder+"/")
	if err != nil {
		return fmt.Errorf("look for the jar %q: %w", j.URI, err)
	}
	for _, o := range there {
		if o.Key == key {
			return nil
		}
	}
	f, err := os.Open(j.File)
	if err != nil {
		return fmt.Errorf("upload the jar: %w", err)
	}
	defer f.Close() // it was only read
	if err := r.Upload.PutObject(ctx, bucket, key, f, "application/java-archive"); err != nil {
		return fmt.Errorf("upload the jar to %q: %w", j.URI, err)
	}
	return nil
}
