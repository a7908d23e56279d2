// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"time"

	"emrflink/internal/flinkrest"
	"emrflink/internal/kube"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// well is a job with which nothing is wrong: a source, a window and a sink, with a checkpoint a minute ago.
func well() Snapshot {
	s := Snapshot{Name: "orders", Namespace: "flink-team-a", Now: now}
	s.Job.Value = Job{
		Wanted: "running", Lifecycle: "STABLE", State: "RUNNING", JobManager: "READY", Generation: 3, Observed: 3,
		Changed: ago(time.Hour), HA: true, CheckpointDir: "s3://b/team-a/checkpoints", Interval: time.Minute, Parallelism: 2,
		App: "orders",
	}
	s.Operator.Value = Controller{Found: true, Available: true}
	s.Webhooks.Value = []Webhook{{Name: "validation.flink", Service: "operator/webhook", Ready: true, Fails: true}}
	s.Leader.Value = Leader{Found: true, Renewed: ago(4 * time.Second), Lease: 15 * time.Second}
	s.Pods.Value = []kube.Pod{
		{Name: "orders-1", Node: "n1", Phase: "Running", Ready: true, Created: ago(time.Hour)},
		{Name: "orders-taskmanager-1-1", Node: "n2", Phase: "Running", Ready: true, Created: ago(time.Hour)},
	}
	s.Nodes.Value = []kube.Node{{Name: "n1", Ready: true}, {Name: "n2", Ready: true, CapacityType: "spot"}}
	s.Events.Value = []kube.Event{event("FlinkDeployment", "orders", "JobStatusChanged",
		"Job status changed from CREATED to RUNNING",
		50*time.Minute)}
	s.Quota.Value = []Hard{{Quota: "team", Resource: "limits.memory", Used: "10Gi", Hard: "40Gi"}}
	s.Graph.Value = JobGraph{Since: ago(50 * time.Minute), Vertices: []Load{
		{ID: "a", Name: "Source: orders", Status: "RUNNING", Busy: .2, Back: 0, Idle: .5, Subtasks: []Subtask{
			{Index: 0, Out: 50_000}, {Index: 1, Out: 60_000},
		}},
		{ID: "b", Name: "window", Inputs: []string{"a"}, Status: "RUNNING", Busy: .4, Back: 0, Subtasks: []Subtask{
			{Index: 0, In: 50_000, Watermark: 1}, {Index: 1, In: 60_000, Watermark: 1},
		}},
		{ID: "c", Name: "sink", Inputs: []string{"b"}, Status: "RUNNING", Busy: .1, Back: 0},
	}}
	s.Workers.Value = []Worker{{ID: "orders-taskmanager-1-1", HeapUsed: 1, HeapMax: 4, Uptime: 1000, CollectionMillis: 10}}
	done := flinkrest.Checkpoint{ID: 50, Status: flinkrest.Completed, Triggered: ago(time.Minute).UnixMilli(), Millis: 900}
	s.Checkpoints.Value.Latest.Completed = &done
	s.Checkpoints.Value.History = []flinkrest.Checkpoint{done}
	s.Bucket.Value = []Stored{{URI: "s3://b/team-a/checkpoints/x/chk-50", At: ago(time.Minute)}}
	return s
}

func event(kind, name, reason, message string, before time.Duration) kube.Event {
	level := "Warning"
	if reason == "SpecChanged" || reason == "JobStatusChanged" {
		level = "Normal"
	}
	return kube.Event{
		Type: level, Reason: reason, Message: message, Object: kube.Kind{Kind: kind}.Ref("flink-team-a", name),
		Last: ago(before), Count: 1,
	}
}

// throws lets the job restart with a root exception, as Flink tells of one.
func throws(trace string) func(*Snapshot) {
	return func(s *Snapshot) {
		s.Job.Value.State = "RESTARTING"
		s.Exceptions.Value.History.Entries = []flinkrest.Exception{{
			Name: "java.lang.RuntimeException", Trace: "java.lang.RuntimeException: it failed\n\tat a.B.c(B.java:1)\nCaused " +
				"by: " + trace,
			Millis: ago(time.Minute).UnixMilli(), Task: "window (1/2)",
		}}
	}
}

// waits lets a pod wait in a container.
func waits(reason, message string) func(*Snapshot) {
	return func(s *Snapshot) {
		s.Job.Value.State, s.Job.Value.JobManager, s.Job.Value.Lifecycle = "RECONCILING", "DEPLOYING", "DEPLOYED"
		s.Pods.Value[1].Ready = false
		s.Pods.Value[1].Waiting = []kube.Waiting{{Container: "flink-main-container", Reason: reason, Message: message}}
	}
}

// ends lets a container end, and start again.
func ends(code int, reason, message string) func(*Snapshot) {
	return func(s *Snapshot) {
		s.Pods.Value[1].Restarts = 1
		s.Pods.Value[1].Ended = []kube.Ended{{
			Container: "flink-main-container", Code: code, Reason: reason, Message: message, At: ago(time.Minute),
		}}
	}
}

// pending leaves the TaskManager without a node, for which Karpenter says something.
func pending(reason, message string) func(*Snapshot) {
	return func(s *Snapshot) {
		s.Job.Value.State = "CREATED"
		p := &s.Pods.Value[1]
		p.Node, p.Ready, p.Created = "", false, ago(time.Minute)
		p.Scheduled = kube.Condition{Type: "PodScheduled", Status: "False", Reason: "Unschedulable",
			Message: "0/3 nodes are available: 3 Insufficient cpu."}
		s.Events.Value = append(s.Events.Value, event("Pod", p.Name, reason, message, 10*time.Second))
	}
}

func says(text string) func(*Snapshot) {
	return func(s *Snapshot) { s.Job.Value.Error, s.Job.Value.State = text, "RECONCILING" }
}

func refuses(text string) func(*Snapshot) {
	return func(s *Snapshot) {
		s.Job.Value.Refused, s.Job.Value.State, s.Job.Value.JobManager = "FailedCreate: "+text, "RECONCILING", "DEPLOYING"
	}
}

func fails(messages ...string) func(*Snapshot) {
	return func(s *Snapshot) {
		h := &s.Checkpoints.Value.History
		for i, m := range messages {
			*h = append([]flinkrest.Checkpoint{{
				ID: int64(51 + i), Status: "FAILED", Failure: m,
				Failed: ago(time.Duration(len(messages)-i) * 10 * time.Second).UnixMilli(),
			}}, *h...)
		}
		s.Checkpoints.Value.Counts.Failed = int64(len(messages))
	}
}

// faults are injected into a job that is well, one at a time. The key is the finding that must come first; what follows a second
// space tells cases of one finding apart.
func faults() map[string]func(*Snapshot) {
	return map[string]func(*Snapshot){
		"operator-down": func(s *Snapshot) {
			s.Operator.Value = Controller{Found: true,
				Message: "MinimumReplicasUnavailable"}
		},
		"operator-down missing": func(s *Snapshot) { s.Operator.Value = Controller{} },
		"stuck-finalizer": func(s *Snapshot) {
			s.Job.Value.Deleting, s.Job.Value.Finalizers = ago(20*time.Minute),
				[]string{"flinkdeployments.flink.apache.org/finalizer"}
		},
		"webhook-down": func(s *Snapshot) { s.Webhooks.Value[0].Ready = false },
		"webhook-down said": says(`Internal error occurred: failed calling webhook "flinkoperator.flink.apache.org": ` +
			`failed to call webhook: Post "https://x:443/": context deadline exceeded`),
		"clock": throws("com.amazonaws.services.s3.model.AmazonS3Exception: The difference between the request time and the " +
			"current time is too large. (Service: Amazon S3; Status Code: 403; Error Code: RequestTimeTooSkewed; Request ID: A)"),
		"clock ahead": func(s *Snapshot) { s.Leader.Value.Renewed = now.Add(5 * time.Minute) },
		"lease":       func(s *Snapshot) { s.Leader.Value.Renewed = ago(10 * time.Minute) },
		"lease logged": func(s *Snapshot) {
			s.Logs.Value = []Line{{ago(time.Minute), "orders-1", "2026-03-01 11:59:00 WARN KubernetesLeaderElector [] - " +
				"Exception " +
				"occurred while renewing lock 'ConfigMapLock: flink-team-a - orders-cluster-config-map'"}}
		},
		"validation": says("Checkpoint directory[state.checkpoints.dir] must be defined for last-state and savepoint " +
			"upgrade modes"),
		"operator-silent": func(s *Snapshot) {
			s.Job.Value.Generation, s.Job.Value.Changed = 4, ago(4*time.Minute)
		},
		"rbac": throws(`io.fabric8.kubernetes.client.KubernetesClientException: Failure executing: POST at: ` +
			`https://10.0.0.1/api/v1/` +
			`namespaces/flink-team-a/pods. Message: pods is forbidden: User "system:serviceaccount:flink-team-a:emr-sa" ` +
			`cannot create`),
		"quota": refuses(`pods "orders-1" is forbidden: exceeded quota: team, requested: limits.memory=8Gi, used: ` +
			`limits.memory=38Gi, ` +
			`limited: limits.memory=40Gi`),
		"quota full": func(s *Snapshot) {
			s.Job.Value.State, s.Quota.Value[0].Full = "CREATED", true
		},
		"limit-range": refuses(`pods "orders-1" is forbidden: maximum memory usage per Container is 8Gi, but limit is 12Gi`),
		"pod-security": refuses(`pods "orders-1" is forbidden: violates PodSecurity "baseline:latest": host namespaces ` +
			`(hostNetwork=true)`),
		"image-denied": waits("ImagePullBackOff", `Back-off pulling image "1.dkr.ecr.us-west-2.amazonaws.com/flink:1": `+
			`failed to pull `+
			`and unpack image: failed to authorize: 403 Forbidden`),
		"image":     waits("ErrImagePull", `rpc error: code = NotFound desc = failed to pull and unpack image "x:1": not found`),
		"reference": waits("CreateContainerConfigError", `secret "kafka" not found`),
		"trust": throws("com.amazonaws.services.securitytoken.model.AWSSecurityTokenServiceException: Not authorized to " +
			"perform " +
			"sts:AssumeRoleWithWebIdentity (Service: AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied)"),
		"s3-denied": throws("java.nio.file.AccessDeniedException: s3://b/team-b/checkpoints: getFileStatus on " +
			"s3://b/team-b/checkpoints: " +
			"com.amazonaws.services.s3.model.AmazonS3Exception: Forbidden (Service: Amazon S3; Status Code: 403; Error " +
			"Code: 403 Forbidden)"),
		"s3-denied in a checkpoint": fails("java.io.IOException: Could not flush to file and close the file system output " +
			"stream to " +
			"s3://b/x/chk-51/a\nCaused by: com.amazonaws.services.s3.model.AmazonS3Exception: Access Denied (Service: " +
			"Amazon S3; " +
			"Status Code: 403; Error Code: AccessDenied)"),
		"s3-throttled": throws("com.amazonaws.services.s3.model.AmazonS3Exception: Please reduce your request rate. " +
			"(Service: Amazon S3; " +
			"Status Code: 503; Error Code: SlowDown; Request ID: A)"),
		"kms-denied": throws("com.amazonaws.services.s3.model.AmazonS3Exception: User: arn:aws:sts::1:assumed-role/r/s is " +
			"not authorized " +
			"to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-west-2:1:key/k (Service: Amazon S3; Status Code: 403)"),
		"no-bucket": throws("com.amazonaws.services.s3.model.AmazonS3Exception: The specified bucket does not exist " +
			"(Service: Amazon S3; " +
			"Status Code: 404; Error Code: NoSuchBucket)"),
		"ec2-quota": pending("FailedScheduling", "creating instance, VcpuLimitExceeded: You have requested more vCPU "+
			"capacity than your "+
			"current vCPU limit of 32 allows"),
		"subnet-full": pending("FailedScheduling", "launching nodeclaim, InsufficientFreeAddressesInSubnet: not enough free "+
			"addresses"),
		"no-capacity": pending("InsufficientCapacityError", "NodeClaim orders-abc event: creating instance, insufficient "+
			"capacity, with "+
			"fleet error(s), UnfulfillableCapacity: Unable to fulfill capacity due to your request configuration."),
		"pool-limit": pending("FailedScheduling", `Failed to schedule pod, all available instance types exceed limits for `+
			`nodepool: "flink"`),
		"no-node-fits": pending("FailedScheduling", `Failed to schedule pod, incompatible with nodepool "flink", daemonset `+
			`overhead={}, `+
			`no instance type satisfied resources {"cpu":"400"} and requirements`),
		"no-node-fits silent": func(s *Snapshot) {
			pending("FailedScheduling", "0/3 nodes are available")(s)
			s.Pods.Value[1].Created = ago(10 * time.Minute)
		},
		"node-not-joining": func(s *Snapshot) {
			pending("Nominated", "Pod should schedule on: nodeclaim/x")(s)
			s.Claims.Value = []kube.NodeClaim{{Name: "x", Created: ago(15 * time.Minute), Conditions: []kube.Condition{
				{Type: "Launched", Status: "True"}, {Type: "Registered", Status: "Unknown", Reason: "NodeNotFound"},
			}}}
		},
		"spot-churn": func(s *Snapshot) {
			for i := range 4 {
				s.Events.Value = append(s.Events.Value, event("Node", fmt.Sprint("ip-", i), "SpotInterrupted",
					"Spot interruption warning was triggered", time.Duration(i)*9*time.Minute))
			}
		},
		"node-lost":     func(s *Snapshot) { s.Nodes.Value[1].Ready = false },
		"disk-full":     throws("java.io.IOException: No space left on device"),
		"oom-metaspace": throws("java.lang.OutOfMemoryError: Metaspace. The metaspace out-of-memory error has occurred."),
		"oom-direct":    throws("java.lang.OutOfMemoryError: Direct buffer memory. The direct out-of-memory error has occurred."),
		"oom-direct 17": throws("java.lang.OutOfMemoryError: Cannot reserve 33554432 bytes of direct buffer memory " +
			"(allocated: 1, limit: 2)"),
		"oom-heap":      throws("java.lang.OutOfMemoryError: Java heap space"),
		"oom-container": ends(137, "OOMKilled", ""),
		"memory-conf": ends(1, "Error", "org.apache.flink.configuration.IllegalConfigurationException: TaskManager memory "+
			"configuration "+
			"failed: Sum of configured Framework Heap Memory (128.000mb), ... exceed configured Total Flink Memory (512.000mb)."),
		"network-buffers": throws("java.io.IOException: Insufficient number of network buffers: required 65, but only 38 " +
			"available."),
		"heap-full": func(s *Snapshot) {
			s.Workers.Value[0] = Worker{ID: "w", HeapUsed: 98 << 20, HeapMax: 100 << 20, Uptime: 1000, CollectionMillis: 600}
		},
		"java-version": throws("java.lang.UnsupportedClassVersionError: my/Job has been compiled by a more recent version " +
			"of the Java " +
			"Runtime (class file version 65.0)"),
		"missing-factory": throws("org.apache.flink.table.api.ValidationException: Could not find any factory for " +
			"identifier 'kafka' that " +
			"implements 'org.apache.flink.table.factories.DynamicTableFactory' in the classpath."),
		"missing-filesystem": throws("org.apache.flink.core.fs.UnsupportedFileSystemSchemeException: Could not find a file " +
			"system " +
			"implementation for scheme 's3'."),
		"main-class": ends(1, "Error", "org.apache.flink.client.program.ProgramInvocationException: The program's entry "+
			"point class "+
			"'org.example.Nope' was not found in the jar file."),
		"jar-missing": ends(1, "Error", "java.io.IOException: JAR file does not exist '/opt/flink/usrlib/job.jar'"),
		"class-conflict": throws("java.lang.NoSuchMethodError: 'com.google.common.base.Preconditions " +
			"com.google.common.base.Preconditions.checkArgument(boolean, java.lang.String)'"),
		"class-missing": throws("java.lang.NoClassDefFoundError: org/apache/kafka/common/serialization/Serializer"),
		"job-code": throws("org.apache.flink.api.common.InvalidProgramException: The implementation of the MapFunction is not " +
			"serializable."),
		"ha-lost": says("JobManager deployment is missing and HA data is not available to make stateful upgrades. It is " +
			"possible that " +
			"the job has finished or terminally failed, or the configmaps have been deleted. Manual restore required."),
		"ha-lost seen": func(s *Snapshot) {
			s.Leader.Value, s.Job.Value.JobManager, s.Job.Value.State = Leader{}, "MISSING", "RECONCILING"
		},
		"savepoint-missing": throws("java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory " +
			"'s3://b/none/savepoint-1' on file system 's3'."),
		"state-incompatible": throws("java.lang.IllegalStateException: Failed to rollback to checkpoint/savepoint " +
			"s3://b/sp. Cannot map " +
			"checkpoint/savepoint state for operator 0a to the new program"),
		"upgrade-stuck": func(s *Snapshot) {
			s.Job.Value.Lifecycle, s.Job.Value.State, s.Job.Value.Changed = "UPGRADING", "FAILED", ago(4*time.Minute)
		},
		"rolled-back": func(s *Snapshot) { s.Job.Value.Lifecycle = "ROLLED_BACK" },
		"snapshot-failed": func(s *Snapshot) {
			s.Snapshots.Value = []Savepoint{{Name: "orders-manual", State: "FAILED", Error: "it timed out", At: ago(time.Minute)}}
		},
		"checkpoint-timeout": func(s *Snapshot) {
			fails("Checkpoint expired before completing.")(s)
			s.Checkpoints.Value.Slowest = []Tasks{{Vertex: "window", Acknowledged: 1, Of: 2}}
		},
		"checkpoint-failing": fails("Checkpoint was declined (task is not ready)", "Asynchronous task checkpoint failed."),
		"checkpoint-slow": func(s *Snapshot) {
			s.Checkpoints.Value.Latest.Completed.Millis = (8 * time.Minute).Milliseconds()
			s.Checkpoints.Value.Slowest = []Tasks{{Vertex: "window", Acknowledged: 2, Of: 2, Millis: 470_000}}
		},
		"checkpoint-none": func(s *Snapshot) {
			s.Checkpoints.Value.Latest.Completed, s.Checkpoints.Value.History = nil, nil
		},
		"checkpoint-off": func(s *Snapshot) { s.Job.Value.Interval = 0 },
		"skew":           func(s *Snapshot) { s.Graph.Value.Vertices[1].Subtasks[1].In = 900_000 },
		"backpressure": func(s *Snapshot) {
			v := s.Graph.Value.Vertices
			v[0].Back, v[1].Back, v[2].Busy = .9, .8, 1
		},
		"idle-source": func(s *Snapshot) { s.Graph.Value.Vertices[0].Subtasks[1].Out = 0 },
		"watermark":   func(s *Snapshot) { s.Graph.Value.Vertices[1].Subtasks[1].Watermark = -1 << 63 },
		"source-denied": throws("org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access " +
			"topics: [orders]"),
		"unreachable": throws("org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment. Call: " +
			"describeTopics\nCaused by: java.net.UnknownHostException: b-1.kafka"),
		"slots": throws("org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException: Could not acquire the " +
			"minimum " +
			"required resources."),
		"taskmanager-lost": throws("java.util.concurrent.TimeoutException: Heartbeat of TaskManager with id " +
			"orders-taskmanager-1-1 " +
			"timed out."),
		"restart-loop": func(s *Snapshot) {
			for i := range 5 {
				s.Exceptions.Value.History.Entries = append(s.Exceptions.Value.History.Entries, flinkrest.Exception{
					Name: "my.OwnException", Trace: "my.OwnException: bad record",
					Millis: ago(time.Duration(i) * time.Minute).UnixMilli(),
				})
			}
		},
		"container":    waits("CrashLoopBackOff", "back-off 5m0s restarting failed container=flink-main-container"),
		"failed":       throws("my.OwnException: bad record"),
		"not-starting": func(s *Snapshot) { s.Job.Value.State, s.Job.Value.Changed = "CREATED", ago(20*time.Minute) },
		"autoscaler-held": func(s *Snapshot) {
			s.Autoscaler.Value = Scaling{Enabled: true, Delayed: "scaling is paused by job.autoscaler.excluded.periods"}
		},
	}
}
