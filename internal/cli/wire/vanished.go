// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"emrflink/internal/awsapi"
	"emrflink/internal/check"
	"emrflink/internal/cleanup"
	"emrflink/internal/cli/cmdutil"
	"emrflink/internal/drift/detect"
	"emrflink/internal/plans"
)

// lost is what was deployed and is gone from the account, without a deploy or a cleanup having deleted it.
type lost struct {
	resources []plans.StateResource
	cluster   bool // with everything in it
}

// vanished looks for what somebody deleted. A plan that is made from the recorded state alone would call it unchanged: a deploy
// reads the account then.
func (s *onTarget) vanished(ctx context.Context) []check.Check {
	record, err := recorder{s}.Record(ctx)
	if err != nil || len(record.Resources) == 0 {
		return nil
	}
	scope, known, err := cleanup.Known(s.scope(), record)
	if err != nil || !known {
		return nil
	}
	client, err := s.client(ctx)
	if err != nil {
		return nil // the checks of the credentials say it
	}
	if s.lost.cluster, err = s.clusterGone(ctx, record.Resources, scope.Deployment.Cluster); err != nil {
		return nil
	}
	inventory, err := client.DeploymentResources(ctx, scope.Deployment)
	if err == nil {
		s.lost.resources = detect.Missing(record.Resources, inventory)
	}
	var names []string
	for _, r := range s.lost.resources {
		names = append(names, fmt.Sprintf("%s %s", r.Type[strings.LastIndex(r.Type, ":")+1:], r.ID))
	}
	if s.lost.cluster && err != nil {
		names = []string{"Cluster " + scope.Deployment.Cluster}
	}
	if len(names) == 0 {
		return nil
	}
	const most = 8
	n := len(names)
	if n > most {
		names = append(names[:most:most], fmt.Sprintf("and %d more", n-most))
	}
	why := "they were deleted by somebody else: a deploy reads the account and makes them again"
	if s.lost.cluster {
		why += "; what was in the cluster is gone with it"
	}
	return []check.Check{{
		ID: "vanished", Status: check.Warning, Why: why,
		What: fmt.Sprintf("%s gone from the account: %s",
			cmdutil.Count(n, "resource of the deployment is", "resources of the deployment are"), strings.Join(names, ", ")),
		Fix: cmdutil.Command("drift", "--stack", s.settings.info.Stack) + "\n" +
			cmdutil.Command("cleanup", "--stack", s.settings.info.Stack) + "   # to delete the rest instead",
	}}
}

// clusterGone tells whether AWS says that the recorded cluster does not exist.
func (s *onTarget) clusterGone(ctx context.Context, recorded []plans.StateResource, name string) (bool, error) {
	isCluster := func(r plans.StateResource) bool { return r.Type == "aws:eks/cluster:Cluster" }
	if !slices.ContainsFunc(recorded, isCluster) {
		return false, nil
	}
	client, err := s.client(ctx)
	if err != nil {
		return false, err
	}
	_, err = client.DescribeCluster(ctx, name)
	if awsapi.IsNotFound(err) {
		return true, nil
	}
	return false, classify(err)
}

// dropLost lets the deploy read the account, and takes out of the state what was in a cluster that is gone: no provider could
// read it.
func (s *onTarget) dropLost(ctx context.Context) error {
	if len(s.lost.resources) == 0 && !s.lost.cluster {
		return nil
	}
	s.deploy.Refresh = true
	if !s.lost.cluster {
		return nil
	}
	e, err := s.engine(ctx, nil)
	if err != nil {
		return err
	}
	n, err := e.ForgetKubernetes(ctx)
	if err == nil && n > 0 {
		s.app.waiting(fmt.Sprintf("%s of the cluster that is gone: dropped from the state",
			cmdutil.Count(n, "object or release", "objects and releases")))
	}
	return classify(err)
}

// cannotCompare says of what drift cannot tell anything.
func (s *onTarget) cannotCompare(cluster string) error {
	name := s.settings.info.Stack
	return &cmdutil.Error{
		What: fmt.Sprintf("cluster %q is gone from the account, with everything in it", cluster),
		Cause: fmt.Errorf("AWS says that it does not exist, and stack %q has recorded it: what was in it cannot be compared",
			name),
		Next: cmdutil.Command("deploy", "--stack", name) + "   # makes it and what else is gone again\n" +
			cmdutil.Command("cleanup", "--stack", name) + "   # deletes the rest",
		ID: "cluster-gone", Exit: cmdutil.ExitChanges,
	}
}
