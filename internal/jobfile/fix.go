// SPDX-License-Identifier: Apache-2.0

package jobfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"emrflink/internal/flinkspec"
)

// Values are those of the stack and the team that a job is to run for.
type Values struct {
	Namespace, RoleARN, Region, LogGroup           string
	LogURI                                         string // folder of logs in S3, without a scheme
	CheckpointURI, SavepointURI, JobManagerURI     string // s3:// prefixes of the team, without a slash at the end
	EmrReleaseLabel, FlinkVersion                  string
	NodeGroupType, JobManagerRole, TaskManagerRole string
}

func (v Values) bucket() string {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(v.CheckpointURI, "s3://"), "/")
	return bucket
}

func (v Values) account() string {
	if parts := strings.Split(v.RoleARN, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}

// Change is one thing that Fix did.
type Change struct {
	Object string `json:"object"`
	Path   string `json:"path"`
	What   string `json:"what"`
}

// Fixed is a corrected file.
type Fixed struct {
	SchemaVersion int      `json:"schemaVersion"`
	Text          []byte   `json:"-"`
	Changes       []Change `json:"changes"`
	// Left is what only the author can decide.
	Left Result `json:"left"`
}

// rounds is how often the corrected file is looked at again: one correction can show the next problem.
const rounds = 5

// Fix corrects what the stack's values and the rules decide, and says what it left. Comments stay; the file itself is not
// touched. A file that is no YAML is an error.
func Fix(f File, v Values) (Fixed, error) { return fix(f, v, menders()) }

// Fill writes the values of the stack in the place of placeholders, and the team's namespace where there is none; nothing
// else is touched.
func Fill(f File, v Values) (Fixed, error) {
	return fix(f, v, placeholders())
}

// placeholders correct nothing else.
func placeholders() map[string]func(*mender, Problem) {
	return map[string]func(*mender, Problem){"placeholder": mendPlaceholder}
}

func fix(f File, v Values, menders map[string]func(*mender, Problem)) (Fixed, error) {
	docs, err := parse(f)
	if err != nil {
		return Fixed{}, fmt.Errorf("%s is no YAML: %w", f.Name, err)
	}
	by, err := flinkspec.ChooseVersions("", v.EmrReleaseLabel)
	if err != nil {
		by = flinkspec.DefaultVersions()
	}
	out := Fixed{SchemaVersion: 1, Text: f.Text, Changes: []Change{}}
	for range rounds {
		before := len(out.Changes)
		r := &report{by: by}
		all := objectsOf(f.Name, docs, r)
		for _, d := range all {
			out.Changes = append(out.Changes, d.ofTeam(v, len(menders) > 1)...)
		}
		for _, d := range checkAll(all, r) {
			out.Changes = append(out.Changes, d.mend(r, v, menders)...)
		}
		if len(out.Changes) == before {
			break
		}
	}
	for _, a := range f.set {
		out.Changes = append(out.Changes, Change{Object: f.Name, Path: a, What: "was set"})
	}
	if len(out.Changes) > 0 {
		var b bytes.Buffer
		encoder := yaml.NewEncoder(&b)
		encoder.SetIndent(2)
		for _, doc := range docs {
			if err := encoder.Encode(doc); err != nil {
				return Fixed{}, fmt.Errorf("write %s: %w", f.Name, err)
			}
		}
		if err := encoder.Close(); err != nil {
			return Fixed{}, fmt.Errorf("write %s: %w", f.Name, err)
		}
		out.Text = b.Bytes()
	}
	out.Left = CheckBy(by, File{Name: f.Name, Text: out.Text})
	return out, nil
}

// mender corrects one object.
type mender struct {
	*document
	tree
	Values
	changes []Change
}

// mend corrects the problems of one object that have a mender.
func (d *document) mend(r *report, v Values, menders map[string]func(*mender, Problem)) []Change {
	m := &mender{document: d, tree: tree{d.root}, Values: v}
	for _, p := range r.sorted() {
		if p.Object == d.String() && menders[p.Code] != nil {
			menders[p.Code](m, p)
		}
	}
	if len(menders) > 1 {
		m.logs()
	}
	return m.changes
}

const logURI = "spec.monitoringConfiguration.s3MonitoringConfiguration.logUri"

// logs puts the team's places of logs in the place of others.
func (m *mender) logs() {
	const group = "spec.monitoringConfiguration.cloudWatchMonitoringConfiguration.logGroupName"
	for _, place := range [][2]string{{group, m.LogGroup}, {logURI, m.LogURI}} {
		path, own := place[0], place[1]
		if is := m.text(path); is != "" && own != "" && is != own && !strings.HasPrefix(is, own+"/") {
			m.did(m.tree.set(path, plain(own)), path, "the team's: "+own+"; its role may write there only")
		}
	}
}

// ofTeam puts an object into the namespace of the team: where it has none, or, when the whole file is made the team's, another.
func (d *document) ofTeam(v Values, whole bool) []Change {
	const path = "metadata.namespace"
	if v.Namespace == "" || d.namespace == v.Namespace || d.namespace == "" && !isFlink(d) || d.namespace != "" && !whole {
		return nil
	}
	m := &mender{document: d, tree: tree{d.root}}
	m.did(m.tree.set(path, plain(v.Namespace)), path, "the team's: "+v.Namespace)
	return m.changes
}

// did notes a change that was made.
func (m *mender) did(done bool, path, what string) {
	if done {
		m.changes = append(m.changes, Change{Object: m.document.String(), Path: path, What: what})
	}
}

func (m *mender) put(path string, value *yaml.Node) {
	if old := m.tree.get(path); value.Value == "" || old != nil && old.Value == value.Value {
		return
	}
	m.did(m.tree.set(path, value), path, "now "+value.Value)
}

func (m *mender) drop(path, why string) { m.did(m.tree.remove(path), path, "left out: "+why) }

// directory is the team's prefix for a key, with the job's name.
func (m *mender) directory(key string) string {
	base := map[string]string{
		"state.checkpoints.dir":        strings.Replace(m.CheckpointURI, "s3://", "s3p://", 1),
		"state.savepoints.dir":         m.SavepointURI,
		"spec.jobManager.storageDir":   m.JobManagerURI,
		"high-availability.storageDir": m.JobManagerURI,
	}[key]
	if base == "" {
		return ""
	}
	return base + "/" + m.document.name
}

// menders correct the problems of a code. A code that has none is for the author.
func menders() map[string]func(*mender, Problem) {
	drop := func(m *mender, p Problem) { m.drop(p.Path, p.Message) }
	return map[string]func(*mender, Problem){
		"placeholder": mendPlaceholder, "type": mendType, "nested-configuration": mendNested, "newer-key": mendNewerKey,
		"newer-field": mendNewerField, "operator": mendOperator, "dead-key": mendDeadKey, "overwritten-key": drop,
		"operator-key": drop, "session-submit": drop,
		"dumped": drop, "mode": drop, "ingress": drop, "secret": mendSecret, "local-state": mendDirectory,
		"no-directory": func(m *mender, _ Problem) {
			m.put(configuration+"state.checkpoints.dir", text(m.directory("state.checkpoints.dir")))
		},
		"newer-value": func(m *mender, p Problem) {
			if p.Path == "spec.flinkVersion" {
				m.put(p.Path, plain(m.FlinkVersion))
			}
		},
		"flink-version": func(m *mender, p Problem) { m.put(p.Path, plain(m.FlinkVersion)) },
		"release":       mendRelease,
		"image-tag":     mendImage, "image-release": mendImage, "role": mendRole,
		"storage-dir": func(m *mender, _ Problem) {
			m.put("spec.jobManager.storageDir", plain(m.directory("spec.jobManager.storageDir")))
		},
		"high-availability": func(m *mender, p Problem) { m.drop(p.Path, "EMR's own is jobManager.storageDir") },
		"last-state": func(m *mender, p Problem) {
			if m.kind == flinkspec.KindSessionJob {
				m.put(p.Path, plain("savepoint"))
				return
			}
			m.put("spec.jobManager.highAvailabilityEnabled", plain("true"))
		},
		"born-suspended":   func(m *mender, p Problem) { m.put(p.Path, plain("running")) },
		"api-version":      func(m *mender, p Problem) { m.put(p.Path, plain(flinkspec.APIVersion)) },
		"no-node-selector": mendSelectors,
		"pod-security":     mendPod,
	}
}

func mendPlaceholder(m *mender, p Problem) {
	n := m.tree.get(p.Path)
	if n == nil || strings.HasPrefix(p.Path, "spec.job.args") || strings.Contains(p.Path, "odTemplate") {
		return // what a program takes only its author knows
	}
	if p.Path == "spec.executionRoleArn" {
		m.put(p.Path, plain(m.RoleARN))
		return
	}
	if p.Path == logURI && m.LogURI != "" {
		m.put(p.Path, plain(m.LogURI))
		return
	}
	if dir := m.directory(strings.TrimPrefix(p.Path, configuration)); dir != "" {
		m.put(p.Path, text(dir))
		return
	}
	value := unfilled().ReplaceAllStringFunc(n.Value, func(found string) string {
		lead, hole := cutLead(found)
		words := strings.ToLower(hole)
		for _, of := range [][2]string{
			{"bucket", m.bucket()}, {"account", m.account()}, {"region", m.Region}, {"namespace", m.Namespace},
		} {
			if strings.Contains(words, of[0]) && of[1] != "" {
				return lead + of[1]
			}
		}
		return found
	})
	if value != n.Value {
		m.put(p.Path, text(value))
	}
}

// mendType writes a number or a text as the field wants it.
func mendType(m *mender, p Problem) {
	n := m.tree.get(p.Path)
	if n == nil || n.Kind != yaml.ScalarNode {
		return
	}
	f, known := flinkspec.FieldOf(m.kind, index().ReplaceAllString(p.Path, "[]"))
	if n.ShortTag() != "!!str" {
		m.did(m.tree.set(p.Path, text(n.Value)), p.Path, "quoted")
		return
	}
	if value := plain(n.Value); known && f.Type != "string" && value.ShortTag() != "!!str" {
		m.did(m.tree.set(p.Path, value), p.Path, "without quotes")
	}
}

// mendNested writes a configuration of several levels on one.
func mendNested(m *mender, p Problem) {
	parent, last := m.tree.parent(p.Path, false)
	if parent == nil {
		return
	}
	i := at(parent, last)
	if i < 0 {
		return
	}
	var flat []*yaml.Node
	var add func(prefix string, n *yaml.Node)
	add = func(prefix string, n *yaml.Node) {
		if n.Kind != yaml.MappingNode {
			flat = append(flat, plain(prefix), text(n.Value))
			return
		}
		for j := 0; j+1 < len(n.Content); j += 2 {
			add(prefix+"."+n.Content[j].Value, n.Content[j+1])
		}
	}
	add(last, parent.Content[i])
	parent.Content = slices.Replace(parent.Content, i-1, i+1, flat...)
	m.did(true, p.Path, "on one level")
}

func mendNewerKey(m *mender, p Problem) {
	if strings.HasSuffix(p.Path, "job.autoscaler.utilization.target") {
		m.did(m.tree.rename(p.Path, "job.autoscaler.target.utilization"), p.Path, "now job.autoscaler.target.utilization")
		return
	}
	m.drop(p.Path, p.Message)
}

func mendDeadKey(m *mender, p Problem) {
	if auto, prefixed := strings.CutPrefix(p.Path, configuration+"kubernetes.operator.job.autoscaler."); prefixed {
		m.did(m.tree.rename(p.Path, "job.autoscaler."+auto), p.Path, "now job.autoscaler."+auto)
		return
	}
	m.drop(p.Path, p.Message)
}

// mendNewerField converts the resources of later operators: quantities of Kubernetes there, Flink's MiB here.
func mendNewerField(m *mender, p Problem) {
	owner, resources := strings.CutSuffix(p.Path, ".resources")
	if !resources {
		m.drop(p.Path, p.Message)
		return
	}
	amount := func(what string) string {
		for _, of := range []string{".limits.", ".requests."} {
			if n := m.tree.get(p.Path + of + what); n != nil {
				return n.Value
			}
		}
		return ""
	}
	memory, err := flinkspec.Quantity(amount("memory"))
	if err != nil || !memory.IsInt() {
		return // "2048m" of Kubernetes are two bytes: what was meant only the author knows
	}
	m.put(owner+".resource.memory", text(fmt.Sprintf("%dm", memory.Num().Int64()>>20)))
	if cpu, err := flinkspec.Quantity(amount("cpu")); err == nil {
		number, _ := cpu.Float64()
		m.put(owner+".resource.cpu", plain(fmt.Sprint(number)))
	}
	m.drop(p.Path, "in resource now")
}

func mendOperator(m *mender, p Problem) {
	switch {
	case strings.HasPrefix(p.Message, "Forbidden"):
		m.drop(p.Path, "the operator sets it")
	case strings.Contains(p.Message, "autoscaler config"), strings.Contains(p.Message, "AutoScalerOption"):
		m.drop(p.Path, "its default acts")
	case p.Path == "spec.flinkVersion":
		m.put(p.Path, plain(m.FlinkVersion))
	case p.Path == "spec.serviceAccount":
		m.put("spec.executionRoleArn", plain(m.RoleARN))
	case strings.Contains(p.Message, "[state.checkpoints.dir]"):
		m.tree.remove(configuration + "execution.checkpointing.dir")
		m.put(configuration+"state.checkpoints.dir", text(m.directory("state.checkpoints.dir")))
	case strings.Contains(p.Message, "[state.savepoints.dir]"):
		m.tree.remove(configuration + "execution.checkpointing.savepoint-dir")
		m.put(configuration+"state.savepoints.dir", text(m.directory("state.savepoints.dir")))
	case strings.Contains(p.Message, "HA must be enabled"), strings.Contains(p.Message, "High availability"):
		m.put("spec.jobManager.highAvailabilityEnabled", plain("true"))
	}
}

// mendSecret takes away keys for S3: the role serves. Any other secret is the author's.
func mendSecret(m *mender, p Problem) {
	key := strings.TrimPrefix(p.Path, configuration)
	if key != p.Path && (strings.HasPrefix(key, "s3.") || strings.HasPrefix(key, "fs.s3a.") || strings.HasPrefix(key, "s3a.") ||
		strings.HasPrefix(key, "presto.s3.")) {
		m.drop(p.Path, "the job's role serves S3")
	}
}

func mendDirectory(m *mender, p Problem) {
	key := strings.TrimPrefix(p.Path, configuration)
	present, known := flinkspec.KeyOf(key)
	if known && m.directory(key) == "" {
		for _, older := range present.Fallbacks {
			if dir := m.directory(older); dir != "" {
				m.tree.remove(p.Path)
				m.put(configuration+older, text(dir))
				return
			}
		}
	}
	if dir := m.directory(key); dir != "" {
		m.put(p.Path, text(dir))
		return
	}
	m.drop(p.Path, p.Message)
}

// mendRelease writes the stack's release. Flink's own image has nothing of EMR in it, so it goes.
func mendRelease(m *mender, _ Problem) {
	m.put("spec.emrReleaseLabel", plain(m.EmrReleaseLabel))
	m.put("spec.flinkVersion", plain(m.FlinkVersion))
	mendImage(m, Problem{Path: "spec.image"})
}

// mendImage leaves out an image that the release label decides as well.
func mendImage(m *mender, p Problem) {
	image := m.document.text(p.Path)
	name := image[strings.LastIndex(image, "/")+1:]
	if strings.Contains(image, "emr-on-eks/") || strings.HasPrefix(name, "flink:") {
		m.drop(p.Path, "the release label decides")
	}
}

func mendRole(m *mender, p Problem) {
	if p.Path == "spec.serviceAccount" {
		m.drop(p.Path, "EMR makes it of the role")
	}
	m.put("spec.executionRoleArn", plain(m.RoleARN))
}

// mendSelectors sends JobManagers and TaskManagers to their node pools.
func mendSelectors(m *mender, _ Problem) {
	if m.NodeGroupType == "" {
		return
	}
	for _, of := range [][2]string{{"jobManager", m.JobManagerRole}, {"taskManager", m.TaskManagerRole}} {
		field, role := of[0], of[1]
		path := "spec." + field + ".podTemplate.spec.nodeSelector"
		m.tree.set(path+".NodeGroupType", plain(m.NodeGroupType))
		m.did(m.tree.set(path+".FlinkRole", plain(role)), path, "the pool "+m.NodeGroupType+" for "+role+"s")
		if containers := "spec." + field + ".podTemplate.spec.containers"; m.tree.get(containers) == nil {
			one := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{plain("name"), plain(mainContainer)}}
			m.tree.set(containers, &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{one}})
		}
	}
	toleration := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range [][2]string{
		{"key", "FlinkRole"}, {"operator", "Equal"}, {"value", m.JobManagerRole}, {"effect", "NoSchedule"},
	} {
		toleration.Content = append(toleration.Content, plain(f[0]), plain(f[1]))
	}
	m.tree.set("spec.jobManager.podTemplate.spec.tolerations",
		&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{toleration}})
}

// mendPod takes a folder of the host away: state is in S3 by then.
func mendPod(m *mender, p Problem) {
	volume, host := strings.CutSuffix(p.Path, ".hostPath")
	if !host {
		m.drop(p.Path, p.Message)
		return
	}
	m.tree.remove(p.Path)
	m.did(m.tree.set(volume+".emptyDir", &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}), volume, "an emptyDir now")
}
