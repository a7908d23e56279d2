// SPDX-License-Identifier: Apache-2.0

package target

import "regexp"

// awsCommand is a command of the AWS CLI in a text for a person: at the start of a line, or quoted. `aws configure` and `aws sso`
// are about credentials and call no service.
var awsCommand = regexp.MustCompile("(?m)(^|`)aws (configure|sso|[a-z0-9-]+)")

// Hint is a text for a person in which the commands of the AWS CLI act on the target: those for a simulated account would else
// act on the real one.
func (t *Target) Hint(text string) string {
	url := t.env["AWS_ENDPOINT_URL"]
	if url == "" {
		return text
	}
	return awsCommand.ReplaceAllStringFunc(text, func(m string) string {
		parts := awsCommand.FindStringSubmatch(m)
		if parts[2] == "configure" || parts[2] == "sso" {
			return m
		}
		return parts[1] + "aws --endpoint-url " + url + " " + parts[2]
	})
}
