// SPDX-License-Identifier: Apache-2.0

// Package flinkhome finds, fetches and checks the Apache Flink whose processes the local target runs: a folder laid out as
// the images of EMR have it below /usr/lib/flink (lib, plugins, examples).
//
// There are two ways to have one. Install fetches the jars with Maven, by a POM of exact versions, and compares each with the
// SHA-256 in jars.tsv. Use takes an official distribution of the same line that the user has.
//
// Invariants: a folder that is not whole is never found; nothing outside of the state folder and Maven's own repository is
// written; once fetched, nothing asks the network. Java and Maven are the user's and are only looked at.
//
// Place: adapter. The local target and doctor import it; it knows nothing of either.
package flinkhome
