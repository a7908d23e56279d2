// SPDX-License-Identifier: Apache-2.0

package awswire_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/account"
)

// TestParametersAreRefusedAsOnAWS has what Amazon's clients let through, and what they check themselves but others do not.
func TestParametersAreRefusedAsOnAWS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(account.KindLogGroup, account.Props{"name": "/a"})
	require.NoError(t, w.account.Logs.Create("/a", "s"))
	queue := w.create(account.KindQueue, account.Props{"name": "q"}).ID
	const simulated = "is not simulated"
	for _, c := range []struct{ service, op, body, code, says string }{
		{"logs", "DescribeLogGroups", `{"limit":51}`, "InvalidParameterException",
			"1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member must have value less than " +
				"or equal to 50"},
		{"logs", "DescribeLogGroups", `{"limit":0,"logGroupNamePrefix":"a b"}`, "InvalidParameterException",
			"2 validation errors detected: "},
		{"logs", "DescribeLogGroups", `{"nextToken":"%"}`, "InvalidParameterException", "The specified nextToken is invalid."},
		{"logs", "DescribeLogGroups", `{"logGroupNamePrefix":"/a","logGroupNamePattern":"a"}`, "InvalidParameterException",
			"mutually exclusive"},
		{"logs", "DescribeLogGroups", `{"includeLinkedAccounts":true}`, "NotImplemented", simulated},
		{"logs", "DescribeLogGroups", `{"limit":"x"}`, "InvalidParameterException", "Member must be a number"},
		{"logs", "DescribeLogGroups", `[]`, "SerializationException", ""},
		{"logs", "CreateLogGroup", `{"logGroupName":"/a b"}`, "InvalidParameterException",
			`Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`},
		{"logs", "CreateLogGroup", `{"logGroupName":"/a"}`, "ResourceAlreadyExistsException", "already exists"},
		{"logs", "CreateLogGroup", `{"logGroupName":"/b","logGroupClass":"INFREQUENT_ACCESS"}`, "NotImplemented",
			"INFREQUENT_ACCESS"},
		{"logs", "DeleteLogGroup", `{}`, "InvalidParameterException", "Value null at 'logGroupName'"},
		{"logs", "DeleteLogGroup", `{"logGroupName":null}`, "InvalidParameterException", "Member must not be null"},
		{"logs", "DeleteLogGroup", `{"logGroupName":"` + strings.Repeat("a", 513) + `"}`, "InvalidParameterException",
			"Member must have length less than or equal to 512"},
		{"logs", "PutLogEvents", `{"logGroupName":"/a","logStreamName":"none","logEvents":[{"timestamp":1,"message":"x"}]}`,
			"ResourceNotFoundException", "The specified log stream does not exist."},
		{"logs", "FilterLogEvents", `{"logGroupName":"/a","filterPattern":"{ $.a = 1 }"}`, "NotImplemented", "JSON"},
		{"logs", "FilterLogEvents", `{"logGroupName":"/a","filterPattern":"a:b"}`, "InvalidParameterException", "double quotes"},
		{"logs", "FilterLogEvents", `{"logGroupName":"/a","logStreamNamePrefix":"a","logStreamNames":["a"]}`,
			"InvalidParameterException", "mutually exclusive"},
		{"logs", "FilterLogEvents", `{}`, "InvalidParameterException", "Exactly one of"},
		{"logs", "FilterLogEvents", `{"logGroupIdentifier":"arn:aws:logs:us-west-2:111122223333:log-group:/a:*"}`,
			"InvalidParameterException", "regular expression"},
		{"logs", "GetLogEvents", `{"logGroupName":"/a"}`, "InvalidParameterException", "Value null at 'logStreamName'"},
		{"logs", "GetLogEvents", `{"logStreamName":"s"}`, "InvalidParameterException", "Exactly one of"},
		{"logs", "GetLogEvents", `{"logGroupName":"/a","logStreamName":"none"}`, "ResourceNotFoundException",
			"The specified log stream does not exist."},
		{"logs", "GetLogEvents", `{"logGroupName":"/a","logStreamName":"s","limit":10001}`, "InvalidParameterException", "10000"},
		{"logs", "GetLogEvents", `{"logGroupName":"/a","logStreamName":"s","startFromHead":true,"nextToken":"x"}`,
			"InvalidParameterException", "The specified nextToken is invalid."},
		{"logs", "DescribeLogStreams", `{"logGroupName":"/none"}`, "ResourceNotFoundException", "log group does not exist"},
		{"logs", "DescribeLogStreams", `{"logGroupName":"/a","orderBy":"Size"}`, "InvalidParameterException",
			"enum value set: [LogStreamName, LastEventTime]"},
		{"logs", "DescribeLogStreams", `{"logGroupName":"/a","orderBy":"LastEventTime","logStreamNamePrefix":"s"}`,
			"InvalidParameterException", "Cannot order by LastEventTime"},
		{"logs", "DescribeLogStreams", `{"logGroupName":"/a","limit":51}`, "InvalidParameterException", "50"},
		{"logs", "DescribeLogStreams", `{"logGroupName":"/a","nextToken":"%"}`, "InvalidParameterException", "nextToken"},
		{"logs", "StartQuery", `{}`, "NotImplemented", "logs:StartQuery " + simulated},
		{"sqs", "ReceiveMessage", `{}`, "MissingParameter", "The request must contain the parameter QueueUrl."},
		{"sqs", "ReceiveMessage", `{"QueueUrl":"` + queue + `","MaxNumberOfMessages":0}`, "InvalidParameterValue",
			"Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
		{"sqs", "ReceiveMessage", `{"QueueUrl":"` + queue + `","WaitTimeSeconds":21}`, "InvalidParameterValue",
			"between 0 and 20"},
		{"sqs", "ReceiveMessage", `{"QueueUrl":"` + queue + `","AttributeNames":["Colour"]}`, "InvalidAttributeName",
			"Unknown Attribute Colour."},
		{"sqs", "SendMessage", `{"QueueUrl":"` + queue + `","MessageBody":"x","DelaySeconds":5}`, "NotImplemented", simulated},
		{"sqs", "GetQueueUrl", `{"QueueName":"q","QueueOwnerAWSAccountId":"999999999999"}`, "QueueDoesNotExist",
			"does not exist"},
		{"sqs", "ListQueues", `{"NextToken":"%"}`, "InvalidParameterValue", "next token"},
		{"sqs", "GetQueueAttributes", `{"QueueUrl":"` + queue + `","AttributeNames":["Colour"]}`, "InvalidAttributeName",
			"Unknown Attribute Colour."},
		{"sqs", "GetQueueAttributes", `{"QueueUrl":"none"}`, "QueueDoesNotExist", "does not exist"},
		{"sqs", "PurgeQueue", `{"QueueUrl":"none"}`, "QueueDoesNotExist", "does not exist"},
		{"sqs", "ChangeMessageVisibility", `{"QueueUrl":"` + queue + `","ReceiptHandle":"x"}`, "MissingParameter",
			"VisibilityTimeout"},
		{"sqs", "ChangeMessageVisibility", `{"QueueUrl":"` + queue + `","ReceiptHandle":"x","VisibilityTimeout":43201}`,
			"InvalidParameterValue", "between 0 and 43200"},
		{"sqs", "ChangeMessageVisibility", `{"QueueUrl":"` + queue + `","ReceiptHandle":"x","VisibilityTimeout":0}`,
			"ReceiptHandleIsInvalid", "invalid"},
		{"sqs", "SetQueueAttributes", `{}`, "NotImplemented", "sqs:SetQueueAttributes " + simulated},
	} {
		target := map[string]string{"logs": "Logs_20140328.", "sqs": "AmazonSQS."}[c.service] + c.op
		a, m := w.target(w.cfg, c.service, target, c.body)
		require.Equal(t, c.code, m["__type"], "%s %s: %s", c.op, c.body, a.body)
		require.Contains(t, m["message"], c.says, c.op)
		if c.service == "sqs" && c.code != "QueueDoesNotExist" {
			require.Equal(t, c.code+";", a.header.Get("X-Amzn-Query-Error")[:len(c.code)+1])
		}
	}

	roles, id := w.iam(w.cfg), sts.NewFromConfig(w.cfg)
	for want, call := range map[string]func() error{
		"ValidationError: 1 validation error detected: Value '1001' at 'maxItems' failed to satisfy constraint: " +
			"Member must have value less than or equal to 1000": func() error {
			_, err := roles.ListRoles(t.Context(), &iam.ListRolesInput{MaxItems: aws.Int32(1001)})
			return err
		},
		"ValidationError: Invalid Marker.": func() error {
			_, err := roles.ListInstanceProfiles(t.Context(), &iam.ListInstanceProfilesInput{Marker: aws.String("%")})
			return err
		},
		`ValidationError: 1 validation error detected: Value 'a' at 'pathPrefix' failed to satisfy constraint: ` +
			`Member must satisfy regular expression pattern: \u002F[\u0021-\u007F]*`: func() error {
			_, err := roles.ListRoles(t.Context(), &iam.ListRolesInput{PathPrefix: aws.String("a")})
			return err
		},
		"NoSuchEntity: The role with name none cannot be found.": func() error {
			_, err := roles.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("none")})
			return err
		},
		"NotImplemented: iam:ListUsers is not simulated by emrflink's local target": func() error {
			_, err := roles.ListUsers(t.Context(), &iam.ListUsersInput{})
			return err
		},
		"NotImplemented: sts:GetSessionToken is not simulated by emrflink's local target": func() error {
			_, err := id.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
			return err
		},
		"NotImplemented: sts:AssumeRole with the parameter Policy is not simulated by emrflink's local target": func() error {
			_, err := id.AssumeRole(t.Context(), &sts.AssumeRoleInput{
				RoleArn: aws.String("arn:aws:iam::111122223333:role/x"), RoleSessionName: aws.String("ab"),
				Policy: aws.String("{}"),
			})
			return err
		},
		"ValidationError: 1 validation error detected: Value null at 'awsServiceName' failed to satisfy constraint: " +
			"Member must not be null": func() error {
			a := w.call(t.Context(), w.cfg, "iam", "POST", "/", nil, "Action=CreateServiceLinkedRole&Version=2010-05-08")
			return formError(t, a)
		},
	} {
		var api smithy.APIError
		require.ErrorAs(t, call(), &api)
		require.Equal(t, want, api.ErrorCode()+": "+api.ErrorMessage())
	}
}

// formError reads the error of the query protocol as its clients do.
func formError(t *testing.T, a answered) error {
	t.Helper()
	var doc struct {
		Error struct{ Code, Message string }
	}
	require.NoError(t, xml.Unmarshal(a.body, &doc), string(a.body))
	return &smithy.GenericAPIError{Code: doc.Error.Code, Message: doc.Error.Message}
}

// pagesOf asks for a list page by page, and deletes what each page has before it asks for the next.
func (w *world) pagesOf(service, target, list, token, body string, remove func(item any)) [][]any {
	w.t.Helper()
	var pages [][]any
	next := ""
	for {
		_, m := w.target(w.cfg, service, target, strings.Replace(body, "{", `{`+next, 1))
		items, _ := m[list].([]any)
		for _, item := range items {
			remove(item)
		}
		pages = append(pages, items)
		if m[token] == nil {
			return pages
		}
		next = fmt.Sprintf(`"%s":%q,`, strings.ToUpper(token[:1])+token[1:], m[token])
		if service == "logs" {
			next = fmt.Sprintf(`"%s":%q,`, token, m[token])
		}
	}
}

func TestListsHavePagesThatLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 7 {
		w.create(account.KindLogGroup, account.Props{"name": fmt.Sprint("/team/", i)})
		w.create(account.KindQueue, account.Props{"name": fmt.Sprint("q", i)})
		w.create(account.KindInstanceProfile, account.Props{"name": fmt.Sprint("p", 6-i), "path": "/team/"})
	}
	w.create(account.KindLogGroup, account.Props{"name": "/other"})
	groups := w.pagesOf("logs", "Logs_20140328.DescribeLogGroups", "logGroups", "nextToken",
		`{"logGroupNamePrefix":"/team","limit":3}`, func(item any) {
			name, _ := item.(map[string]any)["logGroupName"].(string)
			require.NoError(t, w.account.Delete(t.Context(), account.Caller{}, account.KindLogGroup, name))
		})
	require.Equal(t, []int{3, 3, 1}, lengths(groups))
	queues := w.pagesOf("sqs", "AmazonSQS.ListQueues", "QueueUrls", "NextToken", `{"QueueNamePrefix":"q","MaxResults":3}`,
		func(item any) {
			require.NoError(t, w.account.Delete(t.Context(), account.Caller{}, account.KindQueue, item.(string)))
		})
	require.Equal(t, []int{3, 3, 1}, lengths(queues))
	_, m := w.target(w.cfg, "logs", "Logs_20140328.DescribeLogGroups", `{"logGroupNamePattern":"the"}`)
	require.Len(t, m["logGroups"], 1)

	c := w.iam(w.cfg)
	var names []string
	three := &iam.ListInstanceProfilesInput{PathPrefix: aws.String("/team/"), MaxItems: aws.Int32(3)}
	p := iam.NewListInstanceProfilesPaginator(c, three)
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.InstanceProfiles), 3)
		for _, one := range page.InstanceProfiles {
			name := one.InstanceProfileName
			names = append(names, *name)
			_, err := c.DeleteInstanceProfile(t.Context(), &iam.DeleteInstanceProfileInput{InstanceProfileName: name})
			require.NoError(t, err)
		}
	}
	require.Equal(t, []string{"p0", "p1", "p2", "p3", "p4", "p5", "p6"}, names, "in the order of their names")
	for i := range 101 {
		w.role(fmt.Sprintf("r%03d", i), "ec2.amazonaws.com", "")
	}
	first, err := c.ListRoles(t.Context(), &iam.ListRolesInput{})
	require.NoError(t, err)
	require.Len(t, first.Roles, 100, "a page that nobody limits")
	require.True(t, first.IsTruncated)
	rest, err := c.ListRoles(t.Context(), &iam.ListRolesInput{Marker: first.Marker})
	require.NoError(t, err)
	require.Len(t, rest.Roles, 1)
	require.False(t, rest.IsTruncated)
}

func lengths(pages [][]any) (out []int) {
	for _, p := range pages {
		out = append(out, len(p))
	}
	return out
}

func TestLogStreamsAndEventsAreAsOnAWS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(account.KindLogGroup, account.Props{"name": "/a"})
	do := func(op, body string) map[string]any {
		_, m := w.target(w.cfg, "logs", "Logs_20140328."+op, body)
		return m
	}
	const stream = `{"logGroupName":"/a","logStreamName":"s"}`
	require.Empty(t, do("CreateLogStream", stream))
	require.Equal(t, "ResourceAlreadyExistsException", do("CreateLogStream", stream)["__type"])
	put := `{"logGroupName":"/a","logStreamName":"s","logEvents":[`
	for i, text := range []string{"ERROR no space", "INFO: all is well", "WARN no space", "ERROR time-out"} {
		put += fmt.Sprintf(`{"timestamp":%d,"message":%q},`, 1000+i/2, text)
	}
	put = strings.TrimSuffix(put, ",")
	require.Empty(t, do("PutLogEvents", put+`]}`))
	for _, wrong := range []string{
		put + `,{"timestamp":1,"message":"out of order"}]}`, strings.TrimSuffix(stream, "}") + `,"logEvents":[]}`,
	} {
		require.Equal(t, "InvalidParameterException", do("PutLogEvents", wrong)["__type"])
	}
	pages := w.pagesOf("logs", "Logs_20140328.FilterLogEvents", "events", "nextToken", `{"logGroupName":"/a","limit":3}`,
		func(any) {})
	require.Equal(t, []int{3, 1}, lengths(pages))
	for filter, want := range map[string]int{
		``: 4, `ERROR`: 2, `error`: 0, `"no space"`: 2, `"no space" -WARN`: 1, `?INFO ?WARN`: 2, `ERROR ?INFO`: 2, `-ERROR`: 2,
		`"time-out"`: 1,
	} {
		raw, err := json.Marshal(map[string]string{
			"logGroupIdentifier": "arn:aws:logs:us-west-2:111122223333:log-group:/a", "filterPattern": filter,
		})
		require.NoError(t, err)
		answer := do("FilterLogEvents", string(raw))
		require.Len(t, answer["events"], want, "%s: %v", filter, answer)
	}
}

// A client of before November 2023 asks SQS with a form and reads XML.
func TestQueuesAnswerOlderClientsToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.create(account.KindQueue, account.Props{"name": "q", "tags": account.Props{"team": "a"}}).ID
	ask := func(path string, values ...string) answered {
		form := url.Values{"Version": {"2012-11-05"}}
		for i := 0; i < len(values); i += 2 {
			form.Set(values[i], values[i+1])
		}
		header := map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
		return w.call(t.Context(), w.cfg, "sqs", "POST", path, header, form.Encode())
	}
	read := func(a answered, into any) {
		require.Equal(t, 200, a.status, string(a.body))
		require.NoError(t, xml.Unmarshal(a.body, into), string(a.body))
	}
	var found struct {
		URL string `xml:"GetQueueUrlResult>QueueUrl"`
	}
	read(ask("/", "Action", "GetQueueUrl", "QueueName", "q"), &found)
	require.Equal(t, at, found.URL)
	var listed struct {
		URLs []string `xml:"ListQueuesResult>QueueUrl"`
		Next string   `xml:"ListQueuesResult>NextToken"`
	}
	w.create(account.KindQueue, account.Props{"name": "r"})
	read(ask("/", "Action", "ListQueues", "MaxResults", "1"), &listed)
	require.Equal(t, []string{at}, listed.URLs)
	require.NotEmpty(t, listed.Next)
	var sent struct {
		Sum string `xml:"SendMessageResult>MD5OfMessageBody"`
	}
	read(ask("/", "Action", "SendMessage", "QueueUrl", at, "MessageBody", "12"), &sent)
	require.Equal(t, "c20ad4d76fe97759aa27a0c99bff6710", sent.Sum)
	var got struct {
		Messages []struct {
			Body, ReceiptHandle string
			Attribute           []struct{ Name, Value string }
		} `xml:"ReceiveMessageResult>Message"`
	}
	path, err := url.Parse(at)
	require.NoError(t, err)
	read(ask(path.Path, "Action", "ReceiveMessage", "MaxNumberOfMessages", "10", "AttributeName.1", "ApproximateReceiveCount"),
		&got)
	require.Len(t, got.Messages, 1, "the queue is the one at whose URL is asked")
	require.Equal(t, "12", got.Messages[0].Body)
	require.Equal(t, "1", got.Messages[0].Attribute[0].Value)
	receipt := got.Messages[0].ReceiptHandle
	require.Equal(t, 200, ask("/", "Action", "DeleteMessage", "QueueUrl", at, "ReceiptHandle", receipt).status)
	require.Zero(t, w.account.Queues.Count(at))
	var tags struct {
		Tags []struct{ Key, Value string } `xml:"ListQueueTagsResult>Tag"`
	}
	read(ask("/", "Action", "ListQueueTags", "QueueUrl", at), &tags)
	require.Equal(t, "team", tags.Tags[0].Key)
	require.ErrorContains(t, formError(t, ask("/", "Action", "GetQueueUrl", "QueueName", "none")),
		"AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist.")
	require.ErrorContains(t, formError(t, ask("/", "Action", "SetQueueAttributes", "QueueUrl", at)),
		"NotImplemented: sqs:SetQueueAttributes")
	var has struct {
		Attribute []struct{ Name, Value string } `xml:"GetQueueAttributesResult>Attribute"`
	}
	read(ask(path.Path, "Action", "GetQueueAttributes", "AttributeName.1", "QueueArn"), &has)
	require.Len(t, has.Attribute, 1)
	require.Equal(t, "arn:aws:sqs:us-west-2:111122223333:q", has.Attribute[0].Value)
	require.ErrorContains(t, formError(t, ask("/")), "MissingAction")
}

func TestAMessageTellsItsHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.create(account.KindQueue, account.Props{"name": "q", "visibilityTimeoutSeconds": 0, "receiveWaitTimeSeconds": 1}).ID
	require.NoError(t, w.account.Queues.Send(at, "hello"))
	for n := 1; n <= 2; n++ {
		_, m := w.target(w.cfg, "sqs", "AmazonSQS.ReceiveMessage",
			fmt.Sprintf(`{"QueueUrl":%q,"MessageSystemAttributeNames":["All"],"MessageAttributeNames":["All"]}`, at))
		message, _ := m["Messages"].([]any)[0].(map[string]any)
		attributes, _ := message["Attributes"].(map[string]any)
		require.Equal(t, fmt.Sprint(n), attributes["ApproximateReceiveCount"])
		require.NotEmpty(t, attributes["SentTimestamp"])
		require.NotEmpty(t, attributes["ApproximateFirstReceiveTimestamp"])
	}
	require.NoError(t, w.account.Delete(t.Context(), account.Caller{}, account.KindQueue, at))
}

func TestSessionsLastAsLongAsTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role("a", "ec2.amazonaws.com", allow("*", "", "sts:AssumeRole"))
	long := w.create(account.KindRole, account.Props{
		"name": "long", "maxSessionDuration": 7200.0, "assumeRolePolicy": role.Props["assumeRolePolicy"],
	})
	assume := func(cfg aws.Config, arn string, seconds int32) (time.Duration, error) {
		out, err := sts.NewFromConfig(cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: &arn, RoleSessionName: aws.String("test"), DurationSeconds: aws.Int32(seconds),
		})
		if err != nil {
			return 0, err
		}
		return time.Until(*out.Credentials.Expiration).Round(time.Minute), nil
	}
	life, err := assume(w.cfg, long.ARN, 7200)
	require.NoError(t, err)
	require.Equal(t, 2*time.Hour, life)
	life, err = assume(w.cfg, role.ARN, 900)
	require.NoError(t, err)
	require.Equal(t, 15*time.Minute, life)
	_, err = assume(w.cfg, role.ARN, 3601)
	require.ErrorContains(t, err, "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration")
	_, err = assume(w.as(role), long.ARN, 3601)
	require.ErrorContains(t, err, "role chaining")
	_, err = assume(w.cfg, role.ARN, 899)
	require.ErrorContains(t, err, "greater than or equal to 900")
}

func TestDocumentsOfIAMAreReadByItsClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.role("a", "ec2.amazonaws.com", "")
	w.create(account.KindOIDCProvider, account.Props{
		"url": "https://example.com/id", "clientIdLists": []any{"sts.amazonaws.com"},
		"thumbprintLists": []any{strings.Repeat("a", 40)},
	})
	own := w.create(account.KindPolicy, account.Props{"name": "own", "policy": allow("*", "", "s3:GetObject")})
	w.create(account.KindRolePolicyAttachment, account.Props{"role": "a", "policyArn": own.ARN})
	c := w.iam(w.cfg)
	for _, name := range []string{"a", "AWSServiceRoleForEC2Spot"} {
		role, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &name})
		require.NoError(t, err)
		document, err := url.PathUnescape(*role.Role.AssumeRolePolicyDocument) // which leaves a plus sign as it is
		require.NoError(t, err)
		require.True(t, json.Valid([]byte(document)), document)
	}
	all, err := c.ListOpenIDConnectProviders(t.Context(), &iam.ListOpenIDConnectProvidersInput{})
	require.NoError(t, err)
	provider, err := c.GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{
		OpenIDConnectProviderArn: all.OpenIDConnectProviderList[0].Arn,
	})
	require.NoError(t, err)
	require.Equal(t, []string{"sts.amazonaws.com"}, provider.ClientIDList)
	require.Len(t, provider.ThumbprintList, 1)
	policy, err := c.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: &own.ARN})
	require.NoError(t, err)
	require.Equal(t, int32(1), *policy.Policy.AttachmentCount)
	require.NotEmpty(t, *policy.Policy.PolicyId)
	version, err := c.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{
		PolicyArn: &own.ARN, VersionId: policy.Policy.DefaultVersionId,
	})
	require.NoError(t, err)
	document, err := url.PathUnescape(*version.PolicyVersion.Document)
	require.NoError(t, err)
	require.JSONEq(t, allow("*", "", "s3:GetObject"), document)
	_, err = c.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: &own.ARN, VersionId: aws.String("v2")})
	require.Equal(t, "NoSuchEntity", code(t, err))
}

// Amazon's client for Python, where there is one: it parses what the Go client does not, and has an exception for each error.
func TestThePythonClientParsesWhatIsAnswered(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("testdata/clients.py") // here, so that Go sees that the test depends on it
	require.NoError(t, err)
	w := newWorld(t)
	w.create(account.KindQueue, account.Props{"name": "q"})
	cmd := exec.CommandContext(t.Context(), "python3", "-", w.url, account.StaticAccessKey, account.StaticSecretKey)
	cmd.Stdin = bytes.NewReader(script)
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) || bytes.Contains(out, []byte("No module named 'boto3'")) {
		t.Skip("there is no boto3")
	}
	require.NoError(t, err, string(out))
}
