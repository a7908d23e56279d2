// SPDX-License-Identifier: Apache-2.0

package diagnose

// said are the sources in which a program says why it failed.
func said() []Source { return []Source{Exceptions, Logs, Pods, Spec} }

// nodeRules are about pods without a node, and nodes that go.
func nodeRules() []Rule {
	asks := []Source{Pods, Events, Claims}
	return []Rule{
		{
			ID: "ec2-quota", Weight: 78, Title: "the account's EC2 quota is used up", In: asks,
			Words:   `VcpuLimitExceeded|MaxSpotInstanceCountExceeded|InstanceLimitExceeded|vCPU limit`,
			Cause:   "EC2 starts no more instances of this family until the quota of the account is raised.",
			Command: "emrflink doctor",
		},
		{
			ID: "subnet-full", Weight: 77, Title: "the subnets have no free addresses", In: asks,
			Words:   `InsufficientFreeAddressesInSubnet|failed to assign an IP address to container|InsufficientCidrBlocks`,
			Cause:   "Each pod and each node takes an address of a private subnet.",
			Command: "emrflink status",
		},
		shared("no-capacity", Rule{
			Weight: 76, In: asks,
			Words: `InsufficientInstanceCapacity|InsufficientCapacity(Error)?|UnfulfillableCapacity|ICE cache|` +
				`Unsupported: .*Availability Zone|all requested instance types were unavailable`,
		}),
		shared("pool-limit", Rule{
			Weight: 75, In: asks,
			Words: `exceed limits for nodepool|exceeds? .*limits? of (the )?node ?pool`,
		}),
		{
			ID: "no-node-fits", Weight: 74, Title: "no node that may be started fits the pods", In: asks,
			Words:  `no instance type (satisfied|has enough|met)|incompatible with nodepool|NoCompatibleInstanceTypes`,
			unless: `exceed limits for nodepool|InsufficientCapacity`, find: pendingLong,
			Cause:   "The pods ask for a size, an architecture, a label or a toleration that no pool offers.",
			Command: "emrflink job validate FILE",
		},
		{
			ID: "node-not-joining", Weight: 73, Title: "a node was launched and does not join", In: []Source{Claims},
			find: notJoining,
			Cause: "Its role has no access entry, it does not reach the API server, or its image does not fit the cluster's " +
				"version.",
			Command: "emrflink status",
		},
		shared("spot-churn", Rule{
			Weight: 57, In: []Source{Events, Nodes},
			find: spotChurn,
		}),
		{
			ID: "node-lost", Weight: 66, Title: "a node of the job is not ready", In: []Source{Nodes, Pods}, find: nodeLost,
			Cause:   "Its kubelet does not report any more: the machine is gone, full or out of memory.",
			Command: "emrflink job status {job}",
		},
		{
			ID: "disk-full", Weight: 67, Title: "a disk is full", In: []Source{Exceptions, Logs, Pods, Events},
			Words: `No space left on device|ephemeral[- ]storage|DiskPressure|low on resource: ephemeral`,
			Cause: "RocksDB, logs and spilled records are on the node's disk: pools with local NVMe disks have more, as has " +
				"a volume " +
				"in the pod template.",
			Command: "emrflink job status {job}",
		},
	}
}

func memoryRules() []Rule {
	tuned := "emrflink job logs {job} --role taskmanager --previous"
	return []Rule{
		{
			ID: "oom-metaspace", Weight: 72, Title: "the metaspace is too small", In: said(),
			Words: `OutOfMemoryError: Metaspace`,
			Cause: "The classes of the job need more, or each restart leaves its classes behind: raise " +
				"taskmanager.memory.jvm-metaspace.size, or put the libraries into lib.",
			Command: tuned,
		},
		{
			ID: "oom-direct", Weight: 71, Title: "direct memory is too small", In: said(),
			Words: `OutOfMemoryError: (Direct buffer memory|Cannot reserve \d+ bytes of direct)|Cannot reserve \d+ bytes ` +
				`of direct`,
			Cause:   "A library takes buffers off the heap: raise taskmanager.memory.task.off-heap.size.",
			Command: tuned,
		},
		{
			ID: "oom-heap", Weight: 70, Title: "the Java heap is too small", In: said(),
			Words: `OutOfMemoryError: (Java heap space|GC overhead limit exceeded|Requested array size)|OutOfMemoryError$`,
			Cause: "State on the heap, large records or a user function that collects: raise the memory, or keep state in " +
				"RocksDB.",
			Command: tuned,
		},
		{
			ID: "oom-container", Weight: 69, Title: "a container was killed: it used more memory than its limit",
			In: []Source{Pods, Events}, Words: `OOMKilled|OOMKilling`,
			Cause: "Memory that Flink does not count, most often RocksDB's or that of native libraries: raise " +
				"taskmanager.memory.jvm-overhead.fraction, or the memory of the pod.",
			Command: tuned,
		},
		{
			ID: "memory-conf", Weight: 68, Title: "the memory settings do not add up", In: said(),
			Words: `(Sum|sum) of configured .*(exceed|is larger)|TaskManager memory configuration failed|` +
				`JobManager memory configuration failed|IllegalConfigurationException: .*[mM]emory`,
			Cause:   "Parts of the process's memory are set to more than the whole, or outside of their own bounds.",
			Command: "emrflink job validate FILE",
		},
		{
			ID: "network-buffers", Weight: 65, Title: "there are too few network buffers", In: said(),
			Words:   `Insufficient number of network buffers`,
			Cause:   "They grow with the square of the parallelism: raise taskmanager.memory.network.fraction and its max.",
			Command: "emrflink job validate FILE",
		},
		shared("heap-full", Rule{
			Weight: 46, In: []Source{Workers}, find: heapFull,
		}),
	}
}

// codeRules are about the job's own code and what is in its jar.
func codeRules() []Rule {
	check := "emrflink job check-jar JAR"
	return []Rule{
		{
			ID: "java-version", Weight: 63, Title: "the jar was compiled for a newer Java", In: said(),
			Words:   `UnsupportedClassVersionError|has been compiled by a more recent version of the Java Runtime`,
			Cause:   "The image runs Java 17 or older: compile with --release of its version.",
			Command: check,
		},
		{
			ID: "missing-factory", Weight: 62, Title: "a connector or format is not in the jar", In: said(),
			Words: `Could not find any factory for identifier|Could not find any format factory`,
			Cause: "The jar of the connector is missing, or META-INF/services files overwrote each other when the jar was " +
				"merged " +
				"(ServicesResourceTransformer keeps them).",
			Command: check,
		},
		{
			ID: "missing-filesystem", Weight: 62, Title: "a file system has no plugin", In: said(),
			Words:   `Could not find a file system implementation for scheme|Hadoop is not in the classpath`,
			Cause:   "The plugin of the scheme is not in the image's plugins folder, or not enabled (ENABLE_BUILT_IN_PLUGINS).",
			Command: "emrflink job validate FILE",
		},
		{
			ID: "main-class", Weight: 61, Title: "the jar's main class is not there", In: said(),
			Words:   `program's entry point class '[^']*' was not found|Neither a 'Main-Class'|Could not find or load main class`,
			Cause:   "entryClass is misspelt, or the jar at jarURI is another one.",
			Command: check,
		},
		{
			ID: "jar-missing", Weight: 61, Title: "the job's jar is not there", In: said(),
			Words: `JAR file does not exist|JAR file can't be read|FileNotFoundException: .*\.jar|NoSuchFileException: .*\.jar|` +
				`NoSuchKey.*\.jar|Unable to find the jar`,
			Cause:   "jarURI names a file that is neither in the image nor in the bucket.",
			Command: "emrflink job validate FILE",
		},
		{
			ID: "class-conflict", Weight: 60, Title: "two versions of a class meet", In: said(),
			Words: `NoSuchMethodError|NoSuchFieldError|IncompatibleClassChangeError|AbstractMethodError|IllegalAccessError|` +
				`LinkageError|ClassCastException: .*ChildFirstClassLoader`,
			Cause: "The jar brings a library that the image has in another version: shade it, mark Flink's own as provided, " +
				"or set " +
				"classloader.parent-first-patterns.additional.",
			Command: check,
		},
		{
			ID: "class-missing", Weight: 59, Title: "a class is not in the jar", In: said(),
			Words:   `ClassNotFoundException|NoClassDefFoundError`,
			Cause:   "A dependency was marked as provided that the image does not have, or was not merged into the jar.",
			Command: check,
		},
		{
			ID: "job-code", Weight: 56, Title: "Flink cannot take the job's program", In: said(),
			Words: `InvalidProgramException|NotSerializableException|ValidationException: (SQL|Unable|Cannot|Table)|` +
				`SqlParserException|No operators defined in streaming topology`,
			Cause:   "The program itself is wrong; the exception names the place.",
			Command: "emrflink job logs {job} --role jobmanager",
		},
	}
}

// stateRules are about the state that a job starts from.
func stateRules() []Rule {
	from := []Source{Exceptions, Logs, Pods, Spec, Events}
	return []Rule{
		{
			ID: "ha-lost", Weight: 91, Title: "the high-availability data is lost", In: []Source{Spec, Events, HA, Bucket,
				Logs, Exceptions},
			Words: `HA (meta)?data is not available|HA metadata (is )?not available|Could not retrieve submitted JobGraph|` +
				`state handle .*is broken`,
			find: leaderGone,
			Cause: "The ConfigMaps that say where the last checkpoint is were deleted, or what they name is gone: the operator " +
				"does not start the job from nothing, and waits.",
			Command: "emrflink job state list {job}",
		},
		{
			ID: "savepoint-missing", Weight: 89, Title: "the state to start from is not there", In: from,
			Words: `Cannot find checkpoint or savepoint file/directory|Cannot find meta data file '_metadata'|` +
				`Failed to (load|read) savepoint|checkpoint/savepoint path .*not (exist|found)`,
			Cause:   "initialSavepointPath, or the checkpoint that the job last had, was deleted or never complete.",
			Command: "emrflink job state list {job}",
		},
		{
			ID: "state-incompatible", Weight: 58, Title: "the state does not fit the program", In: from,
			Words: `Cannot map checkpoint/savepoint state|Failed to rollback to checkpoint/savepoint|StateMigrationException|` +
				`must not be incompatible|[Mm]ax(imum)? parallelism.*(mismatch|changed|checkpoint)`,
			Cause: "An operator lost its uid, a serializer changed, or the maximum parallelism did: mend the program, or " +
				"allow what " +
				"is not mapped to be dropped (allowNonRestoredState).",
			Command: "emrflink job logs {job} --role jobmanager",
		},
		{
			ID: "upgrade-stuck", Weight: 55, Title: "an upgrade stands still, and nobody says why", In: []Source{Spec, Events},
			find: upgradeStuck,
			Cause: "The operator waits for a job that does not run and has no checkpoint to go on from; it says so in its " +
				"log only.",
			Command: "emrflink job state restore {job} --start",
		},
		{
			ID: "rolled-back", Weight: 54, Title: "the operator took the last change back", In: []Source{Spec, Events},
			find:    rolledBack,
			Cause:   "The new version was not ready within kubernetes.operator.deployment.readiness.timeout.",
			Command: "emrflink job events {job}",
		},
		{
			ID: "snapshot-failed", Weight: 39, Title: "a savepoint failed", In: []Source{Snapshots}, find: snapshotFailed,
			Cause:   "The snapshot has the reason; the job goes on.",
			Command: "emrflink job savepoint {job}",
		},
	}
}
