// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"emrflink/internal/adopt"
	"emrflink/internal/awsapi"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/cli/session"
	"emrflink/internal/engine"
	"emrflink/internal/flinkjob"
	"emrflink/internal/kube"
	"emrflink/internal/plans"
	"emrflink/internal/target"
	"emrflink/stacks"
)

// stack works on one stack. The target and the clients are opened by the first method that needs them.
type stack struct {
	app      *app
	settings settings
	refresh  bool     // read the account before comparing
	adopting bool     // take over log groups of an earlier deployment
	leftOver []string // those that Preflight found

	target *target.Target
	aws    *awsapi.Client
}

var _ session.Session = (*stack)(nil)

// Info names what is worked on. What is simulated is known once the target is open.
func (s *stack) Info() session.Info { return s.settings.info }

// Close lets go of the target. A local one goes on in the background.
func (s *stack) Close() error {
	if s.target == nil {
		return nil
	}
	return s.target.Close()
}

// open opens the target and returns its environment.
func (s *stack) open(ctx context.Context) (map[string]string, error) {
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

// client returns the AWS client of the target.
func (s *stack) client(ctx context.Context) (*awsapi.Client, error) {
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
func (s *stack) engine(ctx context.Context, env map[string]string) (*engine.Engine, error) {
	o := s.app.engineOptions(s.settings, env)
	if env != nil {
		o.Adopt, o.Refresh = s.adopt, s.refresh
		if len(s.leftOver) > 0 {
			o.Program = adopt.LogGroups(o.Program, s.leftOver)
		}
	}
	e, err := engine.Open(ctx, o)
	if err != nil {
		return nil, classify(err)
	}
	return e, nil
}

// adopt finds what a killed engine had begun to create.
func (s *stack) adopt(ctx context.Context, p engine.PendingCreate) (string, bool, error) {
	c, err := s.client(ctx)
	if err != nil {
		return "", false, err
	}
	find := adopt.Finder(adopt.Options{
		Account: c, Region: s.settings.config.Region, Deployment: s.settings.config.Name,
		Tags: deploymentTags(s.settings.config.Name), Poll: time.Duration(float64(adoptPoll) / max(1, s.settings.info.Speed)),
	})
	return find(ctx, p)
}

// adoptPoll is the pause between two looks at a resource that AWS still makes.
const adoptPoll = 15 * time.Second

func (a *app) engineOptions(s settings, env map[string]string) engine.Options {
	return engine.Options{
		Stack: s.info.Stack, Project: cmdutil.Project, Home: s.info.Home, BackendURL: s.info.State, WorkFile: s.info.File,
		Config: s.config.Encode(), Env: withOwnPath(env, a.io.Getenv("PATH")), Program: stacks.Blueprint,
		Logger: a.log().Logger, Kill: a.interrupt.Kill(),
	}
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

// acting opens the engine on the target.
func (s *stack) acting(ctx context.Context) (*engine.Engine, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	env, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return s.engine(ctx, env)
}

// check makes sure that the state can be read and saved, before the target is opened.
func (s *stack) check(ctx context.Context) error {
	o := s.app.engineOptions(s.settings, nil)
	o.Reserve = target.Reserve(target.Options{Kind: s.settings.config.Target, Home: s.settings.info.Home})
	e, err := engine.Open(ctx, o)
	if err != nil {
		return classify(err)
	}
	return classify(e.Check())
}

// Deploy carries the plan out.
func (s *stack) Deploy(ctx context.Context, sink func(session.Event)) (session.Result, error) {
	e, err := s.acting(ctx)
	if err != nil {
		return session.Result{}, err
	}
	res, err := e.Deploy(ctx, func(ev engine.Event) { sink(event(ev)) })
	out := session.Result{Summary: session.Summary(res.Summary), Duration: res.Duration, Outputs: outputs(res.Outputs)}
	s.app.logFailure(err)
	return out, classify(err)
}

// logFailure keeps the engine's unabridged output of a failure.
func (a *app) logFailure(err error) {
	var f *engine.Failure
	if errors.As(err, &f) && f.Raw != "" {
		a.log().Debug("engine output", "raw", f.Raw)
	}
}

func event(e engine.Event) session.Event {
	return session.Event{
		Kind: e.Kind, URN: e.URN, Type: e.Type, Name: e.Name, Op: session.Op(e.Op), Message: e.Message, Elapsed: e.Elapsed,
	}
}

func outputs(in map[string]engine.Output) map[string]session.Output {
	out := make(map[string]session.Output, len(in))
	for k, v := range in {
		out[k] = session.Output(v)
	}
	return out
}

// State reads the recorded state; the target is not needed for it.
func (s *stack) State(ctx context.Context) (session.State, error) {
	e, err := s.engine(ctx, nil)
	if err != nil {
		return session.State{}, err
	}
	resources, err := e.Resources(ctx)
	if err != nil {
		return session.State{}, s.noStack(err)
	}
	out, err := e.Outputs(ctx)
	if err != nil {
		return session.State{}, s.noStack(err)
	}
	st := session.State{ByService: map[string]int{}, Outputs: outputs(out)}
	for _, r := range resources {
		if r.Custom {
			st.Resources++
			st.ByService[service(r.Type)]++
		}
	}
	pending, err := e.Pending(ctx)
	if err != nil {
		return session.State{}, s.noStack(err)
	}
	for _, p := range pending {
		st.Pending = append(st.Pending, session.Pending{Kind: p.Kind, Type: p.Type, Name: p.Name, URN: p.URN})
	}
	lock, err := e.Lock(ctx)
	if err != nil {
		return session.State{}, classify(err)
	}
	for _, o := range lock.Owners {
		if !o.Stale {
			st.LockedBy = fmt.Sprintf("%s on %s, process %d", o.User, o.Host, o.PID)
		}
	}
	return st, nil
}

// resources are what the stack recorded.
func (s *stack) resources(ctx context.Context) ([]plans.StateResource, error) {
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

// service is the part of a Pulumi type that a person calls the service: "aws:ec2/vpc:Vpc" is ec2.
func service(typ string) string {
	pkg, rest, _ := strings.Cut(typ, ":")
	if pkg != "aws" {
		return pkg
	}
	module, _, _ := strings.Cut(rest, ":")
	name, _, _ := strings.Cut(module, "/")
	return name
}

// noStack says in the words of the tool that a stack was never deployed.
func (s *stack) noStack(err error) error {
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
func (s *stack) values(ctx context.Context) (map[string]any, error) {
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
func (s *stack) cluster(ctx context.Context, name string) (awsapi.Cluster, *kube.Client, error) {
	c, err := s.client(ctx)
	if err != nil {
		return awsapi.Cluster{}, nil, err
	}
	k, err := c.DescribeCluster(ctx, name)
	if err != nil {
		return awsapi.Cluster{}, nil, classify(err)
	}
	client, err := kube.Connect(ctx, kube.Source{
		ClusterName: k.Name, Region: s.settings.config.Region, Endpoint: k.Endpoint, CABase64: k.CABase64,
		Token: tokenOf(c, k.Name),
	})
	return k, client, classify(err)
}

func tokenOf(c *awsapi.Client, cluster string) kube.TokenFunc {
	return func(ctx context.Context) (string, time.Time, error) { return c.EKSToken(ctx, cluster) }
}

// Cluster asks the cloud and the cluster.
func (s *stack) Cluster(ctx context.Context) (session.Cluster, error) {
	st, err := s.State(ctx)
	if err != nil {
		return session.Cluster{}, err
	}
	name, _ := st.Outputs["clusterName"].Value.(string)
	if name == "" {
		return session.Cluster{}, nil // an interrupted deploy has no outputs yet
	}
	k, client, err := s.cluster(ctx, name)
	if awsapi.IsNotFound(err) {
		return session.Cluster{Name: name}, nil
	}
	out := session.Cluster{Name: name, Status: k.Status, Version: k.Version, Health: k.Health}
	if err != nil {
		return out, err
	}
	nodes, err := client.Nodes(ctx)
	if err != nil {
		return out, err
	}
	for _, n := range nodes {
		out.Nodes = append(out.Nodes, session.Node{Name: n.Name, InstanceType: n.InstanceType, CapacityType: n.CapacityType, NodePool: n.NodePool})
	}
	out.Jobs, err = listJobs(ctx, flinkjob.Runner{Kube: client})
	return out, err
}
