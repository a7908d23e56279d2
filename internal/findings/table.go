// SPDX-License-Identifier: Apache-2.0

package findings

import "slices"

// Rules without a check of their own.
const (
	// NotChecked says which rules had to look at values that are not known yet.
	NotChecked = "not-checked"
	// UnusedAcceptance says that the stack file accepts what is not found.
	UnusedAcceptance = "unused-acceptance"
)

// Rules are all rules, sorted by severity, then by id.
func Rules() []Rule {
	all := table()
	slices.SortStableFunc(all, func(a, b Rule) int {
		if d := rank(a.Severity) - rank(b.Severity); d != 0 {
			return d
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all
}

// IDs are the ids of all rules.
func IDs() []string {
	var out []string
	for _, r := range Rules() {
		out = append(out, r.ID)
	}
	return out
}

func table() []Rule {
	return slices.Concat(accessRules(), iamRules(), storageRules(), nodeRules(), operationRules(), ownRules())
}

// docs is where AWS's user guides are.
const docs = "https://docs.aws.amazon.com/"

func accessRules() []Rule {
	return []Rule{
		{
			ID: "public-endpoint", Severity: High, Title: "the Kubernetes API is open to the whole internet",
			Why: "A stolen credential works from anywhere, and everybody can reach a vulnerability of the API server.",
			Fix: "Set emrflink:endpointAccess to {\"public\":false}, or list the ranges of your offices and runners in " +
				"publicCidrs.",
			Source: docs + "eks/latest/userguide/cluster-endpoint.html", check: publicEndpoint,
		},
		{
			ID: "open-ingress", Severity: High, Title: "a security group lets the whole internet in",
			Why:    "Everybody can reach every open port behind it.",
			Fix:    "Name the ranges or the security groups that need the port.",
			Source: docs + "vpc/latest/userguide/security-group-rules.html", check: openIngress,
		},
		{
			ID: "open-egress", Severity: Medium, Title: "pods may connect to the whole internet on more than HTTPS",
			Why:    "A dependency that was tampered with sends the team's data anywhere, past the logs of AWS's own services.",
			Fix:    "Name the ranges of the sources and sinks in the egress of the team.",
			Source: "https://kubernetes.io/docs/concepts/services-networking/network-policies/", check: openEgress,
		},
		{
			ID: "pod-security", Severity: High, Title: "a team's namespace allows privileged pods",
			Why:    "A privileged pod is root on its node: it reads the other teams' data and the node's credentials.",
			Fix:    "Label the namespace pod-security.kubernetes.io/enforce: baseline or restricted.",
			Source: "https://kubernetes.io/docs/concepts/security/pod-security-standards/", check: podSecurity,
		},
		{
			ID: "plain-secret", Severity: High, Title: "a secret is configured in plain text",
			Why: "It is in clear text in the state, in the provider's calls and often in tags or logs. This output hides it.",
			Fix: "Keep it in Secrets Manager and refer to it by name, or mark it: pulumi.ToSecret, `pulumi config set " +
				"--secret`. Then change it, because others have seen it.",
			Source: "https://www.pulumi.com/docs/iac/concepts/secrets/", check: plainSecret,
		},
	}
}

func iamRules() []Rule {
	best := docs + "IAM/latest/UserGuide/best-practices.html#grant-least-privilege"
	return []Rule{
		{
			ID: "iam-wildcard-action", Severity: High, Title: "a policy allows every action of a service",
			Why:    "It allows actions that nobody intended, and actions that AWS adds to the service later.",
			Fix:    "List the actions that are called.",
			Source: best, check: wildcardAction,
		},
		{
			ID: "iam-wildcard-resource", Severity: High, Title: "a policy allows actions on every resource",
			Why:    "It gives access to resources of others in the account. Actions for which AWS accepts only * are left out.",
			Fix:    "Name the ARNs, or limit the statement by a tag (aws:ResourceTag).",
			Source: best, check: wildcardResource,
		},
		{
			ID: "iam-broad-managed-policy", Severity: High, Title: "a role has a policy of AWS that allows all of a service",
			Why: "AdministratorAccess, PowerUserAccess and the policies that end with FullAccess reach what others have in the " +
				"account, and grow with the service. Of a policy of the account itself, a preview knows only the ARN.",
			Fix:    "List the actions and the ARNs in a policy of your own.",
			Source: best, check: broadManagedPolicy,
		},
		{
			ID: "iam-open-trust", Severity: High, Title: "a role or a resource trusts everybody",
			Why: "A role that trusts an identity provider without a condition on the subject can be assumed by every " +
				"service account of the cluster.",
			Fix:    "Name the principal; for a service account, add a condition on sub with its exact name.",
			Source: docs + "eks/latest/userguide/associate-service-account-role.html", check: openTrust,
		},
		{
			ID: "iam-user", Severity: Medium, Title: "an IAM user or an access key is made",
			Why:    "Its credentials do not expire, and the secret half of an access key is in the state.",
			Fix:    "Use a role: IRSA or Pod Identity for pods, OIDC for CI, IAM Identity Center for people.",
			Source: docs + "IAM/latest/UserGuide/best-practices.html#bp-workloads-use-roles", check: iamUser,
		},
		{
			ID: "iam-refused-document", Severity: Medium, Title: "IAM refuses a policy document",
			Why:    "The deployment fails at it, with half of its resources created.",
			Fix:    "Correct what the message names.",
			Source: docs + "IAM/latest/UserGuide/reference_policies_grammar.html", check: refusedDocument,
		},
	}
}

func storageRules() []Rule {
	return []Rule{
		{
			ID: "bucket-public-access", Severity: High, Title: "a bucket does not block public access",
			Why:    "One wrong ACL or policy makes checkpoints, and so the data of the jobs, public.",
			Fix:    "Add a public access block with all four settings on.",
			Source: docs + "AmazonS3/latest/userguide/access-control-block-public-access.html", check: bucketPublicAccess,
		},
		{
			ID: "unencrypted-volume", Severity: High, Title: "a volume is not encrypted",
			Why:    "Flink spills state to it; a snapshot or a disk that leaves the account is readable.",
			Fix:    "Set encrypted: true in the block device mapping, the volume or the storage class.",
			Source: docs + "ebs/latest/userguide/ebs-encryption.html", check: unencryptedVolume,
		},
		{
			ID: "bucket-tls", Severity: Medium, Title: "a bucket can be used without TLS",
			Why:    "A wrongly configured client sends state and credentials in clear text.",
			Fix:    "Deny s3:* on the bucket and its objects when aws:SecureTransport is false.",
			Source: docs + "AmazonS3/latest/userguide/security-best-practices.html", check: bucketTLS,
		},
		{
			ID: "bucket-versioning", Severity: Medium, Title: "a bucket keeps no versions",
			Why:    "A checkpoint or a savepoint that is overwritten or deleted is gone.",
			Fix:    "Enable versioning, with a lifecycle rule that expires old versions.",
			Source: docs + "AmazonS3/latest/userguide/Versioning.html", check: bucketVersioning,
		},
		{
			ID: "bucket-encryption", Severity: Low, Title: "a bucket has no encryption configuration",
			Why: "Since 2023, S3 encrypts new objects with its own keys; without a configuration nobody sees that, or whether " +
				"it must be your own key.",
			Fix:    "Add a server-side encryption configuration: AES256, or aws:kms with your key.",
			Source: docs + "AmazonS3/latest/userguide/default-bucket-encryption.html", check: bucketEncryption,
		},
		{
			ID: "log-retention", Severity: Low, Title: "a log group keeps its events without a limit",
			Why:    "They are stored, and billed, until somebody deletes them.",
			Fix:    "Set retentionInDays (emrflink:logRetentionDays).",
			Source: docs + "AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html", check: logRetention,
		},
	}
}

func nodeRules() []Rule {
	return []Rule{
		{
			ID: "imds-v1", Severity: High, Title: "the instance metadata answers without a token",
			Why:    "An attacker who can make a pod send a request gets the node's credentials.",
			Fix:    "Set httpTokens: required in the metadata options.",
			Source: docs + "AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html", check: imdsV1,
		},
		{
			ID: "imds-hop-limit", Severity: Low, Title: "pods reach the instance metadata",
			Why:    "With a hop limit above 1, every pod on the node can use the node's role.",
			Fix:    "Set httpPutResponseHopLimit: 1 and give pods roles of their own.",
			Source: docs + "eks/latest/best-practices/identity-and-access-management.html", check: imdsHopLimit,
		},
		{
			ID: "unpinned-ami", Severity: Medium, Title: "nodes use the newest image, whichever it is",
			Why:    "A new image replaces every node at a time that nobody chose, and nobody has tested it.",
			Fix:    "Pin the version in the alias: al2023@v20261023.",
			Source: "https://karpenter.sh/docs/concepts/nodeclasses/#specamiselectorterms", check: unpinnedAMI,
		},
		{
			ID: "spot-jobmanager", Severity: Medium, Title: "JobManagers may run on spot instances",
			Why:    "Losing the JobManager stops the whole job; losing a TaskManager costs one restart.",
			Fix:    "Leave only on-demand in the requirement karpenter.sh/capacity-type of the JobManagers' pool.",
			Source: docs + "emr/latest/EMR-on-EKS-DevelopmentGuide/jobruns-flink-decommission.html", check: spotJobManager,
		},
		{
			ID: "nodepool-grace", Severity: Medium, Title: "a node pool waits for its pods without a limit",
			Why: "A pod that must not be disrupted keeps a drifted or expired node, and its costs, until somebody removes " +
				"it manually.",
			Fix:    "Set spec.template.spec.terminationGracePeriod.",
			Source: "https://karpenter.sh/docs/concepts/disruption/#terminationgraceperiod", check: nodePoolGrace,
		},
		{
			ID: "nodepool-limits", Severity: Medium, Title: "a node pool has no limit",
			Why:    "A job with a wrong parallelism buys as many instances as the account's quota allows.",
			Fix:    "Set spec.limits.cpu and spec.limits.memory.",
			Source: "https://karpenter.sh/docs/concepts/nodepools/#speclimits", check: nodePoolLimits,
		},
		{
			ID: "nodepool-budgets", Severity: Low, Title: "a node pool has no disruption budget",
			Why:    "Karpenter then replaces a tenth of the nodes at once: several TaskManagers of one job may stop together.",
			Fix:    "Set spec.disruption.budgets, such as nodes: \"1\".",
			Source: "https://karpenter.sh/docs/concepts/disruption/#nodepool-disruption-budgets", check: nodePoolBudgets,
		},
	}
}

func operationRules() []Rule {
	return []Rule{
		{
			ID: "open-dashboards", Severity: High, Title: "Grafana is reachable from outside and asks for no login",
			Why: "Names of jobs, topics and buckets, and how much goes through them, are there for whoever finds the address.",
			Fix: "Reach it by a port-forward: no ingress and service.type ClusterIP. Or let it ask for a login: " +
				"grafana.ini auth.anonymous.enabled: false.",
			Source: "https://grafana.com/docs/grafana/latest/setup-grafana/configure-access/configure-authentication/" +
				"anonymous-auth/",
			check: openDashboards,
		},
		{
			ID: "metrics-volume", Severity: Low, Title: "Prometheus keeps its metrics in the pod",
			Why:    "They are gone with each move of the pod, and with them what alerts compare with.",
			Fix:    "Set prometheusSpec.storageSpec.volumeClaimTemplate.",
			Source: "https://prometheus-operator.dev/docs/platform/storage/", check: metricsVolume,
		},
		{
			ID: "control-plane-logs", Severity: Medium, Title: "the control plane does not log who did what",
			Why:    "Without the logs api, audit and authenticator nobody can tell afterwards who changed the cluster.",
			Fix:    "Enable these log types.",
			Source: docs + "eks/latest/userguide/control-plane-logs.html", check: controlPlaneLogs,
		},
		{
			ID: "extended-support", Severity: Medium, Title: "the Kubernetes version is in extended support",
			Why:    "The control plane costs six times as much per hour, and AWS upgrades it by force at the end.",
			Fix:    "Raise emrflink:kubernetesVersion, one minor version at a time.",
			Source: docs + "eks/latest/userguide/kubernetes-versions.html", check: extendedSupport,
		},
		{
			ID: "single-nat", Severity: Low, Title: "all zones use one NAT gateway",
			Why:    "If its zone fails, no node in any zone reaches AWS's APIs or an image; traffic between zones is billed.",
			Fix:    "Set emrflink:natGateways to perZone.",
			Source: docs + "vpc/latest/userguide/nat-gateway-basics.html", check: singleNAT,
		},
		{
			ID: "partly-mirrored", Severity: Low, Title: "some images come from mirrors, others from public registries",
			Why: "A public registry that is away or that limits pulls still keeps pods from starting, and what was to be " +
				"scanned in one place is not.",
			Fix:    "Name a mirror for each registry, or for * , in the images of emrflink:mirrors.",
			Source: docs + "AmazonECR/latest/userguide/pull-through-cache.html", check: partlyMirrored,
		},
		{
			ID: "cold-cache", Severity: Low,
			Title: "nodes without a way to the internet may be the first to pull an image from ECR",
			Why: "For the first pull through a cache AWS may need a route to the internet; without one, pods wait with " +
				"ImagePullBackOff.",
			Fix: "Pull each image once from elsewhere before the deploy, at every change of versions too, or push the images " +
				"to the registry; then accept this finding.",
			Source: docs + "AmazonECR/latest/userguide/pull-through-cache.html", check: coldCache,
		},
	}
}

// ownRules are about the findings themselves.
func ownRules() []Rule {
	return []Rule{
		{
			ID: NotChecked, Severity: Low, Title: "a rule needs a value that is not known yet",
			Why:    "A value that AWS sets only when it creates a resource cannot be checked before. It may be wrong.",
			Fix:    "Nothing, before a first deployment; afterwards preview with the deployed state.",
			Source: "https://www.pulumi.com/docs/iac/concepts/inputs-outputs/",
		},
		{
			ID: UnusedAcceptance, Severity: Low, Title: "the stack file accepts a finding that does not exist",
			Why:    "The risk is gone, or the resource has another name and its finding is open again.",
			Fix:    "Remove the entry from emrflink:acceptedFindings, or correct its resource.",
			Source: "https://www.pulumi.com/docs/iac/concepts/config/",
		},
	}
}
