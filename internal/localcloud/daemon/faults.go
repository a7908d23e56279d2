// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"emrflink/internal/exitcode"
	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/awswire"
	"emrflink/internal/localcloud/provider/awsprov"
	"emrflink/internal/localtarget"
	"emrflink/internal/proppath"
	"emrflink/stacks/nearest"
)

// Edit changes or deletes a resource of the account, as a person would in AWS's console.
type Edit struct {
	Type    string            `json:"type"` // Pulumi's
	ID      string            `json:"id"`
	Changes []proppath.Change `json:"changes"`
	Delete  bool              `json:"delete"`
}

// RefusedError is a request that the local target does not take: what is wrong with it, or what AWS refuses.
type RefusedError struct{ Why string }

// Error is what is wrong.
func (e *RefusedError) Error() string { return e.Why }

// ExitCode is 2: nothing was changed.
func (e *RefusedError) ExitCode() int { return exitcode.Usage }

// Code is a stable id of the failure.
func (e *RefusedError) Code() string { return "local.refused" }

func (d *Daemon) faultRoutes(mux *http.ServeMux) {
	type cleared struct {
		Cleared int `json:"cleared"`
	}
	mux.HandleFunc("POST "+controlPath+"faults", func(w http.ResponseWriter, r *http.Request) {
		var f localtarget.Fault
		d.take(w, r, &f, func() (any, error) { return f, d.order(r.Context(), f) })
	})
	mux.HandleFunc("DELETE "+controlPath+"faults", func(w http.ResponseWriter, r *http.Request) {
		n, err := d.clear(r.Context(), r.URL.Query().Get("action"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		d.answer(w, cleared{n})
	})
	mux.HandleFunc("POST "+controlPath+"edit", func(w http.ResponseWriter, r *http.Request) {
		var e Edit
		d.take(w, r, &e, func() (any, error) { return e, d.edit(r.Context(), e) })
	})
}

// take reads a request's body, acts, and answers; what is refused has a status of its own.
func (d *Daemon) take(w http.ResponseWriter, r *http.Request, in any, act func() (any, error)) {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(in); err != nil {
		http.Error(w, "the request is no JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	out, err := act()
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		http.Error(w, refused.Why, http.StatusUnprocessableEntity)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		d.answer(w, out)
	}
}

func refusef(format string, args ...any) error {
	return &RefusedError{Why: fmt.Sprintf(format, args...)}
}

// faultsOf lists the faults of the account that are in force.
func faultsOf(a *account.Account) []localtarget.Fault {
	out := []localtarget.Fault{}
	for _, f := range a.Faults() {
		one := localtarget.Fault{Action: f.Op, Match: f.Match, DelaySeconds: f.Delay.Seconds(), Times: f.Times, Left: f.Left}
		if f.Error != nil {
			one.Error, one.Message = f.Error.Code, f.Error.Message
		}
		out = append(out, one)
	}
	return out
}

// setFault adds a fault that some call can meet.
func (d *Daemon) setFault(f localtarget.Fault) error {
	known := actions()
	if !slices.ContainsFunc(known, func(a string) bool { return iam.Match(f.Action, a) }) {
		return refusef("nothing on the local target calls %q%s", f.Action, nearest.Suggest(f.Action, known))
	}
	out := account.Fault{Op: f.Action, Match: f.Match, Times: f.Times,
		Delay: time.Duration(f.DelaySeconds * float64(time.Second))}
	if f.Error != "" {
		out.Error = &awserror.Error{Code: f.Error, Message: cmp.Or(f.Message, "set by: emrflink local fault set"),
			HTTP: statusOf(f.Error)}
	}
	if capacity(f.Error) {
		out.Kind = account.KindInstance // the permission is asked under the same name, and does not lack capacity
	}
	d.account.AddFault(out)
	return nil
}

// actions are what faults can be set for: what our clients and Karpenter call, and what the providers do.
func actions() []string {
	all := awsprov.Actions()
	for _, o := range awswire.Operations() {
		all = append(all, o.Actions()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// capacity says that a code is about instances that AWS does not have.
func capacity(code string) bool {
	return slices.Contains([]string{"InsufficientInstanceCapacity", "UnfulfillableCapacity", "MaxSpotInstanceCountExceeded",
		"VcpuLimitExceeded"}, code)
}

// statusOf is the HTTP status that goes with an error code (the common errors of the EC2 and IAM API references).
func statusOf(code string) int {
	switch {
	case code == "AccessDenied" || code == "UnauthorizedOperation":
		return http.StatusForbidden
	case code == "RequestLimitExceeded" || code == "ServiceUnavailable" || code == "Unavailable":
		return http.StatusServiceUnavailable
	case strings.HasPrefix(code, "Internal") || code == "InsufficientInstanceCapacity":
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// edit changes the account as its administrator, who is not the tool. AWS's own rules hold.
func (d *Daemon) edit(ctx context.Context, e Edit) error {
	kind, known := awsprov.Types()[e.Type]
	if !known {
		return refusef("the local target does not simulate %s", e.Type)
	}
	r, ok := d.account.Get(kind, e.ID)
	if !ok {
		return refusef("the account has no %s %q", kind, e.ID)
	}
	who := account.Caller{Via: account.ByUser, Region: r.Region}
	if e.Delete {
		return asRefusal(d.account.Delete(ctx, who, kind, e.ID))
	}
	props, err := proppath.Edit(r.Props, e.Changes)
	if err != nil {
		return refusef("change %s %q: %v", kind, e.ID, err)
	}
	wrong, err := awsprov.NewProblems(e.Type, r.Props, props)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return refusef("change %s %q: %s", kind, e.ID, strings.Join(wrong, "; "))
	}
	_, err = d.account.Update(ctx, who, kind, e.ID, props)
	return asRefusal(err)
}

// asRefusal marks what AWS refuses.
func asRefusal(err error) error {
	var aws *awserror.Error
	if errors.As(err, &aws) {
		return refusef("AWS refuses: %v", aws)
	}
	return err
}

// SetFault adds a fault.
func (c *Client) SetFault(ctx context.Context, f localtarget.Fault) error {
	return c.call(ctx, http.MethodPost, "faults", f, &f)
}

// ClearFaults forgets the faults of an action, "" = all, and returns how many there were.
func (c *Client) ClearFaults(ctx context.Context, action string) (int, error) {
	var out struct{ Cleared int }
	err := c.call(ctx, http.MethodDelete, "faults?"+url.Values{"action": {action}}.Encode(), nil, &out)
	return out.Cleared, err
}

// Edit changes a resource of the account without the engine.
func (c *Client) Edit(ctx context.Context, e Edit) error {
	return c.call(ctx, http.MethodPost, "edit", e, &e)
}
