// SPDX-License-Identifier: Apache-2.0

package jarcheck

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// mostOfEntry is how much of one entry is read: no class file or list of services is larger.
const mostOfEntry = 16 << 20

// jar is what is read of a jar.
type jar struct {
	classes  map[string]class // by "org/example/Job"
	folders  map[string]bool  // that have classes
	unread   []string         // class files that are none
	versions map[string]string
	// services are the lines of META-INF/services/NAME, one list for each entry of that name.
	services map[string][][]string
	manifest map[string]string
	python   bool // it is an archive of Python files, no jar
}

func readJar(at io.ReaderAt, size int64) (*jar, error) {
	z, err := zip.NewReader(at, size)
	if err != nil {
		return nil, fmt.Errorf("it is no jar: %w", err)
	}
	j := &jar{
		classes: map[string]class{}, folders: map[string]bool{}, versions: map[string]string{}, services: map[string][][]string{},
		manifest: map[string]string{},
	}
	for _, f := range z.File {
		j.python = j.python || strings.HasSuffix(f.Name, ".py")
		if wanted(f.Name) {
			raw, err := readEntry(f)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", f.Name, err)
			}
			j.add(f.Name, raw)
		}
	}
	return j, nil
}

func readEntry(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() // it was only read
	raw, err := io.ReadAll(io.LimitReader(r, mostOfEntry+1))
	if err == nil && len(raw) > mostOfEntry {
		return nil, fmt.Errorf("it has more than %d MiB", mostOfEntry>>20)
	}
	return raw, err
}

const (
	servicesFolder = "META-INF/services/"
	manifestEntry  = "META-INF/MANIFEST.MF"
)

func wanted(name string) bool {
	base := path.Base(name)
	switch {
	case strings.HasSuffix(name, ".class"):
		// Those of META-INF/versions are for newer Javas than the others, which stand for them.
		return base != "module-info.class" && !strings.HasPrefix(name, "META-INF/")
	case strings.HasSuffix(name, "/"):
		return false
	}
	return strings.HasPrefix(name, servicesFolder) || name == manifestEntry || isVersion(name) || name == "library.properties"
}

func isVersion(name string) bool {
	return strings.HasPrefix(name, "META-INF/maven/") && path.Base(name) == "pom.properties"
}

func (j *jar) add(name string, raw []byte) {
	switch {
	case strings.HasSuffix(name, ".class"):
		c, err := parseClass(raw)
		if err != nil {
			j.unread = append(j.unread, name)
			return
		}
		j.classes[strings.TrimSuffix(name, ".class")] = c
		j.folders[path.Dir(name)] = true
	case strings.HasPrefix(name, servicesFolder):
		service := strings.TrimPrefix(name, servicesFolder)
		j.services[service] = append(j.services[service], serviceLines(raw))
	case name == manifestEntry:
		j.manifest = properties(raw, ":")
	case isVersion(name):
		p := properties(raw, "=")
		j.versions[p["groupId"]+":"+p["artifactId"]] = p["version"]
	default: // the library of Scala says which one it is
		if v := properties(raw, "=")["version.number"]; v != "" {
			j.versions["org.scala-lang:scala-library"] = v
		}
	}
}

// serviceLines are the classes that a list of services names.
func serviceLines(raw []byte) []string {
	out := []string{}
	for line := range strings.Lines(string(raw)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// properties are the lines KEY SEPARATOR VALUE; a line that begins with a blank goes on with the one before it.
func properties(raw []byte, separator string) map[string]string {
	out := map[string]string{}
	last := ""
	for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); {
		line := s.Text()
		if more, goesOn := strings.CutPrefix(line, " "); goesOn && last != "" {
			out[last] += more
			continue
		}
		if key, value, ok := strings.Cut(line, separator); ok && !strings.HasPrefix(key, "#") {
			last = strings.TrimSpace(key)
			out[last] = strings.TrimSpace(value)
		}
	}
	return out
}

// names are the classes of the jar, sorted.
func (j *jar) names() []string {
	var out []string
	for name := range j.classes {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// has says whether a class of the jar is in a folder or below it.
func (j *jar) has(folder string) bool {
	for name := range j.folders {
		if strings.HasPrefix(name+"/", folder) {
			return true
		}
	}
	return false
}

// implements says whether a class has one of the interfaces, itself or by classes and interfaces of the jar.
func (j *jar) implements(name string, interfaces map[string]bool) bool {
	seen := map[string]bool{}
	for todo := []string{name}; len(todo) > 0; todo = todo[1:] {
		c, inJar := j.classes[todo[0]]
		if interfaces[todo[0]] {
			return true
		}
		if !inJar || seen[todo[0]] {
			continue
		}
		seen[todo[0]] = true
		todo = append(append(todo, c.super), c.interfaces...)
	}
	return false
}
