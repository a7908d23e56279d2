// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/awsapi"
	"emrflink/internal/localcloud/account"
)

func TestATokenLivesForAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	a, err := account.Open(account.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	c, err := awsapi.New(t.Context(), awsapi.Options{Region: "us-west-2", Env: map[string]string{
		awsapi.EnvEndpoint: "http://127.0.0.1:1", awsapi.EnvAccessKey: account.StaticAccessKey,
		awsapi.EnvSecretKey: account.StaticSecretKey}})
	require.NoError(t, err)
	made := time.Now()
	token, _, err := c.EKSToken(t.Context(), "demo")
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		after time.Duration
		ok    bool
	}{
		"at once":                    {0, true},
		"longer than the URL lasts":  {10 * time.Minute, true},
		"just before the end":        {15*time.Minute - 5*time.Second, true},
		"after the end":              {16 * time.Minute, false},
		"long before it was signed":  {-20 * time.Minute, false},
		"on a clock that is slow":    {-5 * time.Minute, true},
		"a day later, at that time":  {24 * time.Hour, false},
		"a year earlier (bad clock)": {-365 * 24 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := verifyEKSToken(a, token, "demo", made.Add(tc.after))
			if tc.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "expired")
		})
	}
}

func TestFilterPatterns(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pattern, text string
		want          bool
	}{
		"plain text is compared":          {"abc", "abc", true},
		"plain text is not a prefix":      {"ab", "abc", false},
		"a star is any text":              {"a*c", "abbbc", true},
		"a star is no text":               {"abc*", "abc", true},
		"a question mark is one letter":   {"a?c", "abc", true},
		"a question mark is not none":     {"ab?", "ab", false},
		"stars backtrack":                 {"*b*d", "abcbd", true},
		"what follows a star must match":  {"*x", "abc", false},
		"the empty pattern is empty text": {"", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := row{attrs: map[string][]string{"name": {tc.text}}}
			require.Equal(t, tc.want, one.matches("name", []string{tc.pattern}))
		})
	}
}

func TestImageIDsSpellWhatTheImageIs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range newestAMIs() {
		require.Regexp(t, `^ami-[0-9a-f]{17}$`, m.id())
		require.False(t, seen[m.id()])
		seen[m.id()] = true
		back, ok := parseAMI(m.id())
		require.True(t, ok, m.name())
		require.Equal(t, m, back)
	}
	for name, parameter := range map[string]string{
		"the recommended image": "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/recommended/image_id",
		"a pinned image": "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/arm64/nvidia/" +
			"amazon-eks-node-al2023-arm64-nvidia-1.35-v20260801/image_id",
		"a Bottlerocket image":    "/aws/service/bottlerocket/aws-k8s-1.35/arm64/latest/image_id",
		"Bottlerocket for a GPU":  "/aws/service/bottlerocket/aws-k8s-1.35-nvidia/x86_64/latest/image_id",
		"an image for a neuron":   "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/neuron/recommended/image_id",
		"the oldest with a image": "/aws/service/eks/optimized-ami/1.30/amazon-linux-2023/arm64/standard/recommended/image_id",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, ok := amiByParameter(parameter)
			require.True(t, ok)
			back, ok := parseAMI(m.id())
			require.True(t, ok)
			require.Equal(t, m, back)
		})
	}
	for name, parameter := range map[string]string{
		"no neuron image for arm": "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/arm64/neuron/recommended/image_id",
		"a version without images": "/aws/service/eks/optimized-ami/1.20/amazon-linux-2023/x86_64/standard/recommended/" +
			"image_id",
		"a release in the future": "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/" +
			"amazon-eks-node-al2023-x86_64-standard-1.35-v20991231/image_id",
		"a release that is no date": "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/" +
			"amazon-eks-node-al2023-x86_64-standard-1.35-v20269999/image_id",
		"a name of another version": "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/" +
			"amazon-eks-node-al2023-x86_64-standard-1.34-v20260801/image_id",
		"something else altogether":   "/aws/service/global-infrastructure/regions",
		"an Amazon Linux 2 parameter": "/aws/service/eks/optimized-ami/1.32/amazon-linux-2/recommended/image_id",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ok := amiByParameter(parameter)
			require.False(t, ok)
		})
	}
	for _, id := range []string{"ami-0123456789abcdef0", "ami-000035202611120", "ami-", "ami-09003520261112000"} {
		_, ok := parseAMI(id)
		require.False(t, ok, id)
	}
}
