// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emrflink/internal/cli/cmdtest"
	"emrflink/internal/localtarget"
	"emrflink/internal/plans"
)

type faultsFake struct {
	list    []localtarget.Fault
	set     localtarget.Fault
	cleared string
	change  localtarget.Change
}

func (f *faultsFake) Faults(context.Context) (localtarget.Faults, error) {
	return localtarget.Faults{SchemaVersion: 1, Faults: append([]localtarget.Fault{}, f.list...)}, nil
}
func (f *faultsFake) SetFault(_ context.Context, one localtarget.Fault) error {
	f.set = one
	return nil
}

func (f *faultsFake) ClearFaults(_ context.Context, action string) (int, error) {
	f.cleared = "action " + action
	return 2, nil
}

func (f *faultsFake) record(_ context.Context, c localtarget.Change) (plans.StateResource, error) {
	f.change = c
	return plans.StateResource{Type: "aws:ec2/vpc:Vpc", Name: "network-vpc", ID: "vpc-1"}, nil
}

func execFault(t *testing.T, f *faultsFake, args ...string) (*cmdtest.Run, error) {
	t.Helper()
	r := cmdtest.New(t)
	o := Operations{Faults: func() (Faults, error) { return f, nil }, Change: f.record}
	return r, r.Exec(t, NewFaultCmd(r.Factory, o), args...)
}

func TestFault(t *testing.T) {
	t.Parallel()
	always := localtarget.Fault{Action: "s3:*", Error: "AccessDenied", Left: -1}
	twice := localtarget.Fault{Action: "eks:CreateCluster", Match: "c", DelaySeconds: 1.5, Times: 3, Left: 2}
	for name, c := range map[string]struct {
		args           []string
		list           []localtarget.Fault
		want           faultsFake
		stdout, stderr string
	}{
		"none is set": {[]string{"list"}, nil, faultsFake{}, "", "no fault is set\n"},
		"a table": {
			[]string{"list"}, []localtarget.Fault{always, twice}, faultsFake{},
			"FAULT\tMATCH\tERROR\tDELAY\tLEFT\ns3:*\t\tAccessDenied\t\talways\neks:CreateCluster\tc\t\t1.5s\t2\n", "",
		},
		"every flag of set": {
			[]string{"set", "s3:*", "--error", "E", "--message", "m", "--match", "p", "--times", "4", "--delay", "2s"}, nil,
			faultsFake{set: localtarget.Fault{Action: "s3:*", Error: "E", Message: "m", Match: "p", Times: 4, DelaySeconds: 2}},
			"the fault is set; forget it with: emrflink local fault clear 's3:*'\n", "",
		},
		"a cluster is broken": {
			[]string{"set", localtarget.StuckNamespace, "--match", "flink-*"}, nil,
			faultsFake{set: localtarget.Fault{Action: localtarget.StuckNamespace, Match: "flink-*"}},
			"the fault is set; forget it with: emrflink local fault clear kubernetes:StuckNamespace\n", "",
		},
		"something is left behind": {
			[]string{"set", localtarget.LostVolume}, nil, faultsFake{set: localtarget.Fault{Action: localtarget.LostVolume}},
			"left in the account, until somebody deletes it\n", "",
		},
		"an instance is taken away": {
			[]string{"set", localtarget.SpotInterruption, "--match", "i-*"}, nil,
			faultsFake{set: localtarget.Fault{Action: localtarget.SpotInterruption, Match: "i-*"}},
			"begun; Karpenter starts another instance for the pods that need one\n", "",
		},
		"clear all": {[]string{"clear"}, nil, faultsFake{cleared: "action "}, "2 faults cleared\n", ""},
		"clear one": {[]string{"clear", "s3:*"}, nil, faultsFake{cleared: "action s3:*"}, "2 faults cleared\n", ""},
		"drift": {
			[]string{"drift", "vpc-1", "--set", "a=1", "--set", "b=2", "--unset", "c"}, nil,
			faultsFake{change: localtarget.Change{Resource: "vpc-1", Set: []string{"a=1", "b=2"}, Unset: []string{"c"}}},
			"changed aws:ec2/vpc:Vpc \"network-vpc\" (vpc-1); see it with: emrflink drift\n", "",
		},
		"drift by deletion": {
			[]string{"drift", "vpc-1", "--delete"}, nil, faultsFake{change: localtarget.Change{Resource: "vpc-1", Delete: true}},
			"deleted aws:ec2/vpc:Vpc \"network-vpc\" (vpc-1); see it with: emrflink drift\n", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &faultsFake{list: c.list}
			r, err := execFault(t, f, c.args...)
			require.NoError(t, err)
			f.list = nil
			require.Empty(t, cmp.Diff(c.want, *f, cmp.AllowUnexported(faultsFake{})))
			require.Equal(t, c.stdout, r.Out.String())
			require.Equal(t, c.stderr, r.Err.String())
		})
	}
}

func TestTheHelpHasEveryFaultOfACluster(t *testing.T) {
	t.Parallel()
	r, err := execFault(t, &faultsFake{}, "set", "--help")
	require.NoError(t, err)
	for _, f := range localtarget.ClusterFaults() {
		require.Contains(t, r.Out.String()+r.Err.String(), f.Action)
	}
}

func TestFaultsInJSON(t *testing.T) {
	t.Parallel()
	r, err := execFault(t, &faultsFake{}, "list", "-o", "json")
	require.NoError(t, err)
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "faults")
	r, err = execFault(t, &faultsFake{list: []localtarget.Fault{{}}}, "list", "-o", "json")
	require.NoError(t, err)
	cmdtest.Fields(t, r.Out.Bytes(), "schemaVersion", "faults", "faults[].action", "faults[].match", "faults[].error",
		"faults[].message", "faults[].delaySeconds", "faults[].times", "faults[].left")
}

func TestWrongFaultFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"neither an error nor a delay": {"set", "s3:*"},
		"a negative delay":             {"set", "s3:*", "--delay", "-1s"},
		"negative times":               {"set", "s3:*", "--error", "E", "--times", "-1"},
		"drift of what":                {"drift", "vpc-1"},
		"deleted and changed":          {"drift", "vpc-1", "--delete", "--set", "a=1"},
		"two actions":                  {"clear", "a", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &faultsFake{}
			_, err := execFault(t, f, args...)
			require.Equal(t, 2, cmdtest.Code(err), err)
			require.Empty(t, cmp.Diff(faultsFake{}, *f, cmp.AllowUnexported(faultsFake{})))
		})
	}
}

func TestAnotherTargetRefusesFaults(t *testing.T) {
	t.Parallel()
	r := cmdtest.New(t)
	o := Operations{Faults: func() (Faults, error) { return nil, errors.New("not local") }}
	for _, args := range [][]string{{"list"}, {"set", "s3:*", "--error", "E"}, {"clear"}} {
		require.ErrorContains(t, r.Exec(t, NewFaultCmd(r.Factory, o), args...), "not local")
	}
}
