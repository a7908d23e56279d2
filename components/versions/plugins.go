// SPDX-License-Identifier: Apache-2.0

package versions

// Plugin is a provider plugin of Pulumi.
type Plugin struct {
	// Name is its package, such as aws.
	Name string
	// Version is its release, without a v.
	Version string
}

// String is its name and version.
func (p Plugin) String() string { return p.Name + " " + p.Version }

// Plugins are what the engine runs on AWS: of each package the release of the Go SDK, and those of aws and kubernetes that the
// plugin of pulumi-eks registers its resources with (its yarn.lock).
func Plugins() []Plugin {
	return []Plugin{
		{"aws", "6.45.0"}, {"aws", "6.83.0"}, {"eks", "2.8.1"}, {"kubernetes", "4.15.0"}, {"kubernetes", "4.23.0"},
	}
}
