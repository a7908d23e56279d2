// SPDX-License-Identifier: Apache-2.0

// Package jobinit makes the folder of a new Flink job: a Maven project, or a script of Python, with a test, the job file, and a
// Makefile that runs it.
// It runs unchanged, so that the first change is the user's.
package jobinit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"emrflink/examples"
	"emrflink/internal/flinkspec"
)

// The languages of a new job.
const (
	Java   = "java"
	SQL    = "sql"
	Python = "python"
)

// Languages are the values of Options.Language.
func Languages() []string { return []string{Java, SQL, Python} }

// Options say what the job is.
type Options struct {
	Dir      string // is made, or is empty
	Name     string // of the job in the cluster
	Language string
	// EmrReleaseLabel and FlinkVersion are those of the stack.
	EmrReleaseLabel, FlinkVersion string
}

// FlinkRelease is the release of Flink that a new job is built with: that of the local target's processes.
const FlinkRelease = flinkspec.Flink + ".1"

// language is what is a language's own.
type language struct {
	what, mainClass, args, checkArgs string
	// program is the file that runs, below usrlib of the image; class is its main class where the file does not say it.
	program, class string
	maven          bool
	// files are of other folders of examples, by their place in the new folder.
	files map[string]string
}

func languages() map[string]language {
	return map[string]language{
		Java: {
			what: "A Flink job in Java: `src/main/java/job/Job.java` is the job, `src/test/java/job/JobTest.java` its test, " +
				"`job.yaml` how it is run.",
			mainClass: "job.Job", maven: true,
		},
		SQL: {
			what: "A Flink job in SQL: `src/main/resources/job.sql` is the job, `src/main/java/job/SqlRunner.java` runs it, " +
				"`job.yaml` says how.",
			mainClass: "job.SqlRunner", args: `--file, "classpath:/job.sql"`, checkArgs: "--sql src/main/resources/job.sql",
			maven: true,
			files: map[string]string{
				"src/main/java/job/SqlRunner.java": "jobs/sql/src/main/java/emrflink/examples/SqlRunner.java",
				"src/main/resources/job.sql":       "jobs/sql/src/main/resources/job.sql",
			},
		},
		Python: {
			what: "A Flink job in Python: `job.py` is the job, `test_job.py` its test, `job.yaml` how it is run.",
			args: `-py, /opt/flink/usrlib/job.py`, program: "job.py", class: "org.apache.flink.client.python.PythonDriver",
			files: map[string]string{
				"job.py": "jobs/pyflink/job.py", "requirements.txt": "jobs/pyflink/requirements.txt",
				"Dockerfile": "jobs/pyflink/Dockerfile",
			},
		},
	}
}

// Write makes the folder, and returns its files, sorted. change is what is done to the job file beforehand.
func Write(o Options, change func(jobFile []byte) ([]byte, error)) ([]string, error) {
	lang, known := languages()[o.Language]
	if !known {
		return nil, fmt.Errorf("a new job is in %s, not in %q", strings.Join(Languages(), " or "), o.Language)
	}
	if !flinkspec.ValidName(o.Name) {
		return nil, fmt.Errorf("job name %q: 1 to 45 lower-case letters, digits and dashes, starting with a letter", o.Name)
	}
	if err := empty(o.Dir); err != nil {
		return nil, err
	}
	files, err := content(o, lang)
	if err != nil {
		return nil, err
	}
	if files[JobFile], err = change(files[JobFile]); err != nil {
		return nil, err
	}
	var names []string
	for name, text := range files {
		to := filepath.Join(o.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { // #nosec G301 -- source code
			return nil, err
		}
		if err := os.WriteFile(to, text, 0o644); err != nil { // #nosec G306 -- source code
			return nil, err
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// JobFile is the name of the job file in the folder.
const JobFile = "job.yaml"

// empty says whether the folder can be written to without changing anybody's work.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("the folder %q has files in it: name one that is new or empty", dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// fragment is the part of the POM that is the language's own.
const fragment = "dependencies.xml"

func content(o Options, lang language) (map[string][]byte, error) {
	from := map[string]string{} // place in the new folder: place in examples
	folders := []string{"new/common", "new/" + o.Language}
	if lang.maven {
		folders = append(folders, "new/maven")
	}
	for _, folder := range folders {
		err := fs.WalkDir(examples.New, folder, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				from[strings.TrimPrefix(name, folder+"/")] = name
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var dependencies []byte
	if lang.maven {
		var err error
		if dependencies, err = examples.New.ReadFile(path.Join("new", o.Language, fragment)); err != nil {
			return nil, err
		}
		delete(from, fragment)
	}
	program, entry := lang.program, ""
	if program == "" {
		program = o.Name + ".jar"
	}
	if lang.class != "" {
		entry = "\n    entryClass: " + lang.class
	}
	fill := strings.NewReplacer(
		"${name}", o.Name, "${flinkRelease}", FlinkRelease, "${emrReleaseLabel}", o.EmrReleaseLabel,
		"${flinkVersion}", o.FlinkVersion, "${what}", lang.what, "${mainClass}", lang.mainClass, "${args}", lang.args,
		"${program}", program, "${entryClass}", entry, " ${checkArgs}", strings.TrimRight(" "+lang.checkArgs, " "),
		"${dependencies}", string(dependencies),
	)
	out := map[string][]byte{}
	for to, name := range from {
		text, err := examples.New.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if to == "gitignore" { // go:embed leaves files with a dot out
			to = ".gitignore"
		}
		out[to] = []byte(fill.Replace(string(text)))
	}
	for to, name := range lang.files {
		text, err := examples.Jobs.ReadFile(name)
		if err != nil {
			return nil, err
		}
		own := strings.Replace(string(text), "package emrflink.examples;", "package job;", 1)
		own = strings.TrimPrefix(own, "// SPDX-License-Identifier: Apache-2.0\n\n")
		out[to] = []byte(strings.TrimPrefix(own, "# SPDX-License-Identifier: Apache-2.0\n"))
	}
	return out, nil
}
