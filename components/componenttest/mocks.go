// SPDX-License-Identifier: Apache-2.0

package componenttest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// controlPlaneName is the EKS cluster inside the pulumi-eks component. The component runs in a provider, which mocks do
// not have; its child is registered before the program, so that the component's output can refer to it.
const controlPlaneName = "componenttest-control-plane"

const controlPlaneType = "aws:eks/cluster:Cluster"

// mocks answers registrations and calls, and records the former.
type mocks struct {
	options Options

	mu        sync.Mutex
	resources []Resource
}

var _ pulumi.MockResourceMonitor = (*mocks)(nil)

// registerControlPlane waits until the control plane is registered.
func registerControlPlane(ctx *pulumi.Context) error {
	var r pulumi.CustomResourceState
	if err := ctx.RegisterResource(controlPlaneType, controlPlaneName, pulumi.Map{}, &r); err != nil {
		return err
	}
	done := make(chan struct{})
	r.URN().ApplyT(func(pulumi.URN) int {
		close(done)
		return 0
	})
	<-done
	return nil
}

func controlPlaneURN() resource.URN {
	return resource.NewURN(Stack, Project, "", controlPlaneType, controlPlaneName)
}

// Call implements pulumi.MockResourceMonitor.
func (m *mocks) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	answer := func(v map[string]any) (resource.PropertyMap, error) { return resource.NewPropertyMapFromMap(v), nil }
	switch args.Token {
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return answer(map[string]any{"accountId": Account, "arn": m.options.Caller, "userId": "AIDATEST", "id": Account})
	case "aws:index/getPartition:getPartition":
		return answer(map[string]any{
			"partition": Partition, "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws", "id": Partition,
		})
	case "aws:index/getRegion:getRegion":
		return answer(map[string]any{
			"name": m.options.Region, "id": m.options.Region, "description": "test",
			"endpoint": "ec2." + m.options.Region + ".amazonaws.com",
		})
	case "aws:index/getAvailabilityZones:getAvailabilityZones":
		// As AWS gives them: letters in order, IDs not.
		region := m.options.Region
		return answer(map[string]any{
			"names":   []any{region + "a", region + "b", region + "c", region + "d"},
			"zoneIds": []any{"usw2-az2", "usw2-az1", "usw2-az3", "usw2-az4"},
			"id":      region, "groupNames": []any{region},
		})
	}
	return nil, fmt.Errorf("mock: unknown function %q", args.Token)
}

// NewResource implements pulumi.MockResourceMonitor.
func (m *mocks) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	id := args.Name + "-id"
	if args.Name == controlPlaneName {
		return id, controlPlane(m.options.Region), nil
	}
	if args.RegisterRPC == nil {
		return "", nil, fmt.Errorf("mock: %s %q is read, not registered", args.TypeToken, args.Name)
	}
	if err := m.record(args); err != nil {
		return "", nil, err
	}
	if strings.HasPrefix(args.TypeToken, "emrflink:") {
		return "", args.Inputs, nil
	}
	computed, ok := outputs(m.options.Region)[args.TypeToken]
	if !ok {
		return "", nil, fmt.Errorf("mock: unknown resource type %q", args.TypeToken)
	}
	state := maps.Clone(args.Inputs)
	for k, v := range computed(args) {
		state[k] = v
	}
	return id, state, nil
}

// record refuses a second resource of a name: Pulumi would take one of another type, readers and tests would not.
func (m *mocks) record(args pulumi.MockResourceArgs) error {
	rpc := args.RegisterRPC
	r := Resource{Type: args.TypeToken, Name: args.Name, Inputs: plain(args.Inputs)}
	if parent := resource.URN(rpc.GetParent()); parent.IsValid() && parent.Type() != resource.RootStackType {
		r.Parent = parent.Name()
	}
	if rpc.GetProvider() != "" {
		r.Provider = providerName(rpc.GetProvider())
	}
	for _, d := range rpc.GetDependencies() {
		if name := resource.URN(d).Name(); name != controlPlaneName && !slices.Contains(r.Dependencies, name) {
			r.Dependencies = append(r.Dependencies, name)
		}
	}
	slices.Sort(r.Dependencies)
	r.DeleteTimeout = rpc.GetCustomTimeouts().GetDelete()
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.resources, func(o Resource) bool { return o.Name == r.Name }) {
		return fmt.Errorf("mock: two resources have the name %q", r.Name)
	}
	m.resources = append(m.resources, r)
	return nil
}

// providerName is the name in a provider reference, which is URN::ID.
func providerName(reference string) string {
	urn := reference
	if i := strings.LastIndex(reference, "::"); i > 0 {
		urn = reference[:i]
	}
	return resource.URN(urn).Name()
}

// sorted orders the resources by path, so that a rendering does not depend on the order of goroutines.
func (m *mocks) sorted() []Resource {
	parents := map[string]string{}
	for _, r := range m.resources {
		parents[r.Name] = r.Parent
	}
	path := func(name string) string {
		out := name
		for p := parents[name]; p != ""; p = parents[p] {
			out = p + "/" + out
		}
		return out
	}
	slices.SortFunc(m.resources, func(a, b Resource) int { return cmp.Compare(path(a.Name), path(b.Name)) })
	return m.resources
}
