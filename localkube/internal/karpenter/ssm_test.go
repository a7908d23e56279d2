// SPDX-License-Identifier: Apache-2.0

package karpenter

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
)

// Karpenter reads the ids of images with a client of our own in the place of the SDK's.
func TestParametersAreReadAsTheSDKReadsThem(t *testing.T) {
	t.Parallel()
	const name = "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/recommended/image_id"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Name string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		if target := r.Header.Get("X-Amz-Target"); target != "AmazonSSM.GetParameter" {
			t.Errorf("called %q", target)
		}
		if by := r.Header.Get("Authorization"); !strings.Contains(by, "/us-west-2/ssm/aws4_request") {
			t.Errorf("signed with %q", by)
		}
		answer := `{"Parameter":{"Name":"` + name + `","Type":"String","Value":"ami-1"}}`
		if in.Name != name {
			w.WriteHeader(http.StatusBadRequest)
			answer = `{"__type":"com.amazonaws.ssm#ParameterNotFound","message":"no such parameter"}`
		}
		if _, err := w.Write([]byte(answer)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	client := ssm.NewFromConfig(aws.Config{
		Region: "us-west-2", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})
	out, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(name)})
	if err != nil || *out.Parameter.Value != "ami-1" {
		t.Fatalf("read %v, %v", out, err)
	}
	_, err = client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/none")})
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "ParameterNotFound" || !strings.Contains(err.Error(), "SSM: GetParameter") {
		t.Fatalf("refused with %v", err)
	}
}
