// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"slices"
	"strings"

	"emrflink/internal/iam"
	"emrflink/internal/untyped"
)

// buckets are those of a graph, with the name by which others refer to them.
func (g *graph) buckets(visit func(r Resource, name string)) {
	for _, r := range g.of("aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket") {
		visit(r, untyped.Known(r.Inputs["bucket"]))
	}
}

func bucketPublicAccess(g *graph, rep *reporter) {
	g.buckets(func(r Resource, name string) {
		blocks := g.about(r, "bucket", name, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
		if len(blocks) == 0 {
			rep.add(r, "", "has no public access block")
		}
		for _, b := range blocks {
			for _, setting := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls",
				"restrictPublicBuckets"} {
				switch v := b.Inputs[setting]; {
				case untyped.IsUnknown(v):
					rep.skip(b)
				case !untyped.IsTrue(v):
					rep.add(b, setting, "%s is not on", setting)
				}
			}
		}
	})
}

// bucketTLS looks for the statement that denies what came without TLS.
func bucketTLS(g *graph, rep *reporter) {
	g.buckets(func(r Resource, name string) {
		for _, p := range g.about(r, "bucket", name, "aws:s3/bucketPolicy:BucketPolicy") {
			hidden := false
			for _, doc := range g.parse(nil, p, "policy", p.Inputs["policy"], func(Resource) { hidden = true }) {
				if slices.ContainsFunc(doc.Statements, deniesPlain) {
					return
				}
			}
			if hidden {
				rep.skip(p)
				return
			}
		}
		rep.add(r, "", "no bucket policy denies access without TLS")
	})
}

func deniesPlain(s statement) bool {
	return s.Effect == "Deny" && s.everybody() && slices.ContainsFunc(s.Conditions, func(c iam.Condition) bool {
		return c.Operator == "Bool" && strings.EqualFold(c.Key, "aws:SecureTransport") && slices.Contains(c.Values, "false")
	})
}

func bucketVersioning(g *graph, rep *reporter) {
	g.buckets(func(r Resource, name string) {
		if untyped.IsTrue(untyped.At(r.Inputs, "versioning", "enabled")) {
			return
		}
		for _, v := range g.about(r, "bucket", name, "aws:s3/bucketVersioningV2:BucketVersioningV2",
			"aws:s3/bucketVersioning:BucketVersioning") {
			status := untyped.At(v.Inputs, "versioningConfiguration", "status")
			if untyped.IsUnknown(status) {
				rep.skip(v)
				return
			}
			if status == "Enabled" {
				return
			}
		}
		rep.add(r, "", "versioning is not enabled")
	})
}

func bucketEncryption(g *graph, rep *reporter) {
	g.buckets(func(r Resource, name string) {
		if r.Inputs["serverSideEncryptionConfiguration"] == nil && len(g.about(r, "bucket", name,
			"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			"aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")) == 0 {
			rep.add(r, "", "has no encryption configuration")
		}
	})
}

// unencryptedVolume: Karpenter's own default volume is encrypted, that of an image is not.
func unencryptedVolume(g *graph, rep *reporter) {
	for _, r := range g.of("aws:ec2/launchTemplate:LaunchTemplate") {
		mappings := untyped.List(r.Inputs["blockDeviceMappings"])
		if untyped.IsUnknown(r.Inputs["blockDeviceMappings"]) {
			rep.skip(r)
		} else if len(mappings) == 0 {
			rep.add(r, "blockDeviceMappings",
				"names no volume: the image's is encrypted only where the account's default says so")
		}
		volumes(rep, r, "blockDeviceMappings", mappings)
	}
	for _, r := range g.of(nodeClassType) {
		volumes(rep, r, "spec.blockDeviceMappings", untyped.List(untyped.At(r.Inputs, "spec", "blockDeviceMappings")))
	}
	for _, r := range g.of("aws:ebs/volume:Volume") {
		encrypted(rep, r, "encrypted", r.Inputs["encrypted"])
	}
	for _, r := range g.of("kubernetes:storage.k8s.io/v1:StorageClass") {
		if r.Inputs["provisioner"] == "ebs.csi.aws.com" {
			encrypted(rep, r, "parameters.encrypted", untyped.At(r.Inputs, "parameters", "encrypted"))
		}
	}
}

func volumes(rep *reporter, r Resource, path string, mappings []any) {
	for _, m := range mappings {
		if untyped.At(m, "ebs") != nil {
			encrypted(rep, r, path, untyped.At(m, "ebs", "encrypted"))
		}
	}
}

func encrypted(rep *reporter, r Resource, path string, v any) {
	switch {
	case untyped.IsUnknown(v):
		rep.skip(r)
	case !untyped.IsTrue(v):
		rep.add(r, path, "is not encrypted")
	}
}
