// SPDX-License-Identifier: Apache-2.0

package flinkprocess

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"emrflink/internal/disk"
	"emrflink/internal/flinkhome"
)

// A JobManager reads the pod template of its TaskManagers at a path that is fixed in one of Flink's classes. The process has its
// pod's folder as working folder, and there is what a container has below /opt/flink: the path is made relative to it.
const (
	templateClass = "org/apache/flink/kubernetes/utils/KubernetesUtils.class"
	templatePath  = "/opt/flink/pod-template"
	ownTemplate   = flinkFolder + "/pod-template"
)

// templateJar writes a jar with that class of a home, unless it is there, and returns its path. On a class path, it goes before
// Flink's own.
func templateJar(home flinkhome.Home, dir string) (string, error) {
	path := filepath.Join(dir, "pod-template-"+home.Version+".jar")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	class, err := flinkClass(home, templateClass)
	if err != nil {
		return "", err
	}
	if class, err = replaceText(class, templatePath, ownTemplate); err != nil {
		return "", fmt.Errorf("%s: %w", templateClass, err)
	}
	var jar bytes.Buffer
	w := zip.NewWriter(&jar)
	f, err := w.Create(templateClass)
	if err == nil {
		_, err = f.Write(class)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return "", err
	}
	return path, disk.Replace(path, jar.Bytes())
}

// flinkClass is a class of Flink's Kubernetes code.
func flinkClass(home flinkhome.Home, name string) ([]byte, error) {
	for _, pattern := range []string{"flink-kubernetes-*.jar", "flink-dist-*.jar"} {
		found, _ := filepath.Glob(filepath.Join(home.Dir, "lib", pattern)) // the pattern is well formed
		for _, jar := range found {
			if class, err := readEntry(jar, name); err == nil {
				return class, nil
			}
		}
	}
	return nil, fmt.Errorf("%s has no %s", filepath.Join(home.Dir, "lib"), name)
}

func readEntry(jar, name string) ([]byte, error) {
	r, err := zip.OpenReader(jar)
	if err != nil {
		return nil, err
	}
	defer r.Close() // it was only read
	f, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the same
	return io.ReadAll(f)
}

// Tags of a class file's constant pool and how many bytes follow them (Java Virtual Machine Specification 17, 4.4).
const (
	tagText   = 1 // a length of two bytes, and so many
	tagLong   = 5 // counts as two entries, as a double does
	tagDouble = 6
)

var constantSize = map[byte]int{
	3: 4, 4: 4, tagLong: 8, tagDouble: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2,
}

// replaceText replaces a text in the constant pool of a class, which must have it once.
func replaceText(class []byte, from, to string) ([]byte, error) {
	const header = 10 // magic, versions, number of entries
	broken := errors.New("it is no class file that can be read")
	if len(class) < header || binary.BigEndian.Uint32(class) != 0xCAFEBABE {
		return nil, broken
	}
	out, found, at := append([]byte(nil), class[:header]...), 0, header
	for n := int(binary.BigEndian.Uint16(class[8:])) - 1; n > 0; n-- {
		if at+3 > len(class) {
			return nil, broken
		}
		tag, size := class[at], 0
		if tag == tagText {
			size = 2 + int(binary.BigEndian.Uint16(class[at+1:]))
		} else if size = constantSize[tag]; size == 0 {
			return nil, broken
		}
		end := at + 1 + size
		if end > len(class) {
			return nil, broken
		}
		if tag == tagText && string(class[at+3:end]) == from {
			found++
			out = append(binary.BigEndian.AppendUint16(append(out, tag), uint16(len(to))), to...)
		} else {
			out = append(out, class[at:end]...)
		}
		if tag == tagLong || tag == tagDouble {
			n--
		}
		at = end
	}
	if found != 1 {
		return nil, fmt.Errorf("%q is in it %d times, not once", from, found)
	}
	return append(out, class[at:]...), nil
}
