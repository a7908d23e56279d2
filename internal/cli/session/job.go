// SPDX-License-Identifier: Apache-2.0

package session

// Sample is a job that comes with the tool.
type Sample struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
}
