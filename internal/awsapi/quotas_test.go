// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
)

// answering returns a client of a server that answers each X-Amz-Target with a status and a body.
func answering(t *testing.T, now func() time.Time, answers map[string]string) *Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.Header.Get("X-Amz-Target")]
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			text = `{"__type":"com.amazonaws.servicequotas#NoSuchResourceException","Message":"none"}`
		}
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(srv.Close)
	c, err := New(t.Context(), Options{
		Region: "us-west-2", Now: now, Env: map[string]string{EnvEndpoint: srv.URL, EnvAccessKey: "k", EnvSecretKey: "s"},
	})
	require.NoError(t, err)
	return c
}

func TestAQuotaWithoutAValueOfTheAccountIsAWSsDefault(t *testing.T) {
	t.Parallel()
	const own, standard = "ServiceQuotasV20190624.GetServiceQuota", "ServiceQuotasV20190624.GetAWSDefaultServiceQuota"
	for name, c := range map[string]struct {
		answers map[string]string
		want    float64
		code    string
	}{
		"the account's":     {map[string]string{own: `{"Quota":{"Value":12}}`, standard: `{"Quota":{"Value":5}}`}, 12, ""},
		"zero is a value":   {map[string]string{own: `{"Quota":{"Value":0}}`}, 0, ""},
		"the default":       {map[string]string{standard: `{"Quota":{"Value":5}}`}, 5, ""},
		"neither":           {nil, 0, "NoSuchResourceException"},
		"an answer without": {map[string]string{own: `{"Quota":{}}`}, 0, "InvalidResponse"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := answering(t, nil, c.answers).Quota(t.Context(), "vpc", "L-F678F1CE")
			if c.code != "" {
				require.True(t, IsCode(err, c.code), err)
				return
			}
			require.NoError(t, err)
			require.InDelta(t, c.want, got, 0)
		})
	}
}

func TestStandardInstancesAreThoseThatTheQuotaCounts(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]bool{
		"m5.xlarge": true, "c5d.large": true, "r6gd.4xlarge": true, "t3.micro": true, "im4gn.large": true, "is4gen.large": true,
		"z1d.large": true, "a1.large": true, "i8g.large": true, "g5.xlarge": false, "p5.48xlarge": false, "inf2.xlarge": false,
		"trn1.2xlarge": false, "x2gd.large": false, "dl1.24xlarge": false, "hpc7a.96xlarge": false, "mac2.metal": false,
		"u-6tb1.metal": false, "vt1.3xlarge": false, "f1.2xlarge": false,
	} {
		require.Equal(t, want, Standard(typ), typ)
	}
}

func TestASessionSaysWhenItEnds(t *testing.T) {
	ends := time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		credentials aws.Credentials
		env         string
		want        Session
	}{
		"keys of a user": {aws.Credentials{Source: "SharedConfigCredentials"}, "", Session{Source: "SharedConfigCredentials"}},
		"a session, known": {
			aws.Credentials{Source: "ProcessProvider", SessionToken: "t", CanExpire: true, Expires: ends},
			"",
			Session{Source: "ProcessProvider", Temporary: true, Expires: ends},
		},
		"a session, unknown": {
			aws.Credentials{Source: "EnvConfigCredentials", SessionToken: "t"},
			"",
			Session{Source: "EnvConfigCredentials", Temporary: true},
		},
		"the environment knows": {
			aws.Credentials{Source: "EnvConfigCredentials", SessionToken: "t"},
			"2026-11-22T13:00:00Z",
			Session{Source: "EnvConfigCredentials", Temporary: true, Expires: ends},
		},
		"the environment errs": {
			aws.Credentials{Source: "EnvConfigCredentials", SessionToken: "t"},
			"soon",
			Session{Source: "EnvConfigCredentials", Temporary: true},
		},
		"it is about other keys": {
			aws.Credentials{Source: "SharedConfigCredentials", SessionToken: "t"},
			"2026-11-22T13:00:00Z",
			Session{Source: "SharedConfigCredentials", Temporary: true},
		},
		"one that renews": {
			aws.Credentials{Source: "SSOProvider", SessionToken: "t", CanExpire: true, Expires: ends},
			"",
			Session{Source: "SSOProvider", Temporary: true, Renews: true, Expires: ends},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(EnvExpiration, c.env)
			client := answering(t, nil, nil)
			client.cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return c.credentials, nil
			})
			got, err := client.Session(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestTheSkewIsThatOfTheDateOfAnAnswer(t *testing.T) {
	t.Parallel()
	for _, want := range []time.Duration{0, -7 * time.Minute, time.Hour} {
		c := answering(t, func() time.Time { return time.Now().Add(want) }, nil)
		got, err := c.Skew(t.Context())
		require.NoError(t, err)
		// A second for the Date, which is cut, and what a loaded machine needs between the answer and its reading.
		require.InDelta(t, want.Seconds(), got.Seconds(), 30)
	}
}
