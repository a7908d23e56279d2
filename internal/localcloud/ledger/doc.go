// SPDX-License-Identifier: Apache-2.0

// Package ledger keeps what the simulated AWS account holds: documents under keys, changed in transactions that are durable once
// they return and leave no trace when they fail. The account's kinds and its services (objects, queues, logs, sts) each hold
// their part in memory, change it within a transaction, and give the ledger the document to write. They share its lock.
package ledger
