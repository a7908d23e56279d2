// SPDX-License-Identifier: Apache-2.0

// Package daemon runs the local target: one long-lived process that holds the
// simulated AWS account, serves its HTTP API and the Pulumi provider servers,
// and starts one local control plane for each EKS cluster of the account.
//
// The process is started by the first command that needs it and lives until
// `emrflink local stop`, so that deploy, sample-job and cleanup can be separate
// commands, hours apart. Everything it must remember is below Options.Dir:
//
//	account/            the account's resources (package account)
//	clusters/<name>/    one control plane each: etcd, keys, kubeconfig, logs
//	daemon.json         how to reach the running process (0600: holds its token)
//	daemon.lock         held while the process lives; tells a crash from a start
//	daemon.log          its JSON log
//
// A process that is killed loses nothing that a command was told is done: the account is durable before a call returns,
// and etcd survives the death of its process. The next command finds the lock free and starts the process again.
//
// No file is believed for what only a live process can know. daemon.json says how
// to reach a process and with which token; whoever answers to it serves, and says
// itself whether it starts, runs or stops. Who holds a lock works in its folder,
// and is the process that is waited for, told to stop or killed.
//
// A control plane is kept running from its cluster's creation to its deletion
// (plane.go). Work on a cluster waits for it, and is done again when it dies
// meanwhile.
package daemon
