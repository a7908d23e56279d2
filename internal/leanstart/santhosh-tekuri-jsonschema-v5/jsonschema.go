// SPDX-License-Identifier: Apache-2.0

// Package jsonschema is what Pulumi uses of jsonschema/v5, on top of gojsonschema, which Pulumi links too. Pulumi compiles
// four schemas whenever a process starts; here a schema is compiled when the first value is validated with it.
package jsonschema

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/xeipuuv/gojsonschema"
)

// Compiler makes schemas of what LoadURL returns.
type Compiler struct {
	LoadURL func(url string) (io.ReadCloser, error)
}

// NewCompiler returns a Compiler that can load nothing yet.
func NewCompiler() *Compiler { return &Compiler{LoadURL: LoadURL} }

// LoadURL refuses: none of Pulumi's schemas refers to one elsewhere.
func LoadURL(url string) (io.ReadCloser, error) {
	return nil, fmt.Errorf("load schema %q: emrflink is built without loaders", url)
}

// MustCompile names a schema. It is read, and found to be wrong, by the first Validate.
func (c *Compiler) MustCompile(url string) *Schema {
	return &Schema{compiled: sync.OnceValues(func() (*gojsonschema.Schema, error) { return c.compile(url) })}
}

func (c *Compiler) compile(url string) (*gojsonschema.Schema, error) {
	r, err := c.LoadURL(url)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var document map[string]any
	if err := json.NewDecoder(r).Decode(&document); err != nil {
		return nil, fmt.Errorf("read schema %q: %w", url, err)
	}
	// They name a draft that gojsonschema does not know, and use nothing of it but the place of the definitions.
	delete(document, "$schema")
	delete(document, "$id")
	loader := gojsonschema.NewSchemaLoader()
	loader.Draft = gojsonschema.Draft7
	return loader.Compile(gojsonschema.NewGoLoader(document))
}

// Schema validates values. The exported fields are always empty: Pulumi looks into them for names that are similar to a
// wrong one.
type Schema struct {
	Ref                  *Schema
	Properties           map[string]*Schema
	AdditionalProperties any
	Items2020            *Schema

	compiled func() (*gojsonschema.Schema, error)
}

// Validate returns a *ValidationError for a value that does not fit.
func (s *Schema) Validate(value any) error {
	schema, err := s.compiled()
	if err != nil {
		return err
	}
	result, err := schema.Validate(gojsonschema.NewGoLoader(value))
	if err != nil {
		return err
	}
	if result.Valid() {
		return nil
	}
	e := &ValidationError{}
	for _, r := range result.Errors() {
		at := strings.TrimPrefix(r.Context().String("/"), gojsonschema.STRING_CONTEXT_ROOT)
		e.Causes = append(e.Causes, &ValidationError{InstanceLocation: at, Message: r.Description()})
	}
	return e
}

// ValidationError says what does not fit at InstanceLocation, a JSON pointer, and why; or it is the sum of its causes.
type ValidationError struct {
	InstanceLocation, Message string
	Causes                    []*ValidationError
}

// Error has a line for everything that does not fit.
func (e *ValidationError) Error() string {
	if len(e.Causes) == 0 {
		return fmt.Sprintf("%q: %s", e.InstanceLocation, e.Message)
	}
	var all []error
	for _, c := range e.Causes {
		all = append(all, c)
	}
	return errors.Join(all...).Error()
}
