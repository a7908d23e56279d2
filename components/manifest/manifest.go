// SPDX-License-Identifier: Apache-2.0

// Package manifest registers Kubernetes objects in the form of their YAML. It uses the same resources as the typed
// packages of the SDK (kubernetes:core/v1:Namespace) without importing them: each package that imports them takes ten
// seconds more to compile, since their types reach every generic output of Pulumi's SDK. The strict validation of the
// API server finds in a test what types would have found (TestEveryManifestIsStrictlyAdmitted).
package manifest

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/utilities"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args are an object.
type Args struct {
	// APIVersion and Kind are the object's: "v1" and "Namespace".
	APIVersion, Kind string
	// Name is the object's name. It is given rather than generated, so that people find it.
	Name string
	// Namespace is where the object lives, "" for one of the cluster.
	Namespace string
	// Annotations and Labels are those of its metadata.
	Annotations, Labels pulumi.StringMap
	// Fields are everything except apiVersion, kind and metadata.
	Fields pulumi.Map
}

// Object is an object of the cluster.
type Object struct {
	pulumi.CustomResourceState
}

// Token is the Pulumi type of an object: the core group has a name there.
func Token(apiVersion, kind string) string {
	if !strings.Contains(apiVersion, "/") {
		apiVersion = "core/" + apiVersion
	}
	return "kubernetes:" + apiVersion + ":" + kind
}

// New registers an object.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Object, error) {
	if args == nil || args.APIVersion == "" || args.Kind == "" || args.Name == "" {
		return nil, fmt.Errorf("object %q: %w", name, errors.New("no API version, kind or name"))
	}
	metadata := pulumi.Map{"name": pulumi.String(args.Name)}
	if args.Namespace != "" {
		metadata["namespace"] = pulumi.String(args.Namespace)
	}
	if len(args.Annotations) > 0 {
		metadata["annotations"] = args.Annotations
	}
	if len(args.Labels) > 0 {
		metadata["labels"] = args.Labels
	}
	inputs := pulumi.Map{"apiVersion": pulumi.String(args.APIVersion), "kind": pulumi.String(args.Kind), "metadata": metadata}
	maps.Copy(inputs, args.Fields)
	o := &Object{}
	if err := ctx.RegisterResource(Token(args.APIVersion, args.Kind), name, inputs, o,
		utilities.PkgResourceDefaultOpts(opts)...); err != nil {
		return nil, fmt.Errorf("create %s %q: %w", args.Kind, args.Name, err)
	}
	return o, nil
}
