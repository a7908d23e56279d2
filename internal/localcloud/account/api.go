// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/ledger"
	"log/slog"
	"time"
)

// The identity of the account on the local target. The key pair is an administrator's and opens nothing but this simulation.
const (
	DefaultAccountID = "111122223333"
	DefaultRegion    = "us-west-2"
	StaticAccessKey  = "AKIALOCALEMRFLINK000"
	StaticSecretKey  = "local-not-a-secret" // not a secret: the name says so
	staticUserName   = "emrflink-local"
)

// Words for Resource.CreatedBy and Caller.Via.
const (
	ByPulumi     = "pulumi"
	ByKarpenter  = "karpenter"
	ByEKS        = "eks"
	ByEC2        = "ec2" // what EC2 makes with a VPC, a NAT gateway or an instance
	ByKubernetes = "kubernetes"
	ByFlink      = "flink"
	ByUser       = "user"
)

// Props are the properties of a resource: JSON types only (string, bool, float64, []any, map[string]any),
// spelled as the Pulumi AWS provider v6 spells them.
type Props = map[string]any

// Resource is one resource of the account. The maps are copies: changing them changes nothing.
type Resource struct {
	Kind      Kind              `json:"kind"`
	ID        string            `json:"id"`
	ARN       string            `json:"arn,omitempty"`
	Name      string            `json:"name,omitempty"`
	Region    string            `json:"region,omitempty"`
	Props     Props             `json:"props,omitempty"` // as requested
	Attrs     Props             `json:"attrs,omitempty"` // what AWS adds, same spelling
	Tags      map[string]string `json:"tags,omitempty"`
	CreatedBy string            `json:"createdBy"`
	CreatedAt time.Time         `json:"createdAt"`
	State     string            `json:"state"`               // AWS's word: available, ACTIVE, running, ...
	HourlyUSD float64           `json:"hourlyUSD,omitempty"` // list price per hour, 0 when free or billed by use
	Seq       uint64            `json:"seq"`                 // creation order
}

// Caller is the identity that makes a call. The zero Caller is the account's own administrator.
type Caller struct {
	ARN, Account, AccessKey string
	Role                    string // name of the assumed role, empty for the administrator
	Session                 string // session name of the assumed role
	UserID                  string // AWS's unique id, "AROA...:session" for a role
	Via                     string // label for Resource.CreatedBy; ByUser when empty
	Region                  string // region of the call; the account's when empty
	Root                    bool
}

// Options configure an Account.
type Options struct {
	Dir       string         // state directory; empty keeps the state in memory only
	AccountID string         // DefaultAccountID when empty
	Region    string         // DefaultRegion when empty
	Speed     float64        // AWS's durations are divided by this; <= 0 means no waiting at all
	Clock     ledger.Clock   // nil: the real one
	Runtime   ClusterRuntime // nil: clusters get a synthetic endpoint, addons and nodes are bookkeeping only
	Logger    *slog.Logger   // nil: discarded
}

// ClusterRuntime is the machinery behind EKS clusters. Its methods are called without the account's lock.
type ClusterRuntime interface {
	// StartCluster starts the control plane and returns when it serves. It is called again for an
	// existing cluster by Account.Resume and must be idempotent.
	StartCluster(ctx context.Context, s ClusterSpec) (ClusterEndpoint, error)
	// StopCluster stops the control plane and removes its data. Unknown names are no error.
	StopCluster(ctx context.Context, name string) error
	// InstallAddon returns when the addon is healthy, or with its health issue as the error.
	InstallAddon(ctx context.Context, cluster, addon, version string, config map[string]any, roleARN string) error
	// RemoveAddon removes what InstallAddon made.
	RemoveAddon(ctx context.Context, cluster, addon string) error
	// WaitNodes returns when the nodes of the instances are Ready; the error says why they are not.
	WaitNodes(ctx context.Context, cluster string, instanceIDs []string) error
}

// ClusterSpec is what a ClusterRuntime needs to start a control plane.
type ClusterSpec struct{ Name, ARN, Version, Region, Issuer, ServiceCIDR string }

// ClusterEndpoint is where a control plane serves, and the CA that signed its certificate.
type ClusterEndpoint struct{ URL, CABase64 string }

// Change reports that a resource was created, updated or deleted. Successive updates of one resource may
// arrive as one.
type Change struct {
	Kind     Kind
	ID       string
	Op       string // ChangeCreate, ChangeUpdate or ChangeDelete
	Resource Resource
}

// Words for Change.Op.
const (
	ChangeCreate = "create"
	ChangeUpdate = "update"
	ChangeDelete = "delete"
)

// Zone is an availability zone: its name in this account and its id, which is the same in all accounts.
type Zone struct{ Name, ID string }

// RunRequest asks for instances. With LaunchTemplateID set, empty fields come from the template.
type RunRequest struct {
	Count            int // 1 when zero
	InstanceType     string
	SubnetID         string
	ImageID          string
	SecurityGroupIDs []string
	InstanceProfile  string // name or ARN
	UserData         string // base64, as EC2 takes it
	Spot             bool
	LaunchTemplateID string
	Tags             map[string]string
	VolumeTags       map[string]string
	ENITags          map[string]string
	Cluster          string // EKS cluster the instance belongs to; taken from the tags when empty
	NodeGroup        string // managed node group, empty otherwise
	VolumeGiB        int    // size of the root volume; the template's or 20 when zero
}

// InstanceType is one row of the embedded instance table.
type InstanceType struct {
	Type         string  // "c5d.xlarge"
	Arch         string  // "amd64" or "arm64"
	Manufacturer string  // "intel", "aws"
	Hypervisor   string  // "nitro", empty on bare metal
	BareMetal    bool    //
	VCPU         int     //
	MemoryMiB    int     //
	NVMeGB       int     // total instance storage, 0 when none
	ENIs         int     // network interfaces per instance
	IPv4PerENI   int     //
	ClockMHz     int     // sustained
	NetworkMbps  int     // baseline
	EBSMbps      int     //
	OnDemandUSD  float64 // per hour
	SpotUSD      float64 // per hour; an assumption, see spotShare
}

// Fault makes calls of the account fail or answer late on purpose.
type Fault struct {
	Op    string          // "create", "update", "delete", "assume" or an AWS action such as "ec2:RunInstances"; * and ? match
	Kind  Kind            // only this kind; empty matches all
	Match string          // pattern on the id, the name or, for ec2:RunInstances, "TYPE CAPACITY ZONE"; empty matches all
	Error *awserror.Error // returned; nil only delays
	Delay time.Duration   // waited before, real time (not divided by the speed)
	Times int             // how often it applies; 0 is always
}
