// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"emrflink/internal/exitcode"
)

// Jar is a program, or another file that a job needs, and where it is uploaded.
type Jar struct {
	File, URI string
	from      fs.FS // that has the file; nil: this machine
}

func (j Jar) open() (fs.File, error) {
	if j.from != nil {
		return j.from.Open(j.File)
	}
	return os.Open(j.File)
}

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
	ext := ".jar"
	if path.Ext(file) == ".py" { // PyFlink knows a script by it
		ext = ".py"
	}
	return Jar{File: file}.named(team, name, ext)
}

// named gives a file its place: the digest is a part of its name.
func (j Jar) named(folder, name, ext string) (Jar, error) {
	f, err := j.open()
	if err != nil {
		return Jar{}, err
	}
	defer f.Close() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return Jar{}, err
	}
	if folder == "" {
		return Jar{}, errors.New("read stack outputs: the team has no jarsUri; deploy the stack again")
	}
	j.URI = fmt.Sprintf("%s/%s-%s%s", folder, name, hex.EncodeToString(h.Sum(nil)[:8]), ext)
	return j, nil
}

// uploadVariable stands in a manifest for a file of the sample's folder that a run uploads.
var uploadVariable = regexp.MustCompile(`\$\{upload(?:Name)?:([^}]*)\}`)

// libVariable stands for the built jar of a sample that is a library of its job, and not the job's own jar.
var libVariable = regexp.MustCompile(`\$\{lib:([^}]*)\}`)

// inputFolder has the files that a sample reads.
const inputFolder = "input"

// uploadsOf are the files of a sample's folder that its job finds in S3: those that the manifest names, beside the jars, and its
// input, where the job looks for it.
func uploadsOf(s Spec, built string) ([]Jar, error) {
	sample, err := findSample(s.Sample)
	if err != nil {
		return nil, nil //nolint:nilerr // Validate says which samples there are
	}
	var all []Jar
	to := map[string]string{} // file: folder in the bucket
	for _, m := range sample.manifests {
		text, _ := json.Marshal(m) // what was read as JSON
		for _, found := range libVariable.FindAllSubmatch(text, -1) {
			name := string(found[1])
			lib, err := NewJar(filepath.Join(built, name+".jar"), name, s.JarsURI)
			if err != nil {
				return nil, &NoJarError{Sample: name, Err: err}
			}
			all = append(all, lib)
		}
		for _, found := range uploadVariable.FindAllSubmatch(text, -1) {
			to[string(found[1])] = s.JarsURI
		}
	}
	input, _ := fs.Glob(sample.folder, inputFolder+"/*") // the pattern is well formed
	for _, file := range input {
		to[file] = s.inputDir()
	}
	for _, file := range slices.Sorted(maps.Keys(to)) {
		ext := path.Ext(file)
		j, err := Jar{File: file, from: sample.folder}.named(to[file], strings.TrimSuffix(path.Base(file), ext), ext)
		if err != nil {
			return nil, fmt.Errorf("read sample job %q: %w", s.Sample, err)
		}
		all = append(all, j)
	}
	return all, nil
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

// upload brings a file of a job to the bucket unless it is there.
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
		return fmt.Errorf("look for %q: %w", j.URI, err)
	}
	for _, o := range there {
		if o.Key == key {
			return nil
		}
	}
	f, err := j.open()
	if err != nil {
		return fmt.Errorf("upload %q: %w", j.URI, err)
	}
	defer f.Close() // it was only read
	contentType := "application/java-archive"
	if path.Ext(key) != ".jar" {
		contentType = "text/plain"
	}
	if err := r.Upload.PutObject(ctx, bucket, key, f, contentType); err != nil {
		return fmt.Errorf("upload %q: %w", j.URI, err)
	}
	return nil
}
