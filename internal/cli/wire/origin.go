// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"emrflink/internal/cleanup"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/engine"
	"emrflink/internal/preview"
	"emrflink/internal/stack"
)

// CheckOrigin compares the settings with what the state tells of the deployment. The resources of another region or account
// cannot be told from ones that are gone: such a deploy would make everything twice and forget the first.
func (s *onTarget) CheckOrigin(ctx context.Context, rename bool) error {
	record, err := recorder{s}.Record(ctx)
	if err != nil {
		return classify(err)
	}
	made, known, err := cleanup.Known(s.scope(), record)
	if err != nil || !known {
		return err
	}
	info := s.settings.info
	switch {
	case made.Region != info.Region:
		return s.anotherDeployment("region", made.Region, info.Region, rename,
			cmdutil.Command("deploy", "--stack", info.Stack)+"   # with emrflink:region: "+made.Region+" again in "+s.file())
	case made.Deployment.Name != info.Deployment && !rename:
		return s.anotherDeployment("name", made.Deployment.Name, info.Deployment, false,
			cmdutil.Command("deploy", "--stack", info.Stack, "--rename")+"   # replaces everything and loses what it holds")
	}
	if err := s.claim(ctx); err != nil { // before a target is opened that another command may be about to reset
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	caller, err := client.Identity(ctx)
	if err != nil || made.Account == "" || caller.Account == made.Account {
		return nil // credentials that do not work are for the checks to explain
	}
	return s.anotherAccount(made.Account, caller.Account, rename)
}

func (s *onTarget) anotherAccount(made, now string, rename bool) error {
	return s.anotherDeployment("account", made, now, rename,
		cmdutil.Command("doctor", "--stack", s.settings.info.Stack)+"   # shows whose the credentials are")
}

// file is the stack file, also one that is not there yet.
func (s *onTarget) file() string {
	return cmp.Or(s.settings.info.File, "Pulumi."+s.settings.info.Stack+".yaml")
}

// anotherDeployment says which settings the stack was made with, and the two ways on. In vain is a --rename that cannot help.
func (s *onTarget) anotherDeployment(what, made, now string, inVain bool, way string) error {
	info := s.settings.info
	from := s.origins().Recall(info.Stack, info.State).Folder
	if from != "" {
		from = " from " + from
	}
	file := s.file()
	other := info.Stack + "-" + now
	next := fmt.Sprintf("cp %s %s && %s   # a stack of its own", file,
		strings.Replace(file, "Pulumi."+info.Stack+".", "Pulumi."+other+".", 1), cmdutil.Command("deploy", "--stack", other))
	limits := ""
	if inVain {
		limits = "; --rename gives another name only: nothing can be moved to another region or account, or be deleted from there"
	}
	return &cmdutil.Error{
		What: fmt.Sprintf("the settings of stack %q describe another deployment", info.Stack),
		ID:   "another-deployment", Exit: cmdutil.ExitUsage,
		Next: next + "\n" + way,
		Cause: fmt.Errorf("it was deployed%s with the %s %s, now it is %s: nothing of it would stay%s", from, what, made, now,
			limits),
	}
}

func (s *onTarget) origins() stack.Origins { return stack.OriginsIn(s.settings.info.Home) }

// stacks lists what this machine knows, and what else has a state in the folder of the states.
func (a *app) stacks(context.Context) ([]stack.Origin, error) {
	home, err := cmdutil.Home(a.io.Getenv)
	if err != nil {
		return nil, err
	}
	state, err := a.state()
	if err != nil {
		return nil, err
	}
	all, err := stack.OriginsIn(home).All()
	if err != nil {
		return nil, err
	}
	saved, err := engine.Saved(home, state)
	if err != nil {
		return nil, err
	}
	for i, o := range all {
		if at, is := saved[o.Stack]; is && o.State == state {
			all[i].Changed = at
			delete(saved, o.Stack)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(saved)) {
		all = append(all, stack.Origin{Stack: name, State: state, Changed: saved[name]})
	}
	return all, nil
}

// remember writes down from where the stack is changed, and when.
func (s *onTarget) remember(ctx context.Context) error {
	info := s.settings.info
	folder, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the current folder: %w", err)
	}
	origin := stack.Origin{
		Stack: info.Stack, State: info.State, Folder: folder, File: info.File, Target: info.Target, Deployment: info.Deployment,
		Region: info.Region, Changed: s.app.now().UTC(),
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	caller, err := client.Identity(ctx)
	if err != nil {
		return classify(err)
	}
	origin.Account = caller.Account
	return s.origins().Remember(origin)
}

// Grave are the steps of a plan that destroy what no deploy brings back. A namespace is one when it has Flink jobs, or when
// nobody can be asked.
func (s *onTarget) Grave(ctx context.Context, r preview.Report) ([]preview.Step, error) {
	steps := r.Grave()
	isNamespace := func(step preview.Step) bool { return step.Type == "kubernetes:core/v1:Namespace" }
	if !slices.ContainsFunc(steps, isNamespace) {
		return steps, nil
	}
	used, err := s.jobNamespaces(ctx)
	if err != nil {
		s.app.log().Warn("look for Flink jobs", "err", err)
		return steps, nil
	}
	all, err := s.resources(ctx)
	if err != nil {
		return nil, err
	}
	for _, res := range all {
		if !used[res.ID] {
			steps = slices.DeleteFunc(steps, func(step preview.Step) bool { return isNamespace(step) && step.URN == res.URN })
		}
	}
	return steps, nil
}

// jobNamespaces are the namespaces that have Flink jobs.
func (s *onTarget) jobNamespaces(ctx context.Context) (map[string]bool, error) {
	jobs, err := s.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	list, err := jobs.List(ctx, "")
	used := map[string]bool{}
	for _, j := range list {
		used[j.Namespace] = true
	}
	return used, err
}
