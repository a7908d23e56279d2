// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"time"
)

// ErrNotRunning says that the local target does not run.
var ErrNotRunning = errors.New("the local target is not running")

// Local controls the local target.
type Local interface {
	// Paths names the folder with the target's state and its log file.
	Paths() (dir, log string)
	// Binary finds the binary of the local control plane.
	Binary() (string, error)
	// Status asks the running target; ErrNotRunning when there is none.
	Status(ctx context.Context) (LocalStatus, error)
	// Inventory lists the simulated account, starting the target when it has state and is stopped.
	Inventory(ctx context.Context) (Inventory, error)
	// Stop ends the target, its state stays; ErrNotRunning when there is none.
	Stop(ctx context.Context) error
	// Reset stops the target and forgets the simulated account.
	Reset(ctx context.Context) error
	// Serve is the target: it returns when ctx ends or a client stops it.
	Serve(ctx context.Context, o ServeOptions) error
}

// LocalStatus describes the running local target.
type LocalStatus struct {
	PID       int
	URL       string
	Dir       string
	Region    string
	AccountID string
	Speed     float64
	Version   string
	StartedAt time.Time
	Resources int
	Clusters  []LocalCluster
	Faults    []Fault
}

// LocalCluster is a control plane that runs on this machine.
type LocalCluster struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"`
	PID      int    `json:"pid"`
}

// Inventory is everything in the simulated account.
type Inventory struct {
	Resources []InventoryResource
	HourlyUSD float64 // US dollars per hour, usage not included
}

// InventoryResource is one resource of the account.
type InventoryResource struct {
	Service   string  `json:"service"`
	Type      string  `json:"type"`
	ID        string  `json:"id"`
	ARN       string  `json:"arn"`
	CreatedBy string  `json:"createdBy"`
	HourlyUSD float64 `json:"hourlyUSD"`
}

// ServeOptions are those of the local target's own process.
type ServeOptions struct {
	Region string
	Speed  float64 // 0 = the default
	Port   int     // 0 = any
}

// TokenRequest names the cluster that a token is for.
type TokenRequest struct {
	Cluster string
	Region  string
	Target  string // "" = whatever the environment says
}

// Key is one configuration key of the stack file.
type Key struct {
	Name    string // without the namespace
	Type    string
	Default string
	Doc     string
	Example string
}
