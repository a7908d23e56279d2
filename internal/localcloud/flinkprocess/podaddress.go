// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"archive/zip"
	"bytes"
	"embed"
	"os"

	"emrflink/internal/disk"
)

// podAddressJar has the one class of ours that runs in Flink's processes.
const podAddressJar = "pod-address.jar"

// podAddressClasses are compiled from the source beside them; `make pod-address` does it.
//
//go:embed java/emrflink/*.class
var podAddressClasses embed.FS

// writePodAddressJar writes the jar unless it is there: a class-data archive fits only while the jars stay as they are.
func writePodAddressJar(path string) error {
	var jar bytes.Buffer
	w := zip.NewWriter(&jar)
	const folder = "java/emrflink"
	entries, err := podAddressClasses.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		class, err := podAddressClasses.ReadFile(folder + "/" + e.Name())
		if err != nil {
			return err
		}
		f, err := w.Create("emrflink/" + e.Name())
		if err != nil {
			return err
		}
		if _, err := f.Write(class); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, jar.Bytes()) {
		return nil
	}
	return disk.Replace(path, jar.Bytes())
}
