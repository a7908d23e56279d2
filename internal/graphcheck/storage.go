// SPDX-License-Identifier: Apache-2.0

package graphcheck

import (
	"strings"

	"emrflink/internal/untyped"
)

// Storage: nobody outside reads the state of the jobs, nothing of it is lost by an overwrite, and nothing is kept for ever.
func Storage(w *World) []string {
	var out report
	for _, b := range w.of("aws:s3/bucketV2:BucketV2") {
		prefix := strings.TrimSuffix(b.Name, "-bucket")
		public := w.resource(prefix + "-public-access")
		for _, key := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"} {
			out.add(text(public, key) != "true", "%s: %s is not on: the bucket can be made public", b.Name, key)
		}
		sse := text(w.resource(prefix+"-encryption"), "rules", 0, "applyServerSideEncryptionByDefault", "sseAlgorithm")
		out.add(sse == "", "%s: objects are not encrypted", b.Name)
		out.add(text(w.resource(prefix+"-versioning"), "versioningConfiguration", "status") != "Enabled",
			"%s: an overwritten checkpoint is lost", b.Name)
		out.add(text(w.resource(prefix+"-ownership"), "rule", "objectOwnership") != "BucketOwnerEnforced",
			"%s: ACLs are honoured", b.Name)
		lifecycle(&out, w, b.Name, prefix)
		out.add(text(b, "bucket") != w.output("checkpointBucket"), "%s: it is not the bucket of the outputs", b.Name)
		out.add(text(b, "forceDestroy") == "true", "%s: a destroy takes the state of the jobs with it, unasked", b.Name)
	}
	for _, c := range w.of("kubernetes:storage.k8s.io/v1:StorageClass") {
		out.add(text(c, "parameters", "encrypted") != "true", "%s: volumes are not encrypted", c.Name)
		out.add(text(c, "reclaimPolicy") != "Delete", "%s: volumes outlive their claims", c.Name)
		out.add(text(c, "volumeBindingMode") != "WaitForFirstConsumer",
			"%s: a volume may be in a zone without a node for its pod", c.Name)
	}
	for _, g := range w.of("aws:cloudwatch/logGroup:LogGroup") {
		out.add(text(g, "retentionInDays") == "" || text(g, "retentionInDays") == "0", "%s: logs are kept for ever", g.Name)
	}
	return out
}

// lifecycle: versions and unfinished uploads end; live state does not.
func lifecycle(out *report, w *World, bucket, prefix string) {
	versions, uploads := false, false
	rules := w.resource(prefix + "-lifecycle")
	for i := range untyped.List(rules.At("rules")) {
		at := func(path ...any) string { return text(rules, append([]any{"rules", i}, path...)...) }
		if at("status") != "Enabled" {
			continue
		}
		versions = versions || at("noncurrentVersionExpiration", "noncurrentDays") != ""
		uploads = uploads || at("abortIncompleteMultipartUpload", "daysAfterInitiation") != ""
		out.add(at("expiration", "days") != "" && at("filter", "prefix") != "logs/",
			"%s: rule %q expires live objects of %q: a running job loses its state", bucket, at("id"), at("filter", "prefix"))
	}
	out.add(!versions, "%s: old versions are kept, and billed, for ever", bucket)
	out.add(!uploads, "%s: unfinished uploads are kept, and billed, for ever", bucket)
}
