// SPDX-License-Identifier: Apache-2.0

package logsidecar

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"emrflink/internal/localcloud/flinkconf"
	"emrflink/internal/localcloud/podlog"
)

// destination is where the lines of a pod go.
type destination struct {
	group, prefix string // "" is none
	bucket, key   string // "" is none
	rotate        int64  // bytes
}

// EMR's rotation, when the job says nothing.
const defaultRotation = 2 << 30

// destinationOf reads what the operator set in the pod's sidecar; ok is false without one.
func destinationOf(p *corev1.Pod) (d destination, ok bool) {
	d.rotate = defaultRotation
	for _, c := range p.Spec.Containers {
		if c.Name != flinkconf.Sidecar {
			continue
		}
		ok = true
		for _, e := range c.Env {
			switch e.Name {
			case flinkconf.EnvLogGroup:
				d.group = e.Value
			case flinkconf.EnvLogPrefix:
				d.prefix = e.Value
			case flinkconf.EnvLogURI:
				d.bucket, d.key = flinkconf.SplitURI(e.Value)
			case flinkconf.EnvLogRotation:
				d.rotate = cmp.Or(parseSize(e.Value), d.rotate)
			}
		}
	}
	return d, ok && (d.group != "" || d.bucket != "")
}

// parseSize reads sizes as EMR writes them, such as 300KB; 0 when it is none.
func parseSize(s string) int64 {
	for unit, factor := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if number, is := strings.CutSuffix(strings.ToUpper(s), unit); is {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if err == nil && n > 0 {
				return n * factor
			}
		}
	}
	return 0
}

// stream is the name of a log stream.
func (d destination) stream(pod, stream string) string {
	return strings.TrimPrefix(d.prefix+"/"+pod+"/"+strings.ToUpper(stream), "/")
}

func (d destination) objects(pod string) *objects {
	return &objects{to: d, folder: strings.TrimPrefix(strings.TrimSuffix(d.key, "/")+"/"+pod+"/", "/"), of: map[string]*object{}}
}

// objects are those of a pod in S3.
type objects struct {
	to      destination
	folder  string
	of      map[string]*object // stream -> the object of now
	rotated []*object
}

// object is what one stream printed since the last rotation.
type object struct {
	name    string
	text    int64
	index   int // of the next rotation
	body    bytes.Buffer
	zip     *gzip.Writer
	changed bool
}

func newObject(stream string, index int) *object {
	o := &object{name: stream + ".gz", index: index}
	o.zip = gzip.NewWriter(&o.body)
	return o
}

// add adds a line to the object of its stream, which is moved aside when it is full.
func (s *objects) add(e podlog.Entry) {
	if s.to.bucket == "" {
		return
	}
	o := s.of[e.Stream]
	if o == nil {
		o = newObject(e.Stream, 0)
		s.of[e.Stream] = o
	}
	_, _ = o.zip.Write([]byte(e.Text)) // into memory
	o.text += int64(len(e.Text))
	o.changed = true
	if o.text < s.to.rotate {
		return
	}
	o.name = fmt.Sprintf("%s_%s_%d.gz", e.Stream, time.Now().UTC().Format("20060102"), o.index)
	s.rotated = append(s.rotated, o)
	s.of[e.Stream] = newObject(e.Stream, o.index+1)
}

func (s *objects) changed() bool {
	for _, o := range s.of {
		if o.changed {
			return true
		}
	}
	return len(s.rotated) > 0
}

// store writes the objects that changed.
func (s *objects) store(ctx context.Context, to Session) error {
	for len(s.rotated) > 0 {
		if err := s.put(ctx, to, s.rotated[0]); err != nil {
			return err
		}
		s.rotated = s.rotated[1:]
	}
	for _, o := range s.of {
		if !o.changed {
			continue
		}
		if err := s.put(ctx, to, o); err != nil {
			return err
		}
	}
	return nil
}

// put writes an object as a whole: gzip files can follow each other in one.
func (s *objects) put(ctx context.Context, to Session, o *object) error {
	if err := o.zip.Close(); err != nil {
		return err
	}
	o.zip = gzip.NewWriter(&o.body)
	if err := to.PutObject(ctx, s.to.bucket, s.folder+o.name, bytes.NewReader(o.body.Bytes()), "application/gzip"); err != nil {
		return fmt.Errorf("write s3://%s/%s%s: %w", s.to.bucket, s.folder, o.name, err)
	}
	o.changed = false
	return nil
}

func trimEnd(s string) string { return strings.TrimSuffix(s, "\n") }
