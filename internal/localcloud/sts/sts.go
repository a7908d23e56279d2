// SPDX-License-Identifier: Apache-2.0

// Package sts decides who gets credentials of a role of the simulated account, as AWS STS and EKS Pod Identity do, and whose
// credentials a request was signed with.
package sts

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"emrflink/internal/iam"
	"emrflink/internal/localcloud/account"
	"emrflink/internal/localcloud/awserror"
	"emrflink/internal/localcloud/sessions"
	"emrflink/internal/pattern"
	"emrflink/internal/untyped"
)

// PodIdentityAudience is the audience of the tokens that pods show to the Pod Identity agent.
const PodIdentityAudience = "pods.eks.amazonaws.com"

var sessionName = pattern.Lazy(`^[\w+=,.@-]{2,64}$`)

// Credentials are temporary security credentials of an assumed role.
type Credentials struct {
	sessions.Session
	AssumedRoleARN, AssumedRoleID string
}

// TokenVerifier checks the signature of a service-account token of an issuer.
type TokenVerifier interface {
	VerifyToken(ctx context.Context, issuer, jwt string) (sub string, aud []string, err error)
}

// Service gives out credentials. Without a verifier there is nothing that could have signed a service account's token, and its
// claims are taken as they are.
type Service struct {
	Account *account.Account
	Tokens  TokenVerifier
	// Life is how long the credentials are asked for; 0 means an hour, or as long as the role allows if that is less.
	Life time.Duration
}

// maxChained is how long a role may be assumed with the credentials of another.
const maxChained = time.Hour

// CallerByAccessKey returns who signs with an access key, and the secret to verify the signature with.
// The errors are those of AWS for an unknown key, a wrong session token and an expired session.
func CallerByAccessKey(a *account.Account, accessKey, sessionToken string) (account.Caller, string, error) {
	if accessKey == account.StaticAccessKey {
		return a.Administrator(), account.StaticSecretKey, nil
	}
	s, err := a.Sessions.Find(accessKey, sessionToken)
	if err != nil {
		return account.Caller{}, "", err
	}
	return account.Caller{
		ARN: sessionARN(a, s), Account: a.ID(), AccessKey: accessKey, Role: s.Role, Session: s.Name,
		UserID: s.RoleID + ":" + s.Name, Via: viaOf(s.Role, s.Name),
	}, s.Secret, nil
}

// viaOf guesses from the names of a role and a session on whose behalf resources are made: the names that
// controllers and people give to roles are all that AWS shows as well.
func viaOf(role, session string) string {
	names := strings.ToLower(role + " " + session)
	for _, by := range []string{account.ByKarpenter, account.ByFlink} {
		if strings.Contains(names, by) {
			return by
		}
	}
	return account.ByKubernetes
}

func sessionARN(a *account.Account, s sessions.Session) string {
	return "arn:" + a.Partition() + ":sts::" + a.ID() + ":assumed-role/" + s.Role + "/" + s.Name
}

// AssumeRole gives credentials of a role that trusts the caller, for the role's maximum session duration
// or an hour, whichever is less.
func (s Service) AssumeRole(ctx context.Context, c account.Caller, roleARN, session string) (Credentials, error) {
	if err := s.fault(ctx, roleARN); err != nil {
		return Credentials{}, err
	}
	if c.Role == "" && c.ARN == "" {
		c = s.Account.Administrator()
	}
	if c.Role != "" && s.Life > maxChained {
		return Credentials{}, awserror.Bad("ValidationError",
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	return s.assume(roleARN, session, func(role account.Resource) error {
		if !role.Trusts("sts:AssumeRole", iam.Principal{Type: iam.PrincipalAWS, ID: c.ARN}, nil) {
			return awserror.Status(http.StatusForbidden, "AccessDenied",
				"User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.ARN, roleARN)
		}
		return nil
	})
}

// fault is what the account's fault plan says of assuming a role.
func (s Service) fault(ctx context.Context, roleARN string) error {
	return s.Account.Fault(ctx, "assume", account.KindRole, account.RoleName(roleARN))
}

// assume makes a session of a role that allowed agrees with.
func (s Service) assume(roleARN, session string, allowed func(account.Resource) error) (Credentials, error) {
	if !sessionName().MatchString(session) {
		return Credentials{}, awserror.Bad("ValidationError", "Value %q at 'roleSessionName' failed to satisfy constraint: %s",
			session, sessionName())
	}
	role, ok := s.Account.Get(account.KindRole, account.RoleName(roleARN))
	if !ok || strings.HasPrefix(roleARN, "arn:") && role.ARN != roleARN {
		return Credentials{}, awserror.Status(http.StatusForbidden, "AccessDenied", "Not authorized to assume %s", roleARN)
	}
	if err := allowed(role); err != nil {
		return Credentials{}, err
	}
	longest := time.Hour
	if seconds, ok := role.Props["maxSessionDuration"].(float64); ok && seconds > 0 {
		longest = time.Duration(seconds) * time.Second
	}
	if s.Life > longest {
		return Credentials{}, awserror.Bad("ValidationError",
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	life := cmp.Or(s.Life, min(longest, time.Hour))
	issued, err := s.Account.Sessions.Issue(role.ID, untyped.Text(role.Attrs["uniqueId"]), session, life)
	return Credentials{
		Session: issued, AssumedRoleARN: sessionARN(s.Account, issued), AssumedRoleID: issued.RoleID + ":" + session,
	}, err
}

// AssumeRoleWithWebIdentity gives credentials of a role that trusts a service account. The issuer needs an
// OIDC provider in the account that names the audience, and the role's trust policy must allow the subject.
func (s Service) AssumeRoleWithWebIdentity(ctx context.Context, roleARN, session, jwt string) (Credentials, error) {
	if err := s.fault(ctx, roleARN); err != nil {
		return Credentials{}, err
	}
	c, err := parseClaims(jwt)
	if err != nil {
		return Credentials{}, errToken("The ID Token provided is not a valid JWT: %v", err)
	}
	providers := s.Account.Find(account.KindOIDCProvider, func(r account.Resource) bool {
		return r.Name == strings.TrimSuffix(strings.TrimPrefix(c.Issuer, "https://"), "/")
	})
	if len(providers) == 0 {
		return Credentials{}, errToken("No OpenIDConnect provider found in your account for %s", c.Issuer)
	}
	provider := providers[0]
	if err := s.verify(ctx, &c, jwt); err != nil {
		return Credentials{}, err
	}
	if c.expired(s.Account) {
		return Credentials{}, awserror.Bad("ExpiredTokenException",
			"Token expired: current date/time must be before the expiration date/time")
	}
	clients := untyped.Texts(provider.Props["clientIdLists"])
	aud := slices.IndexFunc(c.Audience, func(a string) bool { return slices.Contains(clients, a) })
	if aud < 0 {
		return Credentials{}, errToken("Incorrect token audience")
	}
	keys := map[string][]string{
		provider.Name + ":sub": {c.Subject}, provider.Name + ":aud": {c.Audience[aud]}, provider.Name + ":iss": {c.Issuer},
	}
	federated := iam.Principal{Type: iam.PrincipalFederated, ID: provider.ARN}
	return s.assume(roleARN, session, func(role account.Resource) error {
		if !role.Trusts("sts:AssumeRoleWithWebIdentity", federated, keys) {
			return awserror.Status(http.StatusForbidden, "AccessDenied",
				"Not authorized to perform sts:AssumeRoleWithWebIdentity")
		}
		return nil
	})
}

// AssumeRoleForPodIdentity gives credentials of the role that the token's service account is associated with. The role's
// trust policy must let EKS Pod Identity assume it and tag the session with cluster, namespace and service account.
func (s Service) AssumeRoleForPodIdentity(ctx context.Context, jwt string) (Credentials, error) {
	c, err := parseClaims(jwt)
	if err != nil {
		return Credentials{}, errToken("The token included in the request is not a valid JWT: %v", err)
	}
	if err := s.verify(ctx, &c, jwt); err != nil {
		return Credentials{}, err
	}
	if c.expired(s.Account) {
		return Credentials{}, awserror.Bad("ExpiredTokenException", "The token included in the request is expired")
	}
	if !slices.Contains(c.Audience, PodIdentityAudience) {
		return Credentials{}, errToken("Incorrect token audience")
	}
	namespace, name, ok := strings.Cut(strings.TrimPrefix(c.Subject, "system:serviceaccount:"), ":")
	if !ok {
		return Credentials{}, errToken("%q is no service account", c.Subject)
	}
	cluster, ok := s.Account.ClusterOfIssuer(c.Issuer)
	if !ok {
		return Credentials{}, errToken("no cluster has the issuer %s", c.Issuer)
	}
	association, ok := s.Account.PodIdentity(cluster.ID, namespace, name)
	if !ok {
		return Credentials{}, awserror.Status(http.StatusNotFound, "ResourceNotFoundException",
			"No association found for service account %s/%s in cluster %s", namespace, name, cluster.ID)
	}
	keys := map[string][]string{
		"aws:requesttag/eks-cluster-arn": {cluster.ARN}, "aws:requesttag/eks-cluster-name": {cluster.Name},
		"aws:requesttag/kubernetes-namespace": {namespace}, "aws:requesttag/kubernetes-service-account": {name},
		"aws:sourceaccount": {s.Account.ID()}, "aws:sourcearn": {cluster.ARN},
	}
	service := iam.Principal{Type: iam.PrincipalService, ID: PodIdentityAudience}
	return s.assume(untyped.Text(association.Props["roleArn"]), "eks-"+cluster.Name+"-"+name, func(role account.Resource) error {
		for _, action := range []string{"sts:AssumeRole", "sts:TagSession"} {
			if !role.Trusts(action, service, keys) {
				return awserror.Status(http.StatusForbidden, "AccessDeniedException",
					"Unauthorized Exception! EKS does not have permissions to assume the associated role.")
			}
		}
		return nil
	})
}
