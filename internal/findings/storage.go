// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"slices"
	"strings"
)

// buckets are those of a graph, with the name by which others refer to them.
func (g *graph) buckets(visit func(r Resource, name string)) {
	for _, r := range g.of("aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket") {
		visit(r, text(r.Inputs["bucket"]))
	}
}

func bucketPublicAccess(g *graph, rep *reporter) {
	g.buckets(func(r Resource, name string) {
		blocks := g.about(r, "bucket", name, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
		if len(blocks) == 0 {
			rep.add(r, "", "has no public access block")
		}
		for _, b := range blocks {
			for _, setting := range []string{
				"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets",
			} {
				switch v := b.Inputs[setting]; {
				case isUnknown(v):
					rep.skip(b)
				case !isTrue(v):
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
	if s.Effect != "Deny" || !s.everybody() {
		return false
	}
	for op, m := range s.Condition {
		for k, v := range m {
			if strings.EqualFold(op, "Bool") && strings.EqualFold(k, "aws:SecureTransport") &&
				(isFalse(v) || slices.Contains(texts(v), "false")) {
				return true
			}
		}
	}
	return false
}

func bucketVersioning(g *graph, rep *reporter) {
	g.buckets(func(r Resource, name string) {
		if isTrue(at(r.Inputs, "versioning", "enabled")) {
			return
		}
		for _, v := range g.about(r, "bucket", name, "aws:s3/bucketVersioningV2:BucketVersioningV2",
			"aws:s3/bucketVersioning:BucketVersioning") {
			status := at(v.Inputs, "versioningConfiguration", "status")
			if isUnknown(status) {
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
		mappings := list(r.Inputs["blockDeviceMappings"])
		if isUnknown(r.Inputs["blockDeviceMappings"]) {
			rep.skip(r)
		} else if len(mappings) == 0 {
			rep.add(r, "blockDeviceMappings",
				"names no volume: the image's is encrypted only where the account's default says so")
		}
		volumes(rep, r, "blockDeviceMappings", mappings)
	}
	for _, r := range g.of(nodeClassType) {
		volumes(rep, r, "spec.blockDeviceMappings", list(at(r.Inputs, "spec", "blockDeviceMappings")))
	}
	for _, r := range g.of("aws:ebs/volume:Volume") {
		encrypted(rep, r, "encrypted", r.Inputs["encrypted"])
	}
	for _, r := range g.of("kubernetes:storage.k8s.io/v1:StorageClass") {
		if r.Inputs["provisioner"] == "ebs.csi.aws.com" {
			encrypted(rep, r, "parameters.encrypted", at(r.Inputs, "parameters", "encrypted"))
		}
	}
}

func volumes(rep *reporter, r Resource, path string, mappings []any) {
	for _, m := range mappings {
		if at(m, "ebs") != nil {
			encrypted(rep, r, path, at(m, "ebs", "encrypted"))
		}
	}
}

func encrypted(rep *reporter, r Resource, path string, v any) {
	switch {
	case isUnknown(v):
		rep.skip(r)
	case !isTrue(v):
		rep.add(r, path, "is not encrypted")
	}
}
