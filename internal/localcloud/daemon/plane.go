// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localtarget"
)

const (
	// maxTries is how many starts in a row may go wrong until the control plane is said to have failed. It is tried on.
	maxTries = 5
	// The pause before the next start doubles with each one that went wrong.
	firstPause = 100 * time.Millisecond
	maxPause   = time.Minute
	// steady is how long a control plane must have run for its end to be the first of a new row.
	steady = time.Minute
)

// plane is the control plane of one cluster of the account. From the cluster's creation to its deletion one goroutine
// keeps a process of it running, however often it dies.
type plane struct {
	spec   account.ClusterSpec
	dir    string
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing of it runs any more
	again  chan struct{} // holds an element when the next start shall not wait

	// Daemon.mu guards what follows.
	current  *cluster // the process that serves, nil = none
	endpoint account.ClusterEndpoint
	state    string
	reason   string // why it does not serve
	tries    int    // starts in a row that went wrong
	changed  chan struct{}
}

// StartCluster brings up the control plane of s, keeps it running from then on, and returns when it serves. One that
// cannot be started several times is an error; it is tried on.
func (d *Daemon) StartCluster(ctx context.Context, s account.ClusterSpec) (account.ClusterEndpoint, error) {
	d.mu.Lock()
	p := d.planes[s.Name]
	if p == nil {
		p = &plane{
			spec: s, dir: d.clusterDir(s.Name), done: make(chan struct{}), again: make(chan struct{}, 1),
			state: localtarget.Starting, changed: make(chan struct{}),
		}
		if old, err := readSaved(p.dir); err == nil {
			p.endpoint.URL = "https://" + old.Address
		}
		var own context.Context
		own, p.cancel = context.WithCancel(d.ctx)
		d.planes[s.Name] = p
		go d.keep(own, p)
	}
	d.mu.Unlock()
	c, err := d.serving(ctx, p)
	if err != nil {
		return account.ClusterEndpoint{}, err
	}
	return c.endpoint, nil
}

// keep runs the control plane until ctx ends.
func (d *Daemon) keep(ctx context.Context, p *plane) {
	defer close(p.done)
	defer d.report(p, nil, localtarget.Stopped, "")
	for ctx.Err() == nil {
		began := time.Now()
		c, err := d.bringUp(ctx, p)
		if err == nil {
			d.tellEndpoint(p.spec.Name, c.endpoint) // before anybody is told that it serves
			d.report(p, c, localtarget.Running, "")
			select {
			case <-c.exited:
				err = fmt.Errorf("it died: %w", c.ended())
				d.report(p, nil, localtarget.Starting, err.Error()) // before its stand-ins end: nobody may ask them any more
			case <-ctx.Done():
			}
			c.stop()
		}
		if ctx.Err() != nil {
			return
		}
		pause := d.wentWrong(p, err, time.Since(began))
		d.log.Warn("the control plane does not run; starting it again", "cluster", p.spec.Name, "error", err, "in", pause)
		select {
		case <-time.After(pause):
		case <-p.again:
		case <-ctx.Done():
		}
	}
}

// report records what became of a control plane and wakes those who wait for it.
func (d *Daemon) report(p *plane, c *cluster, state, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p.current, p.state, p.reason = c, state, reason
	if c != nil {
		p.endpoint = c.endpoint
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// wentWrong counts a start that ended with err after some time and returns how long to wait before the next one.
func (d *Daemon) wentWrong(p *plane, err error, after time.Duration) time.Duration {
	d.mu.Lock()
	if after > steady {
		p.tries = 0
	}
	p.tries++
	tries := p.tries
	d.mu.Unlock()
	state := localtarget.Starting
	if tries >= maxTries {
		state = localtarget.Failed
	}
	d.report(p, nil, state, err.Error())
	return min(maxPause, firstPause<<min(tries-1, 16))
}

// tryAgain starts the control planes that have failed without waiting any longer, as if for the first time: what was in
// their way may be gone.
func (d *Daemon) tryAgain() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.planes {
		if p.state == localtarget.Failed {
			p.state, p.tries = localtarget.Starting, 0
			select {
			case p.again <- struct{}{}:
			default:
			}
		}
	}
}

// tellEndpoint makes DescribeCluster answer with the address where a control plane serves now.
func (d *Daemon) tellEndpoint(name string, e account.ClusterEndpoint) {
	if err := d.account.MoveCluster(name, e); err != nil {
		d.log.Error("record the control plane's address", "cluster", name, "error", err)
	}
}

// serving returns the process of a control plane once it serves, or why it does not.
func (d *Daemon) serving(ctx context.Context, p *plane) (*cluster, error) {
	for {
		d.mu.Lock()
		c, state, reason, changed := p.current, p.state, p.reason, p.changed
		d.mu.Unlock()
		switch {
		case d.ctx.Err() != nil:
			// What the end of this process cuts off is completed by the next one. An error would be recorded as AWS's
			// answer, so the account is left to end the wait.
			<-ctx.Done()
			return nil, ctx.Err()
		case c != nil && c.alive.Err() == nil:
			return c, nil
		case state == localtarget.Failed:
			return nil, fmt.Errorf("the control plane of cluster %q does not run: %s", p.spec.Name, reason)
		case state == localtarget.Stopped:
			return nil, noCluster(p.spec.Name)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// serves says whether the control plane of a cluster serves now.
func (d *Daemon) serves(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.planes[name]
	return p != nil && p.current != nil
}

func noCluster(name string) error {
	return &awserror.Error{
		Code: "ResourceNotFoundException", Message: fmt.Sprintf("No cluster found for name: %s.", name), HTTP: 404,
	}
}

// deathSeen is how long after its last answer a process that died is seen to have.
const deathSeen = 200 * time.Millisecond

// onCluster does something that needs a control plane, and does it again when the control plane dies meanwhile: do must
// be idempotent.
func (d *Daemon) onCluster(ctx context.Context, name string, do func(context.Context, *cluster) error) error {
	d.mu.Lock()
	p := d.planes[name]
	d.mu.Unlock()
	if p == nil {
		return noCluster(name)
	}
	for {
		c, err := d.serving(ctx, p)
		if err != nil {
			return err
		}
		once, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(c.alive, cancel)
		err = do(once, c)
		stop()
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-c.alive.Done():
		case <-time.After(deathSeen):
			return err
		}
	}
}

// addressOf is where the cluster with a CA serves, once it does; "" when it is none of the account's.
func (d *Daemon) addressOf(ctx context.Context, ca []byte) (address string, err error) {
	r, ok := d.account.ClusterByCA(ca)
	if !ok {
		return "", nil
	}
	err = d.onCluster(ctx, r.ID, func(_ context.Context, c *cluster) error {
		address = c.address()
		conn, err := net.Dial("tcp", address) // one that died just now may not have been seen to
		if err == nil {
			err = conn.Close()
		}
		return err
	})
	return address, err
}

// bringUp starts a process of the control plane and its stand-ins.
func (d *Daemon) bringUp(ctx context.Context, p *plane) (*cluster, error) {
	if err := endOrphan(ctx, p.dir); err != nil {
		return nil, err
	}
	old, err := readSaved(p.dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		// It never served: what a start that was killed left is of no use, and may be half of a store.
		err = os.RemoveAll(p.dir)
	case err != nil:
		return nil, fmt.Errorf("read cluster %q: %w", p.spec.Name, err)
	}
	if err == nil {
		err = os.MkdirAll(p.dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("make the control plane's folder: %w", err)
	}
	c, err := d.launch(ctx, p.spec, p.dir, freeAddress(old.Address))
	if err != nil {
		return nil, err
	}
	err = writeSaved(p.dir, saved{Spec: p.spec, Address: c.address()})
	if err == nil {
		err = d.standIns(c)
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// StopCluster ends the control plane of a deleted cluster and removes its folder.
func (d *Daemon) StopCluster(ctx context.Context, name string) error {
	d.mu.Lock()
	p := d.planes[name]
	delete(d.planes, name)
	d.mu.Unlock()
	if p != nil {
		p.cancel()
		<-p.done
	}
	return removeCluster(ctx, d.clusterDir(name))
}

// stopClusters waits until the control planes have stopped, which the end of d.ctx makes them do.
func (d *Daemon) stopClusters() {
	d.mu.Lock()
	running := d.planes
	d.planes = map[string]*plane{}
	d.mu.Unlock()
	for _, p := range running {
		p.cancel()
	}
	for _, p := range running {
		<-p.done
	}
}

// forget removes the folders of clusters that the account does not hold any more.
func (d *Daemon) forget(ctx context.Context) error {
	return removeClusters(ctx, d.opts.Dir, func(name string) bool {
		_, ok := d.account.Get(account.KindCluster, name)
		return ok
	})
}

// removeClusters removes the control planes below dir but those that are kept.
func removeClusters(ctx context.Context, dir string, keep func(name string) bool) error {
	clusters := filepath.Join(dir, "clusters")
	entries, err := os.ReadDir(clusters)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var errs []error
	for _, e := range entries {
		if !keep(e.Name()) {
			errs = append(errs, removeCluster(ctx, filepath.Join(clusters, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// removeCluster removes a control plane's folder, after a process that still works in it.
func removeCluster(ctx context.Context, dir string) error {
	err := endOrphan(ctx, dir)
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		return fmt.Errorf("remove cluster %q: %w", filepath.Base(dir), err)
	}
	return nil
}
