// SPDX-License-Identifier: Apache-2.0

package diagnose

import "slices"

// Rules are all that can be found, by their subjects.
func Rules() []Rule {
	return slices.Concat(controlRules(), startRules(), accessRules(), nodeRules(), memoryRules(), codeRules(),
		stateRules(), checkpointRules(),
		loadRules(), runRules())
}

// controlRules are about what a job depends on in its cluster. They come first: what they find hides everything else.
func controlRules() []Rule {
	return []Rule{
		shared("operator-down", Rule{Weight: 100, In: []Source{Operator}, find: operatorDown}),
		{
			ID: "stuck-finalizer", Weight: 98, Title: "the job is being deleted and does not go", In: []Source{Spec},
			find: stuckFinalizer,
			Cause: "A finalizer is held until its controller has cleaned up: the operator does not run, cannot read the " +
				"spec, or " +
				"waits for session jobs.",
			Command: "emrflink job events {job}",
		},
		{
			ID: "webhook-down", Weight: 96, Title: "a webhook that changes of Flink jobs pass does not answer",
			In: []Source{Webhooks, Events, Spec}, Words: `failed calling webhook|no endpoints available for service`,
			find: webhookDown, Cause: "With failurePolicy Fail the API server refuses every change, also the operator's own.",
			Command: "emrflink status",
		},
		{
			ID: "clock", Weight: 94, Title: "clocks differ", In: []Source{HA, Exceptions, Logs, Pods}, find: clockAhead,
			Words: `RequestTimeTooSkewed|RequestExpired|Signature not yet current|certificate has expired or is not yet valid|` +
				`CertificateNotYetValid|Token used before issued`,
			Cause:   "AWS and TLS refuse what is signed at another time, and leases look expired: a node's clock is wrong.",
			Command: "emrflink job status {job}",
		},
		{
			ID: "lease", Weight: 92, Title: "the JobManager lost its lease, or does not renew it", In: []Source{HA, Logs,
				Exceptions},
			find: staleLease,
			Words: `(?i)lost leadership|leadership (was )?(lost|revoked)|leader election .*(lost|fail)|` +
				`Failed to (renew|update) (lock|lease)|Exception occurred while (renewing|acquiring) lock`,
			Cause: "The leader writes its lease into a ConfigMap: the API server is slow or away, the JobManager stands still " +
				"(garbage collection, no CPU), or its role may not change ConfigMaps.",
			Command: "emrflink job logs {job} --role jobmanager --since 15m",
		},
		{
			ID: "validation", Weight: 90, Title: "the operator refuses the spec", In: []Source{Spec, Events},
			Words: `ValidationE(rror|xception)|UnsupportedFlinkVersion|must be defined|must be larger than|Forbidden Flink ` +
				`config key|` +
				`Cannot switch from|is invalid, must consist of|parse error`,
			Cause:   "What ran before runs on; the change is not taken up until the field is mended.",
			Command: "emrflink job validate FILE",
		},
		{
			ID: "operator-silent", Weight: 40, Title: "the operator has not taken up the last change", In: []Source{Spec},
			find:    operatorSilent,
			Cause:   "It does not run, does not watch the namespace, or is busy with other jobs.",
			Command: "emrflink status",
		},
		{
			ID: "rbac", Weight: 86, Title: "Kubernetes denies the job or the operator a permission",
			In: []Source{Spec, Events, Exceptions, Logs, Pods}, Words: `is forbidden: User "?system:serviceaccount|` +
				`Forbidden!Configured ` +
				`service account`,
			Cause: "The role of the service account lacks the verb on the resource that the message names; the operator " +
				"makes both " +
				"in the job's namespace.",
			Command: "emrflink deploy",
		},
	}
}

// startRules are about pods that are refused or do not start.
func startRules() []Rule {
	refused := []Source{Spec, Events}
	return []Rule{
		{
			ID: "quota", Weight: 84, Title: "the quota of the namespace is used up", In: []Source{Spec, Events, Quota,
				Exceptions, Logs},
			Words: `exceeded quota`, find: fullQuota,
			Cause:   "The API server refuses the pods; the job waits without an error of Flink.",
			Command: "emrflink job list",
		},
		{
			ID: "limit-range", Weight: 83, Title: "a container asks for more or less than the namespace allows", In: refused,
			Words:   `(maximum|minimum) (memory|cpu|ephemeral-storage) usage per (Container|Pod)`,
			Cause:   "The LimitRange of the namespace bounds what a container may ask for.",
			Command: "emrflink job validate FILE",
		},
		{
			ID: "pod-security", Weight: 82, Title: "the namespace's pod security level refuses the pods", In: refused,
			Words:   `violates PodSecurity`,
			Cause:   "The pod template asks for something that the level forbids; the message names the field.",
			Command: "emrflink job validate FILE",
		},
		{
			ID: "image-denied", Weight: 81, Title: "the image's registry refuses the pull", In: []Source{Pods, Events},
			Words: `(?i)(pull|image).*(403 Forbidden|401 Unauthorized|no basic auth credentials|denied|` +
				`authorization token has expired)`,
			Cause: "The role of the nodes may not read the repository, or the repository's policy excludes this account.",
			// The events have the registry's whole answer.
			Command: "emrflink job events {job}",
		},
		{
			ID: "image", Weight: 80, Title: "an image cannot be pulled", In: []Source{Pods, Events},
			Words:  `ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|Failed to pull image`,
			unless: `(?i)(403 Forbidden|401 Unauthorized|no basic auth credentials|denied|authorization token has expired)`,
			Cause: "Its name or tag does not exist, it is not of the node's architecture, or the node cannot reach the " +
				"registry.",
			Command: "emrflink job events {job}",
		},
		{
			ID: "reference", Weight: 79, Title: "a ConfigMap, Secret or volume of the pods is missing", In: []Source{Pods,
				Events},
			Words: `CreateContainerConfigError|(configmap|secret|persistentvolumeclaim)s? "[^"]+" not found|FailedMount|` +
				`FailedAttachVolume`,
			Cause:   "The pod waits until what it refers to is in its namespace.",
			Command: "emrflink job events {job}",
		},
	}
}

// accessRules are about what AWS refuses to the job.
func accessRules() []Rule {
	return []Rule{
		{
			ID: "trust", Weight: 88, Title: "STS does not let the pods take their role", In: []Source{Exceptions, Logs,
				Pods, Checkpoints},
			Words: `sts:AssumeRole\w*|WebIdentityErr|InvalidIdentityToken|Not authorized to perform sts|` +
				`No OpenIDConnect provider found`,
			Cause: "The trust policy of the execution role does not name the service account that EMR made for the job, or the " +
				"cluster's OIDC provider is gone.",
			Command: "emrflink job validate FILE",
		},
		{
			ID: "s3-throttled", Weight: 64, Title: "S3 asks the job to slow down", In: []Source{Exceptions, Checkpoints, Logs},
			Words:   `SlowDown|Please reduce your request rate|Status Code: 503; Error Code: (503|SlowDown|ServiceUnavailable)`,
			Cause:   "More requests a second than the prefix takes: many small files at once. entropy injection spreads them.",
			Command: "emrflink job logs {job} --since 15m",
		},
		{
			ID: "kms-denied", Weight: 87, Title: "KMS refuses the key of the bucket", In: []Source{Exceptions, Checkpoints,
				Logs, Pods},
			Words:   `KMS\.AccessDenied|kms:(Decrypt|GenerateDataKey\w*|Encrypt)|KMS\.DisabledException|KMSInvalidState`,
			Cause:   "The execution role may not use the key with which the bucket is encrypted, or the key is disabled.",
			Command: "emrflink deploy",
		},
		{
			ID: "s3-denied", Weight: 85, Title: "S3 denies the job a call", In: []Source{Exceptions, Checkpoints, Logs,
				Pods, Snapshots, Spec},
			Words: `(?i)(s3|\.s3\.).*(access ?denied|Status Code: 403|403 Forbidden|AllAccessDisabled)|` +
				`AccessDenied(Exception)?: .*s3|(access ?denied).*(s3a?://|S3)`,
			// Hadoop tries to delete the folders above a file, which no role of a team may; it goes on.
			unless: `(?i)sts:AssumeRole|KMS\.|kms:|MultiObjectDeleteSupport`,
			Cause: "The execution role has no permission for the bucket or the prefix: the path is another team's, or the " +
				"role or " +
				"the bucket's policy was changed.",
			Command: "emrflink drift",
		},
		{
			ID: "no-bucket", Weight: 84, Title: "the bucket does not exist", In: []Source{Exceptions, Checkpoints, Logs,
				Pods, Snapshots},
			Words:   `NoSuchBucket|(?i)bucket .{0,80}does not exist`,
			Cause:   "A path of the job's configuration names a bucket that is not there.",
			Command: "emrflink outputs",
		},
	}
}
