// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// OperatorServiceAccount is the operator's service account, which IAM trusts.
const OperatorServiceAccount = "emr-containers-sa-flink-operator"

// OperatorImages is the prefix of the operator's images in us-west-2: EMR's chart takes them from EMR's registry of the region.
const OperatorImages = "895885662937.dkr.ecr.us-west-2.amazonaws.com/flink/"

// emrAccounts own EMR's registries. Source: EMR on EKS Development Guide, "How to select a base image URI".
const emrAccounts = "us-east-1 755674844232 us-east-2 711395599931 us-west-1 608033475327 us-west-2 895885662937 " +
	"ca-central-1 351826393999 sa-east-1 052806832358 eu-west-1 483788554619 eu-west-2 118780647275 eu-west-3 307523725174 " +
	"eu-central-1 107292555468 eu-central-2 314408114945 eu-north-1 830386416364 eu-south-1 238014973495 eu-south-2 " +
	"350796622945 ap-northeast-1 059004520145 ap-northeast-2 996579266876 ap-northeast-3 705689932349 " +
	"ap-southeast-1 671219180197 ap-southeast-2 038297999601 ap-southeast-3 946962994502 ap-south-1 235914868574 " +
	"ap-south-2 691480105545 ap-east-1 736135916053 me-south-1 008085056818 " +
	"me-central-1 818935616732 il-central-1 395734710648 af-south-1 358491847878 " +
	"us-gov-west-1 299385240661 us-gov-east-1 299393998622 cn-north-1 068337069695 cn-northwest-1 068420816659"

// emrRegistry is EMR's registry of a region, "" where the guide names none.
func emrRegistry(region string) string {
	_, rest, found := strings.Cut(emrAccounts, region+" ")
	if !found || region == "" {
		return ""
	}
	suffix := ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		suffix += ".cn"
	}
	return rest[:12] + ".dkr.ecr." + region + suffix
}

type flinkOperatorValues struct {
	EMRContainers struct {
		AWSRegion                string `json:"awsRegion"`
		EMRReleaseLabel          string `json:"emrReleaseLabel"`
		OperatorExecutionRoleARN string `json:"operatorExecutionRoleArn"`
	} `json:"emrContainers"`
	Replicas                int      `json:"replicas"`
	HighAvailabilityEnabled bool     `json:"highAvailabilityEnabled"`
	WatchNamespaces         []string `json:"watchNamespaces"`
	OperatorPod             struct {
		placement

		Env         objects           `json:"env"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		Webhook     struct {
			Resources object `json:"resources"`
		} `json:"webhook"`
	} `json:"operatorPod"`
	PodSecurityContext object `json:"podSecurityContext"`
	Webhook            struct {
		Create   bool `json:"create"`
		Keystore struct {
			UseDefaultPassword bool   `json:"useDefaultPassword"`
			PasswordSecretRef  object `json:"passwordSecretRef"`
		} `json:"keystore"`
	} `json:"webhook"`
	DefaultConfiguration struct {
		Create   bool   `json:"create"`
		Append   bool   `json:"append"`
		Flink    string `json:"flink-conf.yaml"`
		Operator string `json:"log4j-operator.properties"`
		Console  string `json:"log4j-console.properties"`
	} `json:"defaultConfiguration"`
	JobServiceAccount struct {
		Create      bool              `json:"create"`
		Annotations map[string]string `json:"annotations"`
	} `json:"jobServiceAccount"`
	RBAC struct {
		JobRole        created `json:"jobRole"`
		JobRoleBinding created `json:"jobRoleBinding"`
	} `json:"rbac"`
	Metrics struct {
		Port int `json:"port"`
	} `json:"metrics"`
	OperatorHealth struct {
		Port int `json:"port"`
	} `json:"operatorHealth"`
	Prometheus struct {
		Enabled bool `json:"enabled"`
	} `json:"prometheus"`
	MonitoringConfiguration object `json:"monitoringConfiguration"`
}

type created struct {
	Create bool `json:"create"`
}

// Image is the operator's image: that of the release label.
func (v *flinkOperatorValues) Image() string {
	label := v.EMRContainers.EMRReleaseLabel
	i := strings.LastIndex(label, "-")
	return emrRegistry(v.EMRContainers.AWSRegion) + "/flink/" + label[:i] + ":" + label[i+1:]
}

// Config is flink-conf.yaml: what the chart sets, and what the values add.
func (v *flinkOperatorValues) Config(r Request) string {
	out := "taskmanager.numberOfTaskSlots: 1\nparallelism.default: 1\n"
	if v.HighAvailabilityEnabled {
		out += "kubernetes.operator.leader-election.enabled: true\n" +
			"kubernetes.operator.leader-election.lease-name: " + r.Release + "-" + r.Namespace + "-lease\n"
	}
	return out + v.DefaultConfiguration.Flink
}

// operatorLabel is the form of an operator image's release label.
var operatorLabel = regexp.MustCompile(`^emr-7\.\d+\.0-flink-k8s-operator-(latest|\d{8})$`)

func (v *flinkOperatorValues) validate() error {
	switch {
	case !operatorLabel.MatchString(v.EMRContainers.EMRReleaseLabel):
		return fmt.Errorf("emrContainers.emrReleaseLabel %q: want emr-7.x.0-flink-k8s-operator-latest or -YYYYMMDD",
			v.EMRContainers.EMRReleaseLabel)
	case v.Replicas > 1 && !v.HighAvailabilityEnabled:
		return fmt.Errorf("replicas: %d without highAvailabilityEnabled: only one replica works without leader election",
			v.Replicas)
	case emrRegistry(v.EMRContainers.AWSRegion) == "":
		return fmt.Errorf("emrContainers.awsRegion %q: EMR's documentation names no registry of its own there",
			v.EMRContainers.AWSRegion)
	}
	return nil
}

func flinkOperator(_ Charts, r Request) (out []*unstructured.Unstructured, err error) {
	v := &flinkOperatorValues{Replicas: 2, HighAvailabilityEnabled: true}
	v.EMRContainers.EMRReleaseLabel = "emr-" + r.Version + "-flink-k8s-operator-latest"
	v.PodSecurityContext = object{"runAsUser": 9999, "runAsGroup": 9999}
	v.Webhook.Create, v.Webhook.Keystore.UseDefaultPassword = true, true
	v.DefaultConfiguration.Create, v.DefaultConfiguration.Append = true, true
	v.OperatorHealth.Port = 8085
	if err := decode(r.Values, v); err != nil {
		return nil, err
	}
	if err := v.validate(); err != nil {
		return nil, err
	}
	out, err = execute("flink-operator.yaml", r, operatorVersion(r.Version), v)
	return out, err
}

// emrRelease accepts the EMR releases whose operator is based on the open-source
// operator 1.10, whose CRDs are at hand.
func emrRelease(version string) error {
	for minor := 6; minor <= 14; minor++ {
		if version == fmt.Sprintf("7.%d.0", minor) {
			return nil
		}
	}
	return fmt.Errorf("version %q: the stand-in is of EMR 7.6.0 to 7.14.0", version)
}

// operatorVersion is the operator's own version in an EMR release, as far as it
// is published (EMR on EKS Development Guide, the pages of the releases).
func operatorVersion(release string) string {
	if v, ok := map[string]string{
		"7.6.0": "1.10.0-amzn-0", "7.7.0": "1.10.0-amzn-0", "7.8.0": "1.10.0-amzn-2", "7.9.0": "1.10.0-amzn-3",
		"7.10.0": "1.10.0-amzn-4",
	}[release]; ok {
		return v
	}
	return "1.10.0-amzn"
}
