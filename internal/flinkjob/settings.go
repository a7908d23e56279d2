// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"emrflink/internal/iam"
)

// settingsFrom reads the settings that the user gave, and says which ones are missing. A job that exists is found without any.
func settingsFrom(o Options) (map[string]string, error) {
	s, err := findSample(o.Sample)
	if err != nil {
		return nil, nil //nolint:nilerr // Validate says which samples there are
	}
	given := map[string]string{}
	for _, text := range o.Set {
		name, v, ok := strings.Cut(text, "=")
		if !ok {
			return nil, &ValidationError{Problems: []string{fmt.Sprintf("--set %q: it has the form NAME=VALUE", text)}}
		}
		given[name] = v
	}
	var problems, known []string
	for _, setting := range s.Settings {
		known = append(known, setting.Name)
		if setting.Default == "" && given[setting.Name] == "" && !o.Policy {
			problems = append(problems, fmt.Sprintf("sample job %q needs --set %s=VALUE: %s, such as %s", s.Name, setting.Name,
				setting.Text, setting.Example))
		}
	}
	for name := range given {
		if !slices.Contains(known, name) {
			return nil, &UnknownNameError{What: fmt.Sprintf("setting of sample job %q", s.Name), Name: name, Known: known}
		}
	}
	if len(problems) > 0 {
		return nil, &ValidationError{Problems: problems}
	}
	return given, nil
}

// policyFile has the permissions that a sample needs beside those that each team's role has.
const policyFile = "policy.json"

// policy is the policy of a sample with the values of a stack; nil when it needs none.
func (s Sample) policy(spec Spec) ([]byte, error) {
	text, err := fs.ReadFile(s.folder, policyFile)
	if err != nil {
		return nil, nil //nolint:nilerr // most samples have none
	}
	r := s.renderer(spec)
	out, _ := r.value(string(text)).(string)
	if len(r.mistakes) > 0 {
		return nil, fmt.Errorf("%s: %w", policyFile, r.mistakes[0])
	}
	return []byte(out), nil
}

// settingIAM is the setting of samples that need not log in by their role: false, and they need no permissions.
const settingIAM = "iam"

// needs is the policy that a job of the sample needs with the user's settings; nil when it needs none.
func (s Spec) needs() ([]byte, error) {
	sample, err := findSample(s.Sample)
	if err != nil || s.Settings[settingIAM] == "false" {
		return nil, err
	}
	return sample.policy(s)
}

// policyOf is policy for a sample that must have one.
func policyOf(spec Spec) ([]byte, error) {
	s, err := findSample(spec.Sample)
	if err != nil {
		return nil, err
	}
	policy, err := s.policy(spec)
	if err == nil && policy == nil {
		err = &ValidationError{Problems: []string{
			fmt.Sprintf("sample job %q needs no permissions beside those that each team's role has", s.Name),
		}}
	}
	return policy, err
}

// actions are those that a policy allows.
func actions(policy []byte) []string {
	doc, err := iam.Parse(policy)
	if err != nil {
		return nil
	}
	var all []string
	for _, s := range doc.Statements {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
