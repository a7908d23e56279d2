// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"

	"emrflink/internal/awskind"
	"emrflink/internal/plans"
)

// rule recognises one kind of failure in the engine's words.
type rule struct {
	re *regexp.Regexp
	// code is the failure's code; "" takes the first submatch.
	code string
	hint string
}

// classifier holds the compiled rules, first match wins: engine problems, then AWS, then Kubernetes.
type classifier struct {
	rules     []rule
	requestID *regexp.Regexp
	awsText   *regexp.Regexp
}

func newClassifier() *classifier {
	r := func(pattern, code, hint string) rule { return rule{regexp.MustCompile(pattern), code, hint} }
	return &classifier{
		requestID: regexp.MustCompile(`(?i)request ?id:? ([0-9a-zA-Z-]{8,})`),
		awsText:   regexp.MustCompile(`(?s)(?:api error |RequestID: [^,\n]+, )([A-Z][A-Za-z0-9.]+: .*)`),
		rules: []rule{
			// The second is what a run says that looks while another one, of another machine, writes its lock.
			r(`the stack is currently locked by|blob \(key "\.pulumi/locks/.{1,300}code=NotFound`, CodeLocked,
				"wait for the other run, or clear its lock: emrflink pulumi cancel"),
			r(`incorrect passphrase|passphrase must be set`, CodePassphrase,
				"set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the passphrase that the stack was made with"),
			r(`failed to decrypt|error decrypting|cipher: message authentication failed|bad value`, CodePassphrase,
				"the stack's secrets were encrypted with another key: give its passphrase, or its secrets provider"),
			r(`MiB are free for plugins in`, CodeNoSpace,
				"free some space, or set PULUMI_HOME to a folder on another disk"),
			r(`PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint`, CodeBucketRegion,
				"name the region of the bucket: --state 's3://BUCKET?region=REGION'"),
			r(`no space left on device`, CodeDiskFull,
				"free some space on the disk of the state directory, then run the same command again"),
			r(`snapshot integrity failure`, CodeStateCorrupt,
				"see the backups beside the state file: emrflink pulumi stack export"),
			r(`no (?:resource|language) plugin|could not load plugin|failed to load plugin|`+
				`plugin .{1,80}not found|failed to download plugin|error downloading plugin`,
				CodePlugin, "check the network, then download what is missing: emrflink doctor --fetch"),
			r(`could not unmarshal|invalid configuration|missing required configuration|`+
				`validating stack config|getting stack configuration`, CodeConfig, ""),
			r(`(?s)operation error IAM: CreateRole\b.{1,400}api error (AccessDenied):`, "",
				"if the account allows roles only with a permissions boundary, or below a path, "+
					"set emrflink:permissionsBoundary or emrflink:rolePath in the stack file"),
			r(`api error ([A-Z][A-Za-z0-9.]+):`, "", ""),
			r(`https response error StatusCode: \d+, RequestID: [^,]+, ([A-Z][A-Za-z0-9.]+):`, "", ""),
			r(`(?m)^\s*(?:\* )?([A-Z][A-Za-z0-9.]+(?:Exception|NotFound|Violation|Exceeded|Fault|`+
				`Conflict|Denied|Malformed|Exists|Operation)|NoSuchEntity)\b`, "", ""),
			r(`(?:failed to|could not) (?:refresh cached|retrieve) credentials|`+
				`no EC2 IMDS role found|no valid credential sources`,
				"NoCredentials", "give credentials (AWS_PROFILE, or aws sso login), then run: emrflink doctor"),
			r(`admission webhook "[^"]+" denied`, "AdmissionDenied", ""),
			r(`\bis forbidden:`, "Forbidden", ""),
			r(`Operation cannot be fulfilled on|Apply failed with \d+ conflict`, "Conflict", ""),
			r(`\balready exists\b`, "AlreadyExists", ""),
			r(`\bis invalid:`, "Invalid", ""),
			r(`(?i)\bunauthorized\b|must be logged in to the server`, "Unauthorized", ""),
			// Helm and the Kubernetes provider end their waits with the word of a deadline, as a dead network does.
			r(`(?s)(?:did not become ready|failed to become available|fully initialize or become live).*`+
				`(?:deadline exceeded|timed out)`, CodeNotReady,
				"see what its pods wait for: kubectl get events -A --field-selector type=Warning"),
			r(`connection refused|no such host|i/o timeout|context deadline exceeded|TLS handshake timeout`, CodeUnreachable, ""),
			r(`transport is closing|error reading from server|Unavailable desc`, CodeProvider,
				"the provider stopped: run the same command again"),
			r(`program failed|an unhandled error occurred|run program:|runtime error`, CodeProgram, ""),
		},
	}
}

// classify fills code, request id and hint in from the failure's own words, and shortens an AWS message to its part
// after the code.
func (c *classifier) classify(f *Failure) {
	text := f.Message
	if text == "" {
		text = f.Raw
	}
	for _, r := range c.rules {
		m := r.re.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		f.Code = r.code
		if f.Code == "" {
			f.Code = m[1]
		}
		if f.Hint == "" {
			f.Hint = r.hint
		}
		break
	}
	if m := c.requestID.FindStringSubmatch(text); m != nil {
		f.RequestID = m[1]
	}
	if m := c.awsText.FindStringSubmatch(f.Message); m != nil {
		f.Message = strings.TrimSpace(m[1])
	}
	if f.Code == "" {
		f.Code = CodeEngine
	}
	if f.Hint == "" && awskind.Absent(f.Code) && f.Op != "" && f.Op != plans.OpDelete {
		f.Hint = "it was deleted in the account and is in the state still; let the deploy read the account first: " +
			"emrflink deploy --refresh"
	}
}

// plain removes the engine's colour tags and the blank space around a message.
func plain(message string) string { return strings.TrimSpace(colors.Never.Colorize(message)) }

// firstError picks the sentence that matters from the engine's standard error.
func firstError(stderr string) string {
	text := plain(stderr)
	if i := strings.Index(text, "error: "); i >= 0 {
		text = text[i+len("error: "):]
	}
	return strings.TrimSpace(text)
}
