// SPDX-License-Identifier: Apache-2.0

// Package jarcheck reads the jar of a Flink job and says what will not work with it on EMR: classes of a Java, Flink or Scala
// that the image does not have, classes that are in the image already, connectors and formats that are missing or that were
// lost when jars were merged, a main class that is none. It reads zip entries and class files; nothing is run or contacted.
package jarcheck
