// SPDX-License-Identifier: Apache-2.0

package flinkhome

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// Line is the line of Flink that all supported EMR releases have.
	// Source: EMR on EKS Development Guide, pages emr-eks-7.9.0 to emr-eks-7.13.0.
	Line = "1.20"
	// Version is what Install fetches.
	Version = "1.20.1"
	// EnvVar names a folder with an official distribution, which goes before any other Flink.
	EnvVar = "EMRFLINK_FLINK_HOME"
)

// ErrNotInstalled is the cause when there is no Flink.
var ErrNotInstalled = errors.New("no Flink is installed for the local target")

// Error is a problem with a Flink or with what is needed to run or fetch it.
type Error struct {
	What string // what failed
	Err  error  // why
	Next string // what to do
}

// Error implements error.
func (e *Error) Error() string { return e.What + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint is what to do next.
func (e *Error) Hint() string { return e.Next }

// Home is a Flink that is whole.
type Home struct {
	Dir     string `json:"dir"`
	Version string `json:"version"`
	// Fetched says that Install made it; it is a distribution of the user's otherwise.
	Fetched bool `json:"fetched"`
	// Python is the folder of an environment with PyFlink; "" when there is none.
	Python string `json:"python"`
}

// Homes knows where the Flink of a state folder is.
type Homes struct {
	Folder string // of the state
	Env    string // value of EnvVar

	list []jar // instead of the project's, in a test
}

func (h Homes) jars() []jar {
	if h.list != nil {
		return h.list
	}
	return jars()
}

func (h Homes) base() string    { return filepath.Join(h.Folder, "flink") }
func (h Homes) fetched() string { return filepath.Join(h.base(), Version) }
func (h Homes) staging() string { return filepath.Join(h.base(), ".fetching") }

// used is the file that names a distribution of the user's.
func (h Homes) used() string { return filepath.Join(h.base(), "home") }

// Find returns the Flink that the local target runs: that of EnvVar, else the one given to Use, else the one fetched. The error
// wraps ErrNotInstalled when there is none; any other says what is wrong with the one that there is.
func (h Homes) Find() (Home, error) {
	home, err := h.find()
	if err != nil {
		return Home{}, err
	}
	return h.withPython(home), nil
}

func (h Homes) find() (Home, error) {
	if h.Env != "" {
		home, err := distribution(h.Env)
		if err != nil {
			return Home{}, &Error{
				What: "use the Flink that " + EnvVar + " names", Err: err,
				Next: "name a folder of Apache Flink " + Line + ", or unset " + EnvVar,
			}
		}
		return home, nil
	}
	raw, err := os.ReadFile(h.used())
	switch {
	case err == nil:
		home, err := distribution(strings.TrimSpace(string(raw)))
		if err != nil {
			return Home{}, &Error{
				What: "use the Flink that was given with --home", Err: err,
				Next: "emrflink local flink install --home DIR   # or: emrflink local flink remove",
			}
		}
		return home, nil
	case !errors.Is(err, fs.ErrNotExist):
		return Home{}, err
	}
	home := Home{Dir: h.fetched(), Version: Version, Fetched: true}
	if _, err := os.Stat(home.Dir); errors.Is(err, fs.ErrNotExist) {
		return Home{}, &Error{What: "find Flink", Err: ErrNotInstalled, Next: "emrflink local flink install"}
	}
	if err := home.whole(h.jars(), false); err != nil {
		return Home{}, &Error{
			What: "use the Flink that was fetched", Err: err,
			Next: "emrflink local flink remove && emrflink local flink install",
		}
	}
	return home, nil
}

// Use takes a distribution of the user's from now on.
func (h Homes) Use(dir string) (Home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, err
	}
	home, err := distribution(dir)
	if err != nil {
		return Home{}, &Error{
			What: "use the Flink in " + dir, Err: err,
			Next: "name the folder of an unpacked Apache Flink " + Line + ", or fetch one: emrflink local flink install",
		}
	}
	if err := os.MkdirAll(h.base(), 0o700); err != nil {
		return Home{}, err
	}
	return home, os.WriteFile(h.used(), []byte(dir+"\n"), 0o600)
}

// Remove deletes what was fetched and forgets a distribution of the user's, whose folder stays. It returns the bytes that
// are free now.
func (h Homes) Remove() (int64, error) {
	freed := size(h.base())
	return freed, os.RemoveAll(h.base())
}

// dist is the one jar that only an official distribution has.
var dist = regexp.MustCompile(`^flink-dist-(\d+\.\d+)(\.\d+[-.\w]*)?\.jar$`)

// distribution is the official distribution in a folder, or what Install fetched for another state folder.
func distribution(dir string) (Home, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "lib"))
	if err != nil {
		return Home{}, fmt.Errorf("it is no Flink: %w", err)
	}
	for _, e := range entries {
		m := dist.FindStringSubmatch(e.Name())
		switch {
		case m == nil:
		case m[1] != Line:
			return Home{}, fmt.Errorf("it is Flink %s, while EMR's releases have Flink %s", m[1]+m[2], Line)
		default:
			home := Home{Dir: dir, Version: m[1] + m[2]}
			if _, err := home.S3Plugin(); err != nil {
				return Home{}, err
			}
			return home, nil
		}
	}
	if other := (Home{Dir: dir, Version: Version}); other.whole(jars(), false) == nil {
		return other, nil
	}
	return Home{}, fmt.Errorf("it is no Flink: %s has no flink-dist-%s.x.jar", filepath.Join(dir, "lib"), Line)
}

// S3Plugin is the jar of Flink's file system for s3:// and s3a://. A distribution has it among what is optional.
func (h Home) S3Plugin() (string, error) { return h.jar("flink-s3-fs-hadoop") }

// PrometheusPlugin is the jar of Flink's reporter for Prometheus.
func (h Home) PrometheusPlugin() (string, error) { return h.jar("flink-metrics-prometheus") }

func (h Home) jar(artifact string) (string, error) {
	for _, pattern := range []string{"plugins/*/" + artifact + "-*.jar", "opt/" + artifact + "-*.jar"} {
		if found, _ := filepath.Glob(filepath.Join(h.Dir, pattern)); len(found) > 0 { // the pattern is well formed
			return found[0], nil
		}
	}
	return "", fmt.Errorf("%s has no %s-%s.x.jar below plugins or opt", h.Dir, artifact, Line)
}

// size is how many bytes the files below a folder have.
func size(dir string) int64 {
	var n int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}
