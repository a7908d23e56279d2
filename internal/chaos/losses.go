// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"emrflink/internal/kube"
	"emrflink/internal/localtarget"
)

const (
	// counting is the sample whose output proves that nothing was lost or counted twice.
	counting = "counting"
	// recovers is how long a job may take until it has a checkpoint again after a loss. On a node that is drained, the JobManager
	// keeps it for a while.
	recovers = 6 * time.Minute
)

// victims are the kinds of losses, with what each takes away.
var victims = []struct {
	kind string
	take func(u *user, ctx context.Context, r *rand.Rand) (what string, err error)
}{
	{"TaskManager", func(u *user, _ context.Context, r *rand.Rand) (string, error) {
		return u.killOne(r, "KubernetesTaskExecutorRunner")
	}},
	{"JobManager", func(u *user, _ context.Context, r *rand.Rand) (string, error) {
		return u.killOne(r, "KubernetesApplicationClusterEntrypoint")
	}},
	{"node", func(u *user, ctx context.Context, r *rand.Rand) (string, error) {
		return u.takeNode(ctx, r, localtarget.InstanceTermination, "")
	}},
	{"spot node", func(u *user, ctx context.Context, r *rand.Rand) (string, error) {
		return u.takeNode(ctx, r, localtarget.SpotInterruption, "spot")
	}},
}

// Losses runs the job that counts in real Flink, and takes a process or a node away so many times, each at a random moment after
// a checkpoint of the job. It has to have a checkpoint again after each, and at the end, stopped with a savepoint, every number
// must be there once. tell is told how far it is. The error is what went wrong.
func (b Bench) Losses(ctx context.Context, times int, seed uint64, tell func(string)) error {
	u, clean, err := b.user()
	if err != nil {
		return err
	}
	defer clean()
	for _, args := range [][]string{
		{"local", "flink", "install"}, {"deploy", "--yes"}, {"sample-job", "run", counting},
	} {
		if out, err := u.run(ctx, args...); err != nil {
			return fmt.Errorf("%s: %w: %s", args[0], err, tail(out))
		}
	}
	r := rand.New(rand.NewPCG(seed, 0)) // #nosec G404 -- a draw, not a secret
	for n := range times {
		time.Sleep(time.Duration(r.Int64N(int64(10 * time.Second)))) // the time between two checkpoints
		victim := victims[r.IntN(len(victims))]
		began := time.Now()
		what, err := victim.take(u, ctx, r)
		if err == nil {
			err = u.recovered(ctx, began)
		}
		if err != nil {
			return fmt.Errorf("loss %d of %d, %s %s: %w", n+1, times, victim.kind, what, err)
		}
		v, err := u.verified(ctx)
		if err != nil {
			return fmt.Errorf("after loss %d of %d, %s %s: %w", n+1, times, victim.kind, what, err)
		}
		tell(fmt.Sprintf("%d of %d: %s %s: a checkpoint again after %s; %d events, none lost or counted twice", n+1, times,
			victim.kind, what, time.Since(began).Round(time.Second), v.Events))
	}
	if err := u.suspend(ctx); err != nil {
		return fmt.Errorf("stop the job with a savepoint: %w", err)
	}
	v, err := u.verified(ctx)
	if err != nil {
		return err
	}
	if v.Events != v.Last+1 {
		return fmt.Errorf("the job has counted up to %d, and %d events are there", v.Last, v.Events)
	}
	tell(fmt.Sprintf("%d of %d: the stopped job has counted %d events, from 0 to %d, each once", times, times, v.Events, v.Last))
	if out, err := u.run(ctx, cleanupArgs()...); err != nil {
		return fmt.Errorf("cleanup: %w: %s", err, tail(out))
	}
	if left := u.left(ctx); left != "" {
		return errors.New(left)
	}
	return nil
}

func (u *user) killOne(r *rand.Rand, class string) (string, error) {
	pids := running(func(_, line []byte) bool {
		return bytes.Contains(line, []byte(u.home)) && bytes.Contains(line, []byte(class))
	})
	if len(pids) == 0 {
		return "", errors.New("there is none")
	}
	pid := pids[r.IntN(len(pids))]
	return fmt.Sprintf("process %d", pid), syscall.Kill(pid, syscall.SIGKILL)
}

// jobStatus is a part of the document of `sample-job status JOB`.
type jobStatus struct {
	State      string
	Checkpoint struct{ At time.Time }
	Nodes      []jobNode
}

type jobNode struct{ Name, CapacityType string }

// ask runs a command and reads its document.
func (u *user) ask(ctx context.Context, into any, args ...string) error {
	out, err := u.run(ctx, append(args, "--output", "json")...)
	if err != nil {
		return fmt.Errorf("%s: %w: %s", args[0], err, tail(out))
	}
	return json.Unmarshal([]byte(out), into)
}

// takeNode takes a node of the job away; capacity is the type of its capacity, "" for any.
func (u *user) takeNode(ctx context.Context, r *rand.Rand, fault, capacity string) (string, error) {
	var now jobStatus
	if err := u.ask(ctx, &now, "sample-job", "status", counting); err != nil {
		return "", err
	}
	var names []string
	for _, n := range now.Nodes {
		if capacity == "" || n.CapacityType == capacity {
			names = append(names, n.Name)
		}
	}
	if len(names) == 0 {
		return "", errors.New("there is none")
	}
	name := names[r.IntN(len(names))]
	if out, err := u.run(ctx, "local", "fault", "set", fault, "--match", name); err != nil {
		return name, fmt.Errorf("%w: %s", err, tail(out))
	}
	return name, u.poll(ctx, "the node goes", func() (bool, error) {
		var now jobStatus
		err := u.ask(ctx, &now, "sample-job", "status", counting)
		return !slices.ContainsFunc(now.Nodes, func(n jobNode) bool { return n.Name == name }), err
	})
}

// recovered returns when the job runs and has a checkpoint that was begun after the loss.
func (u *user) recovered(ctx context.Context, since time.Time) error {
	return u.poll(ctx, "the job has a checkpoint again", func() (bool, error) {
		var now jobStatus
		err := u.ask(ctx, &now, "sample-job", "status", counting)
		return now.State == "RUNNING" && now.Checkpoint.At.After(since.Add(time.Second)), err
	})
}

// poll asks until it is so; what may fail while something recovers fails at the end only.
func (u *user) poll(ctx context.Context, what string, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, recovers)
	defer cancel()
	for {
		done, err := so()
		if done && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, errors.Join(ctx.Err(), err))
		case <-time.After(time.Second):
		}
	}
}

// count is a part of the document of `sample-job verify`, which fails when an event was lost or counted twice.
type count struct{ Events, Last int64 }

func (u *user) verified(ctx context.Context) (count, error) {
	var v count
	err := u.ask(ctx, &v, "sample-job", "verify", counting)
	return v, err
}

// suspend stops the job with a savepoint, as `kubectl patch` does.
func (u *user) suspend(ctx context.Context) error {
	var document struct {
		Outputs struct {
			ClusterName string
			Teams       map[string]struct{ Namespace string }
		}
	}
	if err := u.ask(ctx, &document, "outputs"); err != nil {
		return err
	}
	aws, err := u.aws(ctx)
	if err != nil {
		return err
	}
	cluster, err := connect(ctx, aws, document.Outputs.ClusterName)
	if err != nil {
		return err
	}
	for _, team := range document.Outputs.Teams {
		if _, err := cluster.Patch(ctx, kube.KindFlinkDeployment.Ref(team.Namespace, counting), "",
			map[string]any{"spec": map[string]any{"job": map[string]any{"state": "suspended"}}}); err != nil {
			return err
		}
	}
	return u.poll(ctx, "the job has stopped", func() (bool, error) {
		var now struct{ Lifecycle string }
		err := u.ask(ctx, &now, "sample-job", "status", counting)
		return now.Lifecycle == "SUSPENDED", err
	})
}
