// SPDX-License-Identifier: Apache-2.0

package flinkjob

import (
	"context"
	"fmt"
	"strings"

	"emrflink/internal/exitcode"
	"emrflink/internal/kube"
)

const (
	operatorDeployment = "flink-kubernetes-operator"
	flinkCRD           = "flinkdeployments.flink.apache.org"
)

// PreflightError lists what would keep the job from running. Nothing was
// submitted.
type PreflightError struct {
	Problems  []string
	Lines     string // to add to the file of the stack; "" = there are none
	Transient bool   // all of them end by themselves: what is installed is not ready yet
}

// Finding is something of the live stack that keeps a job from running, or that its author may want to know.
type Finding struct {
	Object       string // "FlinkDeployment NAME"
	Code         string // stable id of the kind of finding
	Path         string // of the field that it comes from; "" = it is the stack's
	Text         string
	Effect, Mend string
	Lines        string // to add to the file of the stack; "" = there are none
	Transient    bool   // it ends by itself: what is installed is not ready yet
	Advice       bool   // the job runs all the same
}

// Error implements error.
func (e *PreflightError) Error() string {
	return "the job cannot run: " + strings.Join(e.Problems, "; ") +
		prefixed("\nadd to the policies of the team in the file of the stack:\n", e.Lines)
}

// Code is a stable id of the failure.
func (e *PreflightError) Code() string { return "flinkjob.preflight" }

// ExitCode is 1: the cluster is not as the job needs it.
func (e *PreflightError) ExitCode() int { return exitcode.Failed }

// Hint is the next command.
func (e *PreflightError) Hint() string { return "emrflink deploy" }

// Preflight checks, before anything is submitted, that the operator and its CRD
// are there, that the namespace exists, that live NodePools can take both kinds
// of pods, that the role trusts the service accounts that EMR will make, and that the jar, the state to start from, and the
// ConfigMaps, Secrets and volumes of the pods are there. All problems come in one *PreflightError.
func (r Runner) Preflight(ctx context.Context, s Job) error {
	r = r.withDefaults()
	failed := &PreflightError{Transient: true}
	found, err := r.Examine(ctx, s)
	if err != nil {
		return err
	}
	for _, f := range found {
		if !f.Advice {
			failed.Problems = append(failed.Problems, f.Text)
			failed.Transient = failed.Transient && f.Transient
			failed.Lines = orElse(failed.Lines, f.Lines)
		}
	}
	if len(failed.Problems) > 0 {
		return failed
	}
	return nil
}

// Examine looks at the live stack for everything that matters to the job. Nothing is changed.
func (r Runner) Examine(ctx context.Context, s Job) ([]Finding, error) {
	r = r.withDefaults()
	var all []Finding
	for _, check := range []struct {
		code, effect, mend string
		find               func(context.Context, Job) ([]Finding, error)
	}{
		{"operator", "nobody takes up the job", "emrflink deploy", r.checkOperator},
		{"namespace", "the API server refuses the job", "emrflink deploy", r.checkNamespace},
		{"cluster", "the operator waits for it, and says nothing", "a FlinkDeployment without spec.job", r.checkCluster},
		{"node-pool", "the pods wait for a node for ever", "labels, tolerations and affinity of a pool of the stack",
			r.checkNodePools},
		{"placement", "the pods wait for a node for ever", "a rule that the zones and pools of the stack can meet",
			r.checkPlacement},
		{"size", "the pods wait for a node for ever", "less memory or CPU, or a pool with larger types", r.checkSizes},
		{"quota", "the API server refuses the pods (ReplicaFailure), and the job waits", "less, or a larger quota of the team",
			r.checkQuota},
		{"limit-range", "the API server refuses the pods (ReplicaFailure), and the job waits", "an amount within the limits",
			r.checkLimitRange},
		{"trust", "S3 answers AccessDenied to the job", "the role of the team (emrflink outputs)", r.checkTrust},
		{codePermissions, "the job starts, and AWS answers AccessDenied to it", "", r.checkPermissions},
		{"file", "the job fails at its start", "upload it, or mend the path", r.checkFiles},
		{"reference", "the pod waits in ContainerCreating or CreateContainerConfigError", "make it in the namespace",
			r.checkReferences},
	} {
		found, err := check.find(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("check job %q: %w", s.Name, err)
		}
		for _, f := range found {
			f.Object, f.Code = s.Kind().Kind+" "+s.Name, orElse(f.Code, check.code)
			f.Effect, f.Mend = orElse(f.Effect, check.effect), orElse(f.Mend, check.mend)
			all = append(all, f)
		}
	}
	return all, nil
}

// checkCluster looks for the session cluster of a session job.
func (r Runner) checkCluster(ctx context.Context, s Job) ([]Finding, error) {
	const path = "spec.deploymentName"
	if s.Cluster == "" || s.clusterBrought {
		return nil, nil
	}
	o, err := r.Kube.Get(ctx, kube.KindFlinkDeployment.Ref(s.Namespace, s.Cluster))
	if kube.IsNotFound(err) {
		return []Finding{{Path: path, Text: fmt.Sprintf("the session cluster %q is neither in the file nor in namespace %q",
			s.Cluster, s.Namespace)}}, nil
	}
	if err != nil {
		return nil, err
	}
	if !(Job{Object: o}).isCluster() {
		return []Finding{{Path: path, Text: fmt.Sprintf("the FlinkDeployment %q has a job of its own: it is no session cluster",
			s.Cluster)}}, nil
	}
	return nil, nil
}

func (r Runner) checkOperator(ctx context.Context, s Job) ([]Finding, error) {
	crd, err := r.Kube.Get(ctx, kube.KindCRD.Ref("", flinkCRD))
	if kube.IsNotFound(err) {
		return []Finding{{Text: "the cluster does not know FlinkDeployment (CRD " + flinkCRD + ")"}}, nil
	}
	if err != nil {
		return nil, err
	}
	if c := kube.ConditionOf(kube.Conditions(crd), "Established"); c.Status != "True" {
		return []Finding{{Text: "CRD " + flinkCRD + " is not established yet" + prefixed(": ", c.Message), Transient: true}}, nil
	}
	d, err := r.Kube.Get(ctx, kube.KindDeployment.Ref(s.OperatorNamespace, operatorDeployment))
	if kube.IsNotFound(err) {
		return []Finding{{Text: fmt.Sprintf("the Flink operator is not installed (Deployment %q in namespace %q)",
			operatorDeployment, s.OperatorNamespace)}}, nil
	}
	if err != nil {
		return nil, err
	}
	if c := kube.ConditionOf(kube.Conditions(d), "Available"); c.Status != "True" {
		return []Finding{{Text: "the Flink operator is not available" + prefixed(": ", c.Message), Transient: true}}, nil
	}
	return nil, nil
}

func (r Runner) checkNamespace(ctx context.Context, s Job) ([]Finding, error) {
	ns, err := r.Kube.Get(ctx, kube.KindNamespace.Ref("", s.Namespace))
	if kube.IsNotFound(err) {
		return []Finding{{Text: fmt.Sprintf("namespace %q does not exist", s.Namespace)}}, nil
	}
	if err == nil && ns.GetDeletionTimestamp() != nil {
		return []Finding{{Text: fmt.Sprintf("namespace %q is being deleted", s.Namespace)}}, nil
	}
	return nil, err
}

func (r Runner) checkTrust(ctx context.Context, s Job) ([]Finding, error) {
	if r.Trust == nil || s.RoleARN == "" {
		return nil, nil
	}
	_, role, err := roleOf(s.RoleARN)
	if err != nil {
		return nil, err
	}
	doc, err := r.Trust.RoleTrust(ctx, role)
	if err != nil {
		return nil, err
	}
	var problems []Finding
	for _, part := range []string{RoleJobManager, RoleTaskManager} {
		sa, err := ServiceAccount(s.RoleARN, part)
		if err != nil {
			return nil, err
		}
		ok, why, err := TrustAllows(doc, Subject(s.Namespace, sa))
		if err != nil {
			return nil, err
		}
		if !ok {
			problems = append(problems, Finding{
				Path: "spec.executionRoleArn",
				Text: fmt.Sprintf("role %q does not trust %q: %s", role, Subject(s.Namespace, sa), why),
			})
		}
	}
	return problems, nil
}
