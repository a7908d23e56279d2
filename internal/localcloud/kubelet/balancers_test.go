// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"emrflink/internal/localcloud/account"
)

// networked is a cluster with a subnet for internal load balancers and two for public ones, in two zones.
func networked() *cloud {
	c := newCloud(account.Resource{Kind: account.KindCluster, ID: testCluster, Region: "us-west-2", Props: account.Props{
		"vpcConfig": map[string]any{"vpcId": "vpc-1", "clusterSecurityGroupId": "sg-nodes"},
	}})
	for i, s := range []struct{ role, zone string }{
		{"elb", "a"}, {"elb", "b"}, {"internal-elb", "a"}, {"elb", "a"}, {"none", "c"},
	} {
		c.put(account.Resource{
			Kind: account.KindSubnet, ID: fmt.Sprintf("subnet-%d", i),
			Tags:  map[string]string{"kubernetes.io/role/" + s.role: "1"},
			Props: account.Props{"vpcId": "vpc-1", "availabilityZone": "us-west-2" + s.zone},
		})
	}
	return c
}

// service asks for a load balancer, with annotations given as pairs.
func service(annotations ...string) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "web", UID: "6f1c9a52-1111-2222-3333-444455556666", Annotations: map[string]string{},
		},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	for i := 0; i < len(annotations); i += 2 {
		s.Annotations[annotations[i]] = annotations[i+1]
	}
	return s
}

func everything(account.Resource) bool { return true }

func balancersIn(c *cloud, kind account.Kind) []account.Resource { return c.Find(kind, everything) }

// apply lets the kubelet see a Service.
func apply(t *testing.T, client *fake.Clientset, s *corev1.Service) {
	t.Helper()
	_, err := client.CoreV1().Services("default").Create(t.Context(), s, metav1.CreateOptions{})
	require.NoError(t, err)
}

func TestAServiceHasAClassicLoadBalancerAsLongAsItIsThere(t *testing.T) {
	t.Parallel()
	c := networked()
	_, client := run(t, c, nil)
	api := client.CoreV1().Services("default")
	apply(t, client, service())
	eventually(t, "the load balancer is made", func() bool { return len(balancersIn(c, account.KindClassicBalancer)) == 1 })
	lb := balancersIn(c, account.KindClassicBalancer)[0]
	require.Equal(t, map[string]string{
		"kubernetes.io/cluster/demo": "owned", "kubernetes.io/service-name": "default/web",
	}, lb.Tags)
	require.Equal(t, "a6f1c9a52111122223333444455556666"[:32], lb.Props["name"])
	require.Equal(t, []any{"subnet-0", "subnet-1"}, lb.Props["subnets"], "one in each zone, of those for public load balancers")
	groups := balancersIn(c, account.KindSecurityGroup)
	require.Len(t, groups, 1)
	require.Equal(t, map[string]string{"kubernetes.io/cluster/demo": "owned"}, groups[0].Tags)
	require.Equal(t, "k8s-elb-"+lb.Props["name"].(string), groups[0].Props["name"])
	require.Equal(t, []any{groups[0].ID}, lb.Props["securityGroups"])
	rules := balancersIn(c, account.KindSecurityGroupRule)
	require.Len(t, rules, 1)
	rule := rules[0].Props
	require.Equal(t, []any{"sg-nodes", groups[0].ID}, []any{rule["securityGroupId"], rule["sourceSecurityGroupId"]})

	var s *corev1.Service
	eventually(t, "the Service says where it is", func() bool {
		var err error
		s, err = api.Get(t.Context(), "web", metav1.GetOptions{})
		return err == nil && len(s.Status.LoadBalancer.Ingress) == 1
	})
	require.Equal(t, []string{serviceFinalizer}, s.Finalizers)
	events, err := client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, events.Items, 2)

	s.DeletionTimestamp = new(metav1.Now())
	_, err = api.Update(t.Context(), s, metav1.UpdateOptions{})
	require.NoError(t, err)
	eventually(t, "the Service may go", func() bool {
		s, err := api.Get(t.Context(), "web", metav1.GetOptions{})
		return err != nil || len(s.Finalizers) == 0
	})
	for _, kind := range []account.Kind{account.KindClassicBalancer, account.KindSecurityGroup, account.KindSecurityGroupRule} {
		require.Empty(t, balancersIn(c, kind))
	}
	require.Equal(t, []string{lb.ID, rules[0].ID, groups[0].ID}, c.deleted, "what names or uses the group goes before it")
}

// loadBalancerController is a pod of the AWS Load Balancer Controller that is ready.
func loadBalancerController() *corev1.Pod {
	return pod("lbc", "x", func(p *corev1.Pod) {
		p.Labels = map[string]string{appLabel: controllerApp}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	})
}

func TestEachKindOfServiceHasTheLoadBalancerOfItsController(t *testing.T) {
	t.Parallel()
	ready := loadBalancerController()
	class := func(name string) *corev1.Service {
		s := service()
		s.Spec.LoadBalancerClass = &name
		return s
	}
	clusterIP := service()
	clusterIP.Spec.Type = corev1.ServiceTypeClusterIP
	controllers := map[string]string{
		"elbv2.k8s.aws/cluster": testCluster, "service.k8s.aws/stack": "default/web", "service.k8s.aws/resource": "LoadBalancer",
	}
	providers := map[string]string{tagClusterOwned + testCluster: "owned", tagService: "default/web"}
	for name, test := range map[string]struct {
		service   *corev1.Service
		installed bool // the AWS Load Balancer Controller
		kind      account.Kind
		tags      map[string]string
		internal  bool
		groups    int
	}{
		"nothing asked":     {service(), true, account.KindClassicBalancer, providers, false, 1},
		"internal":          {service(annotationInternal, "true"), false, account.KindClassicBalancer, providers, true, 1},
		"a network one":     {service(annotationType, "nlb"), false, account.KindLoadBalancer, providers, false, 0},
		"of the controller": {class(controllerClass), true, account.KindLoadBalancer, controllers, true, 2},
		"external":          {service(annotationType, "external"), true, account.KindLoadBalancer, controllers, true, 2},
		"external, public": {
			service(annotationType, "external", annotationScheme, "internet-facing"), true, account.KindLoadBalancer, controllers,
			false, 2,
		},
		"no such controller":    {class(controllerClass), false, "", nil, false, 0},
		"another's class":       {class("example.com/lb"), true, "", nil, false, 0},
		"inside of the cluster": {clusterIP, true, "", nil, false, 0},
		"external, not there":   {service(annotationType, "nlb-ip"), false, "", nil, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, client := networked(), fake.NewClientset(test.service)
			k := New(Options{Account: c, Cluster: testCluster, Client: client})
			if test.installed {
				require.NoError(t, k.pods.GetStore().Add(ready))
			}
			for range 2 { // the first look adds the finalizer
				s, err := client.CoreV1().Services("default").Get(t.Context(), "web", metav1.GetOptions{})
				require.NoError(t, err)
				require.NoError(t, k.services.GetStore().Add(s))
				require.NoError(t, k.reconcileBalanced(t.Context(), kindService, "default/web"))
			}
			if test.kind == "" {
				require.Empty(t, balancersIn(c, account.KindClassicBalancer))
				require.Empty(t, balancersIn(c, account.KindLoadBalancer))
				return
			}
			require.Len(t, balancersIn(c, test.kind), 1)
			lb := balancersIn(c, test.kind)[0]
			require.Equal(t, test.tags, lb.Tags)
			require.Equal(t, test.internal, lb.Props["internal"])
			require.Len(t, balancersIn(c, account.KindSecurityGroup), test.groups)
			require.LessOrEqual(t, len(lb.Props["name"].(string)), 32)
		})
	}
}

func TestAServiceWithoutSubnetsSaysWhyItHasNoLoadBalancer(t *testing.T) {
	t.Parallel()
	c := newCloud(account.Resource{Kind: account.KindCluster, ID: testCluster, Props: account.Props{
		"vpcConfig": map[string]any{"vpcId": "vpc-1"},
	}})
	_, client := run(t, c, nil)
	apply(t, client, service())
	eventually(t, "an event says so", func() bool {
		events, err := client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return false
		}
		for _, e := range events.Items {
			if e.Reason == "SyncLoadBalancerFailed" && strings.Contains(e.Message, "could not find any suitable subnets") {
				return true
			}
		}
		return false
	})
}
