// SPDX-License-Identifier: Apache-2.0

// Package examples tests the programs below examples/ as a user would run them: the engine previews each over the offline
// providers, which check every input against the providers' schemas. The programs themselves import nothing from internal.
package examples
