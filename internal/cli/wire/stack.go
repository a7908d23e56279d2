// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"emrflink/components/helm"
	"emrflink/components/versions"
	"emrflink/internal/adopt"
	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/deploy"
	"emrflink/internal/engine"
	"emrflink/internal/flinkjob"
	"emrflink/internal/helmchart"
	"emrflink/internal/kube"
	"emrflink/internal/localtarget"
	"emrflink/internal/observe"
	"emrflink/internal/plans"
	"emrflink/internal/stack"
	"emrflink/internal/target"
	"emrflink/stacks"
)

// onTarget works on one stack. The target and the clients are opened by the first method that needs them.
type onTarget struct {
	app      *app
	settings settings
	deploy   deploy.Options // of the engine on the account
	hold     *engine.Hold   // of what changes the stack, until Close

	lost   lost // what somebody deleted, as the checks found it
	target *target.Target
	aws    *awsapi.Client
	found  *adopt.Releases // in the cluster; see releases

	upgraded []helmchart.Ref // charts to which the plan gives another version
}

// Info names what is worked on. What is simulated is known once the target is open.
func (s *onTarget) Info() stack.Info { return s.settings.info }

// Close releases the target. A local target keeps running in the background.
func (s *onTarget) Close() error {
	s.hold.Release()
	if s.target == nil {
		return nil
	}
	return s.target.Close()
}

// open opens the target and returns its environment.
func (s *onTarget) open(ctx context.Context) (map[string]string, error) {
	if s.target == nil {
		t, err := s.app.openTarget(ctx, s.settings.config.Target, s.settings.config.Region)
		if err != nil {
			return nil, err
		}
		s.target = t
		s.settings.info.Simulated = t.Simulated()
		s.settings.info.Speed = t.Speed()
	}
	return s.target.Env(), nil
}

// hint is a text in which commands act on the target, as far as it was opened.
func (s *onTarget) hint(text string) string {
	if s.target == nil {
		return text
	}
	return s.target.Hint(text)
}

// client returns the AWS client of the target.
func (s *onTarget) client(ctx context.Context) (*awsapi.Client, error) {
	if s.aws != nil {
		return s.aws, nil
	}
	env, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	c, err := awsapi.New(ctx, awsapi.Options{Region: s.settings.config.Region, Env: env})
	if err != nil {
		return nil, classify(err)
	}
	s.aws = c
	return c, nil
}

// engine opens the engine with an environment, nil to read the state only.
func (s *onTarget) engine(ctx context.Context, env map[string]string) (*engine.Engine, error) {
	o := s.app.engineOptions(s.settings, env)
	o.Hold = s.hold
	if env != nil {
		o.Adopt, o.Refresh = s.adopt, s.deploy.Refresh
		o.Review = s.releases().Review
		o.Program = s.releases().Into(o.Program)
		if len(s.deploy.Adopt) > 0 {
			o.Program = adopt.LogGroups(o.Program, s.deploy.Adopt)
		}
	}
	e, err := engine.Open(ctx, o)
	if err != nil {
		return nil, classify(err)
	}
	return e, nil
}

// adopt finds what a killed engine had begun to create.
func (s *onTarget) adopt(ctx context.Context, p engine.PendingCreate) (string, bool, error) {
	c, err := s.client(ctx)
	if err != nil {
		return "", false, err
	}
	o := s.lookUps(c)
	o.Releases = s.releases()
	return adopt.Finder(o)(ctx, p)
}

// lookUps say how resources of the deployment are looked up.
func (s *onTarget) lookUps(a adopt.Account) adopt.Options {
	return adopt.Options{
		Account: a, Region: s.settings.config.Region, Deployment: s.settings.config.Name,
		Tags: deploymentTags(s.settings.config.Name), Poll: time.Duration(float64(adoptPoll) / max(1, s.settings.info.Speed)),
	}
}

// releases finds the Helm releases in the cluster of the deployment, which has the deployment's name.
func (s *onTarget) releases() *adopt.Releases {
	if s.found != nil {
		return s.found
	}
	s.found = &adopt.Releases{
		Connect: func(ctx context.Context) (adopt.Cluster, error) {
			if c, err := s.serving(ctx); c != nil || err != nil {
				return c, err
			}
			return nil, nil
		},
		Recorded: func(ctx context.Context) (map[string]bool, error) {
			all, err := s.resources(ctx)
			out := map[string]bool{}
			for _, r := range all {
				if r.Type == helm.Token {
					out[r.ID] = true
				}
			}
			return out, err
		},
	}
	return s.found
}

// serving is the client of the deployment's cluster, nil while there is none that serves.
func (s *onTarget) serving(ctx context.Context) (*kube.Client, error) {
	c, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	k, err := c.DescribeCluster(ctx, s.settings.config.Name)
	if awsapi.IsNotFound(err) || err == nil && k.Status != "ACTIVE" && k.Status != "UPDATING" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return connect(ctx, c, k)
}

// platformPods are the pods of the cluster that are no job's, none while no cluster serves.
func (s *onTarget) platformPods(ctx context.Context) ([]kube.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, podLookTimeout)
	defer cancel()
	c, err := s.serving(ctx)
	if c == nil || err != nil {
		return nil, err
	}
	return c.Pods(ctx, "", flinkjob.OtherPods)
}

// While a deploy waits for pods, they are looked at.
const (
	podLookPause   = 20 * time.Second
	podLookTimeout = 10 * time.Second
)

// adoptPoll is the pause between two looks at a resource that AWS still makes.
const adoptPoll = 15 * time.Second

func (a *app) engineOptions(s settings, env map[string]string) engine.Options {
	return engine.Options{
		Stack: s.info.Stack, Project: stack.Project, Home: s.info.Home, BackendURL: s.info.State, WorkFile: s.info.File,
		Config: s.config.Encode(), Defaults: s.project, Env: withOwnPath(env, a.io.Getenv("PATH")), Program: stacks.Blueprint,
		Logger: a.log().Logger, Kill: a.interrupt.Kill(), Doing: a.command, Last: a.last,
		Plugins: versions.Plugins(), Fetching: a.waiting,
		BucketRegion: func(ctx context.Context) string { return a.bucketRegion(ctx, s.config.Region) },
	}
}

// bucketRegion is the region of the user's own environment, in which a bucket of states is unless its URL says another one, else
// that of the stack. It does not depend on what a command does with the state.
func (a *app) bucketRegion(ctx context.Context, ofStack string) string {
	return cmp.Or(a.io.Getenv("AWS_REGION"), a.io.Getenv("AWS_DEFAULT_REGION"), awsapi.ProfileRegion(ctx), ofStack)
}

// withOwnPath puts the folder of this binary in front of the PATH: the kubeconfig of the Kubernetes provider names it
// by its bare name.
func withOwnPath(env map[string]string, path string) map[string]string {
	exe, err := os.Executable()
	if err != nil || env == nil {
		return env
	}
	if own, ok := env["PATH"]; ok {
		path = own
	}
	env["PATH"] = strings.TrimSuffix(filepath.Dir(exe)+string(os.PathListSeparator)+path, string(os.PathListSeparator))
	return env
}

// onAccount opens the engine on the target.
func (s *onTarget) onAccount(ctx context.Context) (*engine.Engine, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	return s.unchecked(ctx)
}

// unchecked opens the engine on the target, whatever has become of the state.
func (s *onTarget) unchecked(ctx context.Context) (*engine.Engine, error) {
	env, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return s.engine(ctx, env)
}

// check makes sure that the state can be read and saved, before the target is opened.
func (s *onTarget) check(ctx context.Context) error {
	o := s.app.engineOptions(s.settings, nil)
	o.Reserve = target.Reserve(target.Options{Kind: s.settings.config.Target, Home: s.settings.info.Home})
	e, err := engine.Open(ctx, o)
	if err != nil {
		return classify(err)
	}
	return classify(e.Check())
}

// claim makes this command the only one that changes the stack, until Close.
func (s *onTarget) claim(ctx context.Context) error {
	e, err := s.engine(ctx, nil)
	if err != nil {
		return err
	}
	return classify(e.Hold(ctx, s.app.waiting))
}

// Deployment is a deploy of the stack: its Plan, Matches and Deploy take the options. Nobody else changes the stack between plan,
// question and deploy.
func (s *onTarget) Deployment(ctx context.Context, o deploy.Options) (deploy.Deployment, error) {
	s.deploy = o
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	if err := s.claim(ctx); err != nil {
		return nil, err
	}
	_, err := s.open(ctx)
	if err == nil {
		err = s.dropLost(ctx)
	}
	if err == nil {
		err = s.serves(ctx)
	}
	return s, err
}

// serves returns when the control plane of the stack's cluster, if there is one, can be used.
func (s *onTarget) serves(ctx context.Context) error {
	return s.target.Serves(ctx, s.settings.config.Name)
}

// Deploy carries the plan out. It is done when the control plane, too, is there at the end: a plan without a change does
// not ask it anything.
func (s *onTarget) Deploy(ctx context.Context, sink func(plans.Event)) (plans.Result, error) {
	e, err := s.onAccount(ctx)
	if err != nil {
		return plans.Result{}, err
	}
	if err := s.remember(ctx); err != nil {
		return plans.Result{}, err
	}
	if err := s.unprotect(ctx); err != nil {
		return plans.Result{}, classify(err)
	}
	if err := s.updateDefinitions(ctx); err != nil {
		return plans.Result{}, classify(err)
	}
	l := &deploy.Lookout{Pods: s.platformPods, Every: podLookPause}
	events, stop := l.Watch(ctx, sink)
	res, err := e.Deploy(ctx, events)
	stop()
	s.app.logFailure(err)
	err = l.Explain(context.WithoutCancel(ctx), err)
	if err == nil {
		err = s.protect(ctx)
	}
	if err == nil {
		err = s.serves(ctx)
	}
	return res, classify(err)
}

// updateDefinitions brings the custom resource definitions of the charts that are upgraded to their new version.
func (s *onTarget) updateDefinitions(ctx context.Context) error {
	if len(s.upgraded) == 0 {
		return nil
	}
	env, err := s.open(ctx)
	if err != nil {
		return err
	}
	client, err := s.serving(ctx)
	if client == nil || err != nil {
		return err
	}
	n, err := deploy.Definitions{
		Fetch: helmchart.Source{Instead: env[localtarget.EnvCharts]}.Fetch, Cluster: client,
	}.Update(ctx, s.upgraded)
	if n > 0 {
		s.app.io.Say(cmdutil.Count(n, "custom resource definition is", "custom resource definitions are") +
			" as the new versions of their charts have them")
	}
	return err
}

// protect has EKS refuse to delete the cluster, if the settings ask for it. The AWS provider in use has no such property.
func (s *onTarget) protect(ctx context.Context) error {
	if !s.settings.config.Protect {
		return nil
	}
	return s.deletionProtection(ctx, true)
}

// unprotect takes back what an earlier deploy protected, when the settings ask for it no more. What somebody protected by hand
// stays.
func (s *onTarget) unprotect(ctx context.Context) error {
	if s.settings.config.Protect {
		return nil
	}
	record, err := recorder{s}.Record(ctx)
	if err != nil || !slices.ContainsFunc(record.Resources, func(r plans.StateResource) bool { return r.Protect && r.Custom }) {
		return err
	}
	return s.deletionProtection(ctx, false)
}

func (s *onTarget) deletionProtection(ctx context.Context, on bool) error {
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	k, err := c.DescribeCluster(ctx, s.settings.config.Name)
	switch {
	case awsapi.IsNotFound(err) && !on:
		return nil
	case err != nil || k.DeletionProtection == on:
		return err
	}
	return c.SetDeletionProtection(ctx, k.Name, on)
}

// logFailure keeps the engine's unabridged output of a failure.
func (a *app) logFailure(err error) {
	var f *engine.Failure
	if errors.As(err, &f) && f.Raw != "" {
		a.log().Debug("engine output", "raw", f.Raw)
	}
}

// State reads the recorded state; the target is not needed for it.
func (s *onTarget) State(ctx context.Context) (stack.State, error) {
	e, err := s.engine(ctx, nil)
	if err != nil {
		return stack.State{}, err
	}
	st, err := stack.ReadState(ctx, e)
	for name, o := range st.Outputs {
		// The command of AWS would look for the cluster in a real account.
		if v, _ := o.Value.(string); s.settings.info.Needs.Daemon && strings.HasPrefix(v, "aws eks ") {
			st.Outputs[name] = plans.Output{Value: cmdutil.Command("kubeconfig", "--stack", s.settings.info.Stack)}
		}
	}
	return st, s.noStack(err)
}

// resources are what the stack recorded.
func (s *onTarget) resources(ctx context.Context) ([]plans.StateResource, error) {
	e, err := s.engine(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := e.Resources(ctx)
	if err != nil {
		return nil, s.noStack(err)
	}
	return all, nil
}

// noStack says in the words of the tool that a stack was never deployed.
func (s *onTarget) noStack(err error) error {
	if !errors.Is(err, engine.ErrNoStack) {
		return classify(err)
	}
	name := s.settings.info.Stack
	return &cmdutil.Error{
		What: fmt.Sprintf("stack %q is not deployed", name), Next: cmdutil.Command("deploy", "--stack", name),
		ID: "not-deployed", Exit: cmdutil.ExitNotFound,
	}
}

// values returns the plain outputs of a deployed stack.
func (s *onTarget) values(ctx context.Context) (map[string]any, error) {
	st, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	values := make(map[string]any, len(st.Outputs))
	for k, o := range st.Outputs {
		values[k] = o.Value
	}
	if _, ok := values["clusterName"].(string); !ok {
		name := s.settings.info.Stack
		return nil, &cmdutil.Error{
			What: fmt.Sprintf("stack %q is not completely deployed: it has no cluster", name),
			Next: cmdutil.Command("deploy", "--stack", name), ID: "not-deployed", Exit: cmdutil.ExitNotFound,
		}
	}
	return values, nil
}

// cluster asks EKS for the cluster of the stack and returns the client of its API server.
func (s *onTarget) cluster(ctx context.Context, name string) (awsapi.Cluster, *kube.Client, error) {
	c, err := s.client(ctx)
	if err != nil {
		return awsapi.Cluster{}, nil, err
	}
	k, err := c.DescribeCluster(ctx, name)
	if err != nil {
		return awsapi.Cluster{}, nil, classify(err)
	}
	if err := s.target.Serves(ctx, name); err != nil {
		return k, nil, err
	}
	client, err := connect(ctx, c, k)
	return k, client, classify(err)
}

// connect makes the client of a cluster's API server.
func connect(ctx context.Context, c *awsapi.Client, k awsapi.Cluster) (*kube.Client, error) {
	return kube.Connect(ctx, kube.Source{
		ClusterName: k.Name, Region: c.Region(), Endpoint: k.Endpoint, CABase64: k.CABase64, Token: tokenOf(c, k.Name),
	})
}

func tokenOf(c *awsapi.Client, cluster string) kube.TokenFunc {
	return func(ctx context.Context) (string, time.Time, error) { return c.EKSToken(ctx, cluster) }
}

// Cluster asks the cloud and the cluster.
func (s *onTarget) Cluster(ctx context.Context) (observe.Cluster, error) {
	st, err := s.State(ctx)
	if err != nil {
		return observe.Cluster{}, err
	}
	name, _ := st.Outputs["clusterName"].Value.(string)
	c, err := observe.Read(ctx, name, s.cluster)
	return c, classify(err)
}
