// SPDX-License-Identifier: Apache-2.0

package cleanup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"emrflink/internal/awsapi"
	"emrflink/internal/exitcode"
	"emrflink/internal/kube"
)

// SchemaVersion is that of the Report's JSON; fields are only added.
const SchemaVersion = 1

// Item is one resource in the Report.
type Item struct {
	Service   string  `json:"service"` // "ec2", "s3", ... or "kubernetes"
	Type      string  `json:"type"`
	ID        string  `json:"id"`
	ARN       string  `json:"arn"`
	Name      string  `json:"name"`
	CreatedBy string  `json:"createdBy"`
	State     string  `json:"state"`
	Phase     string  `json:"phase"` // that deleted it; "" for what is left
	HourlyUSD float64 `json:"hourlyUSD"`
	// MonthlyUSD is that of 730 hours.
	MonthlyUSD float64 `json:"monthlyUSD"`
	Reason     string  `json:"reason"`  // why it is still there
	Command    string  `json:"command"` // removes what is left
}

// Unknown is a part of the account that was not answered for: what belongs to it is neither there nor gone.
type Unknown struct {
	What string `json:"what"` // "load balancers"
	Why  string `json:"why"`  // AWS's answer
}

// Skipped is a phase that needs the cluster and was not run.
type Skipped struct {
	Phase string `json:"phase"`
	Why   string `json:"why"`
}

const hoursPerMonth = 730

// Report is what a cleanup did.
type Report struct {
	SchemaVersion   int    `json:"schemaVersion"`
	Stack           string `json:"stack"`
	Account         string `json:"account"`
	Region          string `json:"region"`
	Deployment      string `json:"deployment"`
	Deleted         []Item `json:"deleted"`
	ExpectedResidue []Item `json:"expectedResidue"`
	Unexpected      []Item `json:"unexpected"`
	// NotChecked is what AWS did not answer for at the end.
	NotChecked []Unknown `json:"notChecked"`
	// Skipped are the phases that could not be run without the cluster, Forgotten the objects in it that left the state: nobody
	// was asked to delete them, and they went with the cluster.
	Skipped   []Skipped `json:"skipped"`
	Forgotten int       `json:"forgotten"`
	// resources that the engine deleted; many of them are no AWS resource of their own
	EngineDeleted int     `json:"engineDeleted"`
	HourlyUSD     float64 `json:"hourlyUSD"` // of what is unexpectedly left
	// Errors are those that made the cleanup incomplete. Warnings are those that came to nothing, and what an earlier run
	// had left.
	Errors         []string `json:"errors"`
	Warnings       []string `json:"warnings"`
	ElapsedSeconds float64  `json:"elapsedSeconds"`
	// Savepoints are those with which jobs were stopped.
	Savepoints []Savepoint `json:"savepoints"`
	// Verified says that the account was asked what is left. Without it, empty lists of what is left mean nothing.
	Verified bool `json:"verified"`
}

func newReport(stack, account, region, deployment string) Report {
	return Report{
		SchemaVersion: SchemaVersion, Stack: stack, Account: account, Region: region, Deployment: deployment,
		Deleted: []Item{}, ExpectedResidue: []Item{}, Unexpected: []Item{}, NotChecked: []Unknown{}, Skipped: []Skipped{},
		Errors: []string{}, Warnings: []string{}, Savepoints: []Savepoint{},
	}
}

func emptyReport(s Scope) Report { return newReport(s.Stack, s.Account, s.Region, s.Deployment.Name) }

// RefusedError says that nothing was touched and why.
type RefusedError struct{ Cause error }

// Error implements error.
func (e *RefusedError) Error() string { return "refuse to clean up: " + e.Cause.Error() }

// Unwrap gives the cause.
func (e *RefusedError) Unwrap() error { return e.Cause }

// Code is a stable id of the failure.
func (e *RefusedError) Code() string { return "cleanup.refused" }

// ExitCode is 2: nothing was touched.
func (e *RefusedError) ExitCode() int { return exitcode.Usage }

// IncompleteError says that a teardown ended with something left.
type IncompleteError struct {
	Left       []Item
	NotChecked []Unknown
	Stack      string
	Cause      error // joined errors of the phases; may be nil
	// Next is the command that goes on, "" = the same cleanup again.
	Next string
}

// Error implements error.
func (e *IncompleteError) Error() string {
	text := "cleanup is incomplete"
	if n := len(e.Left); n > 0 {
		names := make([]string, 0, 5)
		for _, i := range e.Left[:min(n, 5)] {
			names = append(names, i.Type+" "+i.ID)
		}
		text += fmt.Sprintf(": %d resources are left (%s", n, strings.Join(names, ", "))
		if n > 5 {
			text += ", ..."
		}
		text += ")"
	}
	if n := len(e.NotChecked); n > 0 {
		parts := make([]string, 0, n)
		for _, u := range e.NotChecked {
			parts = append(parts, u.What)
		}
		text += fmt.Sprintf("; AWS did not say whether there are %s", strings.Join(parts, ", "))
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap gives the joined errors of the phases.
func (e *IncompleteError) Unwrap() error { return e.Cause }

// Code is a stable id of the failure.
func (e *IncompleteError) Code() string { return "cleanup.incomplete" }

// ExitCode is 7: remaining resources are listed.
func (e *IncompleteError) ExitCode() int { return exitcode.Incomplete }

// Hint is the next command: a teardown can be run again.
func (e *IncompleteError) Hint() string { return cmp.Or(e.Next, "emrflink cleanup --stack "+e.Stack) }

func (r *run) item(res awsapi.Resource, phase string) Item {
	price := r.Price(res)
	return Item{
		Service: res.Service, Type: res.Type, ID: res.ID, ARN: res.ARN, Name: res.Name, CreatedBy: res.CreatedBy,
		State: res.State, Phase: phase, HourlyUSD: price, MonthlyUSD: price * hoursPerMonth,
	}
}

func kubeItem(ref kube.Ref, phase string) Item {
	return Item{
		Service: "kubernetes", Type: ref.Kind.Kind, ID: strings.TrimPrefix(ref.Namespace+"/"+ref.Name, "/"),
		Name: ref.Name, CreatedBy: "kubernetes", Phase: phase,
	}
}

// verify compares the account with what was there at the start. It is the last
// word: what is not found any more is deleted, whoever did it.
func (r *run) verify(ctx context.Context) error {
	after, err := r.inventory(ctx)
	r.report.NotChecked = append(r.report.NotChecked, r.unknown...)
	left := map[string]bool{}
	for _, res := range after {
		left[key(res)] = true
		item := r.item(res, "")
		if why := leaving(res); why != "" {
			item.Reason = why
			r.report.ExpectedResidue = append(r.report.ExpectedResidue, item)
			continue
		}
		item.Command = command(res, r.Scope.Region)
		if r.retained(res) && r.owned(res) {
			item.Reason = "it was asked to be retained"
			if item.MonthlyUSD > 0 {
				item.Reason += fmt.Sprintf("; it costs %.2f USD a month", item.MonthlyUSD)
			} else if res.Type == awsapi.TypeBucket {
				item.Reason += "; it is billed by what it holds"
			}
			r.report.ExpectedResidue = append(r.report.ExpectedResidue, item)
			continue
		}
		item.Reason = r.whyLeft(res)
		r.report.Unexpected = append(r.report.Unexpected, item)
		r.report.HourlyUSD += item.HourlyUSD
	}
	if err != nil {
		return fmt.Errorf("list what is left: %w", err) // a short list proves nothing
	}
	r.report.Verified = len(r.unknown) == 0
	deleted := map[string]bool{}
	for _, i := range r.report.Deleted {
		deleted[i.Service+"/"+i.Type+"/"+i.ID] = true
	}
	for _, res := range r.before {
		if !left[key(res)] && !deleted[key(res)] && r.report.Verified {
			phase := PhaseEngine
			if res.CreatedBy == "karpenter" {
				phase = PhaseNodePools
			}
			r.report.Deleted = append(r.report.Deleted, r.item(res, phase))
		}
	}
	return nil
}

func key(r awsapi.Resource) string { return r.Service + "/" + r.Type + "/" + r.ID }

// keyPendingDeletion is the state of a KMS key whose deletion AWS has accepted.
const keyPendingDeletion = "PendingDeletion"

// leaving says that AWS has accepted the deletion and still shows the resource.
func leaving(r awsapi.Resource) string {
	if r.Type == awsapi.TypeKey && r.State == keyPendingDeletion {
		return "KMS deletes it on " + r.Detail["deletionDate"] +
			"; until then it costs nothing, and `aws kms cancel-key-deletion --key-id " +
			r.ID + "` brings it back"
	}
	switch strings.ToLower(r.State) {
	case "shutting-down", "terminated", "deleting", "deleted", "delete_in_progress", "pending-deletion":
		return "AWS is deleting it (" + r.State + ")"
	}
	return ""
}

func (r *run) whyLeft(res awsapi.Resource) string {
	switch {
	case !r.gone:
		return "the cluster still exists, so nothing was swept"
	case !awsapi.CanDelete(res.Type):
		return "it belongs to the deployment's state; the engine did not delete it"
	case !r.owned(res):
		return "it has none of the deployment's exact tags or names; it is not touched"
	}
	return "it could not be deleted; see the warnings"
}

// finish makes the verdict. The inventory decides; an engine that failed, or an inventory with a part that is not known, is
// never a success.
func (r *run) finish(ctx context.Context, failed map[string]error) (Report, error) {
	r.report.ElapsedSeconds = time.Since(r.started).Seconds()
	engineErr, sweepErr, verifyErr := failed[PhaseEngine], failed[PhaseSweep], failed[PhaseVerify]
	for _, err := range []error{engineErr, verifyErr} {
		if err != nil {
			r.report.Errors = append(r.report.Errors, err.Error())
		}
	}
	if ctx.Err() != nil {
		return r.report, fmt.Errorf("cleanup was interrupted: %w", ctx.Err())
	}
	if engineErr == nil && verifyErr == nil && len(r.report.Unexpected)+len(r.report.NotChecked) == 0 {
		r.warn(sweepErr) // what could not be swept went away by itself
		return r.report, nil
	}
	if sweepErr != nil {
		r.report.Errors = append(r.report.Errors, sweepErr.Error())
	}
	cause := errors.Join(engineErr, sweepErr, verifyErr)
	for _, w := range r.report.Warnings {
		cause = errors.Join(cause, errors.New(w))
	}
	return r.report, &IncompleteError{
		Left: r.report.Unexpected, NotChecked: r.report.NotChecked, Stack: r.Scope.Stack, Cause: cause,
	}
}
