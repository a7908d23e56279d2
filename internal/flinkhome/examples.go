// SPDX-License-Identifier: Apache-2.0

package flinkhome

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const examplesPackage = "org.apache.flink.streaming.examples."

// examples are the jars that a distribution and EMR's images have below examples/streaming, with their main classes.
var examples = map[string]string{
	"Iteration":             "iteration.IterateExample",
	"SessionWindowing":      "windowing.SessionWindowing",
	"SocketWindowWordCount": "socket.SocketWindowWordCount",
	"StateMachineExample":   "statemachine.StateMachineExample",
	"TopSpeedWindowing":     "windowing.TopSpeedWindowing",
	"WindowJoin":            "join.WindowJoin",
	"WordCount":             "wordcount.WordCount",
}

// makeExamples makes them of the one jar that Maven has: the same classes, each with a main class of its own.
func makeExamples(dir string) error {
	found, _ := filepath.Glob(filepath.Join(dir, "flink-examples-streaming-*.jar")) // the pattern is well formed
	if len(found) != 1 {
		return fmt.Errorf("%s has %d jars of all examples, not 1", dir, len(found))
	}
	all, err := zip.OpenReader(found[0])
	if err != nil {
		return err
	}
	defer all.Close() // it was only read
	for name, class := range examples {
		if err := makeExample(filepath.Join(dir, name+".jar"), examplesPackage+class, &all.Reader); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func makeExample(path, class string, all *zip.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := zip.NewWriter(f)
	err = errors.Join(copyWithMain(w, class, all), w.Close(), f.Close())
	return err
}

func copyWithMain(w *zip.Writer, class string, all *zip.Reader) error {
	const manifest = "META-INF/MANIFEST.MF"
	m, err := w.Create(manifest)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(m, "Manifest-Version: 1.0\r\nMain-Class: "+class+"\r\n\r\n"); err != nil {
		return err
	}
	for _, file := range all.File {
		if file.Name == manifest || file.FileInfo().IsDir() { // Maven deflates its folders, and zip refuses those
			continue
		}
		if err := w.Copy(file); err != nil {
			return err
		}
	}
	return nil
}
