// SPDX-License-Identifier: Apache-2.0

// Package stack describes one stack and where it runs, for all packages that work on it. It knows neither the engine
// nor a cloud.
package stack

// Project is the name of the Pulumi project, and the namespace of its configuration keys.
const Project = "emrflink"

// Default is the stack that needs no file.
const Default = "local"

// The kinds of target.
const (
	Local = "local"
	AWS   = "aws"
)

// Info names what a command works on. Nothing has been contacted to know it.
type Info struct {
	Stack      string
	File       string // stack file, "" = the defaults
	Home       string // state folder
	State      string // URL of the state backend as the user named it, "" = below Home
	Target     string // Local or AWS
	Region     string
	Deployment string // name of the deployment: the prefix of what it makes
	Kubernetes string // version of the control plane: "1.35"
	// PrivateAPI says that the Kubernetes API has no public endpoint.
	PrivateAPI bool
	// Needs is what the target needs of this machine.
	Needs Needs
	// Speed is what the target divides AWS's durations by; 1 is real time.
	Speed float64
	// Simulated lists what is simulated, one line each. It is empty on AWS.
	Simulated []string
}

// Timed says where AWS's usual durations hold: "" = on this target, "on AWS" where its clock is another.
func (i Info) Timed() string {
	if i.Speed == 1 {
		return ""
	}
	return "on AWS"
}

// Needs is what a target needs of the machine that it is used from.
type Needs struct {
	Daemon      bool     // the local target's process and the binary of its control plane
	Credentials bool     // AWS credentials of the user's own
	Programs    []string // programs on the PATH
	Plugins     bool     // provider plugins of Pulumi
	Registries  []string // registries of charts that are pulled from without a login
}

// NeedsOf returns what targets of a kind need. pulumi-eks refuses to make a cluster without aws and kubectl; the local
// target has it in its own providers, and stand-ins of the charts.
func NeedsOf(target string) Needs {
	if target == Local {
		return Needs{Daemon: true}
	}
	return Needs{Credentials: true, Plugins: true, Programs: []string{"aws", "kubectl"}, Registries: []string{"public.ecr.aws"}}
}
