// SPDX-License-Identifier: Apache-2.0

package jarcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"emrflink/internal/pattern"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// factoryService lists the connectors, formats and catalogs of SQL.
const factoryService = "org.apache.flink.table.factories.Factory"

// factoryInterfaces are what such a class implements.
func factoryInterfaces() map[string]bool {
	out := map[string]bool{slashed(factoryService): true}
	for _, name := range []string{
		"DynamicTableFactory", "DynamicTableSourceFactory", "DynamicTableSinkFactory", "DecodingFormatFactory",
		"EncodingFormatFactory", "DeserializationFormatFactory", "SerializationFormatFactory", "CatalogFactory", "ModuleFactory",
		"FormatFactory", "BulkReaderFormatFactory", "BulkWriterFormatFactory",
	} {
		for _, folder := range []string{"org/apache/flink/table/factories/", "org/apache/flink/connector/file/table/factories/"} {
			out[folder+name] = true
		}
	}
	return out
}

// checkServices looks at META-INF/services: what is listed must be there, and what is there must be listed.
func (c *checker) checkServices() {
	listed := map[string]bool{}
	for _, service := range sortedKeys(c.services) {
		entry := servicesFolder + service
		if n := len(c.services[service]); n > 1 {
			c.problem(Error, "services", entry, fmt.Sprintf("the jar has the entry %d times", n),
				"Java reads one of them: the classes of the others are not found", merge)
		}
		for _, name := range slices.Concat(c.services[service]...) {
			if service == factoryService {
				listed[slashed(name)] = true
			}
			c.provider(entry, service, name)
		}
		if i := strings.LastIndex(service, factoryService); i > 0 {
			c.problem(Error, "services", entry, "the list of Flink's factories was renamed by shading",
				"Flink does not find the connectors and formats in it", "do not relocate org.apache.flink")
		}
	}
	interfaces := factoryInterfaces()
	for _, name := range c.names() {
		of := c.classes[name]
		if of.isAbstract || !c.implements(name, interfaces) {
			continue
		}
		if of.identifier != "" && listed[name] && !slices.Contains(c.result.Factories, of.identifier) {
			c.result.Factories = append(c.result.Factories, of.identifier)
		}
		if !listed[name] && of.identifier != "" {
			c.problem(Error, "services", servicesFolder+factoryService, fmt.Sprintf("%s (%q) is in the jar and not in the list",
				dotted(name), of.identifier), notFound+of.identifier+"'", merge)
		}
	}
	slices.Sort(c.result.Factories)
}

const (
	merge = "ServicesResourceTransformer in the maven-shade-plugin, or mergeServiceFiles() in Gradle's shadow plugin: it " +
		"joins the lists of all jars"
	notFound = "the statement fails: Could not find any factory for identifier '"
)

// provider looks at one line of a list.
func (c *checker) provider(entry, service, name string) {
	if _, there := c.classes[slashed(name)]; there || !strings.Contains(service, "flink") || c.image.has(slashed(name)) {
		return
	}
	severity, message := Warning, name+" is listed and not in the jar"
	if first, second, joined := c.twoNames(name); joined {
		severity, message = Error, "two lines were joined into one: "+first+" and "+second
	}
	c.problem(severity, "services", entry, message, "reading the list fails, or ends there: ServiceConfigurationError", merge)
}

// twoNames takes apart a line that lacks the end of one before it.
func (c *checker) twoNames(line string) (first, second string, joined bool) {
	for i := 1; i < len(line); i++ {
		_, a := c.classes[slashed(line[:i])]
		_, b := c.classes[slashed(line[i:])]
		if a && b {
			return line[:i], line[i:], true
		}
	}
	return "", "", false
}

// option is a choice of SQL that needs a factory: 'connector' = 'kafka'.
var option = pattern.Lazy(`(?i)'(connector|type|catalog-type|format|key\.format|value\.format)'\s*=\s*'([^']*)'`)

// comment is what SQL does not read.
var comment = pattern.Lazy(`(?s)--[^\n]*|/\*.*?\*/`)

// checkSQL looks for the factories that a SQL text needs.
func (c *checker) checkSQL() {
	if c.SQLName == "" {
		return
	}
	text := comment().ReplaceAllStringFunc(c.SQL, func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) })
	for _, at := range option().FindAllStringSubmatchIndex(text, -1) {
		key, value := strings.ToLower(text[at[2]:at[3]]), text[at[4]:at[5]]
		kind := "format"
		switch key {
		case "connector":
			kind = "connector"
		case "type":
			kind = "catalog"
		case "catalog-type":
			continue // a choice of the catalog's own
		}
		entry := fmt.Sprintf("%s:%d", c.SQLName, 1+strings.Count(text[:at[0]], "\n"))
		c.needs(entry, kind, key, value)
	}
}

// needs says when neither the jar nor the image has a factory.
func (c *checker) needs(entry, kind, key, identifier string) {
	if slices.Contains(c.result.Factories, identifier) {
		return
	}
	what := fmt.Sprintf("'%s' = '%s'", key, identifier)
	effect := notFound + identifier + "'"
	for _, f := range factories() {
		if f.kind != kind || f.identifier != identifier {
			continue
		}
		if f.artifact != inImage {
			c.problem(Error, "connector", entry, what+" is neither in the jar nor in the image", effect, f.artifact)
		}
		return
	}
	c.problem(Warning, "connector", entry, what+" is not in the jar, and none that is known", effect,
		"the artifact that has it, in the jar, and its list of services with it")
}
