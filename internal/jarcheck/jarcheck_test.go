// SPDX-License-Identifier: Apache-2.0

package jarcheck

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emrflink/internal/flinkspec"
)

// source is a class that is written as a class file.
type source struct {
	name       string
	super      string
	interfaces []string
	java       int
	refs       []string
	main       bool
	identifier string
}

// bytes is the class file, with one constant after the other.
func (s source) bytes() []byte {
	var constants bytes.Buffer
	n := 0
	add := func(tag byte, body any) int {
		constants.WriteByte(tag)
		if text, ok := body.(string); ok {
			write(&constants, uint16(len(text)))
			constants.WriteString(text)
		} else {
			write(&constants, body)
		}
		n++
		return n
	}
	text := func(s string) uint16 { return uint16(add(tagText, s)) }
	classOf := func(name string) uint16 { return uint16(add(tagClass, text(name))) }
	add(tagLong, uint64(7)) // takes two places
	n++
	super := s.super
	if super == "" {
		super = "java/lang/Object"
	}
	head := []uint16{accessPublic, classOf(s.name), classOf(super), uint16(len(s.interfaces))}
	for _, i := range s.interfaces {
		head = append(head, classOf(i))
	}
	for _, r := range s.refs {
		classOf(r)
	}
	methods := 0
	var body bytes.Buffer
	method := func(access uint16, name, descriptor string, code []byte) {
		methods++
		write(&body, access, text(name), text(descriptor), uint16(1), text("Code"), uint32(len(code)+12), uint32(0),
			uint32(len(code)))
		body.Write(code)
		write(&body, uint32(0))
	}
	if s.main {
		method(accessPublic|accessStatic, "main", "([Ljava/lang/String;)V", []byte{0xb1})
	}
	if s.identifier != "" {
		at := add(tagString, text(s.identifier))
		method(accessPublic, "factoryIdentifier", "()Ljava/lang/String;", []byte{loadConstant, byte(at), returnReference})
	}
	var out bytes.Buffer
	java := s.java
	if java == 0 {
		java = 11
	}
	write(&out, uint32(0xCAFEBABE), uint16(0), uint16(java+firstJava), uint16(n+1))
	out.Write(constants.Bytes())
	write(&out, head, uint16(0), uint16(methods))
	out.Write(body.Bytes())
	write(&out, uint16(0))
	return out.Bytes()
}

func write(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		if err := binary.Write(b, binary.BigEndian, v); err != nil {
			panic(err)
		}
	}
}

// entry is a file of a jar.
type entry struct{ name, text string }

func job(more ...any) []any {
	return append([]any{
		entry{manifestEntry, "Manifest-Version: 1.0\nMain-Class: org.exam\n ple.Job\n"},
		source{name: "org/example/Job", main: true, refs: []string{
			"org/apache/flink/streaming/api/environment/StreamExecutionEnvironment", "[Lorg/apache/flink/types/Row;",
		}},
	}, more...)
}

func check(t *testing.T, o Options, parts ...any) Result {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		name, raw := "", []byte(nil)
		switch p := p.(type) {
		case entry:
			name, raw = p.name, []byte(p.text)
		case source:
			name, raw = p.name+".class", p.bytes()
		}
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write(raw)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	if o.Release == "" {
		o.Release = "7.9"
	}
	r, err := Check("job.jar", bytes.NewReader(b.Bytes()), int64(b.Len()), o)
	require.NoError(t, err)
	return r
}

func said(r Result) (out []string) {
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("%s %s %s", p.Severity, p.Code, p.Entry))
	}
	return out
}

func kafkaFactory(more ...any) []any {
	return job(append([]any{source{
		name: "org/example/KafkaFactory", interfaces: []string{"org/example/Both"}, identifier: "kafka",
	}, source{name: "org/example/Both", interfaces: []string{"org/apache/flink/table/factories/DynamicTableSourceFactory"}}},
		more...)...)
}

func version(artifact, v string) entry {
	return entry{
		"META-INF/maven/org.apache.flink/" + artifact + "/pom.properties",
		"#made by Maven\ngroupId=org.apache.flink\nartifactId=" + artifact + "\nversion=" + v + "\n",
	}
}

func TestAGoodJarRaisesNothing(t *testing.T) {
	t.Parallel()
	r := check(t, Options{SQLName: "a.sql", SQL: "CREATE TABLE t (a INT) WITH ('connector' = 'datagen'); -- 'connector' = 'x'"},
		job(version("flink-connector-kafka", "3.4.0-1.20"), source{name: "module-info", java: 25},
			entry{"META-INF/versions/25/org/example/Job.class", "newer"})...)
	require.Empty(t, said(r))
	require.Empty(t, r.NotChecked)
	require.Equal(t, "11 1.20 org.example.Job", fmt.Sprint(r.Java, " ", r.Flink, " ", r.MainClass))
}

const listed = servicesFolder + factoryService

func TestWhatIsWrongWithAJarIsSaid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o     Options
		parts []any
		want  []string
	}{
		"a newer Java": {Options{}, job(source{name: "org/example/New", java: 21}), []string{"error java org/example/New"}},
		"no class file": {Options{}, job(entry{"org/example/Text.class", "text"}),
			[]string{"warning class org/example/Text.class"}},
		"a connector of another line": {Options{}, job(version("flink-connector-kafka", "3.2.0-1.18")),
			[]string{"warning flink flink-connector-kafka"}},
		"modules of Flink 2": {Options{}, job(version("flink-streaming-java", "2.0.0")),
			[]string{"error flink flink-streaming-java"}},
		"classes of Flink 2": {Options{}, job(source{name: "org/example/Two", refs: []string{
			"org/apache/flink/streaming/api/functions/source/legacy/SourceFunction"}}),
			[]string{"error flink org/example/Two", "error missing org/example/Two"}},
		"another Scala": {Options{}, job(version("flink-streaming-scala_2.11", "1.20.1"),
			entry{"library.properties", "version.number=2.13.12\n"}),
			[]string{"error scala flink-streaming-scala_2.11", "warning scala scala-library"}},
		"Flink in the jar": {Options{}, job(source{name: "org/apache/flink/streaming/api/windowing/Window"},
			source{name: "org/apache/flink/streaming/api/datastream/DataStream"}, source{name: base + "source/Reader"}),
			[]string{"warning shaded org/apache/flink/streaming/api/datastream/DataStream"}},
		"a connector that is missing": {Options{}, job(source{name: "org/example/Source", refs: []string{
			"org/apache/flink/connector/kafka/source/KafkaSource", "org/apache/flink/connector/kafka/sink/KafkaSink"}}),
			[]string{"error missing org/example/Source"}},
		"what a library can do without": {Options{}, job(source{name: "org/apache/other/Source", refs: []string{
			"org/apache/flink/connector/kafka/source/KafkaSource"}}), []string{"note missing org/apache/other/Source"}},
		"a factory that is not listed": {Options{}, kafkaFactory(), []string{"error services " + listed}},
		"a list twice": {Options{}, kafkaFactory(entry{listed, "org.example.KafkaFactory\n"}, entry{listed, "# none\n"}),
			[]string{"error services " + listed}},
		"two lines in one": {Options{}, kafkaFactory(entry{listed, "org.example.KafkaFactoryorg.example.Job\n"}),
			[]string{"error services " + listed, "error services " + listed}},
		"a listed class that is not there": {Options{}, kafkaFactory(entry{listed, "org.example.KafkaFactory\norg.example.Gone"}),
			[]string{"warning services " + listed}},
		"a list with another name": {Options{}, kafkaFactory(entry{listed, "org.example.KafkaFactory"},
			entry{servicesFolder + "mine." + factoryService, "org.example.KafkaFactory"}),
			[]string{"error services " + servicesFolder + "mine." + factoryService}},
		"SQL's connectors": {Options{SQLName: "a.sql", SQL: "CREATE TABLE t\nWITH ('connector'='kafka', " +
			"'value.format' = 'avro',\n'format'='mine');\n/* 'connector'='jdbc' */ " +
			"CREATE CATALOG c WITH ('type'='iceberg', 'catalog-type'='glue')"},
			kafkaFactory(entry{listed, "org.example.KafkaFactory"}),
			[]string{"error connector a.sql:2", "error connector a.sql:4", "warning connector a.sql:3"}},
		"Iceberg without Hadoop": {Options{}, job(source{name: "org/apache/iceberg/flink/FlinkCatalogFactory",
			refs: []string{"org/apache/hadoop/conf/Configuration"}}),
			[]string{"error hadoop org/apache/iceberg/flink/FlinkCatalogFactory"}},
		"the login of MSK": {Options{}, job(source{name: "org/apache/flink/kafka/shaded/org/apache/kafka/A"},
			source{name: "software/amazon/msk/auth/iam/IAMLoginModule"}), []string{"error kafka software/amazon/msk/auth/iam"}},
		"two bindings of SLF4J": {Options{}, job(source{name: "ch/qos/logback/classic/Logger"}),
			[]string{"warning logging ch/qos/logback/classic/Logger"}},
		"an entry class that is not there": {Options{EntryClass: "org.example.Jbo"}, job(),
			[]string{"error main " + manifestEntry}},
		"a class without main": {Options{EntryClass: "org.example.Other"}, job(source{name: "org/example/Other"}),
			[]string{"error main org/example/Other"}},
		"no main class": {Options{}, []any{source{name: "org/example/Other"}}, []string{"warning main " + manifestEntry}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := check(t, tc.o, tc.parts...)
			require.Equal(t, tc.want, said(r))
			require.Equal(t, len(r.Problems), r.Errors+r.Warnings+r.Notes)
			for _, p := range r.Problems {
				require.NotEmpty(t, p.Message+p.Effect+p.Mend)
				require.NotEmpty(t, p.Mend)
			}
		})
	}
}

func TestWhatIsNotKnownOfAnImageIsSaid(t *testing.T) {
	t.Parallel()
	notKnown := func(release string) []string { return check(t, Options{Release: release}, job()...).NotChecked }
	const taken = ": that of 7.9 was taken, from the log of a job of EMR 7.9; which classes this image has, and which it " +
		"lacks, may differ"
	require.Empty(t, notKnown("7.9"))
	require.Equal(t, []string{"the class path of the image of EMR 7.12" + taken}, notKnown("7.12"))
	require.Equal(t, []string{
		"the class path of the image of EMR 7.1" + taken, "the classes of Flink 1.18: those of 1.20 were taken",
	}, notKnown("7.1"))
	require.Equal(t, []string{
		"the class path of the image of EMR 7.99" + taken, "the Java of the image of EMR 7.99",
	}, notKnown("7.99"))
	newer := check(t, Options{Release: "6.15"}, job(source{name: "org/example/New", java: 17})...)
	require.Equal(t, "java", newer.Problems[0].Code, "Java 17 where the image has 11")
}

// Each release of EMR that is known has a row, and each fact in it a source.
func TestEachReleaseHasAnImage(t *testing.T) {
	t.Parallel()
	rows := flinkspec.Rows(imagesTable, 5)
	require.Len(t, rows, strings.Count(imagesTable, "\n")-2)
	var releases []string
	for _, r := range rows {
		releases = append(releases, r[0])
		require.NotEmpty(t, r[1]+r[2], r[0])
		require.Equal(t, r[3] == "", r[4] == "", r[0])
	}
	require.Equal(t, flinkspec.Releases(), releases)
}

func TestWhatIsNoJarAndNoRelease(t *testing.T) {
	t.Parallel()
	_, err := Check("x.jar", bytes.NewReader([]byte("no zip")), 6, Options{Release: "7.9"})
	require.ErrorContains(t, err, "check x.jar: it is no jar")
	release, err := Release("emr-7.9.0-flink-latest")
	require.NoError(t, err)
	require.Equal(t, "7.9", release)
	release, err = Release("")
	require.NoError(t, err)
	require.Equal(t, "7.13", release)
	_, err = Release("newest")
	require.Error(t, err)
}

func FuzzParseClass(f *testing.F) {
	f.Add(source{name: "a/B", main: true, identifier: "kafka", interfaces: []string{"c/D"}}.bytes())
	f.Add([]byte{0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 61, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parseClass(raw)
		require.True(t, err != nil || c.major >= 0)
	})
}
