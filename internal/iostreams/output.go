// SPDX-License-Identifier: Apache-2.0

package iostreams

import (
	"io/fs"

	"emrflink/internal/disk"
)

// IsStdout tells whether a file that the user named is standard output.
func IsStdout(path string) bool { return path == "-" || path == "/dev/stdout" }

// To writes to a file that the user named: "-" is standard output, anything else as [disk.To] does.
func (s *IOStreams) To(path string) disk.Writer {
	if !IsStdout(path) {
		return disk.To(path)
	}
	return func(content []byte, _ fs.FileMode) error {
		_, err := s.Out.Write(content)
		return err
	}
}
