// SPDX-License-Identifier: Apache-2.0

package graphcheck

import (
	"math/big"
	"strings"
)

func logGroup(n names, name string) string {
	return "arn:aws:logs:" + n.region + ":" + n.account + ":log-group:" + name
}

// teamCases: a team's jobs have their own prefix of the bucket and their own log group, and nothing of another team's.
func teamCases(w *World) []Case {
	teams, _ := w.Graph.Outputs["teams"].(object)
	bucket, n := "arn:aws:s3:::"+w.output("checkpointBucket"), w.names()
	var out []Case
	for _, team := range sorted(teams) {
		t := &table{who: lastPart(w.output("teams", team, "jobRoleArn"), "/")}
		own, other := bucket+"/"+team, bucket+"/another-team"
		read, write := []string{"s3:GetObject"}, []string{"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
			"s3:ListMultipartUploadParts"}
		for _, place := range []string{"checkpoints", "savepoints", "jobmanager"} {
			t.may(nil, own+"/"+place+"/job/chk-1/_metadata", append(read, write...)...)
			t.may(nil, own+"/"+place, append(read, write...)...)
			t.mayNot(nil, other+"/"+place+"/job/chk-1/_metadata", append(read, write...)...)
			t.mayNot(keys{"aws:SecureTransport": "false"}, own+"/"+place+"/x", append(read, write...)...)
		}
		t.may(nil, own+"/jars/job.jar", read...)
		t.may(nil, own, read...)
		t.mayNot(nil, own+"/jars/job.jar", write...)
		t.mayNot(nil, own+"-b/checkpoints/x", append(read, write...)...)
		t.may(nil, bucket+"/logs/"+team+"/x", "s3:PutObject")
		t.mayNot(nil, bucket+"/logs/another-team/x", "s3:PutObject", "s3:GetObject")
		t.mayNot(nil, bucket+"/logs/"+team+"/x", "s3:DeleteObject")
		list := func(prefix string) keys { return keys{"s3:prefix": prefix} }
		t.may(list(team+"/checkpoints/"), bucket, "s3:ListBucket")
		t.may(list(team), bucket, "s3:ListBucket")
		t.mayNot(list("another-team/"), bucket, "s3:ListBucket")
		t.mayNot(list(team+"-b/"), bucket, "s3:ListBucket")
		t.mayNot(list(""), bucket, "s3:ListBucket")
		t.mayNot(nil, bucket, "s3:ListBucket", "s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration")
		t.mayNot(list(team+"/"), bucket+"-other", "s3:ListBucket")
		t.may(nil, bucket, "s3:GetBucketLocation")
		t.mayNot(nil, bucket+"-other", "s3:GetBucketLocation")
		logCases(t, n, w.output("teams", team, "logGroup"))
		t.mayNot(nil, "*", "ec2:RunInstances", "iam:PassRole", "sts:AssumeRole")
		out = append(out, t.rows...)
	}
	return out
}

// logCases: log streams of the own group, none of another one.
func logCases(t *table, n names, group string) {
	own, other := logGroup(n, group), logGroup(n, group+"-other")
	t.may(nil, own, "logs:CreateLogGroup")
	// CloudWatch Logs checks it against this one, whatever is looked for.
	t.may(nil, logGroup(n, "")+":log-stream:", "logs:DescribeLogGroups")
	t.may(nil, own+":log-stream:", "logs:DescribeLogStreams")
	t.may(nil, own+":log-stream:pod/stdout", "logs:CreateLogStream", "logs:PutLogEvents")
	t.mayNot(nil, other, "logs:CreateLogGroup")
	t.mayNot(nil, other+":log-stream:", "logs:DescribeLogStreams")
	t.mayNot(nil, other+":log-stream:x", "logs:CreateLogStream", "logs:PutLogEvents")
	t.mayNot(nil, own, "logs:DeleteLogGroup", "logs:PutRetentionPolicy")
	t.mayNot(nil, own+":log-stream:x", "logs:GetLogEvents")
}

// operatorCases: the operator reads session jobs' jars and writes its own logs.
func operatorCases(w *World) []Case {
	t := &table{who: lastPart(w.output("flinkOperatorRoleArn"), "/")}
	bucket, n := "arn:aws:s3:::"+w.output("checkpointBucket"), w.names()
	t.may(nil, bucket+"/any-team/jars/job.jar", "s3:GetObject")
	t.mayNot(nil, bucket+"/any-team/checkpoints/x", "s3:GetObject", "s3:PutObject", "s3:DeleteObject")
	t.mayNot(nil, bucket+"/any-team/jars/job.jar", "s3:PutObject", "s3:DeleteObject")
	t.mayNot(nil, bucket+"-other/any-team/jars/job.jar", "s3:GetObject")
	t.may(keys{"s3:prefix": "any-team/jars/"}, bucket, "s3:ListBucket")
	t.mayNot(keys{"s3:prefix": "any-team/checkpoints/"}, bucket, "s3:ListBucket")
	t.mayNot(nil, bucket, "s3:ListBucket", "s3:DeleteBucket")
	t.mayNot(keys{"s3:prefix": "any-team/jars/"}, bucket+"-other", "s3:ListBucket")
	t.may(nil, bucket+"/logs/operator/x", "s3:PutObject")
	t.mayNot(nil, bucket+"/logs/any-team/x", "s3:PutObject")
	logCases(t, n, "/aws/emr-flink/"+n.cluster+"/operator")
	t.mayNot(nil, "*", "ec2:RunInstances", "iam:PassRole")
	return t.rows
}

// managedCases: roles with AWS's own policies. The project knows the actions of those policies, not their conditions.
func managedCases(w *World) []Case {
	n := w.names()
	row := func(resource string, may, mayNot []string) []Case {
		t := &table{who: text(w.resource(resource), "name")}
		t.may(nil, "*", may...)
		t.mayNot(nil, "*", mayNot...)
		t.mayNot(nil, n.iam("role/x"), "iam:PassRole")
		t.mayNot(nil, "arn:aws:s3:::"+w.output("checkpointBucket")+"/x", "s3:GetObject", "s3:DeleteObject")
		return t.rows
	}
	node := []string{"ec2:DescribeInstances", "ec2:CreateNetworkInterface", "ecr:GetAuthorizationToken", "ecr:BatchGetImage",
		"ssm:UpdateInstanceInformation"}
	notNode := []string{"ec2:RunInstances", "ec2:TerminateInstances", "ec2:CreateVolume"}
	var out []Case
	out = append(out, row("addons-ebs-csi-role",
		[]string{"ec2:CreateVolume", "ec2:AttachVolume", "ec2:DetachVolume", "ec2:DeleteVolume", "ec2:CreateTags",
			"ec2:DescribeVolumes"},
		[]string{"ec2:RunInstances", "ec2:TerminateInstances"})...)
	out = append(out, row("metrics-agent-role",
		[]string{"cloudwatch:PutMetricData", "logs:PutLogEvents", "logs:CreateLogStream", "ec2:DescribeTags"},
		[]string{"ec2:CreateVolume", "cloudwatch:DeleteAlarms", "logs:DeleteLogGroup"})...)
	out = append(out, row("karpenter-node-role", node, notNode)...)
	return append(out, row("core-node-role", node, notNode)...)
}

// autoscalerCases: where cluster-autoscaler is on, it resizes the groups of its own cluster.
func autoscalerCases(w *World) []Case {
	t := &table{who: text(w.resource(autoscalerRole), "name")}
	if t.who == "" {
		return nil
	}
	n := w.names()
	t.may(nil, "*", "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
		"autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags",
		"ec2:DescribeImages",
		"ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements")
	group := "arn:aws:autoscaling:" + n.region + ":" + n.account + ":autoScalingGroup:1:autoScalingGroupName/eks-core"
	resize := []string{"autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"}
	own := keys{"aws:ResourceTag/k8s.io/cluster-autoscaler/" + n.cluster: "owned"}
	t.needsEach(own, group, resize...)
	t.mayNot(keys{"aws:ResourceTag/k8s.io/cluster-autoscaler/other": "owned"}, group, resize...)
	t.mayNot(own, "arn:aws:autoscaling:"+n.abroad().region+":"+n.account+":autoScalingGroup:1:autoScalingGroupName/x", resize...)
	groups := "arn:aws:eks:" + n.region + ":" + n.account + ":nodegroup/"
	t.may(nil, groups+n.cluster+"/core/1", "eks:DescribeNodegroup")
	t.mayNot(nil, groups+"other/core/1", "eks:DescribeNodegroup")
	t.mayNot(nil, "*", "ec2:RunInstances", "ec2:TerminateInstances", "autoscaling:DeleteAutoScalingGroup", "iam:PassRole")
	return t.rows
}

const autoscalerRole = "autoscaler-irsa-role"

// trustCases: the service account that a role is for, and neither another namespace, nor another name, nor another role's.
func trustCases(w *World) []Case {
	var out []Case
	row := func(role, subject, audience string, allowed bool) {
		c := Case{Who: subject, Action: "sts:AssumeRoleWithWebIdentity", Resource: role, Method: ByTrust, Allowed: allowed}
		if audience != "" {
			c.Keys = keys{"aud": audience}
		}
		out = append(out, c)
	}
	only := func(role, namespace, account string) {
		subject := "system:serviceaccount:" + namespace + ":" + account
		row(role, subject, "", true)
		row(role, subject, "kubernetes.default.svc", false)
		row(role, "system:serviceaccount:default:"+account, "", false)
		row(role, "system:serviceaccount:"+namespace+":default", "", false)
		row(role, subject+"-x", "", false)
	}
	only(lastPart(w.output("karpenterControllerRoleArn"), "/"), "kube-system", "karpenter")
	only(text(w.resource("addons-ebs-csi-role"), "name"), "kube-system", "ebs-csi-controller-sa")
	only(text(w.resource("metrics-agent-role"), "name"), "amazon-cloudwatch", "cloudwatch-agent")
	only(lastPart(w.output("flinkOperatorRoleArn"), "/"), w.output("flinkOperatorNamespace"), "emr-containers-sa-flink-operator")
	if name := text(w.resource(autoscalerRole), "name"); name != "" {
		only(name, "kube-system", text(w.resource("autoscaler-chart"), "values", "rbac", "serviceAccount", "name"))
	}
	teams, _ := w.Graph.Outputs["teams"].(object)
	for _, team := range sorted(teams) {
		role := lastPart(w.output("teams", team, "jobRoleArn"), "/")
		for _, part := range []string{"jobmanager", "taskmanager"} {
			prefix := "emr-containers-sa-flink-" + part + "-" + w.output("accountId") + "-"
			only(role, w.output("teams", team, "namespace"), prefix+base36(role))
			row(role, "system:serviceaccount:"+team+":"+prefix+base36(role+"x"), "", false)
		}
	}
	for _, node := range []string{"karpenter-node-role", "core-node-role"} {
		name := text(w.resource(node), "name")
		for _, service := range []string{"ec2.amazonaws.com", "lambda.amazonaws.com"} {
			out = append(out, Case{Who: service, Action: "sts:AssumeRole", Resource: name, Method: ByService,
				Allowed: strings.HasPrefix(service, "ec2.")})
		}
	}
	return out
}

// base36 is EMR's own encoding of a role's name (AWS CLI, customizations/emrcontainers/base36.py), written here a second
// time on purpose: a check does not ask what it checks.
func base36(name string) string { return new(big.Int).SetBytes([]byte(name)).Text(36) }
