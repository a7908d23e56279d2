// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"encoding/json"
	"log/slog"

	"emrflink/internal/mask"
)

// secretVariables are the environment variables with which secrets come to a run.
func secretVariables() []string {
	return []string{
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN",
		"GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "CI_JOB_TOKEN", "GITLAB_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	}
}

// Secrets are the secrets that came to a run with its environment. Whatever repeats one of them is not shown.
func Secrets(getenv func(string) string) []string {
	var out []string
	for _, name := range secretVariables() {
		if v := getenv(name); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// hideAttr replaces the secrets in an attribute of a log record, its message included. What is neither a text nor an
// error is looked at as the JSON that it becomes.
func hideAttr(secrets []string) func([]string, slog.Attr) slog.Attr {
	return func(_ []string, a slog.Attr) slog.Attr {
		v := a.Value.Resolve()
		switch v.Kind() {
		case slog.KindString:
			a.Value = slog.AnyValue(hideValue(a.Key, v.String(), secrets))
		case slog.KindAny:
			if err, ok := v.Any().(error); ok {
				a.Value = slog.StringValue(mask.Known(err.Error(), secrets))
				return a
			}
			var plain any
			raw, err := json.Marshal(v.Any())
			if err != nil || json.Unmarshal(raw, &plain) != nil {
				return a // the handler says why it cannot be written
			}
			a.Value = slog.AnyValue(hideValue(a.Key, plain, secrets))
		}
		return a
	}
}

func hideValue(key string, v any, secrets []string) any {
	return hideKnown(mask.At([]string{key}, v), secrets)
}

// hideKnown goes through a plain value and replaces the secrets that the run was given.
func hideKnown(v any, secrets []string) any {
	switch v := v.(type) {
	case string:
		return mask.Known(v, secrets)
	case []any:
		for i := range v {
			v[i] = hideKnown(v[i], secrets)
		}
	case map[string]any:
		for k := range v {
			v[k] = hideKnown(v[k], secrets)
		}
	}
	return v
}
