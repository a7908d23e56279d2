// SPDX-License-Identifier: Apache-2.0

package sts_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/sts"
	"emrflink/internal/untyped"
)

// world is STS over an account, with helpers that fail the test.
type world struct {
	sts.Service
	*account.Account
	t *testing.T
}

func newWorld(t *testing.T, o account.Options) *world {
	t.Helper()
	a, err := account.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return &world{Service: sts.Service{Account: a}, Account: a, t: t}
}

func (w *world) make(k account.Kind, p account.Props) account.Resource {
	w.t.Helper()
	r, err := w.Create(w.t.Context(), account.Caller{}, k, p)
	require.NoError(w.t, err, "create %s", k)
	return r
}

// refused asserts that an operation fails with an AWS code.
func (w *world) refused(code string, err error) {
	w.t.Helper()
	require.Error(w.t, err)
	require.Equal(w.t, code, awserror.Code(err), "%v", err)
}

// cluster is an EKS cluster in two subnets.
func (w *world) cluster() account.Resource {
	vpc := w.make(account.KindVPC, account.Props{"cidrBlock": "10.0.0.0/16"})
	var subnets []any
	for cidr, zone := range map[string]string{"10.0.0.0/24": "a", "10.0.1.0/24": "b"} {
		subnets = append(subnets, w.make(account.KindSubnet, account.Props{
			"vpcId": vpc.ID, "cidrBlock": cidr, "availabilityZone": account.DefaultRegion + zone,
		}).ID)
	}
	role := w.make(account.KindRole, account.Props{"name": "demo-cluster", "assumeRolePolicy": `{"Statement":{"Effect":"Allow",
		"Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}}`})
	return w.make(account.KindCluster, account.Props{
		"name": "demo", "roleArn": role.ARN, "version": "1.35", "vpcConfig": account.Props{"subnetIds": subnets},
	})
}

// clock stands still.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time                                 { return c.now }
func (*clock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// verifier says that every token is one service account's.
type verifier struct {
	subject string
	err     error
}

func (v *verifier) VerifyToken(context.Context, string, string) (string, []string, error) {
	return v.subject, []string{"sts.amazonaws.com"}, v.err
}

// token is a service-account token with a signature that nobody checks.
func token(t *testing.T, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	require.NoError(t, err)
	return "e30." + base64.RawURLEncoding.EncodeToString(body) + ".c2ln"
}

const issuer = "https://oidc.eks.us-west-2.amazonaws.com/id/ABC"

func webTrust(operator, subject string) string {
	const host = "oidc.eks.us-west-2.amazonaws.com/id/ABC"
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
		"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/` + host + `"},
		"Condition":{"StringEquals":{"` + host + `:aud":"sts.amazonaws.com"},"` +
		operator + `":{"` + host + `:sub":"` + subject + `"}}}]}`
}

func TestWebIdentity(t *testing.T) {
	t.Parallel()
	clock := &clock{now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	w := newWorld(t, account.Options{Clock: clock})
	role := w.make(account.KindRole, account.Props{"name": "karpenter-controller",
		"assumeRolePolicy": webTrust("StringEquals", "system:serviceaccount:kube-system:karpenter")})
	like := w.make(account.KindRole, account.Props{"name": "job", "assumeRolePolicy": webTrust("StringLike",
		"system:serviceaccount:team-a:emr-containers-sa-*-*-111122223333-abc")})
	good := map[string]any{
		"iss": issuer, "sub": "system:serviceaccount:kube-system:karpenter", "aud": []string{"sts.amazonaws.com"},
		"exp": clock.Now().Add(time.Hour).Unix(),
	}
	with := func(key string, v any) string {
		c := map[string]any{}
		for k, x := range good {
			c[k] = x
		}
		c[key] = v
		return token(t, c)
	}
	_, err := w.AssumeRoleWithWebIdentity(t.Context(), role.ARN, "karpenter", token(t, good))
	w.refused("InvalidIdentityToken", err) // no provider yet
	w.make(account.KindOIDCProvider, account.Props{"url": issuer, "clientIdLists": []any{"sts.amazonaws.com"}})
	for name, c := range map[string]struct{ arn, jwt, code string }{
		"the right subject": {role.ARN, token(t, good), ""},
		"another subject":   {role.ARN, with("sub", "system:serviceaccount:default:karpenter"), "AccessDenied"},
		"another audience":  {role.ARN, with("aud", "https://kubernetes.default.svc"), "InvalidIdentityToken"},
		"another issuer":    {role.ARN, with("iss", "https://example.com"), "InvalidIdentityToken"},
		"an expired token":  {role.ARN, with("exp", clock.Now().Add(-time.Second).Unix()), "ExpiredTokenException"},
		"what is no token":  {role.ARN, "abc", "InvalidIdentityToken"},
		"an absent role":    {"arn:aws:iam::111122223333:role/absent", token(t, good), "AccessDenied"},
		"a pattern that matches": {
			like.ARN, with("sub", "system:serviceaccount:team-a:emr-containers-sa-flink-jobmanager-111122223333-abc"), ""},
		"a pattern in another team": {like.ARN, with(
			"sub", "system:serviceaccount:team-b:emr-containers-sa-flink-jobmanager-111122223333-abc"), "AccessDenied"},
		"a pattern, plain account":    {like.ARN, with("sub", "system:serviceaccount:team-a:default"), "AccessDenied"},
		"the subject of another role": {like.ARN, token(t, good), "AccessDenied"},
	} {
		_, err := w.AssumeRoleWithWebIdentity(t.Context(), c.arn, "session", c.jwt)
		require.Equal(t, c.code, awserror.Code(err), "%s: %v", name, err)
	}
	c, err := w.AssumeRoleWithWebIdentity(t.Context(), role.ARN, "karpenter", token(t, good))
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::111122223333:assumed-role/karpenter-controller/karpenter", c.AssumedRoleARN)
	caller, secret, err := sts.CallerByAccessKey(w.Account, c.AccessKey, c.Token)
	require.NoError(t, err)
	require.Equal(t, c.Secret, secret)
	require.Equal(t, account.ByKarpenter, caller.Via)
	_, _, err = sts.CallerByAccessKey(w.Account, c.AccessKey, "wrong")
	w.refused("InvalidClientTokenId", err)
	clock.now = clock.now.Add(2 * time.Hour)
	_, _, err = sts.CallerByAccessKey(w.Account, c.AccessKey, c.Token)
	w.refused("ExpiredToken", err)
}

func TestTokensAreVerified(t *testing.T) {
	t.Parallel()
	verified := &verifier{subject: "system:serviceaccount:a:real"}
	w := newWorld(t, account.Options{})
	w.Tokens = verified
	w.make(account.KindOIDCProvider, account.Props{"url": issuer, "clientIdLists": []any{"sts.amazonaws.com"}})
	role := w.make(account.KindRole, account.Props{"name": "r",
		"assumeRolePolicy": webTrust("StringEquals", "system:serviceaccount:a:real")})
	claimed := token(t, map[string]any{"iss": issuer, "sub": "system:serviceaccount:a:forged", "aud": "sts.amazonaws.com"})
	_, err := w.AssumeRoleWithWebIdentity(t.Context(), role.ARN, "session", claimed)
	require.NoError(t, err, "what counts is what was verified")
	verified.err = errors.New("broken")
	_, err = w.AssumeRoleWithWebIdentity(t.Context(), role.ARN, "session", claimed)
	w.refused("InvalidIdentityToken", err)
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Options{})
	accountWide := `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:` +
		`AssumeRole"}}`
	one := w.make(account.KindRole, account.Props{"name": "one", "assumeRolePolicy": accountWide})
	two := w.make(account.KindRole, account.Props{"name": "two",
		"assumeRolePolicy": `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` + one.ARN + `"},"Action":"sts:AssumeRole"}}`})
	c, err := w.AssumeRole(t.Context(), w.Administrator(), one.ARN, "admin")
	require.NoError(t, err)
	_, err = w.AssumeRole(t.Context(), w.Administrator(), two.ARN, "admin")
	w.refused("AccessDenied", err)
	caller, _, err := sts.CallerByAccessKey(w.Account, c.AccessKey, c.Token)
	require.NoError(t, err)
	_, err = w.AssumeRole(t.Context(), caller, two.ARN, "chained")
	require.NoError(t, err)
	_, err = w.AssumeRole(t.Context(), caller, two.ARN, "bad name")
	w.refused("ValidationError", err)
}

func TestASessionSurvivesARestart(t *testing.T) {
	t.Parallel()
	o := account.Options{Dir: t.TempDir()}
	a, err := account.Open(o)
	require.NoError(t, err)
	w := &world{Service: sts.Service{Account: a}, Account: a, t: t}
	role := w.make(account.KindRole, account.Props{"name": "assumed",
		"assumeRolePolicy": `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}`})
	c, err := w.AssumeRole(t.Context(), account.Caller{}, role.ARN, "session")
	require.NoError(t, err)
	require.NoError(t, a.Close())
	again := newWorld(t, o)
	caller, secret, err := sts.CallerByAccessKey(again.Account, c.AccessKey, c.Token)
	require.NoError(t, err)
	require.Equal(t, "assumed", caller.Role)
	require.Equal(t, c.Secret, secret)
	require.NoError(t, again.Reset())
	_, _, err = sts.CallerByAccessKey(again.Account, c.AccessKey, c.Token)
	again.refused("InvalidClientTokenId", err)
}

func TestPodIdentityGivesTheAssociatedRoleToItsServiceAccountOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Options{})
	cluster := w.cluster()
	issuer := untyped.Text(account.Value(cluster.All(), "identities.oidcs.issuer"))
	pod := func(issuer, name, audience string) string {
		return token(t, map[string]any{"iss": issuer, "sub": "system:serviceaccount:kube-system:" + name, "aud": audience})
	}
	trusting := func(name, serviceAccount string) account.Resource {
		return w.make(account.KindRole, account.Props{
			"name": name,
			"assumeRolePolicy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"],` +
				`"Condition":{"StringEquals":{
			"aws:RequestTag/eks-cluster-arn":"` + cluster.ARN + `","aws:RequestTag/kubernetes-namespace":"kube-system",
			"aws:RequestTag/kubernetes-service-account":"` + serviceAccount + `"}}}]}`,
		})
	}
	good, bad := trusting("good", "karpenter"), trusting("bad", "somebody")
	for name, role := range map[string]account.Resource{"karpenter": good, "other": bad} {
		w.make(account.KindPodIdentityAssociation, account.Props{
			"clusterName": "demo", "namespace": "kube-system", "serviceAccount": name, "roleArn": role.ARN,
		})
	}
	c, err := w.AssumeRoleForPodIdentity(t.Context(),
		pod(issuer, "karpenter", sts.PodIdentityAudience))
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::"+account.DefaultAccountID+":assumed-role/good/eks-demo-karpenter", c.AssumedRoleARN)
	for name, refused := range map[string]struct{ token, code string }{
		"a role that trusts another account": {
			pod(issuer, "other", sts.PodIdentityAudience), "AccessDeniedException",
		},
		"no association": {
			pod(issuer, "none", sts.PodIdentityAudience), "ResourceNotFoundException",
		},
		"another audience": {
			pod(issuer, "karpenter", "sts.amazonaws.com"), "InvalidIdentityToken",
		},
		"another cluster": {
			pod("https://x", "karpenter", sts.PodIdentityAudience), "InvalidIdentityToken",
		},
	} {
		_, err := w.AssumeRoleForPodIdentity(t.Context(), refused.token)
		require.Equal(t, refused.code, awserror.Code(err), "%s: %v", name, err)
	}
}
