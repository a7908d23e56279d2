// SPDX-License-Identifier: Apache-2.0

package helm

import (
	"fmt"
	"maps"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// values are the chart's values with the images that are pulled from a mirror.
func (a *Args) values() (pulumi.Map, error) {
	values := a.Values
	for _, image := range a.Images {
		path, value := a.Mirrors.Value(image)
		if path == "" {
			continue
		}
		var err error
		if values, err = with(values, strings.Split(path, "."), value); err != nil {
			return nil, fmt.Errorf("image %q: value %s: %w", image.Repository, path, err)
		}
	}
	return values, nil
}

// with is a copy of values with one more, or another.
func with(values pulumi.Map, path []string, value string) (pulumi.Map, error) {
	out := maps.Clone(values)
	if out == nil {
		out = pulumi.Map{}
	}
	if len(path) == 1 {
		out[path[0]] = pulumi.String(value)
		return out, nil
	}
	inner, ok := out[path[0]].(pulumi.Map)
	if out[path[0]] != nil && !ok {
		return nil, fmt.Errorf("%s is a %T", path[0], out[path[0]])
	}
	made, err := with(inner, path[1:], value)
	out[path[0]] = made
	return out, err
}
