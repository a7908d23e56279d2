// SPDX-License-Identifier: Apache-2.0

package team

import "emrflink/components/iamdoc"

// Policy has the permissions of a team's Flink jobs: their own prefix of the bucket, their own log streams, nothing
// else.
//
// The s3:prefix of a HEAD request is the key itself. For a missing object, S3 answers 404 only to callers with
// permission to list it, and 403 to all others. So the team's own name is among the prefixes, because Hadoop checks the
// parent of a new directory. The team's pipeline writes jars; jobs only read them.
func Policy(bucketARN, team, logGroupARN string) iamdoc.Document {
	own := bucketARN + "/" + team
	var state iamdoc.Strings
	for _, place := range []string{"checkpoints", "savepoints", "jobmanager"} {
		state = append(state, own+"/"+place, own+"/"+place+"/*")
	}
	return iamdoc.New(append([]iamdoc.Statement{
		iamdoc.Allow("ListOwnPrefix", iamdoc.Strings{"s3:ListBucket"}, iamdoc.Strings{bucketARN},
			iamdoc.Conditions{"StringLike": {"s3:prefix": {team, team + "/*"}}}),
		iamdoc.Allow("FindBucket", iamdoc.Strings{"s3:GetBucketLocation"}, iamdoc.Strings{bucketARN}),
		iamdoc.Allow("KeepState", iamdoc.Strings{
			"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject",
		}, state),
		iamdoc.Allow("ReadOwnPrefix", iamdoc.Strings{"s3:GetObject"}, iamdoc.Strings{own, own + "/*"}),
		iamdoc.Allow("PutLogs", iamdoc.Strings{"s3:PutObject"}, iamdoc.Strings{bucketARN + "/logs/" + team + "/*"}),
	}, iamdoc.WriteLogs(logGroupARN)...)...)
}
