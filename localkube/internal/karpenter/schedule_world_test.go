// SPDX-License-Identifier: Apache-2.0

package karpenter_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	awsv1 "github.com/aws/karpenter-provider-aws/pkg/apis/v1"
	awsoptions "github.com/aws/karpenter-provider-aws/pkg/operator/options"
	"github.com/aws/karpenter-provider-aws/pkg/providers/instancetype"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	clientfake "sigs.k8s.io/controller-runtime/pkg/client/fake"

	karpv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning/scheduling"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/events"
	"sigs.k8s.io/karpenter/pkg/operator/options"
	reqs "sigs.k8s.io/karpenter/pkg/scheduling"
)

// blueprint is what the main module renders for this test (internal/graphcheck writes the file and fails when
// it is out of date): the node pools and their class, and the pod templates of the sample job by task managers' pool.
type blueprint struct {
	NodeClass awsv1.EC2NodeClass                            `json:"nodeClass"`
	NodePools []*karpv1.NodePool                            `json:"nodePools"`
	Pods      map[string]map[string]*corev1.PodTemplateSpec `json:"pods"`
	// KarpenterValues are the values of Karpenter's chart.
	KarpenterValues map[string]any `json:"karpenterValues"`
}

const (
	blueprintFile = "testdata/blueprint.json"
	// instanceFile holds the instance facts of the simulated account.
	instanceFile = "../../../internal/localcloud/account/instancetypes.csv"
	// priceFile has what they cost.
	priceFile    = "../../../internal/cost/ec2.csv"
	region       = "us-west-2"
	computePool  = "flink-compute-optimized"
	gravitonPool = "flink-graviton-memory-optimized"
)

func zones() []string { return []string{"us-west-2a", "us-west-2b", "us-west-2c"} }

// world is a cluster without nodes in which the blueprint's pools are ready.
type world struct {
	blueprint
	types []*cloudprovider.InstanceType
}

func newWorld(t *testing.T) *world {
	t.Helper()
	raw, err := os.ReadFile(blueprintFile)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&w.blueprint); err != nil {
		t.Fatalf("%s: %v", blueprintFile, err)
	}
	// What Karpenter's own controller writes into the status, from the subnets' zones.
	for i, z := range zones() {
		w.NodeClass.Status.Subnets = append(w.NodeClass.Status.Subnets, awsv1.Subnet{
			ID: w.NodeClass.Spec.SubnetSelectorTerms[i].ID, Zone: z, ZoneID: "usw2-az" + strconv.Itoa(i+1),
		})
	}
	for _, np := range w.NodePools {
		np.StatusConditions().SetTrue("Ready")
	}
	w.types = instanceTypes(t, &w.NodeClass)
	return w
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx := options.ToContext(t.Context(), &options.Options{PreferencePolicy: options.PreferencePolicyRespect, CPURequests: 2000})
	return awsoptions.ToContext(ctx, &awsoptions.Options{ClusterName: "c", VMMemoryOverheadPercent: 0.075})
}

// table reads a CSV file without its header.
func table(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// instanceTypes are made by Karpenter's AWS provider from the facts, with an offering per zone and capacity type. A spot
// offering costs two fifths: what matters is that it is the cheaper one.
func instanceTypes(t *testing.T, class *awsv1.EC2NodeClass) []*cloudprovider.InstanceType {
	t.Helper()
	prices := map[string]float64{}
	for _, row := range table(t, priceFile) {
		price, err := strconv.ParseFloat(row[5], 64)
		if err != nil {
			t.Fatal(err)
		}
		prices[row[0]] = price
	}
	resolver := instancetype.NewDefaultResolver(region)
	var out []*cloudprovider.InstanceType
	for _, row := range table(t, instanceFile) {
		it := resolver.Resolve(testContext(t), instanceInfo(t, row), zones(), class)
		price, known := prices[row[0]]
		if !known {
			t.Fatalf("no price of %s in %s", row[0], priceFile)
		}
		for _, zone := range zones() {
			for capacity, share := range map[string]float64{karpv1.CapacityTypeSpot: 0.4, karpv1.CapacityTypeOnDemand: 1} {
				it.Offerings = append(it.Offerings, &cloudprovider.Offering{
					Available: true, Price: price * share,
					Requirements: reqs.NewRequirements(
						reqs.NewRequirement(karpv1.CapacityTypeLabelKey, corev1.NodeSelectorOpIn, capacity),
						reqs.NewRequirement(corev1.LabelTopologyZone, corev1.NodeSelectorOpIn, zone),
					),
				})
			}
		}
		out = append(out, it)
	}
	return out
}

// instanceInfo is a row of the table in the words of EC2.
func instanceInfo(t *testing.T, row []string) ec2types.InstanceTypeInfo {
	t.Helper()
	n := func(column int) int64 {
		v, err := strconv.ParseInt(row[column], 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", row[0], err)
		}
		return v
	}
	arch := ec2types.ArchitectureType(strings.Replace(row[1], "amd64", "x86_64", 1))
	enis := aws.Int32(int32(n(7)))
	info := ec2types.InstanceTypeInfo{
		InstanceType: ec2types.InstanceType(row[0]), Hypervisor: ec2types.InstanceTypeHypervisor(row[3]),
		BareMetal:             aws.Bool(row[3] == ""),
		SupportedUsageClasses: []ec2types.UsageClassType{ec2types.UsageClassTypeOnDemand, ec2types.UsageClassTypeSpot},
		ProcessorInfo: &ec2types.ProcessorInfo{
			SupportedArchitectures: []ec2types.ArchitectureType{arch}, Manufacturer: aws.String(row[2]),
		},
		VCpuInfo:   &ec2types.VCpuInfo{DefaultVCpus: aws.Int32(int32(n(4)))},
		MemoryInfo: &ec2types.MemoryInfo{SizeInMiB: aws.Int64(n(5))},
		NetworkInfo: &ec2types.NetworkInfo{
			MaximumNetworkInterfaces: enis, Ipv4AddressesPerInterface: aws.Int32(int32(n(8))),
			DefaultNetworkCardIndex: aws.Int32(0),
			NetworkCards: []ec2types.NetworkCardInfo{{NetworkCardIndex: aws.Int32(0),
				MaximumNetworkInterfaces: enis}},
			EncryptionInTransitSupported: aws.Bool(true),
		},
	}
	if n(6) > 0 {
		info.InstanceStorageInfo = &ec2types.InstanceStorageInfo{
			TotalSizeInGB: aws.Int64(n(6)), NvmeSupport: ec2types.EphemeralNvmeSupportRequired,
		}
	}
	return info
}

// pod is one of the sample job's pods: the template of a role with the resources of its role in the job.
func (w *world) pod(pool, role, name string) *corev1.Pod {
	template := w.Pods[pool][role].DeepCopy()
	p := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	p.Name, p.Namespace, p.UID = name, "flink-team-a", types.UID(name)
	p.Status.Phase = corev1.PodPending
	p.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
	}}
	request(p, "1", "2048Mi")
	return p
}

func request(p *corev1.Pod, cpu, memory string) {
	p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
	}
}

// bare is a pod with nothing but a node selector.
func bare(name string, selector map[string]string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "flink-team-a", UID: types.UID(name)}}
	p.Spec.NodeSelector = selector
	p.Spec.Containers = []corev1.Container{{Name: "main"}}
	p.Status.Phase = corev1.PodPending
	request(p, "1", "2Gi")
	return p
}

// noCloud is never asked: there are no nodes, and the instance types are handed over.
type noCloud struct{ cloudprovider.CloudProvider }

// solve runs Karpenter's scheduler over the pods.
func (w *world) solve(t *testing.T, pods ...*corev1.Pod) scheduling.Results {
	t.Helper()
	ctx := testContext(t)
	client := clientfake.NewClientBuilder().Build()
	cluster := state.NewCluster(clock.RealClock{}, client, noCloud{})
	types := map[string][]*cloudprovider.InstanceType{}
	for _, np := range w.NodePools {
		types[np.Name] = w.types
	}
	pools := slices.Clone(w.NodePools)
	// Karpenter's provisioner hands the pools over by weight.
	slices.SortStableFunc(pools, func(a, b *karpv1.NodePool) int { return int(*b.Spec.Weight) - int(*a.Spec.Weight) })
	topology, err := scheduling.NewTopology(ctx, client, cluster, nil, pools, types, pods)
	if err != nil {
		t.Fatal(err)
	}
	s := scheduling.NewScheduler(ctx, client, pools, cluster, nil, topology, types, nil,
		events.NewRecorder(&record.FakeRecorder{}), clock.RealClock{}, nil, nil)
	results, err := s.Solve(ctx, pods)
	if err != nil {
		t.Fatal(err)
	}
	return results
}
