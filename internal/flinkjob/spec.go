// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"emrflink/components/nodelabel"
	"emrflink/internal/exitcode"
	"emrflink/internal/flinkspec"
)

// Roles of a node pool and of a pod in a Flink cluster.
const (
	RoleJobManager  = nodelabel.JobManager
	RoleTaskManager = nodelabel.TaskManager
)

// Spec is everything that Render needs. SpecFrom makes it of stack outputs.
type Spec struct {
	Sample            string
	Name              string // name of the FlinkDeployment, at most 45 characters
	Namespace         string
	RoleARN           string // execution role of the job
	LogGroup          string // CloudWatch log group of the team
	CheckpointURI     string // s3:// prefixes of the team, without trailing slash
	SavepointURI      string
	JobManagerURI     string
	LogURI            string
	JarsURI           string // the team's folder of jars
	Region            string
	Jar               Jar               // of a sample that has a source of its own
	Uploads           []Jar             // other files of the sample
	Settings          map[string]string // that the user gave
	EmrReleaseLabel   string            // "emr-7.13.0-flink-latest"
	FlinkVersion      string            // "v1_20"
	ImageMirrors      map[string]string // of registries that images are pulled from; see package mirror
	OperatorNamespace string
	NodeGroupType     string // label of the node pools
	Arch              string // "amd64" or "arm64"
	Parallelism       int
	Interval          time.Duration // between checkpoints
}

// Options are the choices of the user; zero values take the defaults.
type Options struct {
	Sample      string // default "basic"
	Name        string // default: the sample's name
	Team        string // default: the only team, or the first one by name
	NodePool    string // name or NodeGroupType of a TaskManager pool; default: the first one
	Parallelism int    // default 2
	Interval    time.Duration
	// Set are the sample's settings that differ from their defaults, as NAME=VALUE.
	Set []string
	// Policy renders the permissions that the sample needs and not its manifests.
	Policy bool
	// Jars is the folder with the built jars of the samples.
	Jars string
	// Timeout is how long a run or a deletion is waited for; 0 = for ever.
	Timeout time.Duration
	// Restart is asked before a run changes a job that runs, which restarts it; nil restarts it. Its error ends the run.
	Restart func(why string) error
}

type outputs struct {
	Region                 string `json:"region"`
	EmrReleaseLabel        string `json:"emrReleaseLabel"`
	FlinkVersion           string `json:"flinkVersion"`
	FlinkOperatorNamespace string `json:"flinkOperatorNamespace"`
	NodePools              []pool `json:"nodePools"`
	// ImageMirrors is left out where there are none.
	ImageMirrors map[string]string `json:"imageMirrors"`
	Teams        map[string]struct {
		Namespace     string `json:"namespace"`
		JobRoleARN    string `json:"jobRoleArn"`
		LogGroup      string `json:"logGroup"`
		CheckpointURI string `json:"checkpointUri"`
		SavepointURI  string `json:"savepointUri"`
		JobManagerURI string `json:"jobmanagerUri"`
		JarsURI       string `json:"jarsUri"`
		LogURI        string `json:"logUri"`
	} `json:"teams"`
}

type pool struct {
	Name          string `json:"name"`
	Arch          string `json:"arch"`
	NodeGroupType string `json:"nodeGroupType"`
	FlinkRole     string `json:"flinkRole"`
}

// Namespaces are those of the teams, of the stack's outputs.
func Namespaces(stack map[string]any) ([]string, error) {
	out, err := outputsOf(stack)
	var names []string
	for _, team := range slices.Sorted(maps.Keys(out.Teams)) {
		names = append(names, out.Teams[team].Namespace)
	}
	return names, err
}

func outputsOf(stack map[string]any) (outputs, error) {
	raw, err := json.Marshal(stack)
	if err != nil {
		return outputs{}, fmt.Errorf("read stack outputs: %w", err)
	}
	var out outputs
	if err := json.Unmarshal(raw, &out); err != nil {
		return outputs{}, fmt.Errorf("read stack outputs: %w", err)
	}
	return out, nil
}

// SpecFrom makes a Spec of the stack's outputs and the user's choices. A stack
// that lacks an output is an error that lists every missing one.
func SpecFrom(stack map[string]any, o Options) (Spec, error) {
	out, err := outputsOf(stack)
	if err != nil {
		return Spec{}, err
	}
	if o.Sample == "" {
		o.Sample = defaultSample
	}
	if o.Name == "" {
		o.Name = o.Sample
	}
	if o.Parallelism == 0 {
		o.Parallelism = DefaultParallelism
	}
	if o.Interval == 0 {
		o.Interval = 10 * time.Second
	}
	team, err := out.team(o.Team)
	if err != nil {
		return Spec{}, err
	}
	p, err := out.pool(o.NodePool, archOf(o.Sample))
	if err != nil {
		return Spec{}, err
	}
	t := out.Teams[team]
	s := Spec{
		Sample: o.Sample, Name: o.Name, Namespace: t.Namespace, RoleARN: t.JobRoleARN, LogGroup: t.LogGroup,
		CheckpointURI: t.CheckpointURI, SavepointURI: t.SavepointURI, JobManagerURI: t.JobManagerURI, LogURI: t.LogURI,
		JarsURI: t.JarsURI, Region: out.Region,
		EmrReleaseLabel: out.EmrReleaseLabel, FlinkVersion: out.FlinkVersion, ImageMirrors: out.ImageMirrors,
		OperatorNamespace: out.FlinkOperatorNamespace,
		NodeGroupType:     p.NodeGroupType, Arch: p.Arch, Parallelism: o.Parallelism, Interval: o.Interval,
	}
	if s.Jar, err = jarOf(o.Sample, o.Jars, t.JarsURI); err != nil && !o.Policy {
		return Spec{}, err
	}
	if s.Uploads, err = uploadsOf(s, o.Jars); err != nil && !o.Policy {
		return Spec{}, err
	}
	if s.Settings, err = settingsFrom(o); err != nil {
		return Spec{}, err
	}
	return s, s.Validate()
}

func (o outputs) team(name string) (string, error) {
	var known []string
	for t := range o.Teams {
		known = append(known, t)
	}
	sort.Strings(known)
	if len(known) == 0 {
		return "", errors.New("read stack outputs: the stack has no teams output; deploy it first")
	}
	if name == "" {
		return known[0], nil
	}
	if _, ok := o.Teams[name]; !ok {
		return "", &UnknownNameError{What: "team", Name: name, Known: known}
	}
	return name, nil
}

// annotationArch chooses the architecture of the nodes of a sample.
const annotationArch = "emrflink.dev/arch"

// archOf is the architecture that a sample asks for; "" = any.
func archOf(name string) string {
	s, err := findSample(name)
	if err != nil {
		return "" // Validate says which samples there are
	}
	return (&unstructured.Unstructured{Object: s.manifests[0]}).GetAnnotations()[annotationArch]
}

// pool picks the TaskManager pool, without a name the first one of the architecture; a job needs a JobManager pool of the same
// node group type beside it.
func (o outputs) pool(name, arch string) (pool, error) {
	masters := map[string]bool{}
	for _, p := range o.NodePools {
		if p.FlinkRole == RoleJobManager {
			masters[p.NodeGroupType] = true
		}
	}
	var known []string
	for _, p := range o.NodePools {
		if p.FlinkRole != RoleTaskManager || !masters[p.NodeGroupType] {
			continue
		}
		if name == "" && (arch == "" || arch == p.Arch) || name == p.Name || name == p.NodeGroupType {
			return p, nil
		}
		known = append(known, p.Name)
	}
	if name == "" && arch != "" {
		return pool{}, &UnknownNameError{What: "node pool of architecture", Name: arch, Known: known}
	}
	if len(known) == 0 {
		return pool{}, errors.New("read stack outputs: no node pool for Flink: a TaskManager and a JobManager pool of one " +
			"node group type are needed")
	}
	return pool{}, &UnknownNameError{What: "node pool", Name: name, Known: known}
}

// ValidationError lists everything that is wrong with a Spec.
type ValidationError struct{ Problems []string }

// Error implements error.
func (e *ValidationError) Error() string {
	return "invalid job: " + strings.Join(e.Problems, "; ")
}

// Code is a stable id of the failure.
func (e *ValidationError) Code() string { return "flinkjob.invalid" }

// ExitCode is 2: validation.
func (e *ValidationError) ExitCode() int { return exitcode.Usage }

// Validate returns a *ValidationError with all problems, or nil.
func (s Spec) Validate() error {
	var bad []string
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	if _, err := findSample(s.Sample); err != nil {
		bad = append(bad, err.Error())
	}
	add(!flinkspec.ValidName(s.Name),
		"job name %q: 1 to 45 lower-case letters, digits and dashes, starting with a letter", s.Name)
	add(s.Namespace == "", "the team has no namespace")
	if _, _, err := roleOf(s.RoleARN); err != nil {
		bad = append(bad, err.Error())
	}
	for what, uri := range map[string]string{
		"checkpointUri": s.CheckpointURI, "savepointUri": s.SavepointURI, "jobmanagerUri": s.JobManagerURI, "logUri": s.LogURI,
	} {
		if _, _, err := splitURI(uri); err != nil {
			bad = append(bad, what+": "+err.Error())
		}
	}
	add(s.LogGroup == "", "the team has no log group")
	add(!strings.HasPrefix(s.EmrReleaseLabel, "emr-"), "EMR release label %q does not start with emr-", s.EmrReleaseLabel)
	add(!strings.HasPrefix(s.FlinkVersion, "v1_"), "Flink version %q is not of the form v1_20", s.FlinkVersion)
	add(s.NodeGroupType == "" || s.Arch == "", "the node pool has no node group type or no architecture")
	add(s.Parallelism < 1 || s.Parallelism > 256, "parallelism %d: 1 to 256", s.Parallelism)
	add(s.Interval < time.Second, "checkpoint interval %s: at least 1s", s.Interval)
	if len(bad) == 0 {
		return nil
	}
	sort.Strings(bad)
	return &ValidationError{Problems: bad}
}

// splitURI takes s3://, s3a:// and s3p:// URIs apart.
func splitURI(uri string) (bucket, key string, err error) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || (scheme != "s3" && scheme != "s3a" && scheme != "s3p") {
		return "", "", fmt.Errorf("%q is no s3:// URI", uri)
	}
	bucket, key, _ = strings.Cut(rest, "/")
	if bucket == "" {
		return "", "", fmt.Errorf("%q has no bucket", uri)
	}
	return bucket, strings.Trim(key, "/"), nil
}
