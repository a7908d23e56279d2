// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/stretchr/testify/require"

	"emrflink/internal/plans"
)

func TestFailuresAreClassified(t *testing.T) {
	t.Parallel()
	c := newClassifier()
	for name, want := range map[string]struct {
		text, code, message string
		exit                int
	}{
		"AWS, query protocol": {
			"deleting EC2 VPC (vpc-1): operation error EC2: DeleteVpc, https response error StatusCode: 400, RequestID: " +
				"5f0c-11, api error DependencyViolation: The vpc 'vpc-1' has dependencies and cannot be deleted.",
			"DependencyViolation", "DependencyViolation: The vpc 'vpc-1' has dependencies and cannot be deleted.", 1,
		},
		"AWS, modelled exception": {
			"creating EKS Cluster (demo): operation error EKS: CreateCluster, https response error StatusCode: 409, " +
				"RequestID: 5f0c-12, ResourceInUseException: Cluster already exists with name: demo",
			"ResourceInUseException", "ResourceInUseException: Cluster already exists with name: demo", 1,
		},
		"AWS, no permission": {
			"operation error EC2: CreateVpc, https response error StatusCode: 403, RequestID: 5f0c-13, api error " +
				"UnauthorizedOperation: You are not authorized", "UnauthorizedOperation",
			"UnauthorizedOperation: You are not authorized", 3,
		},
		"no credentials": {"failed to refresh cached credentials, no EC2 IMDS role found", "NoCredentials", "", 3},
		"Kubernetes, forbidden": {
			`namespaces is forbidden: User "ann" cannot create resource "namespaces"`, "Forbidden", "", 3,
		},
		"Kubernetes, invalid":     {`NodePool.karpenter.sh "a" is invalid: spec.template: Required value`, "Invalid", "", 1},
		"Kubernetes, webhook":     {`admission webhook "v.example" denied the request: no`, "AdmissionDenied", "", 1},
		"Kubernetes, exists":      {`serviceaccounts "x" already exists`, "AlreadyExists", "", 1},
		"the API server is away":  {`Get "https://x": dial tcp 127.0.0.1:1: connect: connection refused`, CodeUnreachable, "", 1},
		"another run":             {"the stack is currently locked by 1 lock(s)", CodeLocked, "", 1},
		"a wrong passphrase":      {"get stack secrets manager: incorrect passphrase", CodePassphrase, "", 3},
		"a missing plugin":        {"no resource plugin 'pulumi-resource-aws' found in the workspace", CodePlugin, "", 1},
		"a full disk":             {"write /x: no space left on device", CodeDiskFull, "", 1},
		"a provider that is gone": {"rpc error: code = Unavailable desc = error reading from server: EOF", CodeProvider, "", 1},
		"a provider that died":    {"error reading from server: connection reset by peer", CodeProvider, "", 1},
		"anything else":           {"who knows", CodeEngine, "who knows", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := Failure{Message: want.text}
			c.classify(&f)
			require.Equal(t, want.code, f.Code)
			require.Equal(t, want.exit, f.ExitCode())
			if want.message != "" {
				require.Equal(t, want.message, f.Message)
			}
		})
	}
}

// TestEveryWordingIsKnown: each alternative of each rule, and no rule without one.
func TestEveryWordingIsKnown(t *testing.T) {
	t.Parallel()
	c := newClassifier()
	untested := map[int]bool{}
	for i := range c.rules {
		untested[i] = true
	}
	for code, texts := range map[string][]string{
		CodeLocked: {
			"the stack is currently locked by 1 lock(s)",
			`blob (key ".pulumi/locks/organization/emrflink/local/0.json.18f.tmp") (code=NotFound): no such file or directory`,
		},
		CodePassphrase: {
			"incorrect passphrase", "passphrase must be set", "failed to decrypt", "error decrypting secret",
			"cipher: message authentication failed", "bad value",
		},
		CodeDiskFull:     {"no space left on device"},
		CodeBucketRegion: {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint"},
		CodeNoSpace:      {"only 9 MiB are free for plugins in /x, plugin aws 6.83.0 takes about 900 MiB"},
		CodeStateCorrupt: {"snapshot integrity failure"},
		CodePlugin: {
			"no resource plugin 'x'", "no language plugin 'x'", "could not load plugin", "failed to load plugin",
			"plugin aws 6.83.0 not found", "failed to download plugin", "error downloading plugin",
		},
		CodeConfig: {
			"could not unmarshal", "invalid configuration", "missing required configuration", "validating stack config",
			"getting stack configuration",
		},
		"DependencyViolation":    {"api error DependencyViolation: in use", "  * DependencyViolation: in use"},
		"ResourceInUseException": {"https response error StatusCode: 409, RequestID: 5f0c-12, ResourceInUseException: exists"},
		"ValidationException":    {"ValidationException: no"}, "ResourceNotFound": {"ResourceNotFound"},
		"VcpuLimitExceeded": {"VcpuLimitExceeded"}, "ServiceFault": {"ServiceFault"}, "DeleteConflict": {"DeleteConflict"},
		"AccessDenied": {
			"AccessDenied", "creating IAM Role (x): operation error IAM: CreateRole, https response error StatusCode: 403, " +
				"RequestID: 1, api error AccessDenied: not authorized, with an explicit deny in a service control policy",
		},
		"RequestMalformed": {"RequestMalformed"}, "RoleExists": {"RoleExists"},
		"UnsupportedOperation": {"UnsupportedOperation"}, "NoSuchEntity": {"NoSuchEntity: The role cannot be found"},
		"NoCredentials": {
			"failed to refresh cached credentials", "could not retrieve credentials", "no EC2 IMDS role found",
			"no valid credential sources",
		},
		"AdmissionDenied": {`admission webhook "x" denied the request`},
		"Forbidden":       {"pods is forbidden: no"},
		"Conflict":        {"Operation cannot be fulfilled on x", "Apply failed with 2 conflicts"},
		"AlreadyExists":   {"pods x already exists"},
		"Invalid":         {"the Pod x is invalid: no"},
		"Unauthorized":    {"Unauthorized", "you must be logged in to the server"},
		CodeNotReady: {
			"Deployment a/b did not become ready (context deadline exceeded): 0 of 1 replicas are available",
			`Helm release "a/b" was created, but failed to initialize completely. Use Helm CLI to investigate: failed to ` +
				"become available within allocated timeout. Error: Helm Release a/b: context deadline exceeded",
			`the Kubernetes API server reported that "a/b" failed to fully initialize or become live: timed out waiting`,
		},
		CodeUnreachable: {
			"connection refused", "no such host", "i/o timeout", "context deadline exceeded", "TLS handshake timeout",
		},
		CodeProvider: {"transport is closing", "error reading from server: EOF", "Unavailable desc"},
		CodeProgram:  {"program failed", "an unhandled error occurred", "run program: x", "runtime error"},
		CodeEngine:   {"who knows", "it was not forbidden", "a plugin"},
	} {
		for _, text := range texts {
			f := Failure{Message: text}
			c.classify(&f)
			require.Equal(t, code, f.Code, text)
			if i := slices.IndexFunc(c.rules, func(r rule) bool { return r.re.MatchString(text) }); i >= 0 {
				require.Equal(t, c.rules[i].hint, f.Hint, text)
				delete(untested, i)
			}
		}
	}
	require.Empty(t, untested, "rules that no text above meets first")
}

func TestTheRequestOfAFailureIsKept(t *testing.T) {
	t.Parallel()
	f := Failure{Message: "StatusCode: 400, RequestID: 5f0c11d2-77, api error VpcLimitExceeded: no", Hint: "mine"}
	newClassifier().classify(&f)
	require.Equal(t, Failure{
		Code: "VpcLimitExceeded", RequestID: "5f0c11d2-77", Message: "VpcLimitExceeded: no", Hint: "mine",
	}, f)
}

func TestValuesAreCleaned(t *testing.T) {
	t.Parallel()
	secret := map[string]any{resource.SigKey: resource.SecretSig, "ciphertext": "v1:abc"}
	got := cleanMap(map[string]any{
		"__defaults": []any{}, "plain": "x", "number": 1.5, "off": false, "none": nil,
		"secret": secret, "nested": []any{map[string]any{"s": secret}},
		"later":  plugin.UnknownStringValue,
		"inside": "arn:" + plugin.UnknownStringValue + "/*",
		"asset":  map[string]any{resource.SigKey: resource.AssetSig, "hash": "ab12"},
		"ref":    map[string]any{resource.SigKey: resource.ResourceReferenceSig, "urn": "urn:x", "id": "1"},
		"out":    map[string]any{resource.SigKey: resource.OutputValueSig, "value": "v"},
		"outsec": map[string]any{resource.SigKey: resource.OutputValueSig, "value": "v", "secret": true},
		"outunk": map[string]any{resource.SigKey: resource.OutputValueSig},
	})
	want := map[string]any{
		"plain": "x", "number": 1.5, "off": false, "none": nil, "secret": plans.Secret,
		"nested": []any{map[string]any{"s": plans.Secret}}, "later": plans.Unknown, "inside": "arn:" + plans.Unknown + "/*",
		"asset": "[asset ab12]", "ref": "urn:x", "out": "v", "outsec": plans.Secret, "outunk": plans.Unknown,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	require.True(t, hasSecret(map[string]any{"a": []any{secret}}))
	require.False(t, hasSecret(map[string]any{"a": []any{"b"}}))
}

func TestADiffWithoutDetailsIsMadeFromTheInputs(t *testing.T) {
	t.Parallel()
	before := map[string]any{"a": 1.0, "gone": "x", "list": []any{"p", "q"}, "tags": map[string]any{"k.v": "1"}}
	after := map[string]any{"a": 2.0, "list": []any{"p"}, "tags": map[string]any{"k.v": "2", "new": "3"}}
	got := propertyDiffs(apitype.StepEventMetadata{Keys: []string{"a"}}, before, after)
	want := []plans.PropertyDiff{
		{Path: "a", Kind: "update-replace", Old: 1.0, New: 2.0},
		{Path: "gone", Kind: "delete", Old: "x"},
		{Path: "list[1]", Kind: "delete", Old: "q"},
		{Path: `tags["k.v"]`, Kind: "update", Old: "1", New: "2"},
		{Path: "tags.new", Kind: "add", New: "3"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAReplacementIsOneStepHoweverItIsAnnounced(t *testing.T) {
	t.Parallel()
	meta := func(op apitype.OpType, hasOld, hasNew bool) apitype.StepEventMetadata {
		m := apitype.StepEventMetadata{Op: op, URN: "urn:pulumi:s::p::t::n", Type: "t", Keys: []string{"zone"}}
		if hasOld {
			m.Old = &apitype.StepEventStateMetadata{Inputs: map[string]any{"zone": "a"}, ID: "1"}
		}
		if hasNew {
			m.New = &apitype.StepEventStateMetadata{Inputs: map[string]any{"zone": "b"}}
		}
		return m
	}
	for name, metas := range map[string][]apitype.StepEventMetadata{
		"create before delete": {meta(apitype.OpCreateReplacement, true, true), meta(apitype.OpReplace, true, true),
			meta(apitype.OpDeleteReplaced, true, false)},
		"delete before create": {meta(apitype.OpDeleteReplaced, true, false), meta(apitype.OpReplace, true, true),
			meta(apitype.OpCreateReplacement, true, true)},
		"no logical step": {meta(apitype.OpDeleteReplaced, true, false), meta(apitype.OpCreateReplacement, false, true)},
	} {
		steps := fold(metas)
		require.Len(t, steps, 1, name)
		require.Equal(t, plans.OpReplace, steps[0].Op, name)
		require.Equal(t, []string{"zone"}, steps[0].ReplaceReasons, name)
		require.Equal(t, []plans.PropertyDiff{{Path: "zone", Kind: "update-replace", Old: "a", New: "b"}}, steps[0].Diff, name)
	}
	leftover := fold([]apitype.StepEventMetadata{meta(apitype.OpSame, true, true), meta(apitype.OpDelete, true, false)})
	require.Len(t, leftover, 2)
}

func TestStepsAreInTreeOrder(t *testing.T) {
	t.Parallel()
	in := []plans.Step{{URN: "c", Parent: "b"}, {URN: "z"}, {URN: "b", Parent: "a"}, {URN: "a"}, {URN: "d", Parent: "gone"},
		{URN: "a2", Parent: "a"}}
	var got []string
	for _, s := range plans.InTreeOrder(in) {
		got = append(got, s.URN)
	}
	require.Equal(t, []string{"a", "a2", "b", "c", "d", "z"}, got)
}

func TestAnUpdateOfWhatWasDeletedByHandSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	text := "updating EC2 Route: operation error EC2: ReplaceRoute, https response error StatusCode: 400, RequestID: 5f0c-14, " +
		"api error NatGatewayNotFound: The Nat Gateway nat-1 was not found"
	for op, hinted := range map[plans.Op]bool{plans.OpUpdate: true, plans.OpCreate: true, plans.OpDelete: false, "": false} {
		f := Failure{Op: op, Message: text}
		newClassifier().classify(&f)
		require.Equal(t, hinted, strings.HasSuffix(f.Hint, "emrflink deploy --refresh"), "%s: %s", op, f.Hint)
	}
}
