// SPDX-License-Identifier: Apache-2.0

package jarcheck

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"emrflink/internal/flinkspec"
)

// Severity is how bad a problem is: an error keeps the job from starting, a warning can, a note is worth knowing.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Problem is one thing that is wrong with a jar.
type Problem struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`  // stable id of the kind of problem
	Entry    string   `json:"entry"` // of the jar, or of the SQL
	Message  string   `json:"message"`
	Effect   string   `json:"effect"`
	Mend     string   `json:"mend"`
}

// Result is the JSON document of `job check-jar`.
type Result struct {
	SchemaVersion int       `json:"schemaVersion"`
	Jar           string    `json:"jar"`
	Bytes         int64     `json:"bytes"`
	Classes       int       `json:"classes"`
	Java          int       `json:"java"`      // the newest that a class needs; 0 = there is no class
	Flink         string    `json:"flink"`     // line that the jar says it was built for; "" = it does not say
	MainClass     string    `json:"mainClass"` // "" = none
	Factories     []string  `json:"factories"` // connectors, formats and catalogs that the jar brings, "kafka"
	Image         Image     `json:"image"`
	Errors        int       `json:"errors"`
	Warnings      int       `json:"warnings"`
	Notes         int       `json:"notes"`
	Problems      []Problem `json:"problems"`
	NotChecked    []string  `json:"notChecked"`
}

// Options say what the jar is for.
type Options struct {
	Release    string // of EMR, "7.13"
	EntryClass string // of the job; "" = that of the manifest
	// SQL is the text whose connectors and formats must be there; SQLName is its file.
	SQL, SQLName string
}

// checker collects what is found.
type checker struct {
	*jar
	Options
	image  Image
	result *Result
}

// Check reads a jar of so many bytes.
func Check(name string, at io.ReaderAt, size int64, o Options) (Result, error) {
	j, err := readJar(at, size)
	if err != nil {
		return Result{}, fmt.Errorf("check %s: %w", name, err)
	}
	image, notKnown := imageOf(o.Release)
	r := Result{
		SchemaVersion: 1, Jar: name, Bytes: size, Classes: len(j.classes), Factories: []string{}, Image: image,
		Problems: []Problem{}, NotChecked: append([]string{}, notKnown...),
	}
	c := &checker{jar: j, Options: o, image: image, result: &r}
	for _, check := range []func(){
		c.checkJava, c.checkFlink, c.checkScala, c.checkShaded, c.checkReferences, c.checkServices, c.checkSQL, c.checkClashes,
		c.checkMain, c.checkSize,
	} {
		check()
	}
	slices.SortStableFunc(r.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(rank(a.Severity), rank(b.Severity)), strings.Compare(a.Code, b.Code),
			strings.Compare(a.Entry, b.Entry))
	})
	for _, p := range r.Problems {
		switch p.Severity {
		case Error:
			r.Errors++
		case Warning:
			r.Warnings++
		case Note:
			r.Notes++
		}
	}
	return r, nil
}

func rank(s Severity) int { return slices.Index([]Severity{Error, Warning, Note}, s) }

func (c *checker) problem(s Severity, code, entry, message, effect, mend string) {
	p := Problem{s, code, entry, message, effect, mend}
	if !slices.Contains(c.result.Problems, p) {
		c.result.Problems = append(c.result.Problems, p)
	}
}

// firstJava is the number that a class file of Java 1 would have: Java 17 writes 61.
const firstJava = 44

// checkJava compares the class files with the Java of the image.
func (c *checker) checkJava() {
	for _, name := range c.unread {
		c.problem(Warning, "class", name, "it is no class file that can be read", "nobody can load it", "build the jar again")
	}
	newest := ""
	for _, name := range c.names() {
		if java := c.classes[name].major - firstJava; java > c.result.Java {
			c.result.Java, newest = java, name
		}
	}
	if c.image.Java > 0 && c.result.Java > c.image.Java {
		c.problem(Error, "java", newest, fmt.Sprintf("it was compiled for Java %d; Flink runs on Java %d in EMR %s",
			c.result.Java, c.image.Java, c.image.Release), "the job fails at its start: UnsupportedClassVersionError",
			fmt.Sprintf("maven.compiler.release %d (javac --release %d)", c.image.Java, c.image.Java))
	}
}

// newInFlink2 are packages that Flink 2 made, for what it moved away.
var newInFlink2 = []string{
	"org/apache/flink/streaming/api/functions/source/legacy/", "org/apache/flink/streaming/api/functions/sink/legacy/",
	"org/apache/flink/table/legacy/", "org/apache/flink/legacy/",
}

// checkFlink finds the line of Flink that the jar was built for, by the modules of Flink in it and by classes that only
// another line has.
func (c *checker) checkFlink() {
	for _, id := range c.modules() {
		version := c.versions[id]
		line := version
		if _, of, isConnector := strings.Cut(version, "-"); isConnector {
			line = of // "3.4.0-1.20" is for Flink 1.20
		}
		if numbers := strings.Split(line, "."); len(numbers) > 1 {
			line = numbers[0] + "." + numbers[1]
		}
		c.result.Flink = cmp.Or(c.result.Flink, line)
		if line == c.image.flink {
			continue
		}
		severity, effect := Warning, "classes and methods can be missing: NoSuchMethodError, NoClassDefFoundError"
		if !strings.HasPrefix(line, "1.") {
			severity, effect = Error, "the job fails at its start: the classes of Flink 2 are not there"
		}
		c.problem(severity, "flink", strings.TrimPrefix(id, "org.apache.flink:"),
			fmt.Sprintf("it is of version %s; EMR %s has Flink %s", version, c.image.Release, c.image.flink), effect,
			"the version for Flink "+c.image.flink)
	}
	for _, name := range c.names() {
		for _, ref := range c.classes[name].refs {
			if slices.ContainsFunc(newInFlink2, func(p string) bool { return strings.HasPrefix(ref, p) }) {
				c.result.Flink = "2"
				c.problem(Error, "flink", name, "it uses "+dotted(ref)+", which Flink has from 2.0 on",
					"the job fails with NoClassDefFoundError", "build it with Flink "+c.image.flink)
				return // one says it
			}
		}
	}
}

// modules are Flink's modules of which the jar has a version.
func (c *checker) modules() []string {
	var out []string
	for id := range c.versions {
		if strings.HasPrefix(id, "org.apache.flink:flink-") && !strings.HasPrefix(id, "org.apache.flink:flink-shaded") {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// scala is the line of Scala that Flink's Scala modules are built with.
const scala = "2.12"

func (c *checker) checkScala() {
	for _, id := range c.modules() {
		if i := strings.LastIndex(id, "_2."); i > 0 && id[i+1:] != scala {
			c.problem(Error, "scala", strings.TrimPrefix(id, "org.apache.flink:"),
				"it is for Scala "+id[i+1:]+"; Flink's is "+scala, "the job fails with NoSuchMethodError",
				"the module with _"+scala+", or Flink's Java API, which every Scala can call")
		}
	}
	if v := c.versions["org.scala-lang:scala-library"]; v != "" && !strings.HasPrefix(v, scala+".") {
		c.problem(Warning, "scala", "scala-library", "the jar has Scala "+v+"; flink-scala of the image has "+scala,
			"Flink looks for scala.* in the image first: code of another Scala fails with NoSuchMethodError",
			"Scala "+scala+", or relocate scala")
	}
}

// shared is a package of Flink's that Kafka's connector has classes in too.
const shared = "org/apache/flink/streaming/util/serialization"

// checkShaded finds what the image has already.
func (c *checker) checkShaded() {
	count := map[string]int{}
	example := map[string]string{}
	for _, name := range c.names() {
		if module := flinkPackages()[path.Dir(name)]; module != "" && !strings.HasPrefix(name, base) && path.Dir(name) != shared {
			count[module]++
			example[module] = cmp.Or(example[module], name)
		}
	}
	if len(count) == 0 {
		return
	}
	var modules []string
	classes := 0
	for m, n := range count {
		modules = append(modules, m)
		classes += n
	}
	slices.Sort(modules)
	c.problem(Warning, "shaded", example[modules[0]], fmt.Sprintf("%d classes of the image are in the jar too, of %s", classes,
		strings.Join(modules, ", ")), "Flink takes those of the image; where the versions differ, the job fails with "+
		"NoSuchMethodError or ClassCastException, and each start fetches a larger jar", "<scope>provided</scope> for them")
}

// checkReferences finds classes of Flink, and of Hadoop for Iceberg and Parquet, that neither the jar nor the image has.
func (c *checker) checkReferences() {
	own := path.Dir(slashed(c.mainClass()))
	missing := map[string]string{} // package: the first class that needs it
	for _, name := range c.names() {
		for _, ref := range c.classes[name].refs {
			ref = strings.TrimSuffix(strings.TrimLeft(ref, "[L"), ";")
			_, inJar := c.classes[ref]
			if inJar || !strings.HasPrefix(ref, "org/apache/flink/") || strings.Contains(ref, "/shaded/") || c.image.has(ref) ||
				c.folders[path.Dir(ref)] {
				continue
			}
			if _, p := artifactOf(path.Dir(ref)); missing[p] == "" || path.Dir(name) == own && path.Dir(missing[p]) != own {
				missing[p] = name
			}
		}
	}
	for _, p := range sortedKeys(missing) {
		name := missing[p]
		severity := Note
		artifact, _ := artifactOf(p)
		if !strings.HasPrefix(name, "org/apache/") { // libraries can do without a part of what they know
			severity = Error
		}
		c.problem(severity, "missing", name, "it uses "+dotted(p)+", which neither the jar nor the image has",
			"the job fails with NoClassDefFoundError when it comes there",
			cmp.Or(artifact, "the artifact that has it, in the jar"))
	}
	c.needsHadoop()
}

// needsHadoop finds Iceberg and Parquet without Hadoop's classes, which the image keeps away from jobs.
func (c *checker) needsHadoop() {
	const configuration = "org/apache/hadoop/conf/Configuration"
	if _, there := c.classes[configuration]; there {
		return
	}
	for _, name := range c.names() {
		brings := strings.HasPrefix(name, "org/apache/iceberg/flink/") ||
			strings.HasPrefix(name, "org/apache/flink/formats/parquet/")
		if brings && slices.Contains(c.classes[name].refs, configuration) {
			c.problem(Error, "hadoop", name,
				"it uses "+dotted(configuration)+", which neither the jar nor the image's class path has",
				"the job fails with NoClassDefFoundError, also where nothing of Hadoop is used (the Glue catalog)",
				"org.apache.hadoop:hadoop-client-api and hadoop-client-runtime in the jar")
			return
		}
	}
}

// mainClass is the class that Flink starts.
func (c *checker) mainClass() string {
	return cmp.Or(c.EntryClass, c.manifest["program-class"], c.manifest["Main-Class"])
}

func (c *checker) checkMain() {
	main := c.mainClass()
	c.result.MainClass = main
	of, there := c.classes[slashed(main)]
	const effect = "the job fails at its start: ProgramInvocationException"
	switch {
	case c.python:
		c.result.NotChecked = append(c.result.NotChecked, "the Python files of the archive")
	case main == "":
		c.problem(Warning, "main", manifestEntry, "there is no Main-Class, and no entry class was named",
			effect+", unless spec.job.entryClass names one", "entryClass: org.example.MyJob")
	case !there:
		mend := "a class of the jar that has public static void main(String[])"
		if all := c.mains(); len(all) > 0 {
			mend = "one of " + strings.Join(all, ", ")
		}
		c.problem(Error, "main", manifestEntry, "the jar has no class "+main, effect, mend)
	case !of.hasMain:
		c.problem(Error, "main", slashed(main), main+" has no public static void main(String[])", effect, "a class that has it")
	}
}

// mains are the first classes that can be started.
func (c *checker) mains() []string {
	var out []string
	for _, name := range c.names() {
		if c.classes[name].hasMain && len(out) < 5 {
			out = append(out, dotted(name))
		}
	}
	return out
}

// checkClashes finds two of what must be there once.
func (c *checker) checkClashes() {
	for _, binding := range []string{
		"org/slf4j/impl/StaticLoggerBinder", "ch/qos/logback/classic/Logger", "org/apache/logging/slf4j/Log4jLogger",
		"org/slf4j/simple/SimpleLogger", "org/slf4j/reload4j/Reload4jLogger",
	} {
		if _, there := c.classes[binding]; there {
			c.problem(Warning, "logging", binding, "the jar has a binding of SLF4J; the image has Log4j's",
				"one of the two wins, and it can be the one without a configuration: no logs", "leave the binding out (provided)")
			break
		}
	}
	if c.has("org/apache/flink/kafka/shaded/") && c.has("software/amazon/msk/auth/iam/") {
		c.problem(Error, "kafka", "software/amazon/msk/auth/iam",
			"aws-msk-iam-auth is beside flink-sql-connector-kafka, whose Kafka has other names",
			"the login of MSK fails: ClassCastException, IAMClientCallbackHandler is no AuthenticateCallbackHandler",
			"flink-connector-kafka and kafka-clients in the place of flink-sql-connector-kafka, or relocate "+
				"org.apache.kafka in aws-msk-iam-auth too")
	}
}

// bitsPerSecond is what the smallest types of the node pools always have: c5d.large, by AWS's list of instance types.
const bitsPerSecond = 750e6

// largeBytes is from where the size of a jar is spoken of.
const largeBytes = 100 << 20

func (c *checker) checkSize() {
	if c.result.Bytes >= largeBytes {
		seconds := float64(c.result.Bytes) * 8 / bitsPerSecond
		c.problem(Note, "size", "", fmt.Sprintf("the jar has %d MiB", c.result.Bytes>>20), fmt.Sprintf("each start of a "+
			"JobManager fetches it: %.0f s at the 750 Mbit/s that a c5d.large always has", seconds),
			"an image with the libraries, or less in the jar")
	}
}

func dotted(name string) string  { return strings.ReplaceAll(name, "/", ".") }
func slashed(name string) string { return strings.ReplaceAll(name, ".", "/") }

// Release is the number in a release label, or the newest release of EMR that is known for "".
func Release(label string) (string, error) {
	if label == "" {
		return newest, nil
	}
	v, err := flinkspec.ChooseVersions("", label)
	return v.EMR, err
}

// newest is the release that a jar is checked for when nobody names one: that of the blueprint.
const newest = "7.13"
